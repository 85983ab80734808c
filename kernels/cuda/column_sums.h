#pragma once

#include <algorithm>
#include <cstdint>

#include "kernels/cuda/blocks.h"
#include "kernels/cuda/reduce.h"

/// Sums over the rows of a matrix, one per column: gradients of biases and gains. In a fixed order: rows are cut into
/// chunks whose number depends on the sizes only; a second launch adds the chunks up.
namespace sinv {

/// Up to two sums of the same matrix are made in one pass.
template <int kSums>
struct ColumnTargets {
  float* to[kSums];  // [n]; null: not wanted
  bool add[kSums];
};
inline constexpr int kTileRows = kThreads / kWarp;

/// Element: Values-like struct of kSums floats from (row, column). Block (x, y): columns 32 x .. of chunk y.
template <int kSums, class Element>
__global__ void __launch_bounds__(kThreads)
    column_sums_kernel(Element element, std::int64_t m, std::int64_t n, std::int64_t chunk_rows,
                       ColumnTargets<kSums> targets, float* partials) {
  __shared__ SharedArray<float, kSums * kThreads> tile;
  const std::int64_t column = std::int64_t{blockIdx.x} * kWarp + lane();
  const std::int64_t first = std::int64_t{blockIdx.y} * chunk_rows;
  const std::int64_t last = first + chunk_rows < m ? first + chunk_rows : m;
  float sum[kSums] = {};
  if (column < n) {
    for (std::int64_t row = first + warp(); row < last; row += kTileRows) {
      float terms[kSums];
      element(row, column, terms);
#pragma unroll
      for (int v = 0; v < kSums; ++v) sum[v] += terms[v];
    }
  }
#pragma unroll
  for (int v = 0; v < kSums; ++v) tile[v * kThreads + thread()] = sum[v];
  __syncthreads();
  if (warp() != 0 || column >= n) return;
#pragma unroll
  for (int v = 0; v < kSums; ++v) {
    float total = 0;
    for (int r = 0; r < kTileRows; ++r) total += tile[v * kThreads + r * kWarp + lane()];
    if (partials != nullptr) {
      partials[(std::int64_t{blockIdx.y} * kSums + v) * n + column] = total;
    } else if (targets.to[v] != nullptr) {
      give<1>(targets.add[v], targets.to[v] + column, {{total}});
    }
  }
}

/// The partial sums of the chunks, as a matrix [chunks, kSums, n].
template <int kSums>
struct PartialSums {
  const float* partials;
  std::int64_t n;
  __device__ void operator()(std::int64_t row, std::int64_t column, float* terms) const {
#pragma unroll
    for (int v = 0; v < kSums; ++v) terms[v] = partials[(row * kSums + v) * n + column];
  }
};

template <int kSums, class Element>
void column_sums(const char* name, const Stream& s, const Element& element, std::int64_t m, std::int64_t n,
                 const ColumnTargets<kSums>& targets) {
  if (n == 0) return;
  const WorkspaceParts parts(s);
  const auto room = static_cast<std::int64_t>(WorkspaceParts::kScratchFloats) / (kSums * n);
  const std::int64_t most = std::clamp<std::int64_t>(room, 1, 128);
  const std::int64_t chunk_rows = std::max<std::int64_t>((m + most - 1) / most, 256);
  const std::int64_t chunks = std::max<std::int64_t>((m + chunk_rows - 1) / chunk_rows, 1);
  const auto tiles = static_cast<unsigned>((n + kWarp - 1) / kWarp);
  if (chunks == 1) {
    launch(name, column_sums_kernel<kSums, Element>, tiles, kThreads, 0, s, element, m, n, chunk_rows, targets,
           nullptr);
    return;
  }
  launch(name, column_sums_kernel<kSums, Element>, dim3(tiles, static_cast<unsigned>(chunks)), kThreads, 0, s, element,
         m, n, chunk_rows, targets, parts.scratch);
  launch(name, column_sums_kernel<kSums, PartialSums<kSums>>, tiles, kThreads, 0, s,
         PartialSums<kSums>{parts.scratch, n}, chunks, n, chunks, targets, nullptr);
}

}  // namespace sinv
