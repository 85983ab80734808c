#include "kernels/cuda/blocks.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/elementwise_math.h"

namespace sinv {
namespace {

template <class Op>
__global__ void __launch_bounds__(kThreads)
    bias_activation_kernel(const float* bias, float* y, std::size_t count, std::uint32_t n, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    Values<kWidth> v = load<kWidth>(y + i);
    if (bias != nullptr) {
      const Values<kWidth> b = load<kWidth>(bias + static_cast<std::uint32_t>(i) % n);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) v.at[k] += b.at[k];
    }
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] = Op::forward(v.at[k]);
    store<kWidth>(y + i, v);
  });
}

// The gradient before the activation, written back as it is summed.
template <class Op>
struct MaskedGradient {
  const float* y;
  float* gy;
  std::int64_t n;
  __device__ void operator()(std::int64_t row, std::int64_t column, float* terms) const {
    const std::int64_t i = row * n + column;
    const float g = Op::backward(y[i], gy[i]);
    if constexpr (!std::is_same_v<Op, Identity>) gy[i] = g;
    terms[0] = g;
  }
};

template <class Op>
__global__ void __launch_bounds__(kThreads)
    activation_backward_kernel(const float* y, float* gy, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> out = load<kWidth>(y + i);
    Values<kWidth> g = load<kWidth>(gy + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) g.at[k] = Op::backward(out.at[k], g.at[k]);
    store<kWidth>(gy + i, g);
  });
}

template <class Op>
void backward(const Stream& s, ConstView y, View gy, GradientMode mode, View gbias) {
  if (gbias.data != nullptr) {
    const auto n = static_cast<std::int64_t>(gbias.size());
    const std::int64_t m = n == 0 ? 0 : static_cast<std::int64_t>(gy.size()) / n;
    column_sums<1>("bias_activation_backward", s, MaskedGradient<Op>{y.data, gy.data, n}, m, n,
                   ColumnTargets<1>{{gbias.data}, {is_add(mode)}});
  } else if constexpr (!std::is_same_v<Op, Identity>) {
    launch("bias_activation_backward", activation_backward_kernel<Op>, element_grid(gy.size()), kThreads, 0, s, y.data,
           gy.data, gy.size(), is_wide({y.data, gy.data}));
  }
}

__device__ inline float pixel(std::uint32_t byte, float offset) {
  return static_cast<float>(byte) * kByteScale + offset;
}

__global__ void __launch_bounds__(kThreads)
    frames_to_pixels_kernel(const std::uint8_t* frames, float* pixels, std::uint32_t count, std::uint32_t plane,
                            std::uint32_t channels, float offset) {
  each_small(count, [=](std::uint32_t i) {
    const std::uint32_t position = i / channels;
    const std::uint32_t channel = i - position * channels;
    const std::uint32_t image = position / plane;
    pixels[i] = pixel(frames[(image * channels + channel) * plane + (position - image * plane)], offset);
  });
}

// The usual stack of four: a thread reads four bytes of each plane and writes four pixels of four channels.
__global__ void __launch_bounds__(kThreads)
    four_frames_kernel(const std::uint32_t* frames, float* pixels, std::uint32_t count, std::uint32_t plane_words,
                       float offset) {
  each_small(count, [=](std::uint32_t i) {
    const std::uint32_t image = i / plane_words;
    const std::uint32_t* from = frames + (image * 3 * plane_words + i);
    const std::uint32_t a = from[0];
    const std::uint32_t b = from[plane_words];
    const std::uint32_t c = from[2 * plane_words];
    const std::uint32_t d = from[3 * plane_words];
    float* to = pixels + std::size_t{16} * i;
#pragma unroll
    for (unsigned k = 0; k < 4; ++k) {
      const unsigned shift = 8 * k;
      store<4>(to + 4 * k, {{pixel(a >> shift & 0xFFU, offset), pixel(b >> shift & 0xFFU, offset),
                             pixel(c >> shift & 0xFFU, offset), pixel(d >> shift & 0xFFU, offset)}});
    }
  });
}

}  // namespace

void bias_activation(const Stream& s, Activation activation, ConstView bias, View y) {
  if (bias.data == nullptr && activation == Activation::kIdentity) return;
  const auto n = static_cast<std::uint32_t>(y.shape[y.shape.rank() - 1]);
  small_count("bias_activation", y.size());
  const bool wide = n % 4 == 0 && is_wide({bias.data, y.data});
  switch (activation) {
#define SINV_CASE(Op)                                                                                               \
  case Activation::k##Op:                                                                                           \
    return launch("bias_activation", bias_activation_kernel<Op>, element_grid(y.size()), kThreads, 0, s, bias.data, \
                  y.data, y.size(), n, wide);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void bias_activation_backward(const Stream& s, Activation activation, ConstView y, View gy, GradientMode bias_mode,
                              View gbias) {
  switch (activation) {
#define SINV_CASE(Op)     \
  case Activation::k##Op: \
    return backward<Op>(s, y, gy, bias_mode, gbias);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void frames_to_pixels(const Stream& s, std::span<const std::uint8_t> frames, View pixels, float offset) {
  small_count("frames_to_pixels", frames.size());
  const auto plane = static_cast<std::size_t>(pixels.shape[1] * pixels.shape[2]);
  const auto channels = static_cast<std::size_t>(pixels.shape[3]);
  if (channels == 4 && plane % 4 == 0 && is_wide({frames.data(), pixels.data})) {
    launch("frames_to_pixels", four_frames_kernel, element_grid(frames.size() / 4), kThreads, 0, s,
           reinterpret_cast<const std::uint32_t*>(frames.data()), pixels.data, frames.size() / 16, plane / 4, offset);
  } else {
    launch("frames_to_pixels", frames_to_pixels_kernel, element_grid(frames.size()), kThreads, 0, s, frames.data(),
           pixels.data, frames.size(), plane, channels, offset);
  }
}

}  // namespace sinv
