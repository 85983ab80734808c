#include <array>
#include <atomic>
#include <mutex>

#include "kernels/cuda/launch.h"
#include "kernels/cuda/workspace.h"

namespace sinv {
namespace {

// A slot is taken while `memory` is not null. Read without a lock, so that a call inside a step takes none.
struct Slot {
  std::atomic<void*> stream{nullptr};
  std::atomic<std::byte*> memory{nullptr};
};
std::array<Slot, 64>& slots() {
  static std::array<Slot, 64> all;
  return all;
}
std::mutex& changes() {
  static std::mutex one;
  return one;
}

Slot* find(const Stream& s) {
  for (Slot& slot : slots()) {
    if (slot.memory.load(std::memory_order_acquire) != nullptr && slot.stream.load() == s.handle) return &slot;
  }
  return nullptr;
}

}  // namespace

void attach_workspace(const Stream& s) {
  const std::lock_guard lock(changes());
  if (find(s) != nullptr) return;
  for (Slot& slot : slots()) {
    if (slot.memory.load() != nullptr) continue;
    std::byte* memory = nullptr;
    check_cuda(cudaMalloc(&memory, kWorkspaceBytes), "attach_workspace");
    check_cuda(cudaMemsetAsync(memory, 0, kWorkspaceBytes, cuda_stream(s)), "attach_workspace");
    slot.stream.store(s.handle);
    slot.memory.store(memory, std::memory_order_release);
    return;
  }
  throw Error(text("attach_workspace: ", slots().size(), " streams have a workspace, no more are possible"));
}

void detach_workspace(const Stream& s) {
  const std::lock_guard lock(changes());
  Slot* slot = find(s);
  if (slot == nullptr) return;
  std::byte* memory = slot->memory.exchange(nullptr);
  check_cuda(cudaFree(memory), "detach_workspace");
}

std::byte* workspace(const Stream& s) {
  Slot* slot = find(s);
  SINV_CHECK(slot != nullptr, "workspace: attach_workspace was not called for this stream");
  return slot->memory.load();
}

}  // namespace sinv
