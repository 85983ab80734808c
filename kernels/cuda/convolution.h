#pragma once

#include <cstddef>

#include "kernels/conv.h"

/// Convolutions of float images by cuDNN, without what surrounds them. packed: the weight as Cuda::conv_pack leaves it.
/// images [m,h,w,c] are what a ConvShape reads, y and gy [m,..,outputs] what it makes; m is above 0. Choices of the
/// library are kept by shape, number of images and precision. Memory, order and errors as in kernels/cuda/cuda_ops.h.
namespace sinv {

/// y = (or +=) the convolution. kept_bytes: at the head of the stream's room, which hold `images` and stay as they are.
void convolve(const Stream& s, const ConvShape& shape, std::int64_t m, const float* images, const float* packed,
              GradientMode mode, float* y, std::size_t kept_bytes = 0);
/// images = (or +=) its gradient to the images from gy: a transposed convolution.
void convolve_to_images(const Stream& s, const ConvShape& shape, std::int64_t m, const float* gy, const float* packed,
                        GradientMode mode, float* images);
/// gw [kernel,kernel,c,outputs] = (or +=) its gradient to the weight.
void convolve_to_weights(const Stream& s, const ConvShape& shape, std::int64_t m, const float* images, const float* gy,
                         GradientMode mode, float* gw, std::size_t kept_bytes = 0);

}  // namespace sinv
