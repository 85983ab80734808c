#pragma once

#include <cstddef>
#include <cuda_runtime.h>
#include <string>

#include "base/error.h"
#include "kernels/device.h"

/// How every kernel is started and every CUDA call checked. In a test without a GPU <cuda_runtime.h> is the emulation
/// of tests/support/cuda_emulation, the same sources are compiled as C++, and launch() runs the kernel in this thread.
namespace sinv {

/// A call that failed. The module tells the user what it means (kernels/cuda/runtime.h).
struct CudaError : Error {
  CudaError(cudaError_t result, const char* what)
      : Error(text(what, ": ", cudaGetErrorString(result), " (", cudaGetErrorName(result), ")")),
        status(result),
        call(what) {}
  cudaError_t status;
  std::string call;
};
/// Errors: CudaError "<what>: <the text of CUDA> (<its name>)" unless `result` is cudaSuccess.
inline void check_cuda(cudaError_t result, const char* what) {
  if (result != cudaSuccess) throw CudaError(result, what);
}

inline cudaStream_t cuda_stream(const Stream& s) { return static_cast<cudaStream_t>(s.handle); }

#if defined(__CUDACC__) || defined(SINV_CUDA_EMULATION)
/// kernel<<<grid, block, shared_bytes, s>>>(arguments...); an empty grid is no launch. `name`: the operation, for
/// errors. Only in sources that hold kernels.
template <class... Parameters, class... Arguments>
void launch(const char* name, void (*kernel)(Parameters...), dim3 grid, dim3 block, std::size_t shared_bytes,
            const Stream& s, Arguments... arguments) {
  if (grid.x == 0 || grid.y == 0 || grid.z == 0) return;
#if defined(SINV_CUDA_EMULATION)
  check_cuda(cuda_emulation::launch_fault(), name);
  cuda_emulation::submit(s.handle, [=] {
    cuda_emulation::run_grid(name, grid, block, shared_bytes, [&] { kernel(static_cast<Parameters>(arguments)...); });
  });
#else
  // The formatter parts the closing brackets.
  // clang-format off
  kernel<<<grid, block, shared_bytes, cuda_stream(s)>>>(static_cast<Parameters>(arguments)...);
  // clang-format on
  check_cuda(cudaGetLastError(), name);
#endif
}
#endif

}  // namespace sinv
