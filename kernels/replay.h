#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/random.h"
#include "kernels/device.h"

/// Replay memory on a device: drawing by priority, gathering what was drawn, new priorities, new transitions. Formulas
/// of one element, shared with the replay of rl/; operations with contracts and errors as in kernels/ops.h.
namespace sinv {

/// What stands in a slot beside its row. Written when its n-step window closes.
struct ReplaySlot {
  float ret = 0;
  float discount = 0;
  std::uint8_t action = 0;
  std::uint8_t steps = 0;  // from here to the observation that is bootstrapped from
  std::uint16_t age = 0;   // steps since the episode began, counted up to history - 1
};

/// How a row's values are kept, and what they become.
enum class RowForm : std::uint8_t {
  kFloat,    // float32, as it is
  kFixed16,  // 16 bits of fixed point; float32
  kByte,     // bytes, as they are
  kBit,      // a bit a pixel, the lowest first; bytes of 0 or 255
};
inline constexpr float kFixed16Scale = 32767.0F;
SINV_HD inline float from_fixed16(std::int16_t stored) { return static_cast<float>(stored) * (1.0F / kFixed16Scale); }
/// The lowest four bits as pixels, the lowest bit in the lowest byte.
SINV_HD inline std::uint32_t four_pixels(std::uint32_t bits) {
  return (((bits & 0xFU) * 0x00204081U) & 0x01010101U) * 0xFFU;
}

/// The slot that many steps after (before) this one, in the ring of its environment; steps <= ring_slots.
SINV_HD inline std::uint32_t slot_ahead(std::uint32_t ring_slots, std::uint32_t slot, std::uint32_t steps) {
  const std::uint32_t base = slot / ring_slots * ring_slots;
  const std::uint32_t inside = slot - base + steps;
  return base + (inside >= ring_slots ? inside - ring_slots : inside);
}
SINV_HD inline std::uint32_t slot_behind(std::uint32_t ring_slots, std::uint32_t slot, std::uint32_t steps) {
  return slot_ahead(ring_slots, slot, ring_slots - steps);
}
/// The slot whose row stands `back` rows before the newest in the observation at `slot`: before the episode's start
/// stands its first row.
SINV_HD inline std::uint32_t row_behind(std::uint32_t ring_slots, std::uint32_t slot, std::uint32_t age,
                                        std::uint32_t back) {
  return slot_behind(ring_slots, slot, back < age ? back : age);
}

/// Whether a point of the mass below a node falls on its right child. The second condition keeps rounding from leading
/// into an empty half.
SINV_HD inline bool falls_right(double point, double left, double right) {
  return (static_cast<unsigned>(point >= left) & static_cast<unsigned>(right > 0.0)) != 0;
}
/// The leaf that a point of [0, total) falls on; of `leaves`, a power of two, in a tree whose root is nodes[1] and
/// whose node i has the children 2i and 2i + 1. A point at or past the end: the last leaf that has mass.
SINV_HD inline std::uint32_t leaf_under(const double* nodes, std::uint32_t leaves, double point) {
  std::uint32_t node = 1;
  while (node < leaves) {
    node *= 2;
    if (falls_right(point, nodes[node], nodes[node + 1])) {
      point -= nodes[node];
      ++node;
    }
  }
  return node - leaves;
}
/// Point number `row` of `rows` in a stratified draw: `unit` is of [0, 1).
SINV_HD inline double stratified_point(std::size_t row, double unit, double part) {
  return (static_cast<double>(row) + unit) * part;
}

/// The mass of a transition whose priority is known; of one that was never drawn, the largest priority counts.
SINV_HD inline double drawn_mass(double priority, double alpha) {
  return static_cast<double>(powf(static_cast<float>(priority), static_cast<float>(alpha)));
}
SINV_HD inline bool is_priority(double priority) { return priority <= DBL_MAX; }  // false for no number, too
SINV_HD inline double new_mass(double max_priority, double alpha) { return pow(max_priority, alpha); }
/// (N P)^-beta over the largest of the batch: N and the total cancel, the least mass of the batch has weight 1.
SINV_HD inline float importance_weight(double least, double mass, double beta) {
  return powf(static_cast<float>(least / mass), static_cast<float>(beta));
}

/// What of a replay changes with the updates. Written by the host only while no update runs.
struct ReplayState {
  Random draws;
  double alpha = 0.5;
  double beta = 0;
  double priority_floor = 1e-3;  // added to |td error|
  double max_priority = 1;
  std::uint32_t prioritised = 1;  // 0: every transition equally likely, weights 1
};

/// Where a replay lies: rings of slots of equal length, one after another, and the sum tree over all slots.
struct ReplayRing {
  ReplayState* state = nullptr;
  ReplaySlot* slots = nullptr;
  double* nodes = nullptr;       // [2 leaves]
  std::uint32_t leaves = 0;      // at least one a slot, a power of two
  std::uint32_t slot_count = 0;  // of all rings
  std::uint32_t ring_slots = 0;  // of one
  std::uint32_t history = 1;     // rows of one observation
  std::uint32_t row_values = 0;  // a multiple of 8 when they are bits
  RowForm form = RowForm::kFloat;
  const std::byte* rows = nullptr;  // [slot_count, row_bytes()]: of the device, or pinned memory of the host
  std::byte* resident = nullptr;    // the same memory when it is of the device: new rows are copied there
  const std::byte* home = nullptr;  // the host's rows, pinned

  SINV_HD std::size_t row_bytes() const {
    switch (form) {
      case RowForm::kFloat:
        return std::size_t{row_values} * sizeof(float);
      case RowForm::kFixed16:
        return std::size_t{row_values} * sizeof(std::int16_t);
      case RowForm::kByte:
        return row_values;
      case RowForm::kBit:
        return row_values / 8;
    }
    return 0;
  }
  /// Bytes of a row as the network takes it.
  SINV_HD std::size_t value_bytes() const {
    const bool floats = form == RowForm::kFloat || form == RowForm::kFixed16;
    return std::size_t{row_values} * (floats ? sizeof(float) : 1);
  }
};

/// What became of a slot.
struct ReplayChange {
  enum : std::uint32_t { kDrawable = 1, kNewRow = 2 };
  std::uint32_t slot = 0;
  std::uint32_t what = 0;
  ReplaySlot value;
};

/// Where B transitions go.
struct ReplayBatch {
  std::span<std::byte> observation_tm1;  // [B, history, row] of value_bytes(), oldest row first
  std::span<std::byte> observation_t;
  std::span<std::int32_t> action_tm1;  // [B]
  std::span<float> return_t;           // [B]
  std::span<float> discount_t;         // [B]
};

/// Takes changes in: what stands in the slots; their mass (a drawable one: that of a new transition; else 0) and the
/// sums above them; new rows where they are resident; beta. A slot that stands there twice stands there with equal
/// values. `changes` is of the device. Errors: also Error for more changes than 2^32 - 1.
void replay_change(const Stream& s, const ReplayRing& ring, double beta, std::span<const ReplayChange> changes);
/// Draws slots.size() transitions, stratified, in rising order: with the numbers that the state's draws give in turn,
/// which then stand behind them. weight [B]: importance weights. REQUIRES: the tree's total is above 0.
void replay_sample(const Stream& s, const ReplayRing& ring, std::span<std::uint32_t> slots, std::span<float> weight);
/// What was drawn.
void replay_gather(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                   const ReplayBatch& batch);
/// New masses from td errors (their size counts), the sums above them and the largest priority; nothing when not
/// prioritised. A non-finite error leaves its mass as it was. Equal slots stand beside each other; the last one counts.
void replay_prioritise(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                       std::span<const float> td_error);

}  // namespace sinv
