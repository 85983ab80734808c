// Pooling and spectral normalisation.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/reduce.h"

namespace sinv {
namespace {

struct PoolSizes {
  std::uint32_t height;
  std::uint32_t width;
  std::uint32_t channels;
};

// Element i of an array of images: [image, row, column, channel].
struct Place {
  std::uint32_t channel;
  int column;
  int row;
  std::uint32_t image;
};
__device__ inline Place place_of(std::uint32_t i, std::uint32_t rows, std::uint32_t columns, std::uint32_t channels) {
  const std::uint32_t position = i / channels;
  const std::uint32_t line = position / columns;
  const std::uint32_t image = line / rows;
  return {i - position * channels, static_cast<int>(position - line * columns), static_cast<int>(line - image * rows),
          image};
}

__global__ void __launch_bounds__(kThreads) max_pool_forward_kernel(const float* x, PoolSizes sizes, PoolAxis rows,
                                                                    PoolAxis columns, float* y, std::uint32_t count) {
  const auto pitch = static_cast<int>(sizes.width * sizes.channels);
  const auto step = static_cast<int>(sizes.channels);
  each_small(count, [&](std::uint32_t i) {
    const Place at =
        place_of(i, static_cast<std::uint32_t>(rows.count), static_cast<std::uint32_t>(columns.count), sizes.channels);
    const float* image = x + (at.image * sizes.height * sizes.width * sizes.channels + at.channel);
    const int top = rows.first[at.row];
    const int bottom = rows.last[at.row];
    const int left = columns.first[at.column];
    const int right = columns.last[at.column];
    float most = image[top * pitch + left * step];
    for (int r = top; r < bottom; ++r) {
      for (int k = left; k < right; ++k) {
        const float v = image[r * pitch + k * step];
        most = v > most || v != v ? v : most;  // a NaN wins
      }
    }
    y[i] = most;
  });
}

// The first window that ends behind `at`: windows move on in both their ends.
__device__ inline int first_window(const PoolAxis& axis, int at) {
  int low = 0;
  int high = axis.count;
  while (low < high) {
    const int middle = (low + high) / 2;
    if (axis.last[middle] > at) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

// Each place of x collects from the windows that it is the first maximum of: no two threads add to one place.
__global__ void __launch_bounds__(kThreads)
    max_pool_backward_kernel(const float* x, PoolSizes sizes, PoolAxis rows, PoolAxis columns, const float* y,
                             const float* gy, bool add, float* gx, std::uint32_t count) {
  const auto pitch = static_cast<int>(sizes.width * sizes.channels);
  const auto step = static_cast<int>(sizes.channels);
  each_small(count, [&](std::uint32_t i) {
    const Place at = place_of(i, sizes.height, sizes.width, sizes.channels);
    const float* image = x + (at.image * sizes.height * sizes.width * sizes.channels + at.channel);
    const float value = x[i];
    float sum = add ? gx[i] : 0.0F;
    for (int row = first_window(rows, at.row); row < rows.count && rows.first[row] <= at.row; ++row) {
      for (int column = first_window(columns, at.column); column < columns.count && columns.first[column] <= at.column;
           ++column) {
        const std::uint32_t line = at.image * static_cast<std::uint32_t>(rows.count) + static_cast<std::uint32_t>(row);
        const std::uint32_t window =
            (line * static_cast<std::uint32_t>(columns.count) + static_cast<std::uint32_t>(column)) * sizes.channels +
            at.channel;
        if (value != y[window]) continue;
        bool is_first = true;
        for (int r = rows.first[row]; r <= at.row && is_first; ++r) {
          const int end = r < at.row ? columns.last[column] : at.column;
          for (int k = columns.first[column]; k < end && is_first; ++k) is_first = image[r * pitch + k * step] != value;
        }
        if (is_first) sum += gy[window];
      }
    }
    gx[i] = sum;
  });
}

constexpr int kSpectralThreads = 1024;
constexpr int kSpectralWarps = kSpectralThreads / kWarp;

// x /= |x|, with |x| at least 1e-12; every thread gets |x|.
__device__ inline float normalise(float* x, std::int64_t count, BlockRoom<float>& room) {
  float squares = 0;
  for (std::int64_t i = thread(); i < count; i += threads()) squares += x[i] * x[i];
  const float length = fmaxf(sqrtf(block_sum(squares, room)), 1e-12F);
  for (std::int64_t i = thread(); i < count; i += threads()) x[i] /= length;
  __syncthreads();
  return length;
}

// One block: the rounds of the power iteration follow one another, and the matrices are small (2^17 weights at most in
// our networks).
__global__ void __launch_bounds__(kSpectralThreads)
    spectral_norm_kernel(const float* w, int iterations, float* u, float* v, float* sigma, float* y, std::int64_t k,
                         std::int64_t n) {
  __shared__ BlockRoom<float> room;
  __shared__ SharedArray<float, kSpectralThreads> tile;
  const auto times_u = [&] {
    for (std::int64_t i = warp(); i < k; i += kSpectralWarps) {
      float sum = 0;
      for (std::int64_t j = lane(); j < n; j += kWarp) sum += w[i * n + j] * u[j];
      sum = warp_sum(sum);
      if (lane() == 0) v[i] = sum;
    }
    __syncthreads();
    return normalise(v, k, room);
  };
  float scale = 0.0F;
  if (iterations == 0) {
    float squares = 0;
    for (std::int64_t j = thread(); j < n; j += threads()) squares += u[j] * u[j];
    const float length = fmaxf(sqrtf(block_sum(squares, room)), 1e-12F);
    scale = times_u() / length;
  }
  for (int round = 0; round < iterations; ++round) {
    times_u();
    for (std::int64_t first = 0; first < n; first += kWarp) {
      const std::int64_t j = first + lane();
      float sum = 0;
      for (std::int64_t i = warp(); i < k && j < n; i += kSpectralWarps) sum += v[i] * w[i * n + j];
      __syncthreads();  // the last tile has been read
      tile[thread()] = sum;
      __syncthreads();
      if (warp() == 0 && j < n) {
        float total = 0;
        for (int part = 0; part < kSpectralWarps; ++part) total += tile[part * kWarp + lane()];
        u[j] = total;
      }
    }
    __syncthreads();
    scale = normalise(u, n, room);  // |w^T v| is v^T w u for the new u
  }
  if (thread() == 0) *sigma = scale;
  for (std::int64_t i = thread(); i < k * n; i += threads()) y[i] = w[i] / scale;
}

struct ProductOf {
  const float* a;
  const float* b;
  template <class Width>
  __device__ double operator()(Width, std::size_t i) const {
    const Values<Width::value> va = load<Width::value>(a + i);
    const Values<Width::value> vb = load<Width::value>(b + i);
    double sum = 0;
#pragma unroll
    for (int k = 0; k < Width::value; ++k) sum += static_cast<double>(va.at[k]) * static_cast<double>(vb.at[k]);
    return sum;
  }
};

struct Keep {
  float* to;
  __device__ void operator()(double sum) const { *to = static_cast<float>(sum); }
};

__global__ void __launch_bounds__(kThreads)
    spectral_norm_backward_kernel(const float* along, const float* u, const float* v, const float* sigma,
                                  const float* gy, bool add, float* gw, std::size_t count, std::uint32_t n, bool wide) {
  const float scale = 1.0F / *sigma;
  const float factor = *along;
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const std::uint32_t row = static_cast<std::uint32_t>(i) / n;
    const float across = factor * v[row];
    Values<kWidth> g = load<kWidth>(gy + i);
    const Values<kWidth> direction = load<kWidth>(u + (static_cast<std::uint32_t>(i) - row * n));
#pragma unroll
    for (int k = 0; k < kWidth; ++k) g.at[k] = (g.at[k] - across * direction.at[k]) * scale;
    give<kWidth>(add, gw + i, g);
  });
}

PoolSizes sizes_of(ConstView x) {
  return {static_cast<std::uint32_t>(x.shape[1]), static_cast<std::uint32_t>(x.shape[2]),
          static_cast<std::uint32_t>(x.shape[3])};
}

}  // namespace

void Cuda::max_pool_forward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, View y) {
  small_count("max_pool_forward", std::max(x.size(), y.size()));
  launch("max_pool_forward", max_pool_forward_kernel, element_grid(4 * y.size()), kThreads, 0, s, x.data, sizes_of(x),
         rows, columns, y.data, y.size());
}

void Cuda::max_pool_backward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, ConstView y,
                             ConstView gy, GradientMode mode, View gx) {
  small_count("max_pool_backward", std::max(gx.size(), gy.size()));
  launch("max_pool_backward", max_pool_backward_kernel, element_grid(4 * gx.size()), kThreads, 0, s, x.data,
         sizes_of(x), rows, columns, y.data, gy.data, is_add(mode), gx.data, gx.size());
}

void Cuda::spectral_norm_forward(const Stream& s, ConstView w, int iterations, View u, View v, View sigma, View y) {
  launch("spectral_norm_forward", spectral_norm_kernel, 1, kSpectralThreads, 0, s, w.data, iterations, u.data, v.data,
         sigma.data, y.data, v.shape[0], u.shape[0]);
}

void Cuda::spectral_norm_backward(const Stream& s, ConstView y, ConstView u, ConstView v, ConstView sigma, ConstView gy,
                                  GradientMode mode, View gw) {
  auto* along = static_cast<float*>(WorkspaceParts(s).plan);
  const bool wide = is_wide({y.data, gy.data});
  reduce("spectral_norm_backward", s, gw.size(), wide, ProductOf{gy.data, y.data}, Keep{along});
  small_count("spectral_norm_backward", gw.size());
  const std::size_t n = u.size();
  launch("spectral_norm_backward", spectral_norm_backward_kernel, element_grid(gw.size()), kThreads, 0, s, along,
         u.data, v.data, sigma.data, gy.data, is_add(mode), gw.data, gw.size(), n,
         n % 4 == 0 && is_wide({u.data, gy.data, gw.data}));
}

}  // namespace sinv
