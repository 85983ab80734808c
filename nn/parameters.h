#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "nn/large_memory.h"
#include "nn/tape.h"

namespace sinv {

/// Calls once per parameter, in buffer order: name ("fc0.weight"), shape ([in,out] for weights), values.
using ParameterVisitor =
    std::function<void(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values)>;

/// All parameters of a network, one after another in one buffer, and their gradients in another: an optimiser, a copy
/// and a save are one pass each.
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
  /// with_gradients: the store is trained, not only read.
  void finish(bool with_gradients);

  /// The parameter on a tape; wants a gradient if the store has gradients.
  Var on(Tape& tape, int parameter);
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }
  std::span<float> gradients() { return gradients_; }
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
  LargeFloats values_;
  LargeFloats gradients_;
  bool finished_ = false;
};

/// The noise of a noisy network: eps of all its layers in one buffer, drawn from one stream.
/// Order: take() all, finish(), then resample() or clear().
class NoiseSource {
 public:
  NoiseSource(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}
  NoiseSource(const NoiseSource&) = delete;
  NoiseSource& operator=(const NoiseSource&) = delete;

  std::size_t take(std::size_t count);
  void finish();
  ConstView eps(std::size_t offset, std::int64_t count) const;
  /// Draws all of it anew; does nothing in a network without noise.
  void resample(const Stream& stream);
  /// Sets all of it to zero: the mean weights.
  void clear();

  /// Which stream it is and how far it has counted; not the current values.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  std::span<float> values() { return values_; }

 private:
  std::uint64_t seed_;
  std::uint64_t stream_;
  std::uint64_t counter_ = 0;
  std::size_t wanted_ = 0;
  bool finished_ = false;
  std::vector<float> values_;
};

}  // namespace sinv
