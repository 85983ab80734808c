#pragma once

#include <utility>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/device_module.h"

namespace sinv {

/// Calls fn with the backend of `device`: an object whose members are the operations, so that one generic call serves
/// every backend and the program names no CUDA symbol.
/// Errors: Error if the device is not there (device_module()).
template <class Fn>
decltype(auto) on_device(Device device, Fn&& fn) {
  if (device == Device::kCuda) return std::forward<Fn>(fn)(device_module().ops);
  return std::forward<Fn>(fn)(Cpu{});
}

}  // namespace sinv
