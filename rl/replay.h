#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "rl/replay_index.h"
#include "rl/row_memory.h"

namespace sinv {

/// How one value of an observation is kept. Value is what the network takes; Stored what replay keeps.
/// Errors of the compact kinds are bounded: see the constants.
template <class Stored, class Value>
struct RowCodec;

/// As it is: features as float32, pixels as bytes.
template <class T>
struct RowCodec<T, T> {
  static T encode(T value) { return value; }
  static T decode(T stored) { return stored; }
};

/// Features of [-1, 1] in 16 bits of fixed point; values outside are clamped. Half the memory of float32.
template <>
struct RowCodec<std::int16_t, float> {
  static constexpr float kScale = kFixed16Scale;
  static constexpr float kLargestError = 0.5F / kScale;
  static std::int16_t encode(float value) {
    return static_cast<std::int16_t>(std::lrintf(std::clamp(value, -1.0F, 1.0F) * kScale));
  }
  static float decode(std::int16_t stored) { return from_fixed16(stored); }
};

/// Where a batch of transitions goes: B rows of history() * row_size values, oldest row first.
template <class Value>
struct TransitionBatch {
  std::span<Value> observation_tm1;    // [B, history, row]
  std::span<std::int32_t> action_tm1;  // [B]
  std::span<float> return_t;           // [B]
  std::span<float> discount_t;         // [B]
  std::span<Value> observation_t;      // [B, history, row]
  std::span<float> weight;             // [B]
};

/// Throws UserError if `wanted_bytes` is more than this machine has free: says how many steps would fit.
void check_replay_memory(std::int64_t wanted_bytes, std::int64_t capacity_steps);

/// Replay memory: observation rows, each stored once, under a ReplayIndex. All memory is taken and touched when it is
/// made. Thread: one owner at a time.
template <class Stored, class Value>
class Replay {
 public:
  using Codec = RowCodec<Stored, Value>;

  /// `device`: who reads the rows beside the host. Errors: as ReplayIndex; UserError if it does not fit into memory.
  Replay(const ReplaySettings& settings, int row_size, Device device = Device::kCpu)
      : row_size_((check_replay_memory(bytes(settings, row_size), settings.capacity_steps),
                   static_cast<std::size_t>(row_size))),
        index_(settings),
        memory_(static_cast<std::size_t>(index_.slots()) * row_size_ * sizeof(Stored), device) {}

  /// What a replay of these settings takes: rows, slots, and the tree (at most 4 doubles a slot).
  static std::int64_t bytes(const ReplaySettings& settings, int row_size) {
    const auto row = static_cast<std::int64_t>(sizeof(Stored)) * row_size;
    return settings.capacity_steps * (row + static_cast<std::int64_t>(sizeof(ReplayIndex::Slot) + 4 * sizeof(double)));
  }

  /// As ReplayIndex::begin and step, with the rows.
  void begin(int env, std::span<const Value> row) { store(index_.begin(env), row); }
  void step(int env, int action, float reward, bool terminated, bool truncated, std::span<const Value> next_row) {
    store(index_.step(env, action, reward, terminated, truncated), next_row);
  }
  void settle() { index_.settle(); }

  std::int64_t size() const { return index_.size(); }
  ReplayIndex& index() { return index_; }
  const ReplayIndex& index() const { return index_; }
  std::span<const Stored> row(std::uint32_t slot) const { return {rows() + slot * row_size_, row_size_}; }
  /// All rows, in the order of their slots.
  const Stored* rows() const { return reinterpret_cast<const Stored*>(memory_.data()); }

  /// Draws and fills a whole batch; `slots` (B of them) is what set_priorities() wants back.
  void sample(Random& random, double beta, std::span<std::uint32_t> slots, const TransitionBatch<Value>& batch) const {
    index_.sample(random, beta, slots, batch.weight);
    gather(slots, batch);
  }
  void gather(std::span<const std::uint32_t> slots, const TransitionBatch<Value>& batch) const {
    const std::size_t observation = static_cast<std::size_t>(index_.history()) * row_size_;
    SINV_CHECK(batch.observation_tm1.size() == slots.size() * observation &&
                   batch.observation_t.size() == slots.size() * observation,
               "Replay::gather: ", slots.size(), " slots of ", observation, " values, buffers of ",
               batch.observation_tm1.size(), " and ", batch.observation_t.size());
    // What a sample needs lies far apart: ask for it some samples ahead, slots before rows.
    constexpr std::size_t kAhead = 8;
    for (std::size_t i = 0; i < std::min(2 * kAhead, slots.size()); ++i) index_.fetch(slots[i]);
    for (std::size_t i = 0; i < std::min(kAhead, slots.size()); ++i) fetch(slots[i]);
    for (std::size_t i = 0; i < slots.size(); ++i) {
      if (i + 2 * kAhead < slots.size()) index_.fetch(slots[i + 2 * kAhead]);
      if (i + kAhead < slots.size()) fetch(slots[i + kAhead]);
      const ReplayIndex::Slot& slot = index_.at(slots[i]);
      batch.action_tm1[i] = slot.action;
      batch.return_t[i] = slot.ret;
      batch.discount_t[i] = slot.discount;
      stack(slots[i], batch.observation_tm1.subspan(i * observation, observation));
      stack(index_.next_of(slots[i]), batch.observation_t.subspan(i * observation, observation));
    }
  }

  void save(ByteWriter& out) const {
    out.put<std::uint64_t>(row_size_);
    out.put<std::uint64_t>(sizeof(Stored));
    index_.save(out);
  }
  void load(ByteReader& in) {
    const auto row_size = in.get<std::uint64_t>();
    const auto stored = in.get<std::uint64_t>();
    if (row_size != row_size_ || stored != sizeof(Stored)) {
      throw UserError(text("replay: the saved one has rows of ", row_size, " values of ", stored,
                           " bytes; the settings say ", row_size_, " values of ", sizeof(Stored),
                           " bytes; resume with the settings of the run"));
    }
    index_.load(in);
  }
  void bulk(std::vector<std::span<std::byte>>& parts) {
    index_.bulk(parts);
    const std::size_t ring = index_.ring_slots();
    for (std::size_t env = 0; env * ring < static_cast<std::size_t>(index_.slots()); ++env) {
      parts.push_back(std::as_writable_bytes(
          std::span(rows() + env * ring * row_size_, index_.filled(static_cast<int>(env)) * row_size_)));
    }
  }
  void loaded() { index_.loaded(); }

 private:
  Stored* rows() { return reinterpret_cast<Stored*>(memory_.data()); }
  void store(std::uint32_t slot, std::span<const Value> row) {
    SINV_CHECK(row.size() == row_size_, "Replay: a row of ", row.size(), " values, wanted ", row_size_);
    Stored* to = rows() + slot * row_size_;
    for (std::size_t i = 0; i < row_size_; ++i) to[i] = Codec::encode(row[i]);
  }
  void fetch(std::uint32_t slot) const {
    constexpr std::size_t kLine = 64 / sizeof(Stored);
    const Stored* here = rows() + slot * row_size_;
    const Stored* there = rows() + index_.next_of(slot) * row_size_;
    for (std::size_t i = 0; i < row_size_; i += kLine) {
      __builtin_prefetch(here + i);
      __builtin_prefetch(there + i);
    }
  }
  void stack(std::uint32_t slot, std::span<Value> to) const {
    std::array<std::uint32_t, 256> slots;
    const auto history = static_cast<std::size_t>(index_.history());
    index_.rows_of(slot, std::span(slots).first(history));
    for (std::size_t k = 0; k < history; ++k) {
      const Stored* from = rows() + slots[k] * row_size_;
      Value* out = to.data() + k * row_size_;
      if constexpr (std::is_same_v<Stored, Value>) {
        std::memcpy(out, from, row_size_ * sizeof(Value));
      } else {
        for (std::size_t i = 0; i < row_size_; ++i) out[i] = Codec::decode(from[i]);
      }
    }
  }

  std::size_t row_size_;
  ReplayIndex index_;
  RowMemory memory_;
};

}  // namespace sinv
