#include <cuda_runtime.h>

#include "kernels/cuda/runtime.h"

namespace sinv {
namespace {

__global__ void any_kernel(float* out) { *out = 0.0F; }

}  // namespace

// Asking for a kernel's attributes loads the module's code for the device, or says that there is none.
void check_architecture(int device, const DeviceFacts& facts) {
  cudaFuncAttributes found{};
  const cudaError_t status = cudaFuncGetAttributes(&found, any_kernel);
  if (status == cudaErrorNoKernelImageForDevice || status == cudaErrorInvalidDeviceFunction ||
      status == cudaErrorUnsupportedPtxVersion) {
    static_cast<void>(cudaGetLastError());
    throw UserError(
        text("device cuda:", device, ": ", facts.name, " has compute capability ", facts.major, '.', facts.minor,
             ", this build is for " SINV_CUDA_ARCHITECTURES "; configure with -DCMAKE_CUDA_ARCHITECTURES=", facts.major,
             facts.minor, ", or run with --device cpu"));
  }
  check_call(status, "cudaFuncGetAttributes");
}

}  // namespace sinv
