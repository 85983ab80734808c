#include "kernels/step_state.h"

#include "kernels/pick.h"

namespace sinv {

void noise_fill_next(const Stream& s, NoiseState* state, std::span<float> out) {
  SINV_CHECK(state != nullptr, "noise_fill_next: no state");
  on_device(s.device, [&](const auto& backend) { backend.noise_fill_next(s, state, out); });
}

void adam_step(const Stream& s, AdamState* state, std::span<const float> gradient, std::span<float> value,
               std::span<float> moment1, std::span<float> moment2) {
  SINV_CHECK(state != nullptr, "adam_step: no state");
  SINV_CHECK(gradient.size() == value.size() && moment1.size() == value.size() && moment2.size() == value.size(),
             "adam_step: ", value.size(), " values, ", gradient.size(), " gradients, ", moment1.size(), " and ",
             moment2.size(), " moments");
  on_device(s.device, [&](const auto& backend) { backend.adam_step(s, state, gradient, value, moment1, moment2); });
}

}  // namespace sinv
