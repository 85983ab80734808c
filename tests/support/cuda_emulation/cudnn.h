#pragma once

#include "tests/support/cuda_emulation/cuda_runtime_api.h"

/// Stands in for NVIDIA's header of this name: as much of cuDNN as our module uses, computed on the CPU by its
/// documentation. Images NHWC, filters [outputs, height, width, channels]. Of the algorithms that it proposes the
/// first is not deterministic and the second not float32; any but the third is refused when it is used.
// NOLINTBEGIN: names and forms are NVIDIA's.
#define CUDNN_STATUS_SUCCESS cudnnStatus_t::kSuccess
enum class cudnnStatus_t { kSuccess = 0, kBadParam = 2000, kExecutionFailed = 5000 };
enum cudnnTensorFormat_t { CUDNN_TENSOR_NCHW = 0, CUDNN_TENSOR_NHWC = 1 };
enum cudnnDataType_t { CUDNN_DATA_FLOAT = 0 };
enum cudnnMathType_t { CUDNN_DEFAULT_MATH = 0, CUDNN_TENSOR_OP_MATH = 1, CUDNN_FMA_MATH = 3 };
enum cudnnDeterminism_t { CUDNN_NON_DETERMINISTIC = 0, CUDNN_DETERMINISTIC = 1 };
enum cudnnConvolutionMode_t { CUDNN_CONVOLUTION = 0, CUDNN_CROSS_CORRELATION = 1 };
enum cudnnConvolutionFwdAlgo_t { CUDNN_CONVOLUTION_FWD_ALGO_COUNT = 8 };
enum cudnnConvolutionBwdDataAlgo_t { CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT = 6 };
enum cudnnConvolutionBwdFilterAlgo_t { CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT = 7 };

template <class Algorithm>
struct EmulatedProposal {
  Algorithm algo;
  cudnnStatus_t status;
  cudnnDeterminism_t determinism;
  cudnnMathType_t mathType;
};
using cudnnConvolutionFwdAlgoPerf_t = EmulatedProposal<cudnnConvolutionFwdAlgo_t>;
using cudnnConvolutionBwdDataAlgoPerf_t = EmulatedProposal<cudnnConvolutionBwdDataAlgo_t>;
using cudnnConvolutionBwdFilterAlgoPerf_t = EmulatedProposal<cudnnConvolutionBwdFilterAlgo_t>;
using cudnnHandle_t = struct cudnnContext*;
using cudnnTensorDescriptor_t = struct EmulatedImages*;
using cudnnFilterDescriptor_t = struct EmulatedFilter*;
using cudnnConvolutionDescriptor_t = struct EmulatedConvolution*;

std::size_t cudnnGetVersion();
const char* cudnnGetErrorString(cudnnStatus_t status);
void cudnnGetLastErrorString(char* to, std::size_t bytes);
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle);
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle);
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream);
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* images);
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t images);
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter);
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter);
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution);
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution);
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t images, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w);
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t type,
                                         cudnnTensorFormat_t format, int k, int c, int h, int w);
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t type);
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t type);

#define SINV_CUDNN_CHOICE(Direction, Short, First, Second, A, B, C)                                                   \
  cudnnStatus_t cudnnGetConvolution##Direction##Algorithm_v7(cudnnHandle_t handle, A a, B b,                          \
                                                             cudnnConvolutionDescriptor_t convolution, C c, int most, \
                                                             int* count, cudnnConvolution##Short##AlgoPerf_t* found); \
  cudnnStatus_t cudnnGetConvolution##Direction##WorkspaceSize(                                                        \
      cudnnHandle_t handle, A a, B b, cudnnConvolutionDescriptor_t convolution, C c,                                  \
      cudnnConvolution##Short##Algo_t algorithm, std::size_t* bytes);                                                 \
  cudnnStatus_t cudnnConvolution##Direction(cudnnHandle_t handle, const void* alpha, A a, const void* First, B b,     \
                                            const void* Second, cudnnConvolutionDescriptor_t convolution,             \
                                            cudnnConvolution##Short##Algo_t algorithm, void* workspace,               \
                                            std::size_t workspace_bytes, const void* beta, C c, void* out);
SINV_CUDNN_CHOICE(Forward, Fwd, x, w, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t)
SINV_CUDNN_CHOICE(BackwardData, BwdData, w, gy, cudnnFilterDescriptor_t, cudnnTensorDescriptor_t,
                  cudnnTensorDescriptor_t)
SINV_CUDNN_CHOICE(BackwardFilter, BwdFilter, x, gy, cudnnTensorDescriptor_t, cudnnTensorDescriptor_t,
                  cudnnFilterDescriptor_t)
#undef SINV_CUDNN_CHOICE
// NOLINTEND
