#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/isa.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }

void begin(View gradient, GradientMode mode) {
  if (gradient.data != nullptr && mode == GradientMode::kOverwrite) {
    std::memset(gradient.data, 0, gradient.size() * sizeof(float));
  }
}

// Eight partial sums, so that the loop is not one chain of additions.
float dot(const float* a, const float* b, std::int64_t count) {
  float sum[8] = {};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (int j = 0; j < 8; ++j) sum[j] += a[i + j] * b[i + j];
  }
  for (; i < count; ++i) sum[0] += a[i] * b[i];
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

// x /= |x|, with |x| at least 1e-12; returns |x|.
float normalise(float* x, std::int64_t count) {
  const float length = std::max(std::sqrt(dot(x, x, count)), 1e-12F);
  for (std::int64_t i = 0; i < count; ++i) x[i] /= length;
  return length;
}

}  // namespace

void Cpu::group_norm_forward(const Stream&, ConstView x, std::int64_t groups, ConstView gain, ConstView bias,
                             float epsilon, Activation activation, View y, View statistics) {
  const std::int64_t positions = x.shape[1] * x.shape[2];
  const std::int64_t c = x.shape[3];
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    isa().group_norm(as_int(positions), as_int(c), as_int(groups), x.data + i * positions * c, gain.data, bias.data,
                     epsilon, activation, y.data + i * positions * c, statistics.data + i * groups * 2);
  }
}

void Cpu::group_norm_backward(const Stream&, ConstView x, std::int64_t groups, ConstView gain, ConstView statistics,
                              Activation activation, ConstView y, View gy, const NormGradients& gradients) {
  const std::int64_t positions = x.shape[1] * x.shape[2];
  const std::int64_t c = x.shape[3];
  begin(gradients.gain, gradients.gain_mode);
  begin(gradients.bias, gradients.bias_mode);
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const std::int64_t at = i * positions * c;
    if (activation != Activation::kIdentity) {
      isa().unary_backward(activation, y.data + at, gy.data + at, GradientMode::kOverwrite, gy.data + at,
                           static_cast<std::size_t>(positions * c));
    }
    isa().group_norm_backward(as_int(positions), as_int(c), as_int(groups), x.data + at, gain.data,
                              statistics.data + i * groups * 2, gy.data + at, gradients.x_mode,
                              gradients.x.data == nullptr ? nullptr : gradients.x.data + at, gradients.gain.data,
                              gradients.bias.data);
  }
}

void Cpu::max_pool_forward(const Stream&, ConstView x, const PoolAxis& rows, const PoolAxis& columns, View y) {
  const std::int64_t c = x.shape[3];
  const std::int64_t pitch = x.shape[2] * c;
  float* to = y.data;
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const float* image = x.data + i * x.shape[1] * pitch;
    for (int r = 0; r < rows.count; ++r) {
      for (int k = 0; k < columns.count; ++k, to += c) {
        isa().max_window(rows.last[r] - rows.first[r], columns.last[k] - columns.first[k], as_int(c),
                         image + rows.first[r] * pitch + columns.first[k] * c, pitch, to);
      }
    }
  }
}

void Cpu::max_pool_backward(const Stream&, ConstView x, const PoolAxis& rows, const PoolAxis& columns, ConstView y,
                            ConstView gy, GradientMode mode, View gx) {
  const std::int64_t c = x.shape[3];
  const std::int64_t pitch = x.shape[2] * c;
  std::int64_t from = 0;
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const std::int64_t image = i * x.shape[1] * pitch;
    begin({gx.data + image, Shape{x.shape[1] * pitch}}, mode);
    for (int r = 0; r < rows.count; ++r) {
      for (int k = 0; k < columns.count; ++k, from += c) {
        const std::int64_t at = image + rows.first[r] * pitch + columns.first[k] * c;
        isa().max_window_backward(rows.last[r] - rows.first[r], columns.last[k] - columns.first[k], as_int(c),
                                  x.data + at, pitch, y.data + from, gy.data + from, gx.data + at);
      }
    }
  }
}

void Cpu::spectral_norm_forward(const Stream&, ConstView w, int iterations, View u, View v, View sigma, View y) {
  const std::int64_t n = u.shape[0];
  const std::int64_t k = v.shape[0];
  const auto times_u = [&] {
    for (std::int64_t i = 0; i < k; ++i) v.data[i] = dot(w.data + i * n, u.data, n);
    return normalise(v.data, k);
  };
  float scale = 0.0F;
  if (iterations == 0) scale = times_u() / std::max(std::sqrt(dot(u.data, u.data, n)), 1e-12F);
  for (int round = 0; round < iterations; ++round) {
    times_u();
    std::fill_n(u.data, n, 0.0F);
    for (std::int64_t i = 0; i < k; ++i) {
      for (std::int64_t j = 0; j < n; ++j) u.data[j] += v.data[i] * w.data[i * n + j];
    }
    scale = normalise(u.data, n);  // |w^T v| is v^T w u for the new u
  }
  sigma.data[0] = scale;
  for (std::size_t i = 0; i < w.size(); ++i) y.data[i] = w.data[i] / scale;
}

void Cpu::spectral_norm_backward(const Stream&, ConstView y, ConstView u, ConstView v, ConstView sigma, ConstView gy,
                                 GradientMode mode, View gw) {
  const std::int64_t n = u.shape[0];
  const std::int64_t k = v.shape[0];
  float along = 0.0F;
  for (std::int64_t i = 0; i < k; ++i) along += dot(gy.data + i * n, y.data + i * n, n);
  const float scale = 1.0F / sigma.data[0];
  const bool add = mode == GradientMode::kAccumulate;
  for (std::int64_t i = 0; i < k; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      const float g = (gy.data[i * n + j] - along * v.data[i] * u.data[j]) * scale;
      gw.data[i * n + j] = add ? gw.data[i * n + j] + g : g;
    }
  }
}

}  // namespace sinv
