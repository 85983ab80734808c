#pragma once

#include <cmath>
#include <cstdint>
#include <span>

#include "kernels/ops.h"

/// What changes from one training step to the next, kept in memory of the device that runs the step: a captured graph
/// that is replayed reads and advances it there. On the CPU the same structs lie in ordinary memory. Contracts and
/// errors otherwise as in kernels/ops.h; a null state is an Error.
namespace sinv {

/// Where a source of noise stands. Written by the host only while no step runs.
struct NoiseState {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t counter = 0;  // blocks drawn so far
};
/// noise_fill from the state's counter on, then counter += noise_blocks(out.size()).
void noise_fill_next(const Stream& s, NoiseState* state, std::span<float> out);

/// An Adam optimiser's settings and progress. Written by the host only while no step runs.
struct AdamState {
  float learning_rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float clip_norm = 0;      // 0: no clipping
  float norm = 0;           // of the last gradient, before clipping
  std::uint64_t steps = 0;  // made so far; a gradient of non-finite norm makes none
  AdamStep step{};          // of the last step
};
/// The constants of step number `t`, 1 the first; bias corrections in double.
SINV_HD inline AdamStep adam_constants(float learning_rate, float beta1, float beta2, float epsilon, std::uint64_t t) {
  const double correction1 = 1.0 - pow(static_cast<double>(beta1), static_cast<double>(t));
  const double correction2 = 1.0 - pow(static_cast<double>(beta2), static_cast<double>(t));
  return {beta1, beta2, epsilon, static_cast<float>(static_cast<double>(learning_rate) / correction1),
          static_cast<float>(1.0 / sqrt(correction2))};
}
/// adam_update with the constants of step state->steps + 1; updates the state.
void adam_step(const Stream& s, AdamState* state, std::span<const float> gradient, std::span<float> value,
               std::span<float> moment1, std::span<float> moment2);

}  // namespace sinv
