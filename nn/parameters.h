#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "kernels/step_state.h"
#include "nn/device_floats.h"
#include "nn/tape.h"

namespace sinv {

/// Calls once per parameter, in buffer order: name ("fc0.weight"), shape ([in,out] for weights), values.
using ParameterVisitor =
    std::function<void(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values)>;

/// All parameters of a network, one after another in one buffer, and their gradients in another: an optimiser, a copy
/// and a save are one pass each. The values are made and kept on the host; on a device the operations work on a copy
/// there, and upload() and download() bring one to the other.
/// Order: add() all, then finish(); pointers stay valid from then on.
/// Errors: Error for a name that is taken, and for use out of that order.
/// Thread: one owner.
class ParameterStore {
 public:
  ParameterStore() = default;
  ParameterStore(const ParameterStore&) = delete;
  ParameterStore& operator=(const ParameterStore&) = delete;

  /// Returns the parameter's number. Values start at zero.
  int add(const std::string& name, Shape shape);
  int add_uniform(const std::string& name, Shape shape, float bound, Random& random);
  int add_constant(const std::string& name, Shape shape, float value);
  /// with_gradients: the store is trained, not only read. stream: what works on it; gets the values.
  void finish(bool with_gradients, const Stream& stream = {});

  /// The parameter on a tape; wants a gradient if the store has gradients.
  Var on(Tape& tape, int parameter);
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  /// Where the operations find them: on the CPU the values are those of values().
  std::span<float> device_values();
  std::span<float> device_gradients() { return gradients_.span(); }
  /// Finished on return, after what is queued on the stream. Nothing to do on the CPU.
  void upload();
  void download();
  void for_each(const ParameterVisitor& visit) const;
  /// The values of one parameter. Errors: Error naming the known names.
  std::span<float> named(const std::string& name);

 private:
  struct Entry {
    std::string name;
    Shape shape;
    std::size_t offset;
  };
  std::vector<Entry> entries_;
  Stream stream_;
  LargeFloats values_;
  DeviceFloats device_values_;  // empty on the CPU
  DeviceFloats gradients_;
  bool finished_ = false;
};

/// The noise of a noisy network: eps of all its layers in one buffer, drawn from one stream.
/// Order: take() all, finish(), then resample() or clear().
class NoiseSource {
 public:
  NoiseSource(std::uint64_t seed, std::uint64_t stream) : start_{seed, stream, 0} {}
  NoiseSource(const NoiseSource&) = delete;
  NoiseSource& operator=(const NoiseSource&) = delete;

  std::size_t take(std::size_t count);
  /// queue: what works on the values, and where they live.
  void finish(const Stream& queue = {});
  ConstView eps(std::size_t offset, std::int64_t count) const;
  /// Draws all of it anew; does nothing in a network without noise. On a device the counter advances there, so that a
  /// graph draws new noise whenever it is launched.
  void resample(const Stream& stream);
  /// Sets all of it to zero: the mean weights.
  void clear();

  /// Which stream it is and how far it has counted; not the current values.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  /// The current values.
  void save_values(ByteWriter& out) const;
  void load_values(ByteReader& in);
  std::size_t size() const { return values_.size(); }
  /// Where the operations find them.
  std::span<float> device_values() { return values_.span(); }

 private:
  NoiseState start_;
  std::size_t wanted_ = 0;
  Stream queue_;
  std::optional<DeviceValue<NoiseState>> state_;  // from finish() on
  DeviceFloats values_;
};

}  // namespace sinv
