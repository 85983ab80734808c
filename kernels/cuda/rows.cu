// Operations on the rows of a matrix.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/cuda_ops.h"

namespace sinv {
namespace {

__global__ void __launch_bounds__(kThreads)
    layer_norm_forward_kernel(const float* x, const float* gain, const float* bias, float epsilon, float* y,
                              float* statistics, std::int64_t m, std::int64_t n, bool wide) {
  __shared__ BlockRoom<float> room;
  const auto count = static_cast<float>(n);
  for (std::int64_t row = blockIdx.x; row < m; row += gridDim.x) {
    const float* from = x + row * n;
    float* to = y + row * n;
    float sum = 0;
    each_in_row(n, wide, [&](auto width, std::int64_t j) {
      const auto v = load<decltype(width)::value>(from + j);
#pragma unroll
      for (const float value : v.at) sum += value;
    });
    const float mean = block_sum(sum, room) / count;
    float squares = 0;  // of the differences: a second pass, because mean(x^2) - mean^2 cancels
    each_in_row(n, wide, [&](auto width, std::int64_t j) {
      const auto v = load<decltype(width)::value>(from + j);
#pragma unroll
      for (const float value : v.at) squares += (value - mean) * (value - mean);
    });
    const float scale = 1.0F / sqrtf(block_sum(squares, room) / count + epsilon);
    each_in_row(n, wide, [&](auto width, std::int64_t j) {
      constexpr int kWidth = decltype(width)::value;
      auto v = load<kWidth>(from + j);
      const auto g = load<kWidth>(gain + j);
      const auto b = load<kWidth>(bias + j);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) v.at[k] = (v.at[k] - mean) * scale * g.at[k] + b.at[k];
      store<kWidth>(to + j, v);
    });
    if (thread() == 0) {
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = scale;
    }
  }
}

__global__ void __launch_bounds__(kThreads)
    layer_norm_backward_kernel(const float* x, const float* gain, const float* statistics, const float* gy, bool add,
                               float* gx, std::int64_t m, std::int64_t n, bool wide) {
  __shared__ BlockRoom<float> room;
  for (std::int64_t row = blockIdx.x; row < m; row += gridDim.x) {
    const float* from = x + row * n;
    const float* g = gy + row * n;
    const float mean = statistics[2 * row];
    const float scale = statistics[2 * row + 1];
    float sum_g = 0;
    float sum_gx = 0;
    each_in_row(n, wide, [&](auto width, std::int64_t j) {
      constexpr int kWidth = decltype(width)::value;
      const auto v = load<kWidth>(from + j);
      const auto out = load<kWidth>(g + j);
      const auto factor = load<kWidth>(gain + j);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        const float along = out.at[k] * factor.at[k];
        sum_g += along;
        sum_gx += along * ((v.at[k] - mean) * scale);
      }
    });
    const float mean_g = block_sum(sum_g, room) / static_cast<float>(n);
    const float mean_gx = block_sum(sum_gx, room) / static_cast<float>(n);
    each_in_row(n, wide, [&](auto width, std::int64_t j) {
      constexpr int kWidth = decltype(width)::value;
      auto v = load<kWidth>(from + j);
      const auto out = load<kWidth>(g + j);
      const auto factor = load<kWidth>(gain + j);
#pragma unroll
      for (int k = 0; k < kWidth; ++k) {
        v.at[k] = scale * (out.at[k] * factor.at[k] - mean_g - (v.at[k] - mean) * scale * mean_gx);
      }
      give<kWidth>(add, gx + row * n + j, v);
    });
  }
}

// Terms of the gradients of gain and bias.
struct LayerNormTerms {
  const float* x;
  const float* statistics;
  const float* gy;
  std::int64_t n;
  __device__ void operator()(std::int64_t row, std::int64_t column, float* terms) const {
    const float g = gy[row * n + column];
    terms[0] = g * ((x[row * n + column] - statistics[2 * row]) * statistics[2 * row + 1]);
    terms[1] = g;
  }
};

// One thread per row: rows are as short as the list of actions.
__global__ void __launch_bounds__(kThreads)
    dueling_forward_kernel(const float* value, const float* advantage, float* q, std::int64_t m, std::int64_t n) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < m; i += stride) {
    const float* row = advantage + i * n;
    float sum = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += row[j];
    const float base = value[i] - sum / static_cast<float>(n);
    for (std::int64_t j = 0; j < n; ++j) q[i * n + j] = row[j] + base;
  }
}

__global__ void __launch_bounds__(kThreads)
    dueling_backward_kernel(const float* gq, bool add_value, float* gvalue, bool add_advantage, float* gadvantage,
                            std::int64_t m, std::int64_t n) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < m; i += stride) {
    const float* row = gq + i * n;
    float sum = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += row[j];
    give<1>(add_value, gvalue + i, {{sum}});
    const float mean = sum / static_cast<float>(n);
    for (std::int64_t j = 0; j < n; ++j) give<1>(add_advantage, gadvantage + i * n + j, {{row[j] - mean}});
  }
}

__global__ void __launch_bounds__(kThreads)
    gather_forward_kernel(const float* x, const std::int32_t* index, float* y, std::int64_t m, std::int64_t n) {
  const std::int64_t stride = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < m; i += stride) {
    y[i] = index[i] >= 0 && index[i] < n ? x[i * n + index[i]] : nanf("");
  }
}

__global__ void __launch_bounds__(kThreads) gather_backward_kernel(const std::int32_t* index, const float* gy, bool add,
                                                                   float* gx, std::uint32_t count, std::uint32_t n) {
  each_small(count, [=](std::uint32_t i) {
    const std::uint32_t row = i / n;
    const bool taken = index[row] == static_cast<std::int32_t>(i - row * n);
    if (taken || !add) give<1>(add, gx + i, {{taken ? gy[row] : 0.0F}});
  });
}

__global__ void __launch_bounds__(kThreads)
    concat_forward_kernel(const float* a, const float* b, float* y, std::uint32_t count, std::uint32_t na,
                          std::uint32_t nb) {
  each_small(count, [=](std::uint32_t i) {
    const std::uint32_t row = i / (na + nb);
    const std::uint32_t column = i - row * (na + nb);
    y[i] = column < na ? a[row * na + column] : b[row * nb + column - na];
  });
}

__global__ void __launch_bounds__(kThreads)
    concat_backward_kernel(const float* gy, bool add_a, float* ga, bool add_b, float* gb, std::uint32_t count,
                           std::uint32_t na, std::uint32_t nb) {
  each_small(count, [=](std::uint32_t i) {
    const std::uint32_t row = i / (na + nb);
    const std::uint32_t column = i - row * (na + nb);
    if (column < na) {
      if (ga != nullptr) give<1>(add_a, ga + (row * na + column), {{gy[i]}});
    } else if (gb != nullptr) {
      give<1>(add_b, gb + (row * nb + column - na), {{gy[i]}});
    }
  });
}

}  // namespace

void Cuda::layer_norm_forward(const Stream& s, ConstView x, ConstView gain, ConstView bias, float epsilon, View y,
                              View statistics) {
  const std::int64_t n = x.shape[1];
  const bool wide = n % 4 == 0 && is_wide({x.data, gain.data, bias.data, y.data});
  launch("layer_norm_forward", layer_norm_forward_kernel, row_grid(x.shape[0]), row_threads(n), 0, s, x.data, gain.data,
         bias.data, epsilon, y.data, statistics.data, x.shape[0], n, wide);
}

void Cuda::layer_norm_backward(const Stream& s, ConstView x, ConstView gain, ConstView statistics, ConstView gy,
                               GradientMode x_mode, View gx, GradientMode gain_mode, View ggain, GradientMode bias_mode,
                               View gbias) {
  const std::int64_t m = x.shape[0];
  const std::int64_t n = x.shape[1];
  column_sums<2>("layer_norm_backward", s, LayerNormTerms{x.data, statistics.data, gy.data, n}, m, n,
                 {{ggain.data, gbias.data}, {is_add(gain_mode), is_add(bias_mode)}});
  if (gx.data == nullptr) return;
  const bool wide = n % 4 == 0 && is_wide({x.data, gain.data, gy.data, gx.data});
  launch("layer_norm_backward", layer_norm_backward_kernel, row_grid(m), row_threads(n), 0, s, x.data, gain.data,
         statistics.data, gy.data, is_add(x_mode), gx.data, m, n, wide);
}

void Cuda::dueling_forward(const Stream& s, ConstView value, ConstView advantage, View q) {
  launch("dueling_forward", dueling_forward_kernel, element_grid(4 * value.size()), kThreads, 0, s, value.data,
         advantage.data, q.data, q.shape[0], q.shape[1]);
}

void Cuda::dueling_backward(const Stream& s, ConstView gq, GradientMode value_mode, View gvalue,
                            GradientMode advantage_mode, View gadvantage) {
  launch("dueling_backward", dueling_backward_kernel, element_grid(4 * gvalue.size()), kThreads, 0, s, gq.data,
         is_add(value_mode), gvalue.data, is_add(advantage_mode), gadvantage.data, gq.shape[0], gq.shape[1]);
}

void Cuda::gather_forward(const Stream& s, ConstView x, std::span<const std::int32_t> index, View y) {
  launch("gather_forward", gather_forward_kernel, element_grid(4 * index.size()), kThreads, 0, s, x.data, index.data(),
         y.data, x.shape[0], x.shape[1]);
}

void Cuda::gather_backward(const Stream& s, std::span<const std::int32_t> index, ConstView gy, GradientMode mode,
                           View gx) {
  launch("gather_backward", gather_backward_kernel, element_grid(gx.size()), kThreads, 0, s, index.data(), gy.data,
         is_add(mode), gx.data, small_count("gather_backward", gx.size()), gx.shape[1]);
}

void Cuda::concat_forward(const Stream& s, ConstView a, ConstView b, View y) {
  launch("concat_forward", concat_forward_kernel, element_grid(y.size()), kThreads, 0, s, a.data, b.data, y.data,
         small_count("concat_forward", y.size()), a.shape[1], b.shape[1]);
}

void Cuda::concat_backward(const Stream& s, ConstView gy, GradientMode mode_a, View ga, GradientMode mode_b, View gb) {
  launch("concat_backward", concat_backward_kernel, element_grid(gy.size()), kThreads, 0, s, gy.data, is_add(mode_a),
         ga.data, is_add(mode_b), gb.data, small_count("concat_backward", gy.size()), ga.shape[1], gb.shape[1]);
}

}  // namespace sinv
