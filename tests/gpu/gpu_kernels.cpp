// The cases of the CUDA kernels on this machine's GPU, without the vendors' libraries: gpu_kernels. Small enough for
// compute-sanitizer. Exit status as gpu_check's.
#include <cstdio>
#include <cuda_runtime_api.h>

#include "base/text.h"
#include "tests/kernels/cuda/cases.h"

int main() {
  int count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  if (status != cudaSuccess || count == 0) {
    return sinv::print_no_gpu(sinv::text("device cuda: ", cudaGetErrorString(status), ", ", count, " GPUs"));
  }
  return sinv::print_checks(sinv::kernel_cases()) ? 0 : 1;
}
