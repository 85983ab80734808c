#include "nn/adam.h"

#include <cmath>
#include <vector>

namespace sinv {

Adam::Adam(const AdamSettings& settings, std::size_t count, const Stream& stream)
    : settings_(settings),
      stream_(stream),
      state_(stream, fresh_state()),
      moment1_(stream, count),
      moment2_(stream, count) {
  set_learning_rate(settings.learning_rate);
  SINV_CHECK(settings.beta1 >= 0 && settings.beta1 < 1, "adam: beta1 is ", settings.beta1, ", wanted 0 to below 1");
  SINV_CHECK(settings.beta2 >= 0 && settings.beta2 < 1, "adam: beta2 is ", settings.beta2, ", wanted 0 to below 1");
  SINV_CHECK(settings.epsilon > 0, "adam: epsilon is ", settings.epsilon, ", wanted above 0");
  SINV_CHECK(settings.clip_norm >= 0, "adam: clip_norm is ", settings.clip_norm, ", wanted 0 (off) or above");
}

AdamState Adam::fresh_state() const {
  AdamState state;
  state.learning_rate = settings_.learning_rate;
  state.beta1 = settings_.beta1;
  state.beta2 = settings_.beta2;
  state.epsilon = settings_.epsilon;
  state.clip_norm = settings_.clip_norm;
  return state;
}

void Adam::set_learning_rate(float learning_rate) {
  SINV_CHECK(learning_rate >= 0 && std::isfinite(learning_rate), "adam: learning_rate is ", learning_rate,
             ", wanted 0 or above");
  settings_.learning_rate = learning_rate;
  copy_and_wait(stream_, &state_.data()->learning_rate, &settings_.learning_rate, sizeof learning_rate);
}

void Adam::queue_step(const Stream& stream, std::span<const float> gradient, std::span<float> value) {
  adam_step(stream, state_.data(), gradient, value, moment1_.span(), moment2_.span());
}

float Adam::step(const Stream& stream, std::span<const float> gradient, std::span<float> value) {
  queue_step(stream, gradient, value);
  return state_.get().norm;
}

void Adam::reset() {
  state_.put(fresh_state());
  for (DeviceFloats* moment : {&moment1_, &moment2_}) {
    queue_clear(stream_, moment->span().data(), moment->span().size_bytes());
  }
}

void Adam::save(ByteWriter& out) const {
  out.put(state_.get().steps);
  out.put(settings_.learning_rate);
  std::vector<float> values(moment1_.size());
  for (const DeviceFloats* moment : {&moment1_, &moment2_}) {
    moment->get(values);
    out.put_all(std::span<const float>(values));
  }
}

void Adam::load(ByteReader& in) {
  AdamState state = fresh_state();
  in.get(state.steps);
  in.get(state.learning_rate);
  std::vector<float> values(moment1_.size());
  for (DeviceFloats* moment : {&moment1_, &moment2_}) {
    in.get_all(std::span<float>(values));
    moment->put(values);
  }
  settings_.learning_rate = state.learning_rate;
  state_.put(state);
}

}  // namespace sinv
