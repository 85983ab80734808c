#include "tests/support/allocations.h"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> count{0};

void* counted(std::size_t size, std::size_t border) {
  ++count;
  void* piece = nullptr;
  if (posix_memalign(&piece, std::max(border, sizeof(void*)), size == 0 ? 1 : size) != 0) throw std::bad_alloc();
  return piece;
}

}  // namespace

void* operator new(std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new[](std::size_t size) { return counted(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t border) {
  return counted(size, static_cast<std::size_t>(border));
}
void* operator new[](std::size_t size, std::align_val_t border) {
  return counted(size, static_cast<std::size_t>(border));
}
void operator delete(void* piece) noexcept { std::free(piece); }
void operator delete[](void* piece) noexcept { std::free(piece); }
void operator delete(void* piece, std::size_t) noexcept { std::free(piece); }
void operator delete[](void* piece, std::size_t) noexcept { std::free(piece); }
void operator delete(void* piece, std::align_val_t) noexcept { std::free(piece); }
void operator delete[](void* piece, std::align_val_t) noexcept { std::free(piece); }
void operator delete(void* piece, std::size_t, std::align_val_t) noexcept { std::free(piece); }
void operator delete[](void* piece, std::size_t, std::align_val_t) noexcept { std::free(piece); }

namespace sinv {

std::size_t allocations() { return count; }

}  // namespace sinv
