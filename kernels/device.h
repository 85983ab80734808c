#pragma once

#include <cstdint>

namespace sinv {

enum class Device : std::uint8_t { kCpu, kCuda };

/// Where an operation runs. On the CPU: in the calling thread, which shares large loops with its Team if `handle` is
/// one; finished on return, with the same bits for every team. On CUDA: queued on `handle`, a cudaStream_t.
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
