#include "nn/arena.h"

#include <algorithm>
#include <cstring>
#include <new>

namespace sinv {
namespace {
constexpr std::size_t kBorder = 64;  // a cache line, and the widest register
constexpr std::size_t kBlock = std::size_t{1} << 20;
}  // namespace

void Arena::Free::operator()(std::byte* block) const { ::operator delete (block, std::align_val_t{kBorder}); }

void* Arena::take_bytes(std::size_t count) {
  // One border more than asked for, so that buffers of a power of two do not all start in the same cache sets.
  const std::size_t whole = (count / kBorder + 2) * kBorder;
  if (whole > left_) {
    left_ = std::max(whole, kBlock);
    next_ = static_cast<std::byte*>(::operator new (left_, std::align_val_t{kBorder}));
    blocks_.emplace_back(next_);
    std::memset(next_, 0, left_);
  }
  void* piece = next_;
  next_ += whole;
  left_ -= whole;
  taken_ += whole;
  return piece;
}

}  // namespace sinv
