#pragma once

#include <cstdint>
#include <span>

#include "kernels/ops.h"

/// The kernels around matrix products and convolutions of vendor libraries. Memory, order and errors as in
/// kernels/cuda/cuda_ops.h; shapes are not checked again.
namespace sinv {

/// y [.., n] = activation(y + bias [n]), in place; a bias without data is left out. n: the last dimension.
void bias_activation(const Stream& s, Activation activation, ConstView bias, View y);
/// gy [.., n] = gradient before the activation, from the output y; gbias [n] = (or +=) its column sums. A gbias without
/// data is not wanted. Sums are in a fixed order.
void bias_activation_backward(const Stream& s, Activation activation, ConstView y, View gy, GradientMode bias_mode,
                              View gbias);
/// pixels [m,h,w,c] = frames [m,c,h,w] / 255 + offset.
void frames_to_pixels(const Stream& s, std::span<const std::uint8_t> frames, View pixels, float offset = 0.0F);

}  // namespace sinv
