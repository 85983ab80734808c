#pragma once

#include <cstddef>
#include <vector>

#include "kernels/device_memory.h"
#include "rl/huge_pages.h"

namespace sinv {

/// Where a replay keeps its rows, zeroed: large pages of the host, or for a device pinned memory that it reads in
/// place.
class RowMemory {
 public:
  /// Errors: UserError if it is not to be had.
  RowMemory(std::size_t bytes, Device device)
      : pages_(device == Device::kCpu ? bytes : 0),
        pinned_(device == Device::kCpu ? PinnedBuffer() : PinnedBuffer(bytes)) {}
  std::byte* data() { return pages_.empty() ? static_cast<std::byte*>(pinned_.data()) : pages_.data(); }
  const std::byte* data() const { return pages_.empty() ? static_cast<std::byte*>(pinned_.data()) : pages_.data(); }

 private:
  std::vector<std::byte, HugePageAllocator<std::byte>> pages_;
  PinnedBuffer pinned_;
};

}  // namespace sinv
