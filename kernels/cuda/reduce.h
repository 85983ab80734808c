#pragma once

#include <algorithm>
#include <cstddef>

#include "kernels/cuda/blocks.h"
#include "kernels/cuda/workspace.h"

/// Sums over all elements in double, in one launch and in a fixed order: every block leaves its sum in the workspace,
/// the block that finishes last adds them up in the order of the blocks.
namespace sinv {

/// How the workspace of a stream is divided.
struct WorkspaceParts {
  static constexpr std::size_t kPlanAt = 256;
  static constexpr std::size_t kPartialsAt = 512;
  static constexpr unsigned kMostPartials = 512;
  static constexpr std::size_t kScratchAt = 8192;
  static_assert(kPartialsAt + kMostPartials * sizeof(double) <= kScratchAt);

  unsigned* ticket;  // 0 between launches
  void* plan;        // what a reduction leaves for the next kernel, up to 256 bytes
  double* partials;
  float* scratch;
  static constexpr std::size_t kScratchFloats = (kWorkspaceBytes - kScratchAt) / sizeof(float);

  explicit WorkspaceParts(const Stream& s) {
    std::byte* memory = workspace(s);
    ticket = reinterpret_cast<unsigned*>(memory);
    plan = memory + kPlanAt;
    partials = reinterpret_cast<double*>(memory + kPartialsAt);
    scratch = reinterpret_cast<float*>(memory + kScratchAt);
  }
};

/// One thread calls finish(sum of element(width, i)). Element and Finish: structs with device call operators.
template <class Element, class Finish>
__global__ void __launch_bounds__(kThreads)
    reduce_kernel(Element element, Finish finish, std::size_t count, bool wide, unsigned* ticket, double* partials) {
  __shared__ BlockRoom<double> room;
  __shared__ SharedArray<int, 1> is_last;
  double sum = 0;
  each_element(count, wide, [&](auto width, std::size_t i) { sum += element(width, i); });
  sum = block_sum(sum, room);
  if (gridDim.x > 1) {
    if (thread() == 0) {
      partials[blockIdx.x] = sum;
      __threadfence();
      is_last[0] = atomicInc(ticket, gridDim.x - 1) == gridDim.x - 1 ? 1 : 0;
    }
    __syncthreads();
    if (is_last[0] == 0) return;
    __threadfence();
    const volatile double* all = partials;  // written by other blocks: not from a cache of this one
    sum = 0;
    for (unsigned b = threadIdx.x; b < gridDim.x; b += blockDim.x) sum += all[b];
    sum = block_sum(sum, room);
  }
  if (thread() == 0) finish(sum);
}

template <class Element, class Finish>
void reduce(const char* name, const Stream& s, std::size_t count, bool wide, const Element& element,
            const Finish& finish) {
  const WorkspaceParts parts(s);
  const unsigned blocks = std::clamp(element_grid(count).x, 1U, WorkspaceParts::kMostPartials);
  launch(name, reduce_kernel<Element, Finish>, blocks, kThreads, 0, s, element, finish, count, wide, parts.ticket,
         parts.partials);
}

}  // namespace sinv
