// Transposed convolutions: a convolution's gradient to the image, and the other way round. With one position to read,
// as in a decoder's first layer, all three directions are one matrix product for the whole batch.
#include "kernels/cuda/convolution.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/launch.h"

namespace sinv {
namespace {

bool single(const DeconvShape& shape) { return shape.height * shape.width == 1; }
Shape matrix(const DeconvShape& shape) { return Shape{shape.channels, shape.reversed().patch()}; }

}  // namespace

std::size_t Cuda::deconv_packed_floats(const DeconvShape& shape) { return conv_packed_floats(shape.reversed()); }

std::size_t Cuda::deconv_packed_backward_floats(const DeconvShape& shape) {
  return conv_packed_backward_floats(shape.reversed());
}

std::size_t Cuda::deconv_scratch_floats(const DeconvShape& shape, std::int64_t) {
  return conv_scratch_floats(shape.reversed());
}

// [channels, kernel, kernel, outputs]: the filter of the reversed convolution, and the matrix of a single position.
void Cuda::deconv_pack(const Stream& s, const DeconvShape& shape, ConstView w, const PackedWeight& packed) {
  conv_pack(s, shape.reversed(), w, packed);
}

void Cuda::deconv_forward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w, ConstView bias,
                          Activation activation, View y, std::span<float>) {
  const std::int64_t m = x.shape[0];
  if (m == 0) return;
  if (single(shape)) {
    const Shape weight = matrix(shape);
    matmul(s, {x.data, Shape{m, weight[0]}}, false, {w.forward, weight}, false, GradientMode::kOverwrite,
           {y.data, Shape{m, weight[1]}});
  } else {
    convolve_to_images(s, shape.reversed(), m, x.data, w.forward, GradientMode::kOverwrite, y.data);
  }
  if (bias.data != nullptr || activation != Activation::kIdentity) bias_activation(s, activation, bias, y);
}

void Cuda::deconv_backward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                           Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                           std::span<float>) {
  const std::int64_t m = x.shape[0];
  if (activation != Activation::kIdentity || gradients.bias.data != nullptr) {
    bias_activation_backward(s, activation, y, gy, gradients.bias_mode, gradients.bias);
  }
  if (gradients.w.data != nullptr && m == 0 && gradients.w_mode == GradientMode::kOverwrite) {
    check_cuda(cudaMemsetAsync(gradients.w.data, 0, gradients.w.size() * sizeof(float), cuda_stream(s)),
               "deconv_backward");
  }
  if (m == 0) return;
  const ConvShape reversed = shape.reversed();
  if (single(shape)) {
    const Shape weight = matrix(shape);
    const ConstView in{x.data, Shape{m, weight[0]}};
    const ConstView out{gy.data, Shape{m, weight[1]}};
    if (gradients.w.data != nullptr) {
      matmul(s, out, true, in, false, gradients.w_mode, {gradients.w.data, Shape{weight[1], weight[0]}});
    }
    if (gradients.x.data != nullptr) {
      matmul(s, out, false, {w.forward, weight}, true, gradients.x_mode, {gradients.x.data, in.shape});
    }
    return;
  }
  if (gradients.w.data != nullptr) {
    convolve_to_weights(s, reversed, m, gy.data, x.data, gradients.w_mode, gradients.w.data);
  }
  if (gradients.x.data != nullptr) {
    convolve(s, reversed, m, gy.data, w.forward, gradients.x_mode, gradients.x.data);
  }
}

}  // namespace sinv
