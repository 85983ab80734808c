#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "kernels/ops.h"
#include "nn/large_memory.h"

namespace sinv {

struct AdamSettings {
  float learning_rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float clip_norm = 0;  // of the gradient of the whole group, before the step; 0: no clipping
};

/// Adam over one contiguous group of parameters, clipping included in the pass.
/// A step whose gradient holds a non-finite value changes no parameter; the caller sees it in the returned norm.
/// Errors: Error naming a setting out of range; Error if sizes differ.
/// Thread: one owner.
class Adam {
 public:
  Adam(const AdamSettings& settings, std::size_t count);
  /// Returns the global norm of the gradient before clipping.
  float step(const Stream& stream, std::span<const float> gradient, std::span<float> value);
  void set_learning_rate(float learning_rate);
  float learning_rate() const { return settings_.learning_rate; }
  std::uint64_t steps() const { return steps_; }
  /// Moments and step count to zero.
  void reset();
  /// Moments, step count and learning rate.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  AdamSettings settings_;
  std::uint64_t steps_ = 0;
  float norm_ = 0;
  LargeFloats moment1_;
  LargeFloats moment2_;
};

}  // namespace sinv
