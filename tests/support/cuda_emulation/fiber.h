#pragma once

#include <cstddef>
#include <memory>
#include <vector>

namespace sinv::cuda_emulation {

/// A stack of its own that can be left in the middle and entered again. Plain register switches on x86-64 (ucontext
/// asks the kernel for the signal mask each time), ucontext elsewhere. Known to the address and thread sanitizers.
struct Fiber;

/// The fibers of one scheduler. Thread: the one that made it.
class FiberPool {
 public:
  FiberPool();
  ~FiberPool();
  FiberPool(const FiberPool&) = delete;
  FiberPool& operator=(const FiberPool&) = delete;
  /// A fiber that will call `entry` when entered; `entry` must not throw. Made anew only if none is free.
  Fiber* take(void (*entry)());
  /// Runs the fiber until it leaves or its entry returns.
  void enter(Fiber& fiber);
  /// Back to enter(); from inside a fiber.
  void leave();
  /// A fiber whose entry returned is free again.
  void give_back(Fiber* fiber) { free_.push_back(fiber); }
  /// Forgets all fibers, wherever they stand: what they hold on their stacks is not destroyed.
  void abandon();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  std::vector<Fiber*> free_;
};

}  // namespace sinv::cuda_emulation
