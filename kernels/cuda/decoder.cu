// What surrounds an image decoder: its target and its error.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/epilogue.h"

namespace sinv {
namespace {

// One block per image.
__global__ void __launch_bounds__(kThreads)
    image_error_forward_kernel(const float* prediction, const float* target, float lit_above, float lit_weight,
                               float* y, std::int64_t floats, bool wide) {
  __shared__ BlockRoom<double> room;
  const float* p = prediction + std::int64_t{blockIdx.x} * floats;
  const float* t = target + std::int64_t{blockIdx.x} * floats;
  double sum = 0;
  each_in_row(floats, wide, [&](auto width, std::int64_t j) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> a = load<kWidth>(p + j);
    const Values<kWidth> b = load<kWidth>(t + j);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) {
      const float error = a.at[k] - b.at[k];
      sum += static_cast<double>(0.5F * error * error * (b.at[k] > lit_above ? lit_weight : 1.0F));
    }
  });
  sum = block_sum(sum, room);
  if (thread() == 0) y[blockIdx.x] = static_cast<float>(sum);
}

__global__ void __launch_bounds__(kThreads)
    image_error_backward_kernel(const float* prediction, const float* target, float lit_above, float lit_weight,
                                const float* gy, bool add, float* gx, std::size_t count, std::uint32_t floats,
                                bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const float g = gy[static_cast<std::uint32_t>(i) / floats];
    const float g_lit = g * lit_weight;
    Values<kWidth> a = load<kWidth>(prediction + i);
    const Values<kWidth> b = load<kWidth>(target + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) a.at[k] = (a.at[k] - b.at[k]) * (b.at[k] > lit_above ? g_lit : g);
    give<kWidth>(add, gx + i, a);
  });
}

}  // namespace

void Cuda::frames_forward(const Stream& s, std::span<const std::uint8_t> frames, float offset, View pixels) {
  frames_to_pixels(s, frames, pixels, offset);
}

void Cuda::image_error_forward(const Stream& s, ConstView prediction, ConstView target, float lit_above,
                               float lit_weight, View y) {
  const std::size_t images = y.size();
  const std::size_t floats = images == 0 ? 0 : prediction.size() / images;
  const bool wide = floats % 4 == 0 && is_wide({prediction.data, target.data});
  launch("image_error_forward", image_error_forward_kernel, static_cast<unsigned>(images), kThreads, 0, s,
         prediction.data, target.data, lit_above, lit_weight, y.data, floats, wide);
}

void Cuda::image_error_backward(const Stream& s, ConstView prediction, ConstView target, float lit_above,
                                float lit_weight, ConstView gy, GradientMode mode, View gprediction) {
  small_count("image_error_backward", gprediction.size());
  const std::size_t floats = gy.size() == 0 ? 0 : gprediction.size() / gy.size();
  const bool wide = floats % 4 == 0 && is_wide({prediction.data, target.data, gprediction.data});
  launch("image_error_backward", image_error_backward_kernel, element_grid(gprediction.size()), kThreads, 0, s,
         prediction.data, target.data, lit_above, lit_weight, gy.data, is_add(mode), gprediction.data,
         gprediction.size(), floats, wide);
}

}  // namespace sinv
