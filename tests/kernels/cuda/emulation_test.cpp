// The emulation of the CUDA thread model, by kernels whose faults and results are known.
#include <gmock/gmock.h>

#include "kernels/cuda/blocks.h"
#include "kernels/cuda/workspace.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

template <class Kernel, class... Arguments>
void run(Kernel kernel, dim3 grid, dim3 block, Arguments... arguments) {
  launch("example", kernel, grid, block, 0, Stream{}, arguments...);
}

__global__ void reverse_kernel(const float* x, float* y, bool with_barrier) {
  __shared__ SharedArray<float, 64> room;
  room[thread()] = x[thread()];
  if (with_barrier) __syncthreads();
  y[thread()] = room[threads() - 1 - thread()];
}

// What each order makes of a block that turns 64 numbers round through shared memory.
std::vector<std::vector<float>> reversed(bool with_barrier) {
  std::vector<std::vector<float>> all;
  const std::vector<float> x = draw(64, 1);
  for (const cuda_emulation::Order order : cuda_emulation::kOrders) {
    cuda_emulation::set_order(order, 3);
    std::vector<float> y(64);
    run(reverse_kernel, 1, 64, x.data(), y.data(), with_barrier);
    all.push_back(y);
  }
  return all;
}

TEST(CudaEmulation, ABarrierMakesEveryOrderAgree) {
  const std::vector<float> x = draw(64, 1);
  for (const std::vector<float>& y : reversed(true)) {
    for (std::size_t i = 0; i < 64; ++i) EXPECT_EQ(y[i], x[63 - i]);
  }
}

TEST(CudaEmulation, AMissingBarrierShowsInTheOrders) {
  const auto all = reversed(false);
  EXPECT_TRUE(std::isnan(all[0][0]));   // read before it was written
  EXPECT_FALSE(std::isnan(all[1][0]));  // the reverse order hides it at this end
  EXPECT_TRUE(std::isnan(all[1][63]));
  EXPECT_NE(all[1], all[2]);
}

__global__ void order_kernel(unsigned* next, unsigned* place) {
  place[blockIdx.x] = *next;
  ++*next;
}

TEST(CudaEmulation, BlocksRunInTheChosenOrder) {
  std::vector<std::vector<unsigned>> all;
  for (const cuda_emulation::Order order : cuda_emulation::kOrders) {
    cuda_emulation::set_order(order, 5);
    unsigned next = 0;
    std::vector<unsigned> place(8);
    run(order_kernel, 8, 1, &next, place.data());
    all.push_back(place);
  }
  EXPECT_THAT(all[0], ::testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_THAT(all[1], ::testing::ElementsAre(7, 6, 5, 4, 3, 2, 1, 0));
  EXPECT_THAT(all[2], ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
  EXPECT_NE(all[2], all[0]);
}

__global__ void index_kernel(unsigned* seen) {
  const unsigned block = (blockIdx.z * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
  const unsigned inside = (threadIdx.z * blockDim.y + threadIdx.y) * blockDim.x + threadIdx.x;
  ++seen[block * blockDim.x * blockDim.y * blockDim.z + inside];
}

TEST(CudaEmulation, EveryThreadOfAGridRunsOnce) {
  std::vector<unsigned> seen(2 * 3 * 2 * 4 * 2 * 3);
  run(index_kernel, dim3(2, 3, 2), dim3(4, 2, 3), seen.data());
  EXPECT_THAT(seen, ::testing::Each(1U));
  run(index_kernel, dim3(0, 3, 2), 4, seen.data());
  EXPECT_THAT(seen, ::testing::Each(1U));
}

__global__ void warp_kernel(int* out) {
  const int t = thread();
  out[t] = warp_sum(t);
  out[64 + t] = __shfl_sync(0xFFFFFFFFU, t, 5);
  out[128 + t] = __shfl_down_sync(0xFFFFFFFFU, t, 1);
  out[192 + t] = __shfl_up_sync(0xFFFFFFFFU, t, 2);
  out[256 + t] = static_cast<int>(__ballot_sync(0xFFFFFFFFU, lane() < 3 ? 1 : 0));
  if (lane() < 16) out[320 + t] = __shfl_xor_sync(0xFFFFU, t, 1);  // half a warp by itself
  __syncwarp();
}

TEST(CudaEmulation, WarpIntrinsicsExchangeWhatTheLanesBring) {
  for (const cuda_emulation::Order order : cuda_emulation::kOrders) {
    cuda_emulation::set_order(order, 7);
    std::vector<int> out(384, -1);
    run(warp_kernel, 1, 64, out.data());
    for (int t = 0; t < 64; ++t) {
      const auto at = static_cast<std::size_t>(t);
      const int base = t / 32 * 32;
      EXPECT_EQ(out[at], base * 32 + 31 * 16);
      EXPECT_EQ(out[64 + at], base + 5);
      EXPECT_EQ(out[128 + at], t % 32 == 31 ? t : t + 1);
      EXPECT_EQ(out[192 + at], t % 32 < 2 ? t : t - 2);
      EXPECT_EQ(out[256 + at], 7);
      EXPECT_EQ(out[320 + at], t % 32 < 16 ? t ^ 1 : -1);
    }
  }
}

__global__ void fault_kernel(int fault, float* out) {
  __shared__ SharedArray<float, 32> room;
  switch (fault) {
    case 0:
      if (thread() != 7) __syncthreads();  // 7 ends: the others go on
      return;
    case 1:
      if (thread() == 7) warp_sum(1.0F);
      __syncthreads();
      return;
    case 2:
      if (thread() < 16) {
        warp_sum(1.0F);
      } else {
        __ballot_sync(0xFFFFFFFFU, 1);
      }
      return;
    case 3:
      if (thread() >= 16) return;
      out[thread()] = __shfl_sync(0xFFFFU, 1.0F, 20);
      return;
    case 4:
      room[thread() + 1] = 1.0F;
      return;
    case 5:
      if (thread() == 3) __shfl_sync(0x1U, 1.0F, 0);
      return;
    default:
      out[thread()] = room[0];
  }
}

TEST(CudaEmulation, FaultsAreErrorsThatNameTheKernel) {
  std::vector<float> out(64);
  const auto fault = [&](int kind) { return message([&] { run(fault_kernel, dim3(1, 2), 32, kind, out.data()); }); };
  EXPECT_EQ(fault(0), "");
  EXPECT_EQ(fault(1),
            "kernel example, block 0,0,0: of 32 live threads 31 wait at __syncthreads, 1 in a warp intrinsic that the "
            "other lanes of its mask do not reach");
  EXPECT_THAT(fault(2), HasSubstr("lanes of warp 0 meet in different intrinsics"));
  EXPECT_THAT(fault(3), HasSubstr("reads lane 20, which takes no part"));
  EXPECT_THAT(fault(4), HasSubstr("index 32 of a shared array of 32"));
  EXPECT_THAT(fault(5), HasSubstr("lane 3 is not in the mask of its own warp intrinsic"));
  EXPECT_THAT(message([&] { run(fault_kernel, 1, 1025, 0, out.data()); }), HasSubstr("a block of 1025x1x1 threads"));
  EXPECT_THAT(message([&] { run(fault_kernel, dim3(1, 70000), 1, 0, out.data()); }), HasSubstr("a grid of 1x70000x1"));
  // After a fault the next kernel runs as ever, and its shared memory holds nothing of the last.
  EXPECT_EQ(fault(6), "");
  EXPECT_TRUE(std::isnan(out[0]));
}

__global__ void dynamic_kernel(unsigned bytes) {
  static_cast<std::uint8_t*>(cuda_emulation::dynamic_shared())[bytes] = 1;
}

TEST(CudaEmulation, DynamicSharedMemoryHasAnEnd) {
  launch("example", dynamic_kernel, 1, 1, 64, Stream{}, 63U);
  EXPECT_THAT(message([] { launch("example", dynamic_kernel, 1, 1, 64, Stream{}, 64U); }),
              HasSubstr("it wrote behind its dynamic shared memory"));
  EXPECT_THAT(message([] { launch("example", dynamic_kernel, 1, 1, 50000, Stream{}, 64U); }),
              HasSubstr("50000 bytes of shared memory"));
}

__global__ void sum_kernel(const double* x, double* sum) {
  __shared__ BlockRoom<double> room;
  double value = block_sum(x[thread()], room);
  value += block_sum(x[thread()], room);  // the room is used again
  sum[thread()] = value;
}

TEST(CudaBlocks, EveryThreadGetsTheSumOfTheBlock) {
  for (const unsigned threads : {32U, 64U, 256U, 1024U}) {
    std::vector<double> x(threads);
    for (std::size_t i = 0; i < threads; ++i) x[i] = static_cast<double>(i + 1);
    for (const cuda_emulation::Order order : cuda_emulation::kOrders) {
      cuda_emulation::set_order(order, threads);
      std::vector<double> sum(threads);
      run(sum_kernel, 1, threads, x.data(), sum.data());
      EXPECT_THAT(sum, ::testing::Each(static_cast<double>(threads) * (threads + 1)));
    }
  }
}

TEST(CudaLaunch, AFailedCallKeepsItsOwnText) {
  EXPECT_EQ(message([] { check_cuda(cudaErrorMemoryAllocation, "somewhere"); }),
            "somewhere: out of memory (cudaErrorMemoryAllocation)");
  EXPECT_EQ(message([] { check_cuda(cudaSuccess, "somewhere"); }), "");
}

TEST(CudaWorkspace, BelongsToOneStream) {
  int somewhere[70];
  const Stream a{Device::kCuda, &somewhere[0]};
  const Stream b{Device::kCuda, &somewhere[1]};
  EXPECT_THAT(message([&] { workspace(a); }), HasSubstr("attach_workspace was not called for this stream"));
  attach_workspace(a);
  attach_workspace(b);
  const std::byte* first = workspace(a);
  attach_workspace(a);
  EXPECT_EQ(workspace(a), first);
  EXPECT_NE(workspace(b), first);
  detach_workspace(a);
  EXPECT_THAT(message([&] { workspace(a); }), HasSubstr("attach_workspace was not called"));
  detach_workspace(a);
  EXPECT_THAT(message([&] {
                for (int& each : somewhere) attach_workspace({Device::kCuda, &each});
              }),
              HasSubstr("64 streams have a workspace, no more are possible"));
  for (int& each : somewhere) detach_workspace({Device::kCuda, &each});
}

}  // namespace
}  // namespace sinv
