#include "nn/arena.h"

#include <algorithm>
#include <cstring>

#include "nn/large_memory.h"

namespace sinv {
namespace {
constexpr std::size_t kBorder = 64;  // a cache line, and the widest register
// Blocks double in size, so that a large network's buffers lie in few of them, in huge pages.
constexpr std::size_t kFirstBlock = std::size_t{1} << 20;
constexpr std::size_t kLargestBlock = std::size_t{32} << 20;
}  // namespace

void Arena::Free::operator()(std::byte* block) const { give_back_large(block, bytes); }

void* Arena::take_bytes(std::size_t count) {
  // One border more than asked for, so that buffers of a power of two do not all start in the same cache sets.
  const std::size_t whole = (count / kBorder + 2) * kBorder;
  if (whole > left_) {
    const std::size_t usual = std::min(kFirstBlock << std::min<std::size_t>(blocks_.size(), 16), kLargestBlock);
    left_ = std::max(whole, usual);
    next_ = static_cast<std::byte*>(take_large(left_));
    blocks_.emplace_back(next_, Free{left_});
    std::memset(next_, 0, left_);
  }
  void* piece = next_;
  next_ += whole;
  left_ -= whole;
  taken_ += whole;
  return piece;
}

}  // namespace sinv
