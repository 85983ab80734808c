#include "kernels/cuda/runtime.h"

// What the program reads after dlopen.
extern "C" {
__attribute__((visibility("default")))
sinv::DeviceModule sinv_device_module{.abi = sinv::device_abi(), .ops = {}, .services = sinv::cuda_services()};
}
