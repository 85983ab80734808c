#include "kernels/cuda/launch.h"
#include "kernels/cuda/transpose.h"

namespace sinv {
namespace {

constexpr int kTile = 32;
constexpr int kRows = 8;  // of threads; each moves kTile / kRows elements

// Rows are read and written whole warps at a time; the tile turns them, one column wider so that no two threads of a
// warp meet in a bank.
__global__ void transpose_kernel(std::int64_t m, std::int64_t n, const float* x, bool accumulate, float* y) {
  __shared__ float tile[kTile][kTile + 1];
  const std::int64_t first_row = std::int64_t{blockIdx.y} * kTile;
  const std::int64_t first_column = std::int64_t{blockIdx.x} * kTile;
  const std::int64_t column = first_column + threadIdx.x;
  for (int i = static_cast<int>(threadIdx.y); i < kTile; i += kRows) {
    if (first_row + i < m && column < n) tile[i][threadIdx.x] = x[(first_row + i) * n + column];
  }
  __syncthreads();
  const std::int64_t row = first_row + threadIdx.x;
  for (int i = static_cast<int>(threadIdx.y); i < kTile; i += kRows) {
    if (first_column + i >= n || row >= m) continue;
    const std::int64_t at = (first_column + i) * m + row;
    y[at] = accumulate ? y[at] + tile[threadIdx.x][i] : tile[threadIdx.x][i];
  }
}

}  // namespace

void transpose(const Stream& s, ConstView x, GradientMode mode, View y) {
  const std::int64_t m = x.shape[0];
  const std::int64_t n = x.shape[1];
  const auto tiles = [](std::int64_t size) { return static_cast<unsigned>((size + kTile - 1) / kTile); };
  launch("transpose", transpose_kernel, dim3(tiles(n), tiles(m)), dim3(kTile, kRows), 0, s, m, n, x.data,
         mode == GradientMode::kAccumulate, y.data);
}

}  // namespace sinv
