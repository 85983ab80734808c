#include "tests/support/cuda_emulation/cudnn.h"

#include <cstring>
#include <vector>

#include "tests/support/cuda_emulation/rounded.h"

// NOLINTBEGIN: names and forms are NVIDIA's.
struct cudnnContext {
  cudaStream_t stream = nullptr;
};
struct EmulatedImages {
  int n = 0, c = 0, h = 0, w = 0;
};
struct EmulatedFilter {
  int k = 0, c = 0, h = 0, w = 0;
};
struct EmulatedConvolution {
  int pad = 0, stride = 0;
  cudnnMathType_t math = CUDNN_DEFAULT_MATH;
};

namespace {

constexpr cudnnStatus_t kFine = cudnnStatus_t::kSuccess;
constexpr cudnnStatus_t kWrong = cudnnStatus_t::kBadParam;
constexpr int kRight = 2;  // of the proposals
constexpr std::size_t kWorkspaceBytes = 4096;

template <class Thing>
cudnnStatus_t make(Thing** to) {
  *to = new Thing;
  return kFine;
}
template <class Thing>
cudnnStatus_t drop(Thing* thing) {
  delete thing;
  return kFine;
}

bool fits(const EmulatedImages& x, const EmulatedFilter& w, const EmulatedConvolution& v, const EmulatedImages& y) {
  return x.n == y.n && w.c == x.c && w.k == y.c && y.h == (x.h + 2 * v.pad - w.h) / v.stride + 1 &&
         y.w == (x.w + 2 * v.pad - w.w) / v.stride + 1;
}

template <class Proposal>
cudnnStatus_t propose(bool right, const EmulatedConvolution& v, int most, int* count, Proposal* found) {
  if (!right || most < 3) return kWrong;
  using Algorithm = decltype(found->algo);
  const auto algorithm = [](int i) { return static_cast<Algorithm>(i); };
  found[0] = {algorithm(0), kFine, CUDNN_NON_DETERMINISTIC, v.math};
  found[1] = {algorithm(1), kFine, CUDNN_DETERMINISTIC, CUDNN_TENSOR_OP_MATH};
  found[2] = {algorithm(kRight), kFine, CUDNN_DETERMINISTIC, v.math};
  *count = 3;
  return kFine;
}

// Calls visit(x, w, y) with the indices of all that meet.
template <class Visit>
void walk(const EmulatedImages& x, const EmulatedFilter& w, const EmulatedConvolution& v, const EmulatedImages& y,
          Visit visit) {
  const auto at = [](int a) { return static_cast<std::size_t>(a); };
  for (int n = 0; n < x.n; ++n) {
    for (int oy = 0; oy < y.h; ++oy) {
      for (int ox = 0; ox < y.w; ++ox) {
        for (int ky = 0; ky < w.h; ++ky) {
          for (int kx = 0; kx < w.w; ++kx) {
            const int iy = oy * v.stride + ky - v.pad;
            const int ix = ox * v.stride + kx - v.pad;
            if (iy < 0 || iy >= x.h || ix < 0 || ix >= x.w) continue;
            for (int k = 0; k < w.k; ++k) {
              const std::size_t from = at(((n * x.h + iy) * x.w + ix) * x.c);
              const std::size_t weight = at(((k * w.h + ky) * w.w + kx) * w.c);
              const std::size_t to = at(((n * y.h + oy) * y.w + ox) * y.c + k);
              for (std::size_t c = 0; c < at(x.c); ++c) visit(from + c, weight + c, to);
            }
          }
        }
      }
    }
  }
}

// out = alpha sums + beta out, after which the workspace holds nothing that anybody may count on.
template <class Fill>
cudnnStatus_t run(cudnnHandle_t handle, int algorithm, const EmulatedConvolution& v, void* workspace,
                  std::size_t workspace_bytes, const void* beta, void* out, std::size_t count, Fill fill) {
  const bool allowed = algorithm == kRight || (algorithm == 1 && v.math == CUDNN_TENSOR_OP_MATH);
  if (!allowed || workspace_bytes < kWorkspaceBytes || workspace == nullptr) return cudnnStatus_t::kExecutionFailed;
  const float old = *static_cast<const float*>(beta);
  sinv::cuda_emulation::submit(handle->stream, [=] {
    std::vector<double> sums(count, 0.0);
    fill(sums);
    auto* to = static_cast<float*>(out);
    for (std::size_t i = 0; i < count; ++i) {
      to[i] = static_cast<float>(sums[i]) + (old == 0.0F ? 0.0F : old * to[i]);
    }
    std::memset(workspace, 0xFF, workspace_bytes);
  });
  return kFine;
}

double product(const EmulatedConvolution& v, float a, float b) {
  const int bits = v.math == CUDNN_FMA_MATH ? 23 : 10;
  return static_cast<double>(sinv::cuda_emulation::rounded(a, bits)) *
         static_cast<double>(sinv::cuda_emulation::rounded(b, bits));
}

std::size_t count_of(const EmulatedImages& x) { return static_cast<std::size_t>(x.n * x.c * x.h * x.w); }
std::size_t count_of(const EmulatedFilter& w) { return static_cast<std::size_t>(w.k * w.c * w.h * w.w); }

}  // namespace

std::size_t cudnnGetVersion() { return 91900; }
const char* cudnnGetErrorString(cudnnStatus_t status) {
  return status == kWrong ? "CUDNN_STATUS_BAD_PARAM" : "CUDNN_STATUS_EXECUTION_FAILED";
}
void cudnnGetLastErrorString(char* to, std::size_t bytes) { std::strncpy(to, "the emulation", bytes); }
cudnnStatus_t cudnnCreate(cudnnHandle_t* handle) { return make(handle); }
cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) { return drop(handle); }
cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  handle->stream = stream;
  return kFine;
}
cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* images) { return make(images); }
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t images) { return drop(images); }
cudnnStatus_t cudnnCreateFilterDescriptor(cudnnFilterDescriptor_t* filter) { return make(filter); }
cudnnStatus_t cudnnDestroyFilterDescriptor(cudnnFilterDescriptor_t filter) { return drop(filter); }
cudnnStatus_t cudnnCreateConvolutionDescriptor(cudnnConvolutionDescriptor_t* convolution) { return make(convolution); }
cudnnStatus_t cudnnDestroyConvolutionDescriptor(cudnnConvolutionDescriptor_t convolution) { return drop(convolution); }
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t images, cudnnTensorFormat_t format, cudnnDataType_t,
                                         int n, int c, int h, int w) {
  *images = {n, c, h, w};
  return format == CUDNN_TENSOR_NHWC ? kFine : kWrong;
}
cudnnStatus_t cudnnSetFilter4dDescriptor(cudnnFilterDescriptor_t filter, cudnnDataType_t, cudnnTensorFormat_t format,
                                         int k, int c, int h, int w) {
  *filter = {k, c, h, w};
  return format == CUDNN_TENSOR_NHWC ? kFine : kWrong;
}
cudnnStatus_t cudnnSetConvolution2dDescriptor(cudnnConvolutionDescriptor_t convolution, int pad_h, int pad_w, int u,
                                              int v, int dilation_h, int dilation_w, cudnnConvolutionMode_t mode,
                                              cudnnDataType_t) {
  convolution->pad = pad_h;
  convolution->stride = u;
  return pad_h == pad_w && u == v && dilation_h == 1 && dilation_w == 1 && mode == CUDNN_CROSS_CORRELATION ? kFine
                                                                                                           : kWrong;
}
cudnnStatus_t cudnnSetConvolutionMathType(cudnnConvolutionDescriptor_t convolution, cudnnMathType_t type) {
  convolution->math = type;
  return kFine;
}

cudnnStatus_t cudnnGetConvolutionForwardAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                     cudnnFilterDescriptor_t w, cudnnConvolutionDescriptor_t v,
                                                     cudnnTensorDescriptor_t y, int most, int* count,
                                                     cudnnConvolutionFwdAlgoPerf_t* found) {
  return propose(fits(*x, *w, *v, *y), *v, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardDataAlgorithm_v7(cudnnHandle_t, cudnnFilterDescriptor_t w,
                                                          cudnnTensorDescriptor_t gy, cudnnConvolutionDescriptor_t v,
                                                          cudnnTensorDescriptor_t gx, int most, int* count,
                                                          cudnnConvolutionBwdDataAlgoPerf_t* found) {
  return propose(fits(*gx, *w, *v, *gy), *v, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterAlgorithm_v7(cudnnHandle_t, cudnnTensorDescriptor_t x,
                                                            cudnnTensorDescriptor_t gy, cudnnConvolutionDescriptor_t v,
                                                            cudnnFilterDescriptor_t gw, int most, int* count,
                                                            cudnnConvolutionBwdFilterAlgoPerf_t* found) {
  return propose(fits(*x, *gw, *v, *gy), *v, most, count, found);
}
cudnnStatus_t cudnnGetConvolutionForwardWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t, cudnnFilterDescriptor_t,
                                                      cudnnConvolutionDescriptor_t, cudnnTensorDescriptor_t,
                                                      cudnnConvolutionFwdAlgo_t, std::size_t* bytes) {
  *bytes = kWorkspaceBytes;
  return kFine;
}
cudnnStatus_t cudnnGetConvolutionBackwardDataWorkspaceSize(cudnnHandle_t, cudnnFilterDescriptor_t,
                                                           cudnnTensorDescriptor_t, cudnnConvolutionDescriptor_t,
                                                           cudnnTensorDescriptor_t, cudnnConvolutionBwdDataAlgo_t,
                                                           std::size_t* bytes) {
  *bytes = kWorkspaceBytes;
  return kFine;
}
cudnnStatus_t cudnnGetConvolutionBackwardFilterWorkspaceSize(cudnnHandle_t, cudnnTensorDescriptor_t,
                                                             cudnnTensorDescriptor_t, cudnnConvolutionDescriptor_t,
                                                             cudnnFilterDescriptor_t, cudnnConvolutionBwdFilterAlgo_t,
                                                             std::size_t* bytes) {
  *bytes = kWorkspaceBytes;
  return kFine;
}
cudnnStatus_t cudnnConvolutionForward(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x, const void* from,
                                      cudnnFilterDescriptor_t w, const void* weight, cudnnConvolutionDescriptor_t v,
                                      cudnnConvolutionFwdAlgo_t algorithm, void* workspace, std::size_t workspace_bytes,
                                      const void* beta, cudnnTensorDescriptor_t y, void* out) {
  const auto* a = static_cast<const float*>(from);
  const auto* b = static_cast<const float*>(weight);
  return run(handle, algorithm, *v, workspace, workspace_bytes, beta, out, count_of(*y),
             [=, x = *x, w = *w, v = *v, y = *y](std::vector<double>& sums) {
               walk(x, w, v, y,
                    [&](std::size_t i, std::size_t j, std::size_t o) { sums[o] += product(v, a[i], b[j]); });
             });
}
cudnnStatus_t cudnnConvolutionBackwardData(cudnnHandle_t handle, const void*, cudnnFilterDescriptor_t w,
                                           const void* weight, cudnnTensorDescriptor_t gy, const void* gradient,
                                           cudnnConvolutionDescriptor_t v, cudnnConvolutionBwdDataAlgo_t algorithm,
                                           void* workspace, std::size_t workspace_bytes, const void* beta,
                                           cudnnTensorDescriptor_t gx, void* out) {
  const auto* b = static_cast<const float*>(weight);
  const auto* g = static_cast<const float*>(gradient);
  return run(handle, algorithm, *v, workspace, workspace_bytes, beta, out, count_of(*gx),
             [=, x = *gx, w = *w, v = *v, y = *gy](std::vector<double>& sums) {
               walk(x, w, v, y,
                    [&](std::size_t i, std::size_t j, std::size_t o) { sums[i] += product(v, g[o], b[j]); });
             });
}
cudnnStatus_t cudnnConvolutionBackwardFilter(cudnnHandle_t handle, const void*, cudnnTensorDescriptor_t x,
                                             const void* from, cudnnTensorDescriptor_t gy, const void* gradient,
                                             cudnnConvolutionDescriptor_t v, cudnnConvolutionBwdFilterAlgo_t algorithm,
                                             void* workspace, std::size_t workspace_bytes, const void* beta,
                                             cudnnFilterDescriptor_t gw, void* out) {
  const auto* a = static_cast<const float*>(from);
  const auto* g = static_cast<const float*>(gradient);
  return run(handle, algorithm, *v, workspace, workspace_bytes, beta, out, count_of(*gw),
             [=, x = *x, w = *gw, v = *v, y = *gy](std::vector<double>& sums) {
               walk(x, w, v, y,
                    [&](std::size_t i, std::size_t j, std::size_t o) { sums[j] += product(v, a[i], g[o]); });
             });
}
// NOLINTEND
