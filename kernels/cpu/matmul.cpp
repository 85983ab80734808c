#include <cstring>
#include <omp.h>
#include <oneapi/dnnl/dnnl.h>

#include "kernels/cpu/cpu_ops.h"

namespace sinv {
namespace {

// oneDNN spreads over libgomp's threads, which wait by spinning: beside another busy thread that costs a scheduler
// slice (8 ms) per call. The number of threads is a setting of each calling thread; our workers are the threads.
void one_thread() {
  thread_local const bool done = (omp_set_num_threads(1), true);
  static_cast<void>(done);
}

}  // namespace

void Cpu::matmul(const Stream&, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode,
                 View c) {
  const dnnl_dim_t m = c.shape[0];
  const dnnl_dim_t n = c.shape[1];
  const dnnl_dim_t k = a.shape[transpose_a ? 0 : 1];
  if (m == 0 || n == 0) return;
  if (k == 0) {
    if (mode == GradientMode::kOverwrite) std::memset(c.data, 0, c.size() * sizeof(float));
    return;
  }
  one_thread();
  const dnnl_status_t status =
      dnnl_sgemm(transpose_a ? 'T' : 'N', transpose_b ? 'T' : 'N', m, n, k, 1.0F, a.data, a.shape[1], b.data,
                 b.shape[1], mode == GradientMode::kAccumulate ? 1.0F : 0.0F, c.data, n);
  SINV_CHECK(status == dnnl_success, "matmul: dnnl_sgemm answered status ", static_cast<int>(status), " for a ",
             a.shape, ", b ", b.shape);
}

}  // namespace sinv
