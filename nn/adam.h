#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "kernels/step_state.h"
#include "nn/device_floats.h"

namespace sinv {

struct AdamSettings {
  float learning_rate = 1e-3F;
  float beta1 = 0.9F;
  float beta2 = 0.999F;
  float epsilon = 1e-8F;
  float clip_norm = 0;  // of the gradient of the whole group, before the step; 0: no clipping
};

/// Adam over one contiguous group of parameters, clipping included in the pass.
/// A step whose gradient holds a non-finite value changes no parameter; the caller sees it in the norm.
/// Errors: Error naming a setting out of range; Error if sizes differ.
/// Thread: one owner.
class Adam {
 public:
  /// stream: what all steps are queued on; moments and progress live on its device.
  Adam(const AdamSettings& settings, std::size_t count, const Stream& stream = {});
  /// Returns the global norm of the gradient before clipping; waits for it.
  float step(const Stream& stream, std::span<const float> gradient, std::span<float> value);
  /// The same without waiting: a graph that holds it makes one more step at each launch.
  void queue_step(const Stream& stream, std::span<const float> gradient, std::span<float> value);
  /// Where a step leaves the norm.
  const float* device_norm() { return &state_.data()->norm; }
  void set_learning_rate(float learning_rate);
  float learning_rate() const { return settings_.learning_rate; }
  std::uint64_t steps() const { return state_.get().steps; }
  /// Moments and step count to zero.
  void reset();
  /// Moments, step count and learning rate.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  AdamState fresh_state() const;

  AdamSettings settings_;
  Stream stream_;
  DeviceValue<AdamState> state_;
  DeviceFloats moment1_;
  DeviceFloats moment2_;
};

}  // namespace sinv
