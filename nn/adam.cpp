#include "nn/adam.h"

#include <algorithm>
#include <cmath>

#include "kernels/step_state.h"

namespace sinv {

Adam::Adam(const AdamSettings& settings, std::size_t count)
    : settings_(settings), moment1_(count, 0.0F), moment2_(count, 0.0F) {
  set_learning_rate(settings.learning_rate);
  SINV_CHECK(settings.beta1 >= 0 && settings.beta1 < 1, "adam: beta1 is ", settings.beta1, ", wanted 0 to below 1");
  SINV_CHECK(settings.beta2 >= 0 && settings.beta2 < 1, "adam: beta2 is ", settings.beta2, ", wanted 0 to below 1");
  SINV_CHECK(settings.epsilon > 0, "adam: epsilon is ", settings.epsilon, ", wanted above 0");
  SINV_CHECK(settings.clip_norm >= 0, "adam: clip_norm is ", settings.clip_norm, ", wanted 0 (off) or above");
}

void Adam::set_learning_rate(float learning_rate) {
  SINV_CHECK(learning_rate >= 0 && std::isfinite(learning_rate), "adam: learning_rate is ", learning_rate,
             ", wanted 0 or above");
  settings_.learning_rate = learning_rate;
}

float Adam::step(const Stream& stream, std::span<const float> gradient, std::span<float> value) {
  const AdamStep step =
      adam_constants(settings_.learning_rate, settings_.beta1, settings_.beta2, settings_.epsilon, steps_ + 1);
  adam_update(stream, step, settings_.clip_norm, gradient, value, moment1_, moment2_, {&norm_, Shape{}});
  if (std::isfinite(norm_)) ++steps_;
  return norm_;
}

void Adam::reset() {
  steps_ = 0;
  std::fill(moment1_.begin(), moment1_.end(), 0.0F);
  std::fill(moment2_.begin(), moment2_.end(), 0.0F);
}

void Adam::save(ByteWriter& out) const {
  out.put(steps_);
  out.put(settings_.learning_rate);
  out.put_all(std::span<const float>(moment1_));
  out.put_all(std::span<const float>(moment2_));
}

void Adam::load(ByteReader& in) {
  in.get(steps_);
  in.get(settings_.learning_rate);
  in.get_all(std::span<float>(moment1_));
  in.get_all(std::span<float>(moment2_));
}

}  // namespace sinv
