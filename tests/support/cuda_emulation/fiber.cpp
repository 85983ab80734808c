#include "tests/support/cuda_emulation/fiber.h"

#include <cstdint>
#include <sys/mman.h>

#include "base/error.h"

#if !defined(__x86_64__)
#include <ucontext.h>
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#elif defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif

#if defined(__x86_64__)
extern "C" void sinv_fiber_switch(void** from, void* to);
// Saves the callee-saved registers and the stack pointer, takes those of the other side.
asm(R"(
.text
.globl sinv_fiber_switch
.type sinv_fiber_switch, @function
sinv_fiber_switch:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size sinv_fiber_switch, .-sinv_fiber_switch
.section .note.GNU-stack,"",@progbits
.text
)");
#endif

namespace sinv::cuda_emulation {
namespace {
constexpr std::size_t kStackBytes = 256 * 1024;  // touched only as far as it is used

#if defined(__x86_64__)
using Registers = void*;
void swap(Registers& from, Registers& to) { sinv_fiber_switch(&from, to); }
#else
using Registers = ucontext_t;
void swap(Registers& from, Registers& to) { swapcontext(&from, &to); }
#endif
}  // namespace

struct Fiber {
  void* stack = nullptr;
  Registers registers{};
  void (*entry)() = nullptr;
  void* sanitizer = nullptr;  // the thread sanitizer's fiber, or the address sanitizer's fake stack
};

struct FiberPool::Impl {
  std::vector<std::unique_ptr<Fiber>> all;
  Registers scheduler{};
  Fiber* inside = nullptr;
  void* sanitizer = nullptr;
  const void* scheduler_stack = nullptr;
  std::size_t scheduler_bytes = 0;

  static Impl*& current() {
    static Impl* pool = nullptr;
    return pool;
  }

  void arrived_in_fiber() {
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_finish_switch_fiber(inside->sanitizer, &scheduler_stack, &scheduler_bytes);
#endif
  }

  void to_scheduler() {
    Fiber& fiber = *inside;
#if defined(__SANITIZE_ADDRESS__)
    __sanitizer_start_switch_fiber(&fiber.sanitizer, scheduler_stack, scheduler_bytes);
#elif defined(__SANITIZE_THREAD__)
    __tsan_switch_to_fiber(sanitizer, 0);
#endif
    swap(fiber.registers, scheduler);
    arrived_in_fiber();
  }

  static void loop() {
    current()->arrived_in_fiber();
    for (;;) {
      current()->inside->entry();
      current()->to_scheduler();
    }
  }
};

FiberPool::FiberPool() : impl_(std::make_unique<Impl>()) {}

FiberPool::~FiberPool() { abandon(); }

void FiberPool::abandon() {
  for (const auto& fiber : impl_->all) {
#if defined(__SANITIZE_THREAD__)
    __tsan_destroy_fiber(fiber->sanitizer);
#endif
    munmap(fiber->stack, kStackBytes);
  }
  impl_->all.clear();
  free_.clear();
}

Fiber* FiberPool::take(void (*entry)()) {
  if (free_.empty()) {
    auto fiber = std::make_unique<Fiber>();
    fiber->stack =
        mmap(nullptr, kStackBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    SINV_CHECK(fiber->stack != MAP_FAILED, "cuda emulation: no memory for the stack of a thread");
#if defined(__x86_64__)
    // As sinv_fiber_switch left it: six registers, then the address to return to; the stack pointer at a function's
    // start is 8 off a multiple of 16.
    auto* top = reinterpret_cast<std::uintptr_t*>(static_cast<char*>(fiber->stack) + kStackBytes) - 2;
    *top = reinterpret_cast<std::uintptr_t>(&Impl::loop);
    fiber->registers = top - 6;
#else
    getcontext(&fiber->registers);
    fiber->registers.uc_stack.ss_sp = fiber->stack;
    fiber->registers.uc_stack.ss_size = kStackBytes;
    fiber->registers.uc_link = nullptr;
    makecontext(&fiber->registers, &Impl::loop, 0);
#endif
#if defined(__SANITIZE_THREAD__)
    fiber->sanitizer = __tsan_create_fiber(0);
#endif
    free_.push_back(fiber.get());
    impl_->all.push_back(std::move(fiber));
  }
  Fiber* fiber = free_.back();
  free_.pop_back();
  fiber->entry = entry;
  return fiber;
}

void FiberPool::enter(Fiber& fiber) {
  Impl::current() = impl_.get();
  impl_->inside = &fiber;
#if defined(__SANITIZE_ADDRESS__)
  void* own = nullptr;
  __sanitizer_start_switch_fiber(&own, fiber.stack, kStackBytes);
#elif defined(__SANITIZE_THREAD__)
  impl_->sanitizer = __tsan_get_current_fiber();
  __tsan_switch_to_fiber(fiber.sanitizer, 0);
#endif
  swap(impl_->scheduler, fiber.registers);
#if defined(__SANITIZE_ADDRESS__)
  __sanitizer_finish_switch_fiber(own, nullptr, nullptr);
#endif
}

void FiberPool::leave() { impl_->to_scheduler(); }

}  // namespace sinv::cuda_emulation
