#pragma once

#include <cstdint>
#include <span>

#include "kernels/ops.h"

/// Operations on images. Common to all, beside what kernels/ops.h says: images are [m,h,w,c], channels last, so that a
/// position's channels are one run and [m, h*w*c], the input of a linear layer, is the same memory. An image's result
/// does not depend on the other images, except in sums over the batch (gradients of parameters), which run in order.
namespace sinv {

/// The fixed geometry of a convolution. Its kernel is square unless kernel_width is given.
struct ConvShape {
  std::int64_t height;  // of the image that is read
  std::int64_t width;
  std::int64_t channels;  // of the image that is read
  std::int64_t outputs;   // channels of the result
  std::int64_t kernel;    // its height
  std::int64_t stride = 1;
  std::int64_t padding = 0;       // rows and columns of zeros on every side
  std::int64_t kernel_width = 0;  // 0: as its height

  std::int64_t out_height() const { return (height + 2 * padding - kernel) / stride + 1; }
  std::int64_t out_width() const { return (width + 2 * padding - kernel_columns()) / stride + 1; }
  std::int64_t kernel_columns() const { return kernel_width > 0 ? kernel_width : kernel; }
  std::int64_t taps() const { return kernel * kernel_columns(); }
  std::int64_t patch() const { return taps() * channels; }
  Shape weight() const { return Shape{kernel, kernel_columns(), channels, outputs}; }
  Shape input(std::int64_t m) const { return Shape{m, height, width, channels}; }
  Shape output(std::int64_t m) const { return Shape{m, out_height(), out_width(), outputs}; }
};
/// Errors: Error naming the geometry: a size below 1, padding not below the kernel, a kernel larger than the padded
/// image.
void check_conv_shape(const ConvShape& shape);

/// What a convolution reads: float images, or stacks of byte frames [m,c,h,w], one plane per channel, each byte
/// standing for byte / 255. Bytes are turned into floats image by image, while they are in the cache.
struct ConvImages {
  ConstView pixels;                      // [m,h,w,c]
  std::span<const std::uint8_t> frames;  // used if pixels is empty of shape
  bool are_bytes() const { return pixels.shape.rank() == 0; }

  // Implicit, so that whatever holds images can be passed. NOLINTBEGIN(google-explicit-constructor)
  ConvImages(ConstView floats) : pixels(floats) {}
  ConvImages(View floats) : pixels(floats) {}
  ConvImages(std::span<const std::uint8_t> bytes) : frames(bytes) {}
  // NOLINTEND(google-explicit-constructor)
};

/// Floats of PackedWeight::forward and ::backward of a convolution, and of its scratch, which holds one image.
std::size_t conv_packed_floats(Device device, const ConvShape& shape);
std::size_t conv_packed_backward_floats(Device device, const ConvShape& shape);
std::size_t conv_scratch_floats(Device device, const ConvShape& shape);
/// Packs w [kernel height,kernel width,c,outputs]: row (ky, kx, c) of the matrix [patch, outputs] that a patch is
/// multiplied with. packed.k is patch, packed.n outputs; backward null: no gradient to x is wanted.
void conv_pack(const Stream& s, const ConvShape& shape, ConstView w, const PackedWeight& packed);
/// y = activation(x * w + bias [outputs]), cross-correlation as in every framework; a bias without data is left out.
void conv_forward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w, ConstView bias,
                  Activation activation, View y, std::span<float> scratch);
/// Gradients of conv_forward from its output y and gy, which is overwritten (it becomes the gradient before the
/// activation). A gradient without data is not wanted; frames of bytes have none. gradients.w has the shape of the
/// weight.
void conv_backward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                   Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                   std::span<float> scratch);

/// y = activation((x - mean) / sqrt(variance + epsilon) * gain [c] + bias [c]), with mean and variance of each image
/// over all positions of `groups` runs of c / groups channels. statistics [m,groups,2] keeps mean and 1 / deviation.
/// Errors: also Error if groups does not divide c, or c is above 1,024.
/// Source: Wu and He, arXiv:1803.08494.
void group_norm_forward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView bias,
                        float epsilon, Activation activation, View y, View statistics);
/// Gradients from the output y and gy, which is overwritten. A View without data is not wanted.
struct NormGradients {
  View x;
  View gain;
  View bias;
  GradientMode x_mode = GradientMode::kOverwrite;
  GradientMode gain_mode = GradientMode::kOverwrite;
  GradientMode bias_mode = GradientMode::kOverwrite;
};
void group_norm_backward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView statistics,
                         Activation activation, ConstView y, View gy, const NormGradients& gradients);

/// Which rows (or columns) of an image each output row of a pooling takes the maximum of: first[i] .. last[i] - 1.
struct PoolAxis {
  static constexpr int kMost = 256;
  int count = 0;
  std::int16_t first[kMost];
  std::int16_t last[kMost];
};
/// Windows of `kernel` at every `stride`, cut off at the border: padding never wins.
/// Errors: Error naming the sizes if there is no window, or one is empty.
PoolAxis pool_axis(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding);
/// `count` windows that cover the axis as evenly as can be: floor(i size / count) to ceil((i+1) size / count).
PoolAxis adaptive_pool_axis(std::int64_t size, std::int64_t count);
/// y [m, rows.count, columns.count, c] = maximum of x [m,h,w,c] over each window. A NaN wins.
void max_pool_forward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, View y);
/// gx = (or +=) gy at the first maximum of each window, by rows.
void max_pool_backward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, ConstView y,
                       ConstView gy, GradientMode mode, View gx);

/// y = w / sigma, sigma the largest singular value of w read as [k,n], n its last dimension, by power iteration from
/// u [n], a unit vector: `iterations` times v = w u / |w u|, u = w^T v / |w^T v|; u is updated. 0 iterations: v from u
/// and sigma = |w u| / |u| (an averaged network's u is no unit vector), u as it was. v [k] and sigma (scalar) are kept
/// for the gradient. Source: Miyato et al., arXiv:1802.05957, in the form that PyTorch computes (|.| at least 1e-12).
void spectral_norm_forward(const Stream& s, ConstView w, int iterations, View u, View v, View sigma, View y);
/// gw = (or +=) (gy - sum(gy * y) v u^T) / sigma: u and v count as constants. u: as spectral_norm_forward left it.
void spectral_norm_backward(const Stream& s, ConstView y, ConstView u, ConstView v, ConstView sigma, ConstView gy,
                            GradientMode mode, View gw);

}  // namespace sinv
