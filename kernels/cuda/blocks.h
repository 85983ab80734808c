#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "kernels/cuda/launch.h"
#include "kernels/device.h"

/// What kernels share: grid-wide loops over elements, four at a time where memory allows, and sums in a fixed order.
/// For sources that hold kernels only. Blocks are one-dimensional, a multiple of 32 threads.
namespace sinv {

inline constexpr int kWarp = 32;
inline constexpr int kThreads = 256;
inline constexpr unsigned kMostBlocks = 1024;  // some eight blocks for every multiprocessor of the largest device

/// Shared memory of a block; under the emulation it starts as NaN and indices are checked.
template <class T, int kCount>
class SharedArray {
 public:
#if defined(SINV_CUDA_EMULATION)
  SharedArray() { cuda_emulation::add_shared(at_, sizeof at_); }
  T& operator[](int i) {
    if (i < 0 || i >= kCount) cuda_emulation::fail(text("index ", i, " of a shared array of ", kCount));
    return at_[i];
  }
#else
  __device__ T& operator[](int i) { return at_[i]; }
#endif

 private:
  T at_[kCount];
};

__device__ inline int thread() { return static_cast<int>(threadIdx.x); }
__device__ inline int lane() { return static_cast<int>(threadIdx.x) % kWarp; }
__device__ inline int warp() { return static_cast<int>(threadIdx.x) / kWarp; }
__device__ inline int threads() { return static_cast<int>(blockDim.x); }

/// Every lane gets the sum over the warp.
template <class T>
__device__ inline T warp_sum(T value) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    value += __shfl_xor_sync(0xFFFFFFFFU, value, distance);
  }
  return value;
}

template <class T>
using BlockRoom = SharedArray<T, kWarp>;

/// Every thread gets the sum over the block. Every thread must call it; `room` may be used again.
template <class T>
__device__ inline T block_sum(T value, BlockRoom<T>& room) {
  value = warp_sum(value);
  const int warps = threads() / kWarp;
  if (warps == 1) return value;
  __syncthreads();  // the last sum has been read
  if (lane() == 0) room[warp()] = value;
  __syncthreads();
  T sum = room[0];
  for (int w = 1; w < warps; ++w) sum += room[w];
  return sum;
}

/// The same with the largest value.
template <class T>
__device__ inline T block_max(T value, BlockRoom<T>& room) {
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const T other = __shfl_xor_sync(0xFFFFFFFFU, value, distance);
    value = other > value ? other : value;
  }
  __syncthreads();
  if (lane() == 0) room[warp()] = value;
  __syncthreads();
  T most = room[0];
  for (int w = 1; w < threads() / kWarp; ++w) most = room[w] > most ? room[w] : most;
  return most;
}

/// kWidth floats that travel together.
template <int kWidth>
struct Values {
  float at[kWidth];
};

template <int kWidth>
__device__ inline Values<kWidth> load(const float* from) {
  static_assert(kWidth == 1 || kWidth == 4);
  if constexpr (kWidth == 4) {
    const float4 four = *reinterpret_cast<const float4*>(from);
    return {{four.x, four.y, four.z, four.w}};
  } else {
    return {{*from}};
  }
}

template <int kWidth>
__device__ inline void store(float* to, const Values<kWidth>& values) {
  if constexpr (kWidth == 4) {
    *reinterpret_cast<float4*>(to) = make_float4(values.at[0], values.at[1], values.at[2], values.at[3]);
  } else {
    *to = values.at[0];
  }
}

/// Stores, or adds to what is there.
template <int kWidth>
__device__ inline void give(bool add, float* to, Values<kWidth> values) {
  if (add) {
    const Values<kWidth> old = load<kWidth>(to);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) values.at[k] += old.at[k];
  }
  store<kWidth>(to, values);
}

/// Calls body(std::integral_constant<int, width>, first element) so that the threads of the grid together cover
/// 0 .. count - 1 once; width 4 only if `wide`.
template <class Body>
__device__ inline void each_element(std::size_t count, bool wide, Body body) {
  const std::size_t first = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
  const std::size_t fours = wide ? count / 4 : 0;
  for (std::size_t i = first; i < fours; i += stride) body(std::integral_constant<int, 4>{}, 4 * i);
  for (std::size_t i = 4 * fours + first; i < count; i += stride) body(std::integral_constant<int, 1>{}, i);
}

/// As each_element, for the threads of one block.
template <class Body>
__device__ inline void each_in_row(std::int64_t n, bool wide, Body body) {
  const std::int64_t fours = wide ? n / 4 : 0;
  for (std::int64_t i = thread(); i < fours; i += threads()) body(std::integral_constant<int, 4>{}, 4 * i);
  for (std::int64_t i = 4 * fours + thread(); i < n; i += threads()) body(std::integral_constant<int, 1>{}, i);
}
/// Threads of a block that works on one row of n elements, and blocks for m of them.
inline unsigned row_threads(std::int64_t n) { return n <= 128 ? 32 : n <= 512 ? 128 : kThreads; }
inline unsigned row_grid(std::int64_t m) { return static_cast<unsigned>(std::min<std::int64_t>(m, 65535)); }

/// Blocks of kThreads for each_element.
inline dim3 element_grid(std::size_t count) {
  const std::size_t per_block = std::size_t{4} * kThreads;
  return {static_cast<unsigned>(std::min<std::size_t>((count + per_block - 1) / per_block, kMostBlocks))};
}

/// That four floats at a time can be read and written at all of these (a null pointer is not used).
inline bool is_wide(std::initializer_list<const void*> pointers) {
  return std::all_of(pointers.begin(), pointers.end(),
                     [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; });
}

/// Kernels that divide an element's index by a row's length do so in 32 bits: 64 take some 70 instructions and spill.
/// Errors: Error if the count does not fit.
inline std::uint32_t small_count(const char* name, std::size_t count) {
  SINV_CHECK(count <= UINT32_MAX, name, ": ", count, " elements, at most 2^32 - 1 are possible on CUDA");
  return static_cast<std::uint32_t>(count);
}

/// As each_element with width 1, in 32 bits: count is at most 2^32 - 1.
template <class Body>
__device__ inline void each_small(std::uint32_t count, Body body) {
  const std::uint32_t stride = gridDim.x * blockDim.x;
  for (std::uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < count;) {
    body(i);
    if (count - i <= stride) break;  // the next would wrap
    i += stride;
  }
}

inline bool is_add(GradientMode mode) { return mode == GradientMode::kAccumulate; }

}  // namespace sinv
