#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/launch.h"
#include "kernels/cuda/runtime.h"

namespace sinv {
namespace {

// An operation as the table holds it: its thread works on the selected device. A question without a stream needs none.
template <auto kFunction, class Type = decltype(kFunction)>
struct Entered;
template <auto kFunction, class... Arguments>
struct Entered<kFunction, void (*)(const Stream&, Arguments...)> {
  static void call(const Stream& stream, Arguments... arguments) {
    enter_device();
    try {
      kFunction(stream, arguments...);
    } catch (const CudaError& error) {
      check_call(error.status, error.call.c_str());
    }
  }
};
template <auto kFunction, class Result, class... Arguments>
struct Entered<kFunction, Result (*)(Arguments...)> {
  static Result call(Arguments... arguments) { return kFunction(arguments...); }
};

DeviceModule make_module() {
  DeviceModule module;
  module.abi = device_abi();
#define SINV_OP_ENTERED(name) module.ops.name = &Entered<&Cuda::name>::call;
  SINV_DEVICE_OPS(SINV_OP_ENTERED)
  SINV_WORLD_OPS(SINV_OP_ENTERED)
  SINV_REPLAY_OPS(SINV_OP_ENTERED)
#undef SINV_OP_ENTERED
  module.services = cuda_services();
  return module;
}

}  // namespace
}  // namespace sinv

// What the program reads after dlopen.
extern "C" {
__attribute__((visibility("default"))) sinv::DeviceModule sinv_device_module = sinv::make_module();
}
