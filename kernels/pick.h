#pragma once

#include <utility>

#include "kernels/cpu/cpu_ops.h"

namespace sinv {

/// Calls fn with the backend of `device` (an empty object whose static functions are the operations), so that one
/// generic call serves every backend and a binary without CUDA names no CUDA symbol.
/// Errors: Error if the device is not in this binary.
template <class Fn>
decltype(auto) on_device(Device device, Fn&& fn) {
#if defined(SINV_CUDA_BUILT)
  if (device == Device::kCuda) return std::forward<Fn>(fn)(Cuda{});
#endif
  if (device != Device::kCpu) {
    throw Error("device cuda: this binary was built without CUDA; run with --device cpu");
  }
  return std::forward<Fn>(fn)(Cpu{});
}

}  // namespace sinv
