#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/cpu_ops.h"

namespace sinv {
namespace {

void sum_above(const ReplayRing& ring, std::uint32_t slot) {
  for (std::uint32_t node = (ring.leaves + slot) / 2; node > 0; node /= 2) {
    ring.nodes[node] = ring.nodes[2 * node] + ring.nodes[2 * node + 1];
  }
}

void decode(const ReplayRing& ring, const std::byte* from, std::byte* to) {
  switch (ring.form) {
    case RowForm::kFloat:
    case RowForm::kByte:
      std::memcpy(to, from, ring.row_bytes());
      break;
    case RowForm::kFixed16:
      for (std::size_t i = 0; i < ring.row_values; ++i) {
        reinterpret_cast<float*>(to)[i] = from_fixed16(reinterpret_cast<const std::int16_t*>(from)[i]);
      }
      break;
    case RowForm::kBit:
      for (std::size_t i = 0; i < ring.row_values; i += 4) {
        const std::uint32_t pixels = four_pixels(static_cast<std::uint32_t>(from[i / 8]) >> (i % 8));
        std::memcpy(to + i, &pixels, sizeof pixels);
      }
      break;
  }
}

void gather_stack(const ReplayRing& ring, std::uint32_t slot, std::byte* to) {
  const std::uint32_t age = ring.slots[slot].age;
  for (std::uint32_t k = 0; k < ring.history; ++k) {
    const std::uint32_t row = row_behind(ring.ring_slots, slot, age, ring.history - 1 - k);
    decode(ring, ring.rows + row * ring.row_bytes(), to + k * ring.value_bytes());
  }
}

}  // namespace

void Cpu::replay_change(const Stream&, const ReplayRing& ring, double beta, std::span<const ReplayChange> changes) {
  ReplayState& state = *ring.state;
  state.beta = beta;
  const double mass = state.prioritised != 0 ? new_mass(state.max_priority, state.alpha) : 1.0;
  const std::size_t bytes = ring.row_bytes();
  for (const ReplayChange& change : changes) {
    ring.slots[change.slot] = change.value;
    ring.nodes[ring.leaves + change.slot] = (change.what & ReplayChange::kDrawable) != 0 ? mass : 0.0;
    if (ring.resident != nullptr && (change.what & ReplayChange::kNewRow) != 0) {
      std::memcpy(ring.resident + change.slot * bytes, ring.home + change.slot * bytes, bytes);
    }
  }
  for (const ReplayChange& change : changes) sum_above(ring, change.slot);
}

void Cpu::replay_sample(const Stream&, const ReplayRing& ring, std::span<std::uint32_t> slots,
                        std::span<float> weight) {
  if (slots.empty()) return;
  ReplayState& state = *ring.state;
  const double part = ring.nodes[1] / static_cast<double>(slots.size());
  double least = INFINITY;
  for (std::size_t row = 0; row < slots.size(); ++row) {
    const double point = stratified_point(row, state.draws.uniform_double(), part);
    slots[row] = leaf_under(ring.nodes, ring.leaves, point);
    least = std::min(least, ring.nodes[ring.leaves + slots[row]]);
  }
  const bool weighted = state.prioritised != 0 && state.beta != 0;
  for (std::size_t row = 0; row < slots.size(); ++row) {
    weight[row] = weighted ? importance_weight(least, ring.nodes[ring.leaves + slots[row]], state.beta) : 1.0F;
  }
}

void Cpu::replay_gather(const Stream&, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                        const ReplayBatch& batch) {
  const std::size_t observation = ring.history * ring.value_bytes();
  for (std::size_t i = 0; i < slots.size(); ++i) {
    const ReplaySlot& slot = ring.slots[slots[i]];
    batch.action_tm1[i] = slot.action;
    batch.return_t[i] = slot.ret;
    batch.discount_t[i] = slot.discount;
    gather_stack(ring, slots[i], batch.observation_tm1.data() + i * observation);
    gather_stack(ring, slot_ahead(ring.ring_slots, slots[i], slot.steps), batch.observation_t.data() + i * observation);
  }
}

void Cpu::replay_prioritise(const Stream&, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                            std::span<const float> td_error) {
  ReplayState& state = *ring.state;
  if (state.prioritised == 0) return;
  for (std::size_t row = 0; row < slots.size(); ++row) {
    const double priority = std::abs(static_cast<double>(td_error[row])) + state.priority_floor;
    if (!is_priority(priority)) continue;
    state.max_priority = std::max(state.max_priority, priority);
    if (row + 1 < slots.size() && slots[row + 1] == slots[row]) continue;
    ring.nodes[ring.leaves + slots[row]] = drawn_mass(priority, state.alpha);
  }
  for (const std::uint32_t slot : slots) sum_above(ring, slot);
}

}  // namespace sinv
