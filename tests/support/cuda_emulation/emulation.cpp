#include "tests/support/cuda_emulation/emulation.h"

#include <algorithm>
#include <exception>
#include <numeric>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "tests/support/cuda_emulation/fiber.h"

namespace sinv::cuda_emulation {

Index thread_index;
Index block_index;
Index block_size;
Index grid_size;

namespace {

constexpr std::size_t kWarp = 32;
constexpr unsigned kMostThreads = 1024;
constexpr std::size_t kMostShared = 48 * 1024;
constexpr std::size_t kSharedGuard = 256;

enum class State : std::uint8_t { kReady, kAtBarrier, kInWarp, kDone };

struct Thread {
  State state = State::kDone;
  Fiber* fiber = nullptr;
  Index index;
  // Of the warp intrinsic that it waits in.
  WarpOp op = WarpOp::kSync;
  std::uint32_t mask = 0;
  std::uint64_t bits = 0;
  unsigned source = 0;
};

struct SharedExtent {
  void* data;
  std::size_t bytes;
};

class Device {
 public:
  static Device& get() {
    static Device device;
    return device;
  }

  void set_order(Order order, std::uint64_t seed) {
    order_ = order;
    random_ = Random(seed, 0);
  }

  void run(const char* name, Index grid, Index block, std::size_t shared_bytes, void (*body)(void*), void* context) {
    name_ = name;
    check_launch(grid, block, shared_bytes);
    grid_size = grid;
    block_size = block;
    body_ = body;
    context_ = context;
    threads_.resize(std::size_t{block.x} * block.y * block.z);
    dynamic_.resize(shared_bytes + kSharedGuard);
    const std::size_t blocks = std::size_t{grid.x} * grid.y * grid.z;
    std::vector<std::size_t> order(blocks);
    arrange(order);
    for (const std::size_t b : order) {
      block_index = {static_cast<unsigned>(b % grid.x), static_cast<unsigned>(b / grid.x % grid.y),
                     static_cast<unsigned>(b / grid.x / grid.y)};
      run_block(shared_bytes);
    }
  }

  // Called from inside a thread.
  void wait_at_barrier() {
    threads_[current_].state = State::kAtBarrier;
    leave();
  }
  std::uint64_t exchange(WarpOp op, std::uint32_t mask, std::uint64_t bits, unsigned source) {
    Thread& self = threads_[current_];
    if ((mask >> lane() & 1U) == 0) fail(text("lane ", lane(), " is not in the mask of its own warp intrinsic"));
    self.state = State::kInWarp;
    self.op = op;
    self.mask = mask;
    self.bits = bits;
    self.source = source;
    if (!meet(current_ / kWarp, mask)) leave();
    return self.bits;
  }
  unsigned lane() const { return static_cast<unsigned>(current_ % kWarp); }
  void* dynamic() { return dynamic_.data(); }
  void add_shared(void* data, std::size_t bytes) {
    shared_.push_back({data, bytes});
    std::memset(data, 0xFF, bytes);
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(text("kernel ", name_, ", block ", block_index.x, ",", block_index.y, ",", block_index.z, ": ", what));
  }
  std::uint64_t threads_run() const { return threads_run_; }

 private:
  void check_launch(Index grid, Index block, std::size_t shared_bytes) const {
    const std::size_t threads = std::size_t{block.x} * block.y * block.z;
    if (threads == 0 || threads > kMostThreads || block.z > 64) {
      throw Error(text("kernel ", name_, ": a block of ", block.x, "x", block.y, "x", block.z, " threads"));
    }
    if (grid.x > 0x7FFFFFFFU || grid.y > 65535 || grid.z > 65535) {
      throw Error(text("kernel ", name_, ": a grid of ", grid.x, "x", grid.y, "x", grid.z, " blocks"));
    }
    if (shared_bytes > kMostShared) throw Error(text("kernel ", name_, ": ", shared_bytes, " bytes of shared memory"));
  }

  void arrange(std::vector<std::size_t>& order) {
    std::iota(order.begin(), order.end(), std::size_t{0});
    if (order_ == Order::kReverse) std::reverse(order.begin(), order.end());
    if (order_ != Order::kShuffled) return;
    for (std::size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random_.below(static_cast<std::uint32_t>(i))]);
    }
  }

  void run_block(std::size_t shared_bytes) {
    for (const SharedExtent& extent : shared_) std::memset(extent.data, 0xFF, extent.bytes);
    std::fill(dynamic_.begin(), dynamic_.end(), std::uint8_t{0xFF});
    error_ = nullptr;
    for (std::size_t t = 0; t < threads_.size(); ++t) {
      const auto i = static_cast<unsigned>(t);
      threads_[t] = Thread{};
      threads_[t].state = State::kReady;
      threads_[t].index = {i % block_size.x, i / block_size.x % block_size.y, i / block_size.x / block_size.y};
    }
    live_ = threads_.size();
    std::vector<std::size_t> order(threads_.size());
    while (live_ > 0) {
      arrange(order);
      bool ran = false;
      for (const std::size_t t : order) {
        if (threads_[t].state != State::kReady) continue;
        ran = true;
        resume(t);
        if (error_ != nullptr) {
          fibers_.abandon();
          std::rethrow_exception(error_);
        }
      }
      if (!ran) release_barrier();
    }
    for (std::size_t i = 0; i < kSharedGuard; ++i) {
      if (dynamic_[shared_bytes + i] != 0xFF) fail("it wrote behind its dynamic shared memory");
    }
  }

  void resume(std::size_t t) {
    Thread& thread = threads_[t];
    current_ = t;
    thread_index = thread.index;
    if (thread.fiber == nullptr) thread.fiber = fibers_.take(&Device::entry);
    fibers_.enter(*thread.fiber);
    if (thread.state == State::kDone) fibers_.give_back(thread.fiber);
  }

  // What a fiber does, again and again: run one thread to its end.
  static void entry() {
    Device& device = get();
    try {
      device.body_(device.context_);
    } catch (...) {
      device.error_ = std::current_exception();
    }
    device.threads_[device.current_].state = State::kDone;
    --device.live_;
    ++device.threads_run_;
    try {
      if (device.error_ == nullptr) device.meet_after_exit(device.current_ / kWarp);
    } catch (...) {
      device.error_ = std::current_exception();
    }
  }

  void leave() {
    const std::size_t self = current_;
    fibers_.leave();
    current_ = self;
    thread_index = threads_[self].index;
  }

  // Lets the lanes of `mask` go on when each of them that still lives waits with this mask. True if so.
  bool meet(std::size_t warp, std::uint32_t mask) {
    const std::size_t first = warp * kWarp;
    const auto takes_part = [&](std::size_t lane) {
      return (mask >> lane & 1U) != 0 && first + lane < threads_.size() && threads_[first + lane].state != State::kDone;
    };
    std::uint32_t ballot = 0;
    const Thread* one = nullptr;
    for (std::size_t lane = 0; lane < kWarp; ++lane) {
      if (!takes_part(lane)) continue;
      const Thread& thread = threads_[first + lane];
      if (thread.state != State::kInWarp || thread.mask != mask) return false;
      if (one != nullptr && one->op != thread.op) fail(text("lanes of warp ", warp, " meet in different intrinsics"));
      one = &thread;
      if (thread.bits != 0) ballot |= 1U << lane;
    }
    if (one == nullptr) return false;
    std::uint64_t brought[kWarp] = {};
    for (std::size_t lane = 0; lane < kWarp; ++lane) {
      if (takes_part(lane)) brought[lane] = threads_[first + lane].bits;
    }
    for (std::size_t lane = 0; lane < kWarp; ++lane) {
      if (!takes_part(lane)) continue;
      Thread& thread = threads_[first + lane];
      if (thread.op == WarpOp::kShuffle) {
        if (!takes_part(thread.source)) {
          fail(text("lane ", lane, " of warp ", warp, " reads lane ", thread.source, ", which takes no part"));
        }
        thread.bits = brought[thread.source];
      } else if (thread.op == WarpOp::kBallot) {
        thread.bits = ballot;
      }
    }
    for (std::size_t lane = 0; lane < kWarp; ++lane) {
      if (takes_part(lane)) threads_[first + lane].state = State::kReady;
    }
    return true;
  }

  // A thread that ended may have been the last one that others of its warp waited for.
  void meet_after_exit(std::size_t warp) {
    for (std::size_t t = warp * kWarp; t < std::min((warp + 1) * kWarp, threads_.size()); ++t) {
      if (threads_[t].state == State::kInWarp) meet(warp, threads_[t].mask);
    }
  }

  void release_barrier() {
    std::size_t waiting = 0;
    for (const Thread& thread : threads_) waiting += thread.state == State::kAtBarrier ? 1U : 0U;
    if (waiting != live_) {
      fibers_.abandon();
      fail(text("of ", live_, " live threads ", waiting, " wait at __syncthreads, ", live_ - waiting,
                " in a warp intrinsic that the other lanes of its mask do not reach"));
    }
    for (Thread& thread : threads_) {
      if (thread.state == State::kAtBarrier) thread.state = State::kReady;
    }
  }

  Order order_ = Order::kForward;
  Random random_;
  const char* name_ = "";
  void (*body_)(void*) = nullptr;
  void* context_ = nullptr;
  std::vector<Thread> threads_;
  std::vector<std::uint8_t> dynamic_;
  std::vector<SharedExtent> shared_;
  FiberPool fibers_;
  std::size_t current_ = 0;
  std::size_t live_ = 0;
  std::uint64_t threads_run_ = 0;
  std::exception_ptr error_;
};

}  // namespace

void set_order(Order order, std::uint64_t seed) { Device::get().set_order(order, seed); }
void run(const char* name, Index grid, Index block, std::size_t shared_bytes, void (*body)(void*), void* context) {
  Device::get().run(name, grid, block, shared_bytes, body, context);
}
std::uint64_t threads_run() { return Device::get().threads_run(); }
void block_barrier() { Device::get().wait_at_barrier(); }
std::uint64_t warp_exchange(WarpOp op, std::uint32_t mask, std::uint64_t bits, unsigned source) {
  return Device::get().exchange(op, mask, bits, source);
}
unsigned lane() { return Device::get().lane(); }
void* dynamic_shared() { return Device::get().dynamic(); }
void add_shared(void* data, std::size_t bytes) { Device::get().add_shared(data, bytes); }
void fail(const std::string& what) { Device::get().fail(what); }

}  // namespace sinv::cuda_emulation
