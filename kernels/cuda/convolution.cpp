// Convolutions by cuDNN. Images are NHWC there as here; weights are [outputs, height, width, channels] there, so they
// are transposed when they are packed, and their gradient is transposed back.
#include "kernels/cuda/convolution.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/runtime.h"
#include "kernels/cuda/transpose.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }

constexpr std::size_t kBorder = 256;
std::size_t whole(std::size_t bytes) { return (bytes + kBorder - 1) / kBorder * kBorder; }

// A library's description, destroyed with its owner.
template <class Handle, cudnnStatus_t (*kCreate)(Handle*), cudnnStatus_t (*kDestroy)(Handle)>
class Description {
 public:
  Description() { check_call(kCreate(&handle_), "cudnnCreate...Descriptor"); }
  ~Description() { static_cast<void>(kDestroy(handle_)); }
  Description(const Description&) = delete;
  Description& operator=(const Description&) = delete;
  operator Handle() const { return handle_; }  // NOLINT(google-explicit-constructor): stands for it in every call

 private:
  Handle handle_ = nullptr;
};
using Tensor = Description<cudnnTensorDescriptor_t, cudnnCreateTensorDescriptor, cudnnDestroyTensorDescriptor>;
using Filter = Description<cudnnFilterDescriptor_t, cudnnCreateFilterDescriptor, cudnnDestroyFilterDescriptor>;
using Convolution =
    Description<cudnnConvolutionDescriptor_t, cudnnCreateConvolutionDescriptor, cudnnDestroyConvolutionDescriptor>;

// FMA: float32 as on the CPU. The library rounds inputs to TF32 else, whichever of the two was asked for.
cudnnMathType_t math_type() {
  return selected_precision() == Precision::kFloat32 ? CUDNN_FMA_MATH : CUDNN_TENSOR_OP_MATH;
}

// A proposal may name the default for what the description holds to FMA.
bool is_allowed(cudnnMathType_t type) {
  return selected_precision() != Precision::kFloat32 || type == CUDNN_FMA_MATH || type == CUDNN_DEFAULT_MATH;
}

// The first of the library's proposals that always gives the same bits.
template <class Proposal>
const Proposal& first_deterministic(const std::vector<Proposal>& proposals, const char* what, const ConvShape& shape,
                                    std::int64_t m) {
  const auto found = std::find_if(proposals.begin(), proposals.end(), [](const Proposal& one) {
    return one.status == CUDNN_STATUS_SUCCESS && one.determinism == CUDNN_DETERMINISTIC && is_allowed(one.mathType);
  });
  SINV_CHECK(found != proposals.end(), "device cuda: cuDNN has no deterministic ", what, " of ", m, " images ",
             shape.height, "x", shape.width, "x", shape.channels, ", ", shape.outputs, " outputs, kernel ",
             shape.kernel, "x", shape.kernel_columns(), ", stride ", shape.stride, ", padding ", shape.padding);
  return *found;
}

// One shape and number of images.
struct Plan {
  Tensor x;
  Tensor y;
  Filter w;
  Convolution convolution;
  cudnnConvolutionFwdAlgo_t forward{};
  cudnnConvolutionBwdDataAlgo_t data{};
  cudnnConvolutionBwdFilterAlgo_t weights{};
  std::size_t forward_bytes = 0;
  std::size_t data_bytes = 0;
  std::size_t weights_bytes = 0;
  bool has_forward = false;  // each is chosen when it is first wanted
  bool has_data = false;
  bool has_weights = false;

  Plan(const ConvShape& shape, std::int64_t m) {
    const auto tensor = [](const Tensor& to, std::int64_t images, std::int64_t height, std::int64_t width,
                           std::int64_t channels) {
      check_call(cudnnSetTensor4dDescriptor(to, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, as_int(images), as_int(channels),
                                            as_int(height), as_int(width)),
                 "cudnnSetTensor4dDescriptor");
    };
    tensor(x, m, shape.height, shape.width, shape.channels);
    tensor(y, m, shape.out_height(), shape.out_width(), shape.outputs);
    check_call(cudnnSetFilter4dDescriptor(w, CUDNN_DATA_FLOAT, CUDNN_TENSOR_NHWC, as_int(shape.outputs),
                                          as_int(shape.channels), as_int(shape.kernel), as_int(shape.kernel_columns())),
               "cudnnSetFilter4dDescriptor");
    check_call(
        cudnnSetConvolution2dDescriptor(convolution, as_int(shape.padding), as_int(shape.padding), as_int(shape.stride),
                                        as_int(shape.stride), 1, 1, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT),
        "cudnnSetConvolution2dDescriptor");
    check_call(cudnnSetConvolutionMathType(convolution, math_type()), "cudnnSetConvolutionMathType");
  }

  void choose_forward(cudnnHandle_t dnn, const ConvShape& shape, std::int64_t m) {
    if (has_forward) return;
    std::vector<cudnnConvolutionFwdAlgoPerf_t> found(CUDNN_CONVOLUTION_FWD_ALGO_COUNT * 3);
    int count = 0;
    check_call(cudnnGetConvolutionForwardAlgorithm_v7(dnn, x, w, convolution, y, as_int(std::ssize(found)), &count,
                                                      found.data()),
               "cudnnGetConvolutionForwardAlgorithm_v7");
    found.resize(static_cast<std::size_t>(count));
    forward = first_deterministic(found, "convolution", shape, m).algo;
    check_call(cudnnGetConvolutionForwardWorkspaceSize(dnn, x, w, convolution, y, forward, &forward_bytes),
               "cudnnGetConvolutionForwardWorkspaceSize");
    has_forward = true;
  }

  void choose_data(cudnnHandle_t dnn, const ConvShape& shape, std::int64_t m) {
    if (has_data) return;
    std::vector<cudnnConvolutionBwdDataAlgoPerf_t> found(CUDNN_CONVOLUTION_BWD_DATA_ALGO_COUNT * 3);
    int count = 0;
    check_call(cudnnGetConvolutionBackwardDataAlgorithm_v7(dnn, w, y, convolution, x, as_int(std::ssize(found)), &count,
                                                           found.data()),
               "cudnnGetConvolutionBackwardDataAlgorithm_v7");
    found.resize(static_cast<std::size_t>(count));
    data = first_deterministic(found, "gradient to the input of a convolution", shape, m).algo;
    check_call(cudnnGetConvolutionBackwardDataWorkspaceSize(dnn, w, y, convolution, x, data, &data_bytes),
               "cudnnGetConvolutionBackwardDataWorkspaceSize");
    has_data = true;
  }

  void choose_weights(cudnnHandle_t dnn, const ConvShape& shape, std::int64_t m) {
    if (has_weights) return;
    std::vector<cudnnConvolutionBwdFilterAlgoPerf_t> found(CUDNN_CONVOLUTION_BWD_FILTER_ALGO_COUNT * 3);
    int count = 0;
    check_call(cudnnGetConvolutionBackwardFilterAlgorithm_v7(dnn, x, y, convolution, w, as_int(std::ssize(found)),
                                                             &count, found.data()),
               "cudnnGetConvolutionBackwardFilterAlgorithm_v7");
    found.resize(static_cast<std::size_t>(count));
    weights = first_deterministic(found, "gradient to the weights of a convolution", shape, m).algo;
    check_call(cudnnGetConvolutionBackwardFilterWorkspaceSize(dnn, x, y, convolution, w, weights, &weights_bytes),
               "cudnnGetConvolutionBackwardFilterWorkspaceSize");
    has_weights = true;
  }
};

}  // namespace

/// The library's handle, plans and memory of one stream. Memory grows when a larger shape comes, which is in the first
/// step, before any capture; what a graph may still read stays. Thread: the stream's.
class ConvPlans {
 public:
  explicit ConvPlans(const StreamState& state) {
    check_call(cudnnCreate(&dnn_), "cudnnCreate");
    const cudnnStatus_t status = cudnnSetStream(dnn_, state.stream);
    if (status == CUDNN_STATUS_SUCCESS) return;
    static_cast<void>(cudnnDestroy(dnn_));
    check_call(status, "cudnnSetStream");
  }
  ~ConvPlans() {
    plans_.clear();
    for (void* block : blocks_) static_cast<void>(cudaFree(block));
    static_cast<void>(cudnnDestroy(dnn_));
  }
  ConvPlans(const ConvPlans&) = delete;
  ConvPlans& operator=(const ConvPlans&) = delete;

  static ConvPlans& of(const Stream& s) {
    StreamState& state = state_of(s);
    if (!state.convolutions) state.convolutions = std::make_shared<ConvPlans>(state);
    return *state.convolutions;
  }

  cudnnHandle_t dnn() const { return dnn_; }
  Plan& plan(const ConvShape& shape, std::int64_t m) {
    const std::array<std::int64_t, 10> key{m,
                                           shape.height,
                                           shape.width,
                                           shape.channels,
                                           shape.outputs,
                                           shape.kernel,
                                           shape.kernel_columns(),
                                           shape.stride,
                                           shape.padding,
                                           static_cast<std::int64_t>(selected_precision())};
    std::unique_ptr<Plan>& plan = plans_[key];
    if (plan == nullptr) plan = std::make_unique<Plan>(shape, m);
    return *plan;
  }
  /// At least `bytes`, for one operation.
  std::byte* room(const Stream& s, std::size_t bytes) {
    if (bytes > bytes_) {
      SINV_CHECK(!is_capturing(s), "device cuda: a convolution wants ", bytes,
                 " bytes of memory while a graph is captured; run the step once before");
      blocks_.push_back(take_memory(bytes));
      bytes_ = bytes;
    }
    return blocks_.empty() ? nullptr : static_cast<std::byte*>(blocks_.back());
  }

 private:
  cudnnHandle_t dnn_ = nullptr;
  std::map<std::array<std::int64_t, 10>, std::unique_ptr<Plan>> plans_;
  std::vector<void*> blocks_;
  std::size_t bytes_ = 0;
};

namespace {

std::size_t pixel_bytes(const ConvShape& shape, const ConvImages& x, std::int64_t m) {
  return x.are_bytes() ? whole(shape.input(m).size() * sizeof(float)) : 0;
}
// The float images of x, made at the head of the stream's room where x is bytes.
const float* pixels_of(const Stream& s, const ConvShape& shape, const ConvImages& x, std::int64_t m) {
  if (!x.are_bytes()) return x.pixels.data;
  std::byte* room = ConvPlans::of(s).room(s, pixel_bytes(shape, x, m));
  const View pixels{reinterpret_cast<float*>(room), shape.input(m)};
  frames_to_pixels(s, x.frames, pixels);
  return pixels.data;
}

constexpr float kOne = 1.0F;
constexpr float kZero = 0.0F;
const float* start_of(GradientMode mode) { return mode == GradientMode::kAccumulate ? &kOne : &kZero; }

}  // namespace

void convolve(const Stream& s, const ConvShape& shape, std::int64_t m, const float* images, const float* packed,
              GradientMode mode, float* y, std::size_t kept_bytes) {
  ConvPlans& plans = ConvPlans::of(s);
  Plan& plan = plans.plan(shape, m);
  plan.choose_forward(plans.dnn(), shape, m);
  std::byte* room = plans.room(s, kept_bytes + plan.forward_bytes);
  check_call(cudnnConvolutionForward(plans.dnn(), &kOne, plan.x, images, plan.w, packed, plan.convolution, plan.forward,
                                     room + kept_bytes, plan.forward_bytes, start_of(mode), plan.y, y),
             "cudnnConvolutionForward");
}

void convolve_to_images(const Stream& s, const ConvShape& shape, std::int64_t m, const float* gy, const float* packed,
                        GradientMode mode, float* images) {
  ConvPlans& plans = ConvPlans::of(s);
  Plan& plan = plans.plan(shape, m);
  plan.choose_data(plans.dnn(), shape, m);
  std::byte* room = plans.room(s, plan.data_bytes);
  check_call(cudnnConvolutionBackwardData(plans.dnn(), &kOne, plan.w, packed, plan.y, gy, plan.convolution, plan.data,
                                          room, plan.data_bytes, start_of(mode), plan.x, images),
             "cudnnConvolutionBackwardData");
}

void convolve_to_weights(const Stream& s, const ConvShape& shape, std::int64_t m, const float* images, const float* gy,
                         GradientMode mode, float* gw, std::size_t kept_bytes) {
  ConvPlans& plans = ConvPlans::of(s);
  Plan& plan = plans.plan(shape, m);
  plan.choose_weights(plans.dnn(), shape, m);
  const std::size_t transposed = whole(shape.weight().size() * sizeof(float));
  std::byte* room = plans.room(s, kept_bytes + transposed + plan.weights_bytes) + kept_bytes;
  auto* as_library = reinterpret_cast<float*>(room);
  check_call(
      cudnnConvolutionBackwardFilter(plans.dnn(), &kOne, plan.x, images, plan.y, gy, plan.convolution, plan.weights,
                                     room + transposed, plan.weights_bytes, &kZero, plan.w, as_library),
      "cudnnConvolutionBackwardFilter");
  transpose(s, {as_library, Shape{shape.outputs, shape.patch()}}, mode, {gw, Shape{shape.patch(), shape.outputs}});
}

std::size_t Cuda::conv_packed_floats(const ConvShape& shape) { return shape.weight().size(); }

// The forward weight serves both ways; one float says that the gradient to x is wanted.
std::size_t Cuda::conv_packed_backward_floats(const ConvShape&) { return 1; }

// What an operation needs beside its arguments belongs to the stream, because it depends on the number of images.
std::size_t Cuda::conv_scratch_floats(const ConvShape&) { return 0; }

void Cuda::conv_pack(const Stream& s, const ConvShape& shape, ConstView w, const PackedWeight& packed) {
  transpose(s, {w.data, Shape{shape.patch(), shape.outputs}}, GradientMode::kOverwrite,
            {packed.forward, Shape{shape.outputs, shape.patch()}});
}

void Cuda::conv_forward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                        ConstView bias, Activation activation, View y, std::span<float>) {
  const std::int64_t m = y.shape[0];
  if (m == 0) return;
  const std::size_t pixels = pixel_bytes(shape, x, m);
  const float* images = pixels_of(s, shape, x, m);
  convolve(s, shape, m, images, w.forward, GradientMode::kOverwrite, y.data, pixels);
  if (bias.data != nullptr || activation != Activation::kIdentity) bias_activation(s, activation, bias, y);
}

void Cuda::conv_backward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                         Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                         std::span<float>) {
  const std::int64_t m = y.shape[0];
  if (activation != Activation::kIdentity || gradients.bias.data != nullptr) {
    bias_activation_backward(s, activation, y, gy, gradients.bias_mode, gradients.bias);
  }
  if (gradients.w.data != nullptr && m == 0 && gradients.w_mode == GradientMode::kOverwrite) {
    check_call(cudaMemsetAsync(gradients.w.data, 0, gradients.w.size() * sizeof(float), state_of(s).stream),
               "cudaMemsetAsync");
  }
  if (m == 0) return;
  if (gradients.w.data != nullptr) {
    const std::size_t pixels = pixel_bytes(shape, x, m);
    const float* images = pixels_of(s, shape, x, m);
    convolve_to_weights(s, shape, m, images, gy.data, gradients.w_mode, gradients.w.data, pixels);
  }
  if (gradients.x.data != nullptr) {
    convolve_to_images(s, shape, m, gy.data, w.forward, gradients.x_mode, gradients.x.data);
  }
}

}  // namespace sinv
