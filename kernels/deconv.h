#pragma once

#include <cstdint>
#include <span>

#include "kernels/conv.h"

/// Operations of an image decoder. Common to all: what kernels/conv.h says.
namespace sinv {

/// The fixed geometry of a transposed convolution with square kernels and no padding: every input position adds its
/// channels times a kernel to the output, `stride` positions apart.
struct DeconvShape {
  std::int64_t height;  // of the image that is read
  std::int64_t width;
  std::int64_t channels;  // of the image that is read
  std::int64_t outputs;   // channels of the result
  std::int64_t kernel;
  std::int64_t stride = 1;

  std::int64_t out_height() const { return (height - 1) * stride + kernel; }
  std::int64_t out_width() const { return (width - 1) * stride + kernel; }
  /// The convolution whose gradient to the image this is: from the result to the image that is read.
  ConvShape reversed() const { return {out_height(), out_width(), outputs, channels, kernel, stride, 0}; }
  Shape weight() const { return Shape{kernel, kernel, outputs, channels}; }
  Shape input(std::int64_t m) const { return Shape{m, height, width, channels}; }
  Shape output(std::int64_t m) const { return Shape{m, out_height(), out_width(), outputs}; }
};

/// Floats of PackedWeight::forward and ::backward of a transposed convolution of m images, and of its scratch.
std::size_t deconv_packed_floats(Device device, const DeconvShape& shape);
std::size_t deconv_packed_backward_floats(Device device, const DeconvShape& shape);
std::size_t deconv_scratch_floats(Device device, const DeconvShape& shape, std::int64_t m);
/// Packs w (shape.weight()); packed.k is channels, packed.n outputs.
void deconv_pack(const Stream& s, const DeconvShape& shape, ConstView w, const PackedWeight& packed);
/// y = activation(x transposed-convolved with w + bias [outputs]); a bias without data is left out.
void deconv_forward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w, ConstView bias,
                    Activation activation, View y, std::span<float> scratch);
/// Gradients of deconv_forward from its output y and gy, which is overwritten (it becomes the gradient before the
/// activation). A gradient without data is not wanted; that of x needs w.backward. gradients.w: shape.weight().
void deconv_backward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                     Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                     std::span<float> scratch);

/// pixels [m,h,w,c] = byte / 255 + offset of frames [m,c,h,w].
void frames_forward(const Stream& s, std::span<const std::uint8_t> frames, float offset, View pixels);

/// A pixel of x, y [m,h,w,n] is a history of pictures of `channels` each, oldest first. The newest stays; of each older
/// one y has scale (the next picture - it). x and y may be the same memory.
void picture_changes_forward(const Stream& s, ConstView x, std::int64_t channels, float scale, View y);

/// What a pixel counts in an image's error: (lit where its target is above lit_above, else 1) times (1 + moved |target
/// - the same pixel of `before`|). `before` has the target's shape; without data nothing moved.
struct ImageWeights {
  float lit_above = 0.0F;
  float lit = 1.0F;
  float moved = 0.0F;
  ConstView before = {};
};

/// y [m] = 1/2 sum over an image of weight (prediction - target)^2: minus the log-likelihood under a unit normal,
/// without its constant, for weights of 1.
void image_error_forward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights, View y);
/// The gradient to the prediction only.
void image_error_backward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                          ConstView gy, GradientMode mode, View gprediction);

}  // namespace sinv
