#pragma once

#include <cstdint>

namespace sinv {

enum class Device : std::uint8_t { kCpu, kCuda };

/// Where an operation runs. On the CPU: in the calling thread, finished on return. On CUDA: queued on `handle` (a
/// cudaStream_t); the call does not wait.
struct Stream {
  Device device = Device::kCpu;
  void* handle = nullptr;
};

/// What a backward operation does with a gradient buffer.
enum class GradientMode : std::uint8_t {
  kOverwrite,   // the first contribution
  kAccumulate,  // every later one: a value used twice adds its gradients
};

}  // namespace sinv
