#pragma once

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>
#include <memory>

#include "kernels/device_api.h"

/// The inside of the CUDA module: calls that report, the device in use, and what belongs to a stream.
namespace sinv {

/// Errors: UserError for what a user's machine causes (no memory, a lost device), Error with the call's own text else.
void check_call(cudaError_t status, const char* call);
void check_call(cublasStatus_t status, const char* call);
void check_call(cudnnStatus_t status, const char* call);

/// Memory of the device, not cleared. Errors: UserError naming the size if there is no more.
void* take_memory(std::size_t bytes);

/// Makes the device that select() chose the calling thread's.
void enter_device();
Precision selected_precision();

class ProductPlans;  // products.cpp
class ConvPlans;     // convolution.cpp

/// What the libraries keep for one stream. They use no workspace of their own, so that a captured step takes no memory.
struct StreamState {
  cudaStream_t stream = nullptr;
  cublasLtHandle_t blas = nullptr;
  void* workspace = nullptr;               // of matrix products: kWorkspaceBytes
  std::shared_ptr<ProductPlans> products;  // made when they are first wanted
  std::shared_ptr<ConvPlans> convolutions;

  static constexpr std::size_t kWorkspaceBytes = std::size_t{32} << 20U;
};
/// Errors: Error if the stream is not one of stream_create().
StreamState& state_of(const Stream& stream);
/// The stream is recording a graph, so nothing may be taken or measured now.
bool is_capturing(const Stream& stream);

/// The services of the module's table.
DeviceServices cuda_services();
/// Errors: UserError naming the GPU if no kernel of this module runs on it.
void check_architecture(int device, const DeviceFacts& facts);

}  // namespace sinv
