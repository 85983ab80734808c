#include "nn/large_memory.h"

#include <new>
#include <sys/mman.h>

namespace sinv {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

bool is_large(std::size_t bytes) { return bytes >= kHugePage; }
std::align_val_t border(std::size_t bytes) { return std::align_val_t{is_large(bytes) ? kHugePage : 64}; }

}  // namespace

void* take_large(std::size_t bytes) {
  void* memory = ::operator new(bytes, border(bytes));
#if defined(MADV_HUGEPAGE)
  // Whole pages only; a refusal changes nothing but speed.
  if (is_large(bytes)) static_cast<void>(::madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE));
#endif
  return memory;
}

void give_back_large(void* memory, std::size_t bytes) noexcept { ::operator delete(memory, border(bytes)); }

}  // namespace sinv
