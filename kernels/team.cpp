#include "kernels/team.h"

#include "base/error.h"

namespace sinv {
namespace {

constexpr std::uint64_t kPart = std::uint64_t{1} << 16;  // one in the state's field of parts
constexpr int kSpins = 2000;  // some 20 us: the next loop of a step usually begins within that

void pause() {
#if defined(SINV_X86)
  __builtin_ia32_pause();
#endif
}

}  // namespace

Team::Team(int threads) {
  SINV_CHECK(threads >= 1 && threads <= kMostThreads, "team: ", threads, " threads, wanted 1 to ", kMostThreads);
  for (int slot = 1; slot < threads; ++slot) helpers_.emplace_back([this, slot] { help(slot); });
}

Team::~Team() {
  runs_.store(kLeave);
  runs_.notify_all();
  for (std::thread& helper : helpers_) helper.join();
}

void Team::run(int parts, Call call, const void* what) {
  SINV_CHECK(parts >= 0 && parts <= kMostParts, "team: ", parts, " parts, wanted 0 to ", kMostParts);
  // Who still looks at the run before finds no part of it to take, so it does not use these.
  call_.store(call, std::memory_order_relaxed);
  what_.store(what, std::memory_order_relaxed);
  left_.store(parts, std::memory_order_relaxed);
  const std::uint64_t state =
      (state_.load(std::memory_order_relaxed) / kRun + 1) * kRun + static_cast<std::uint64_t>(parts) * kPart;
  state_.store(state, std::memory_order_release);
  const std::uint32_t number = runs_.load(std::memory_order_relaxed) + 1;
  runs_.store(number == kLeave ? 0 : number, std::memory_order_release);
  runs_.notify_all();
  take_parts(state, 0);
  for (int spins = 0;; ++spins) {
    const int left = left_.load(std::memory_order_acquire);
    if (left == 0) return;
    if (spins < kSpins) {
      pause();
    } else {
      left_.wait(left);
    }
  }
}

void Team::take_parts(std::uint64_t state, int slot) {
  const std::uint64_t run = state / kRun;
  while (state / kRun == run) {
    const int part = static_cast<int>(state % kPart);
    const int parts = static_cast<int>(state % kRun / kPart);
    if (part >= parts) return;
    const Call call = call_.load(std::memory_order_relaxed);
    const void* what = what_.load(std::memory_order_relaxed);
    // Success says that the run is not over, so what was read above is its own.
    if (!state_.compare_exchange_weak(state, state + 1, std::memory_order_acq_rel, std::memory_order_acquire)) continue;
    ++state;
    call(what, part, slot);
    if (left_.fetch_sub(1, std::memory_order_acq_rel) == 1) left_.notify_one();
  }
}

void Team::help(int slot) {
  std::uint32_t seen = 0;
  for (;;) {
    std::uint32_t now = runs_.load(std::memory_order_acquire);
    for (int spins = 0; now == seen && spins < kSpins; ++spins) {
      pause();
      now = runs_.load(std::memory_order_acquire);
    }
    if (now == seen) {
      runs_.wait(seen, std::memory_order_acquire);
      continue;
    }
    if (now == kLeave) return;
    seen = now;
    take_parts(state_.load(std::memory_order_acquire), slot);
  }
}

}  // namespace sinv
