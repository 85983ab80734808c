#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>

/// Runs CUDA kernels that were compiled as C++ on the CPU, faithful to the thread model: every thread of a block is a
/// fiber; __syncthreads and the warp intrinsics wait as on the device. The order of the threads between two barriers,
/// and that of the blocks, can be chosen, so that a missing barrier or a block that leans on another shows up as a
/// different result.
/// Found and thrown as Error naming the kernel: a barrier that a live thread does not reach, lanes that disagree about
/// a warp intrinsic, a lane that reads one that takes no part, an index outside a SharedArray, an impossible launch.
/// Shared memory and fresh device memory start as NaN.
/// Not seen: speed, registers, memory order between warps, accesses outside device memory (guard values are for that).
/// Thread: one at a time.
namespace sinv::cuda_emulation {

enum class Order : std::uint8_t { kForward, kReverse, kShuffled };
/// For the launches that follow.
void set_order(Order order, std::uint64_t seed = 0);
inline constexpr Order kOrders[] = {Order::kForward, Order::kReverse, Order::kShuffled};

struct Index {
  unsigned x = 1;
  unsigned y = 1;
  unsigned z = 1;
};
// What the running thread reads as threadIdx, blockIdx, blockDim and gridDim.
extern Index thread_index;
extern Index block_index;
extern Index block_size;
extern Index grid_size;

/// Calls body(context) once per thread of the grid.
void run(const char* name, Index grid, Index block, std::size_t shared_bytes, void (*body)(void*), void* context);
template <class Body>
void run_grid(const char* name, Index grid, Index block, std::size_t shared_bytes, Body body) {
  run(
      name, grid, block, shared_bytes, [](void* context) { (*static_cast<Body*>(context))(); }, &body);
}
/// How many threads have run since the program started: that a test ran its kernels can be seen.
std::uint64_t threads_run();

// What the intrinsics call, from inside a kernel.
void block_barrier();
enum class WarpOp : std::uint8_t { kSync, kShuffle, kBallot };
/// Waits for the lanes of `mask`; a shuffle returns the bits that lane `source` brought, a ballot the lanes that
/// brought a value other than 0.
std::uint64_t warp_exchange(WarpOp op, std::uint32_t mask, std::uint64_t bits, unsigned source);
unsigned lane();
void* dynamic_shared();
/// `bytes` at `data` are shared memory of static extent: set to NaN before every block.
void add_shared(void* data, std::size_t bytes);
[[noreturn]] void fail(const std::string& what);

template <class T>
T shuffle(std::uint32_t mask, T value, unsigned source) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = warp_exchange(WarpOp::kShuffle, mask, bits, source);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

}  // namespace sinv::cuda_emulation
