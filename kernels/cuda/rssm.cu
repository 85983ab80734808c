// The GRU cell with LayerNorm, lambda returns, and operations on rows that learning in imagination needs.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/rssm.h"
#include "kernels/rssm_math.h"

namespace sinv {
namespace {

__global__ void __launch_bounds__(kThreads)
    gru_forward_kernel(const float* gates, const float* gain, const float* bias, float epsilon, const float* h,
                       float* next, float* statistics, float* kept, std::int64_t m, std::int64_t d) {
  __shared__ BlockRoom<float> room;
  const std::int64_t n = 3 * d;
  const auto count = static_cast<float>(n);
  for (std::int64_t row = blockIdx.x; row < m; row += gridDim.x) {
    const float* x = gates + row * n;
    float sum = 0;
    for (std::int64_t i = thread(); i < n; i += threads()) sum += x[i];
    const float mean = block_sum(sum, room) / count;
    float squares = 0;  // of the differences: a second pass, because mean(x^2) - mean^2 cancels
    for (std::int64_t i = thread(); i < n; i += threads()) squares += (x[i] - mean) * (x[i] - mean);
    const float scale = 1.0F / sqrtf(block_sum(squares, room) / count + epsilon);
    const auto normed = [=](std::int64_t i) { return (x[i] - mean) * scale * gain[i] + bias[i]; };
    for (std::int64_t j = thread(); j < d; j += threads()) {
      const float r = Sigmoid::forward(normed(j));
      const float c = Tanh::forward(r * normed(d + j));
      const float u = Sigmoid::forward(normed(2 * d + j) - 1.0F);
      next[row * d + j] = u * c + (1.0F - u) * h[row * d + j];
      if (kept != nullptr) {
        kept[row * n + j] = r;
        kept[row * n + d + j] = c;
        kept[row * n + 2 * d + j] = u;
      }
    }
    if (thread() == 0 && statistics != nullptr) {
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = scale;
    }
  }
}

// A thread reads back from kept only what it wrote itself.
__global__ void __launch_bounds__(kThreads)
    gru_backward_kernel(const float* gates, const float* gain, const float* bias, const float* h,
                        const float* statistics, float* kept, const float* gnext, bool add_gates, float* ggates,
                        bool add_h, float* gh, std::int64_t m, std::int64_t d) {
  __shared__ BlockRoom<float> room;
  const std::int64_t n = 3 * d;
  for (std::int64_t row = blockIdx.x; row < m; row += gridDim.x) {
    const float* x = gates + row * n;
    float* g = kept + row * n;
    const float mean = statistics[2 * row];
    const float scale = statistics[2 * row + 1];
    float sum_g = 0;
    float sum_gx = 0;
    for (std::int64_t j = thread(); j < d; j += threads()) {
      const float r = g[j];
      const float c = g[d + j];
      const float u = g[2 * d + j];
      const float out = gnext[row * d + j];
      const float normal = (x[d + j] - mean) * scale * gain[d + j] + bias[d + j];
      const float gc = out * u * (1.0F - c * c);
      const float slopes[3] = {gc * normal * r * (1.0F - r), gc * r, out * (c - h[row * d + j]) * u * (1.0F - u)};
      if (gh != nullptr) give<1>(add_h, gh + (row * d + j), {{out * (1.0F - u)}});
#pragma unroll
      for (int part = 0; part < 3; ++part) {
        const std::int64_t i = part * d + j;
        g[i] = slopes[part];
        sum_g += slopes[part] * gain[i];
        sum_gx += slopes[part] * gain[i] * (x[i] - mean);
      }
    }
    if (ggates == nullptr) continue;
    const auto count = static_cast<float>(n);
    const float mean_g = block_sum(sum_g, room) / count;
    const float mean_gx = block_sum(sum_gx, room) * scale / count;
    for (std::int64_t j = thread(); j < d; j += threads()) {
#pragma unroll
      for (int part = 0; part < 3; ++part) {
        const std::int64_t i = part * d + j;
        give<1>(add_gates, ggates + (row * n + i),
                {{scale * (g[i] * gain[i] - mean_g - (x[i] - mean) * scale * mean_gx)}});
      }
    }
  }
}

// Terms of the gradients of gain and bias, from the gradient of the norm.
struct GruTerms {
  const float* gates;
  const float* statistics;
  const float* g;
  std::int64_t n;
  __device__ void operator()(std::int64_t row, std::int64_t column, float* terms) const {
    const std::int64_t i = row * n + column;
    terms[0] = g[i] * ((gates[i] - statistics[2 * row]) * statistics[2 * row + 1]);
    terms[1] = g[i];
  }
};

// One thread per column; time goes by in a loop.
__global__ void __launch_bounds__(kThreads)
    lambda_return_forward_kernel(const float* reward, const float* discount, const float* value, float lambda, float* y,
                                 std::int64_t h, std::int64_t n) {
  const std::int64_t column = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (column >= n) return;
  float after = value[h * n + column];
  for (std::int64_t at = (h - 1) * n + column; at >= 0; at -= n) {
    after = reward[at] + discount[at] * lambda_next(value[at + n], after, lambda);
    y[at] = after;
  }
}

struct LambdaTargets {
  float* reward;
  float* discount;
  float* value;
  bool add_reward;
  bool add_discount;
  bool add_value;
};

__global__ void __launch_bounds__(kThreads)
    lambda_return_backward_kernel(const float* discount, const float* value, float lambda, const float* y, float* gy,
                                  LambdaTargets to, std::int64_t h, std::int64_t n) {
  const std::int64_t column = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (column >= n) return;
  if (to.value != nullptr && !to.add_value) to.value[column] = 0.0F;  // the first row, which nothing reads
  float brought = 0.0F;
  for (std::int64_t t = 0; t < h; ++t) {
    const std::int64_t at = t * n + column;
    const bool last = t + 1 == h;
    const float g = gy[at] + brought;
    gy[at] = g;
    if (to.reward != nullptr) give<1>(to.add_reward, to.reward + at, {{g}});
    if (to.discount != nullptr) {
      give<1>(to.add_discount, to.discount + at,
              {{g * lambda_next(value[at + n], last ? value[at + n] : y[at + n], lambda)}});
    }
    if (to.value != nullptr) {
      give<1>(to.add_value, to.value + (at + n), {{g * discount[at] * (last ? 1.0F : 1.0F - lambda)}});
    }
    brought = g * discount[at] * lambda;
  }
}

__global__ void __launch_bounds__(kThreads)
    discount_weight_kernel(const float* discount, float* weight, std::int64_t h, std::int64_t n) {
  const std::int64_t column = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (column >= n) return;
  float product = 1.0F;
  for (std::int64_t t = 0; t < h; ++t) {
    weight[t * n + column] = product;
    product *= discount[t * n + column];
  }
}

__global__ void __launch_bounds__(kThreads) scale_rows_kernel(const float* x, const float* factor, bool add, float* y,
                                                              std::size_t count, std::uint32_t n, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const float scale = factor[static_cast<std::uint32_t>(i) / n];
    Values<kWidth> v = load<kWidth>(x + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] *= scale;
    give<kWidth>(add, y + i, v);
  });
}

// Elements first .. last - 1 of gx are those of gy.
__global__ void __launch_bounds__(kThreads)
    rows_backward_kernel(const float* gy, bool add, float* gx, std::size_t count, std::size_t first, std::size_t last) {
  each_element(count, false, [=](auto, std::size_t i) {
    const bool inside = i >= first && i < last;
    if (inside || !add) give<1>(add, gx + i, {{inside ? gy[i - first] : 0.0F}});
  });
}

unsigned column_grid(std::int64_t n) { return static_cast<unsigned>((n + kThreads - 1) / kThreads); }

void scale_rows(const char* name, const Stream& s, ConstView x, ConstView factor, bool add, View y) {
  small_count(name, y.size());
  const std::size_t n = factor.size() == 0 ? 1 : y.size() / factor.size();
  launch(name, scale_rows_kernel, element_grid(y.size()), kThreads, 0, s, x.data, factor.data, add, y.data, y.size(), n,
         n % 4 == 0 && is_wide({x.data, y.data}));
}

}  // namespace

void Cuda::gru_forward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, float epsilon, ConstView h,
                       View next, View statistics, View kept) {
  const std::int64_t d = h.shape[1];
  launch("gru_forward", gru_forward_kernel, row_grid(h.shape[0]), row_threads(3 * d), 0, s, gates.data, gain.data,
         bias.data, epsilon, h.data, next.data, statistics.data, kept.data, h.shape[0], d);
}

void Cuda::gru_backward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, ConstView h,
                        ConstView statistics, View kept, ConstView gnext, const GruGradients& gradients) {
  const std::int64_t m = h.shape[0];
  const std::int64_t d = h.shape[1];
  launch("gru_backward", gru_backward_kernel, row_grid(m), row_threads(d), 0, s, gates.data, gain.data, bias.data,
         h.data, statistics.data, kept.data, gnext.data, is_add(gradients.gates_mode), gradients.gates.data,
         is_add(gradients.h_mode), gradients.h.data, m, d);
  if (gradients.gain.data == nullptr && gradients.bias.data == nullptr) return;
  column_sums<2>(
      "gru_backward", s, GruTerms{gates.data, statistics.data, kept.data, 3 * d}, m, 3 * d,
      {{gradients.gain.data, gradients.bias.data}, {is_add(gradients.gain_mode), is_add(gradients.bias_mode)}});
}

void Cuda::lambda_return_forward(const Stream& s, ConstView reward, ConstView discount, ConstView value, float lambda,
                                 View y) {
  const std::int64_t n = discount.shape[1];
  launch("lambda_return_forward", lambda_return_forward_kernel, column_grid(n), kThreads, 0, s, reward.data,
         discount.data, value.data, lambda, y.data, discount.shape[0], n);
}

void Cuda::lambda_return_backward(const Stream& s, ConstView discount, ConstView value, float lambda, ConstView y,
                                  View gy, const LambdaGradients& gradients) {
  const std::int64_t n = discount.shape[1];
  const LambdaTargets targets{
      gradients.reward.data,         gradients.discount.data,         gradients.value.data,
      is_add(gradients.reward_mode), is_add(gradients.discount_mode), is_add(gradients.value_mode)};
  launch("lambda_return_backward", lambda_return_backward_kernel, column_grid(n), kThreads, 0, s, discount.data,
         value.data, lambda, y.data, gy.data, targets, discount.shape[0], n);
}

void Cuda::discount_weight(const Stream& s, ConstView discount, View weight) {
  const std::int64_t n = discount.shape[1];
  launch("discount_weight", discount_weight_kernel, column_grid(n), kThreads, 0, s, discount.data, weight.data,
         discount.shape[0], n);
}

void Cuda::scale_rows_forward(const Stream& s, ConstView x, ConstView factor, View y) {
  scale_rows("scale_rows_forward", s, x, factor, false, y);
}

void Cuda::scale_rows_backward(const Stream& s, ConstView factor, ConstView gy, GradientMode mode, View gx) {
  scale_rows("scale_rows_backward", s, gy, factor, is_add(mode), gx);
}

void Cuda::rows_backward(const Stream& s, std::int64_t first, ConstView gy, GradientMode mode, View gx) {
  const auto from = static_cast<std::size_t>(first * gx.shape[1]);
  launch("rows_backward", rows_backward_kernel, element_grid(gx.size()), kThreads, 0, s, gy.data, is_add(mode), gx.data,
         gx.size(), from, from + gy.size());
}

}  // namespace sinv
