// Replay memory: a draw, new priorities and changes are one block each, which brings the sums above its leaves up to
// date level by level; rows are gathered and brought in by a block each.
#include "base/random_ahead.h"
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"

namespace sinv {
namespace {

constexpr unsigned kMostThreads = 1024;

// Threads of the one block that works on `count` leaves.
unsigned tree_threads(std::size_t count) {
  return static_cast<unsigned>(std::min<std::size_t>(kMostThreads, (count + kWarp - 1) / kWarp * kWarp));
}

// The sums above leaves that have changed: leaf(i) for i in 0 .. count - 1. Every thread of the block calls it, with
// the leaves written. Who has the same parent as the next one leaves it to that one.
template <class Leaf>
__device__ inline void sum_above(const ReplayRing& ring, std::uint32_t count, Leaf leaf) {
  for (unsigned level = 1; ring.leaves >> level > 0; ++level) {
    __syncthreads();
    for (std::uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
      const std::uint32_t node = (ring.leaves + leaf(i)) >> level;
      if (i + 1 < count && (ring.leaves + leaf(i + 1)) >> level == node) continue;
      ring.nodes[node] = ring.nodes[2 * std::size_t{node}] + ring.nodes[2 * std::size_t{node} + 1];
    }
  }
}

__global__ void __launch_bounds__(kMostThreads)
    replay_change_kernel(ReplayRing ring, double beta, const ReplayChange* changes, std::uint32_t count) {
  const double mass = ring.state->prioritised != 0 ? new_mass(ring.state->max_priority, ring.state->alpha) : 1.0;
  if (thread() == 0) ring.state->beta = beta;
  for (std::uint32_t i = threadIdx.x; i < count; i += blockDim.x) {
    const ReplayChange change = changes[i];
    ring.slots[change.slot] = change.value;
    ring.nodes[ring.leaves + change.slot] = (change.what & ReplayChange::kDrawable) != 0 ? mass : 0.0;
  }
  sum_above(ring, count, [changes](std::uint32_t i) { return changes[i].slot; });
}

__global__ void __launch_bounds__(kMostThreads)
    replay_sample_kernel(ReplayRing ring, std::uint32_t* slots, float* weight, std::uint32_t rows) {
  __shared__ BlockRoom<double> room;
  const double part = ring.nodes[1] / static_cast<double>(rows);
  double least = INFINITY;
  for (std::uint32_t row = threadIdx.x; row < rows; row += blockDim.x) {
    const double point = stratified_point(row, peek_double(ring.state->draws, row), part);
    const std::uint32_t leaf = leaf_under(ring.nodes, ring.leaves, point);
    const double mass = ring.nodes[ring.leaves + leaf];
    slots[row] = leaf;
    least = mass < least ? mass : least;
  }
  least = -block_max(-least, room);  // also: all have read the state
  const double beta = ring.state->beta;
  const bool weighted = ring.state->prioritised != 0 && beta != 0;
  for (std::uint32_t row = threadIdx.x; row < rows; row += blockDim.x) {
    weight[row] = weighted ? importance_weight(least, ring.nodes[ring.leaves + slots[row]], beta) : 1.0F;
  }
  if (thread() == 0) skip(ring.state->draws, 2 * std::uint64_t{rows});
}

__global__ void __launch_bounds__(kMostThreads)
    replay_prioritise_kernel(ReplayRing ring, const std::uint32_t* slots, const float* td_error, std::uint32_t rows) {
  __shared__ BlockRoom<double> room;
  if (ring.state->prioritised == 0) return;
  double most = ring.state->max_priority;
  for (std::uint32_t row = threadIdx.x; row < rows; row += blockDim.x) {
    const double priority = fabs(static_cast<double>(td_error[row])) + ring.state->priority_floor;
    if (!is_priority(priority)) continue;
    most = priority > most ? priority : most;
    if (row + 1 < rows && slots[row + 1] == slots[row]) continue;
    ring.nodes[ring.leaves + slots[row]] = drawn_mass(priority, ring.state->alpha);
  }
  most = block_max(most, room);
  if (thread() == 0) ring.state->max_priority = most;
  sum_above(ring, rows, [slots](std::uint32_t i) { return slots[i]; });
}

// Copies by the threads of a block, a Unit at a time.
template <class Unit>
__device__ inline void copy_units(const std::byte* from, std::byte* to, std::size_t bytes) {
  for (std::size_t i = threadIdx.x; i < bytes / sizeof(Unit); i += blockDim.x) {
    reinterpret_cast<Unit*>(to)[i] = reinterpret_cast<const Unit*>(from)[i];
  }
}

template <class Unit>
__global__ void __launch_bounds__(kThreads) replay_rows_kernel(ReplayRing ring, const ReplayChange* changes) {
  const ReplayChange change = changes[blockIdx.x];
  if ((change.what & ReplayChange::kNewRow) == 0) return;
  const std::size_t bytes = ring.row_bytes();
  copy_units<Unit>(ring.home + change.slot * bytes, ring.resident + change.slot * bytes, bytes);
}

// How a row becomes values.
template <class Unit>
struct AsItIs {
  static __device__ void decode(const ReplayRing& ring, const std::byte* from, std::byte* to) {
    copy_units<Unit>(from, to, ring.row_bytes());
  }
};
struct FromFixed16 {
  static __device__ void decode(const ReplayRing& ring, const std::byte* from, std::byte* to) {
    for (std::uint32_t i = threadIdx.x; i < ring.row_values; i += blockDim.x) {
      reinterpret_cast<float*>(to)[i] = from_fixed16(reinterpret_cast<const std::int16_t*>(from)[i]);
    }
  }
};
struct FromBits16 {
  static __device__ void decode(const ReplayRing& ring, const std::byte* from, std::byte* to) {
    for (std::uint32_t i = threadIdx.x; i < ring.row_values / 16; i += blockDim.x) {
      const std::uint32_t bits = reinterpret_cast<const std::uint16_t*>(from)[i];
      uint4 pixels;
      pixels.x = four_pixels(bits);
      pixels.y = four_pixels(bits >> 4);
      pixels.z = four_pixels(bits >> 8);
      pixels.w = four_pixels(bits >> 12);
      reinterpret_cast<uint4*>(to)[i] = pixels;
    }
  }
};
struct FromBits {
  static __device__ void decode(const ReplayRing& ring, const std::byte* from, std::byte* to) {
    for (std::uint32_t i = threadIdx.x; i < ring.row_values; i += blockDim.x) {
      to[i] = static_cast<std::byte>(four_pixels(static_cast<std::uint32_t>(from[i / 8]) >> (i % 8)) & 0xFFU);
    }
  }
};

struct GatherOutputs {
  std::byte* observation_tm1;
  std::byte* observation_t;
  std::int32_t* action_tm1;
  float* return_t;
  float* discount_t;
};

// A block for each row of each observation.
template <class Form>
__global__ void __launch_bounds__(kThreads)
    replay_gather_kernel(ReplayRing ring, const std::uint32_t* slots, GatherOutputs out) {
  const std::uint32_t i = blockIdx.x;
  const bool later = blockIdx.y >= ring.history;
  const std::uint32_t k = later ? blockIdx.y - ring.history : blockIdx.y;
  std::uint32_t at = slots[i];
  const ReplaySlot slot = ring.slots[at];
  std::uint32_t age = slot.age;
  if (later) {
    at = slot_ahead(ring.ring_slots, at, slot.steps);
    age = ring.slots[at].age;
  }
  const std::uint32_t row = row_behind(ring.ring_slots, at, age, ring.history - 1 - k);
  std::byte* to =
      (later ? out.observation_t : out.observation_tm1) + (std::size_t{i} * ring.history + k) * ring.value_bytes();
  Form::decode(ring, ring.rows + row * ring.row_bytes(), to);
  if (blockIdx.y == 0 && thread() == 0) {
    out.action_tm1[i] = slot.action;
    out.return_t[i] = slot.ret;
    out.discount_t[i] = slot.discount;
  }
}

// That rows at these addresses can be read and written so many bytes at a time.
bool fits(std::size_t unit, std::size_t row_bytes, std::initializer_list<const std::byte*> rows) {
  return row_bytes % unit == 0 && std::all_of(rows.begin(), rows.end(), [unit](const std::byte* p) {
           return reinterpret_cast<std::uintptr_t>(p) % unit == 0;
         });
}

template <class Form>
void gather(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots, const ReplayBatch& batch,
            std::size_t units) {
  const GatherOutputs out{batch.observation_tm1.data(), batch.observation_t.data(), batch.action_tm1.data(),
                          batch.return_t.data(), batch.discount_t.data()};
  launch("replay_gather", replay_gather_kernel<Form>, dim3(static_cast<unsigned>(slots.size()), 2 * ring.history),
         row_threads(static_cast<std::int64_t>(units)), 0, s, ring, slots.data(), out);
}

}  // namespace

void Cuda::replay_change(const Stream& s, const ReplayRing& ring, double beta, std::span<const ReplayChange> changes) {
  const auto count = static_cast<std::uint32_t>(changes.size());
  launch("replay_change", replay_change_kernel, 1, std::max(tree_threads(count), unsigned{kWarp}), 0, s, ring, beta,
         changes.data(), count);
  if (ring.resident == nullptr) return;
  const std::size_t bytes = ring.row_bytes();
  const auto bring = [&](auto kernel, std::size_t unit) {
    launch("replay_change", kernel, count, row_threads(static_cast<std::int64_t>(bytes / unit)), 0, s, ring,
           changes.data());
  };
  if (fits(sizeof(uint4), bytes, {ring.home, ring.resident})) {
    bring(replay_rows_kernel<uint4>, sizeof(uint4));
  } else {
    bring(replay_rows_kernel<std::uint8_t>, 1);
  }
}

void Cuda::replay_sample(const Stream& s, const ReplayRing& ring, std::span<std::uint32_t> slots,
                         std::span<float> weight) {
  const std::uint32_t rows = small_count("replay_sample", slots.size());
  launch("replay_sample", replay_sample_kernel, rows > 0 ? 1 : 0, tree_threads(rows), 0, s, ring, slots.data(),
         weight.data(), rows);
}

void Cuda::replay_gather(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                         const ReplayBatch& batch) {
  const std::size_t bytes = ring.row_bytes();
  const std::byte* tm1 = batch.observation_tm1.data();
  const std::byte* t = batch.observation_t.data();
  if (ring.form == RowForm::kFixed16) {
    gather<FromFixed16>(s, ring, slots, batch, ring.row_values);
  } else if (ring.form == RowForm::kBit) {
    if (fits(2, bytes, {ring.rows}) && fits(sizeof(uint4), 0, {tm1, t})) {
      gather<FromBits16>(s, ring, slots, batch, bytes / 2);
    } else {
      gather<FromBits>(s, ring, slots, batch, ring.row_values);
    }
  } else if (fits(sizeof(uint4), bytes, {ring.rows, tm1, t})) {
    gather<AsItIs<uint4>>(s, ring, slots, batch, bytes / sizeof(uint4));
  } else if (fits(sizeof(float), bytes, {ring.rows, tm1, t})) {
    gather<AsItIs<float>>(s, ring, slots, batch, bytes / sizeof(float));
  } else {
    gather<AsItIs<std::uint8_t>>(s, ring, slots, batch, bytes);
  }
}

void Cuda::replay_prioritise(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                             std::span<const float> td_error) {
  const std::uint32_t rows = small_count("replay_prioritise", slots.size());
  launch("replay_prioritise", replay_prioritise_kernel, rows > 0 ? 1 : 0, tree_threads(rows), 0, s, ring, slots.data(),
         td_error.data(), rows);
}

}  // namespace sinv
