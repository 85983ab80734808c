#include "nn/arena.h"

#include <algorithm>
#include <cstring>

#include "nn/large_memory.h"

namespace sinv {
namespace {
constexpr std::size_t kBorder = 64;         // a cache line, and the widest register
constexpr std::size_t kDeviceBorder = 256;  // what cudaMalloc gives
// Blocks double in size, so that a large network's buffers lie in few of them, in huge pages.
constexpr std::size_t kFirstBlock = std::size_t{1} << 20;
constexpr std::size_t kLargestBlock = std::size_t{32} << 20;
}  // namespace

void Arena::Free::operator()(std::byte* block) const { give_back_large(block, bytes); }

std::byte* Arena::take_block(std::size_t bytes) {
  if (device_ != Device::kCpu) {
    device_blocks_.emplace_back(bytes);
    return static_cast<std::byte*>(device_blocks_.back().data());
  }
  auto* block = static_cast<std::byte*>(take_large(bytes));
  blocks_.emplace_back(block, Free{bytes});
  std::memset(block, 0, bytes);
  return block;
}

void* Arena::take_bytes(std::size_t count) {
  // One border more than asked for, so that buffers of a power of two do not all start in the same cache sets.
  const std::size_t border = device_ == Device::kCpu ? kBorder : kDeviceBorder;
  const std::size_t whole = (count / border + 2) * border;
  if (whole > left_) {
    const std::size_t before = blocks_.size() + device_blocks_.size();
    const std::size_t usual = std::min(kFirstBlock << std::min<std::size_t>(before, 16), kLargestBlock);
    left_ = std::max(whole, usual);
    next_ = take_block(left_);
  }
  void* piece = next_;
  next_ += whole;
  left_ -= whole;
  taken_ += whole;
  return piece;
}

}  // namespace sinv
