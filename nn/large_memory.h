#pragma once

#include <cstddef>
#include <vector>

namespace sinv {

/// Memory at 64-byte borders; from 2 MiB on at 2 MiB borders, and asked for in huge pages, where the system grants them
/// (they are no promise): arrays that a step streams through then miss the address cache far less often.
/// Errors: std::bad_alloc.
void* take_large(std::size_t bytes);
/// `bytes`: as they were taken.
void give_back_large(void* memory, std::size_t bytes) noexcept;

/// For the arrays of a network.
template <class T>
struct LargeAllocator {
  using value_type = T;
  LargeAllocator() = default;
  template <class U>
  LargeAllocator(const LargeAllocator<U>&) {}  // NOLINT(google-explicit-constructor): what an allocator must have
  T* allocate(std::size_t count) { return static_cast<T*>(take_large(count * sizeof(T))); }
  void deallocate(T* memory, std::size_t count) noexcept { give_back_large(memory, count * sizeof(T)); }
  friend bool operator==(const LargeAllocator&, const LargeAllocator&) { return true; }
};

using LargeFloats = std::vector<float, LargeAllocator<float>>;

}  // namespace sinv
