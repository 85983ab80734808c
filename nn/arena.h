#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "kernels/device_memory.h"

namespace sinv {

/// Memory of a device that is taken piece by piece while a tape is recorded and given back all at once. Pieces are
/// zeroed, start at 64-byte borders (on CUDA 256) and never move.
/// Thread: one owner.
class Arena {
 public:
  explicit Arena(Device device = Device::kCpu) : device_(device) {}
  template <class T>
  std::span<T> take(std::size_t count) {
    return {static_cast<T*>(take_bytes(count * sizeof(T))), count};
  }
  /// Bytes taken, borders included.
  std::size_t bytes() const { return taken_; }

 private:
  struct Free {
    std::size_t bytes = 0;
    void operator()(std::byte* block) const;
  };
  void* take_bytes(std::size_t count);
  std::byte* take_block(std::size_t bytes);

  Device device_;
  std::vector<std::unique_ptr<std::byte, Free>> blocks_;
  std::vector<DeviceBuffer> device_blocks_;
  std::byte* next_ = nullptr;
  std::size_t left_ = 0;
  std::size_t taken_ = 0;
};

}  // namespace sinv
