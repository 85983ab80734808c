// Cpu::matmul without a library, for the GPU self-check on a machine that has none: right, not fast.
#include "kernels/cpu/cpu_ops.h"

namespace sinv {

void Cpu::matmul(const Stream&, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode,
                 View c) {
  const std::int64_t m = c.shape[0];
  const std::int64_t n = c.shape[1];
  const std::int64_t k = a.shape[transpose_a ? 0 : 1];
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      double sum = mode == GradientMode::kAccumulate ? static_cast<double>(c.data[i * n + j]) : 0.0;
      for (std::int64_t s = 0; s < k; ++s) {
        sum += static_cast<double>(a.data[transpose_a ? s * m + i : i * k + s]) *
               static_cast<double>(b.data[transpose_b ? j * k + s : s * n + j]);
      }
      c.data[i * n + j] = static_cast<float>(sum);
    }
  }
}

}  // namespace sinv
