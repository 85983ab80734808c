// What surrounds an image decoder: its target and its error.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/epilogue.h"

namespace sinv {
namespace {

// A thread has a pixel: x and y may be the same memory.
__global__ void __launch_bounds__(kThreads)
    picture_changes_kernel(const float* x, std::uint32_t pixels, int all, int channels, float scale, float* y) {
  each_small(pixels, [=](std::uint32_t pixel) {
    const float* from = x + std::size_t{pixel} * all;
    float* to = y + std::size_t{pixel} * all;
    for (int j = 0; j < all; ++j) {
      const float now = from[j];
      to[j] = j + channels < all ? scale * (from[j + channels] - now) : now;
    }
  });
}

// ImageWeights as a kernel takes them.
struct PixelWeights {
  float lit_above;
  float lit;
  float moved;
  const float* before;  // the target itself, which is no change, where there is none
  __device__ float of(float target, float was) const {
    return (target > lit_above ? lit : 1.0F) * (1.0F + moved * fabsf(target - was));
  }
};
PixelWeights pixel_weights(const ImageWeights& w, ConstView target) {
  return {w.lit_above, w.lit, w.moved, w.before.data == nullptr ? target.data : w.before.data};
}

// One block per image.
__global__ void __launch_bounds__(kThreads)
    image_error_forward_kernel(const float* prediction, const float* target, PixelWeights weights, float* y,
                               std::int64_t floats, bool wide) {
  __shared__ BlockRoom<double> room;
  const float* p = prediction + std::int64_t{blockIdx.x} * floats;
  const float* t = target + std::int64_t{blockIdx.x} * floats;
  const float* before = weights.before + std::int64_t{blockIdx.x} * floats;
  double sum = 0;
  each_in_row(floats, wide, [&](auto width, std::int64_t j) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> a = load<kWidth>(p + j);
    const Values<kWidth> b = load<kWidth>(t + j);
    const Values<kWidth> c = load<kWidth>(before + j);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const float error = a.at[k] - b.at[k];
      sum += static_cast<double>(0.5F * error * error * weights.of(b.at[k], c.at[k]));
    }
  });
  sum = block_sum(sum, room);
  if (thread() == 0) y[blockIdx.x] = static_cast<float>(sum);
}

__global__ void __launch_bounds__(kThreads)
    image_error_backward_kernel(const float* prediction, const float* target, PixelWeights weights, const float* gy,
                                bool add, float* gx, std::size_t count, std::uint32_t floats, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const std::uint32_t image = static_cast<std::uint32_t>(i) / floats;
    const float g = gy[image];
    Values<kWidth> a = load<kWidth>(prediction + i);
    const Values<kWidth> b = load<kWidth>(target + i);
    const Values<kWidth> c = load<kWidth>(weights.before + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) a.at[k] = (a.at[k] - b.at[k]) * (g * weights.of(b.at[k], c.at[k]));
    give<kWidth>(add, gx + i, a);
  });
}

}  // namespace

void Cuda::frames_forward(const Stream& s, std::span<const std::uint8_t> frames, float offset, View pixels) {
  frames_to_pixels(s, frames, pixels, offset);
}

void Cuda::picture_changes_forward(const Stream& s, ConstView x, std::int64_t channels, float scale, View y) {
  const std::int64_t all = x.shape[3];
  if (all == 0) return;
  const std::uint32_t pixels = small_count("picture_changes_forward", x.size() / static_cast<std::size_t>(all));
  launch("picture_changes_forward", picture_changes_kernel, element_grid(pixels), kThreads, 0, s, x.data, pixels,
         static_cast<int>(all), static_cast<int>(channels), scale, y.data);
}

void Cuda::image_error_forward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                               View y) {
  const PixelWeights with = pixel_weights(weights, target);
  const std::size_t images = y.size();
  const std::size_t floats = images == 0 ? 0 : prediction.size() / images;
  const bool wide = floats % 4 == 0 && is_wide({prediction.data, target.data, with.before});
  launch("image_error_forward", image_error_forward_kernel, static_cast<unsigned>(images), kThreads, 0, s,
         prediction.data, target.data, with, y.data, floats, wide);
}

void Cuda::image_error_backward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                                ConstView gy, GradientMode mode, View gprediction) {
  small_count("image_error_backward", gprediction.size());
  const PixelWeights with = pixel_weights(weights, target);
  const std::size_t floats = gy.size() == 0 ? 0 : gprediction.size() / gy.size();
  const bool wide = floats % 4 == 0 && is_wide({prediction.data, target.data, with.before, gprediction.data});
  launch("image_error_backward", image_error_backward_kernel, element_grid(gprediction.size()), kThreads, 0, s,
         prediction.data, target.data, with, gy.data, is_add(mode), gprediction.data, gprediction.size(), floats, wide);
}

}  // namespace sinv
