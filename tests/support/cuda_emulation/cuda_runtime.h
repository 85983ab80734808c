#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#include "tests/support/cuda_emulation/cuda_runtime_api.h"
#include "tests/support/cuda_emulation/emulation.h"

/// Stands in for NVIDIA's header of this name where kernels are compiled as C++: as much of it as our kernels use.
// NOLINTBEGIN: names and forms are CUDA's.
#define SINV_CUDA_EMULATION 1

#define __global__
#define __device__
#define __host__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static  // one block runs at a time
#define __align__(n) alignas(n)

namespace cuda_emulation = sinv::cuda_emulation;

struct dim3 : cuda_emulation::Index {
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : Index{x_, y_, z_} {}
};
#define threadIdx (cuda_emulation::thread_index)
#define blockIdx (cuda_emulation::block_index)
#define blockDim (cuda_emulation::block_size)
#define gridDim (cuda_emulation::grid_size)

struct float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
inline float2 make_float2(float x, float y) { return {x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return {x, y, z, w}; }

inline void __syncthreads() { cuda_emulation::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xFFFFFFFFU) {
  cuda_emulation::warp_exchange(cuda_emulation::WarpOp::kSync, mask, 0, 0);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int source) {
  return cuda_emulation::shuffle(mask, value, static_cast<unsigned>(source) % 32);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask) {
  return cuda_emulation::shuffle(mask, value, cuda_emulation::lane() ^ static_cast<unsigned>(lane_mask));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta) {
  const unsigned from = cuda_emulation::lane() + delta;
  return cuda_emulation::shuffle(mask, value, from < 32 ? from : cuda_emulation::lane());
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta) {
  const unsigned lane = cuda_emulation::lane();
  return cuda_emulation::shuffle(mask, value, lane >= delta ? lane - delta : lane);
}
inline unsigned __ballot_sync(unsigned mask, int predicate) {
  return static_cast<unsigned>(
      cuda_emulation::warp_exchange(cuda_emulation::WarpOp::kBallot, mask, predicate != 0 ? 1U : 0U, 0));
}
inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline void __threadfence() {}
template <class T>
T __ldg(const T* from) {
  return *from;
}
inline unsigned atomicInc(unsigned* address, unsigned most) {
  const unsigned old = *address;
  *address = old >= most ? 0 : old + 1;
  return old;
}
inline float rsqrtf(float x) { return 1.0F / sqrtf(x); }

// NOLINTEND
