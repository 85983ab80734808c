// Factorised noise and the weights mixed with it.
#include "base/random.h"
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/normal.h"

namespace sinv {
namespace {

// The numbers of NoiseState by value, or its address: a replayed step reads the counter where it is advanced.
struct NoiseFrom {
  std::uint64_t seed;
  std::uint64_t stream;
  std::uint64_t counter;
  const NoiseState* state;
};

__global__ void __launch_bounds__(kThreads) noise_kernel(NoiseFrom from, float* out, std::size_t count, bool wide) {
  if (from.state != nullptr) {
    from = {from.state->seed, from.state->stream, from.state->counter, nullptr};
  }
  const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
  const std::size_t blocks = (count + 3) / 4;
  for (std::size_t b = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; b < blocks; b += stride) {
    const Philox::Block bits = Philox::at(from.seed, from.counter + b, from.stream);
    Values<4> v;
#pragma unroll
    for (int k = 0; k < 4; ++k) v.at[k] = noise_factor(normal_from_bits(bits.word[k]));
    if (wide && 4 * b + 4 <= count) {
      store<4>(out + 4 * b, v);
    } else {
      for (std::size_t k = 0; k < 4 && 4 * b + k < count; ++k) out[4 * b + k] = v.at[k];
    }
  }
}

__global__ void __launch_bounds__(kThreads) uniform_kernel(const NoiseState* state, float* out, std::size_t count) {
  const std::size_t stride = std::size_t{gridDim.x} * blockDim.x;
  for (std::size_t b = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x; 4 * b < count; b += stride) {
    const Philox::Block bits = Philox::at(state->seed, state->counter + b, state->stream);
#pragma unroll
    for (std::size_t k = 0; k < 4; ++k) {
      if (4 * b + k < count) out[4 * b + k] = unit_float(bits.word[k]);
    }
  }
}

__global__ void noise_advance_kernel(NoiseState* state, std::uint64_t blocks) { state->counter += blocks; }

void fill(const char* name, const Stream& s, const NoiseFrom& from, std::span<float> out) {
  launch(name, noise_kernel, element_grid(out.size()), kThreads, 0, s, from, out.data(), out.size(),
         is_wide({out.data()}));
}

__global__ void __launch_bounds__(kThreads)
    noisy_mix_kernel(const float* mu, const float* sigma, const float* eps_in, const float* eps_out, float* w,
                     std::size_t count, std::uint32_t n, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const std::uint32_t row = static_cast<std::uint32_t>(i) / n;
    const std::uint32_t column = static_cast<std::uint32_t>(i) - row * n;
    const float factor = eps_in[row];
    Values<kWidth> v = load<kWidth>(mu + i);
    const Values<kWidth> spread = load<kWidth>(sigma + i);
    const Values<kWidth> eps = load<kWidth>(eps_out + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] += spread.at[k] * (factor * eps.at[k]);
    store<kWidth>(w + i, v);
  });
}

__global__ void __launch_bounds__(kThreads)
    noisy_backward_kernel(const float* dw, const float* eps_in, const float* eps_out, bool add_mu, float* dmu,
                          bool add_sigma, float* dsigma, std::size_t count, std::uint32_t n, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const std::uint32_t row = static_cast<std::uint32_t>(i) / n;
    const std::uint32_t column = static_cast<std::uint32_t>(i) - row * n;
    const float factor = eps_in[row];
    const Values<kWidth> g = load<kWidth>(dw + i);
    Values<kWidth> spread = load<kWidth>(eps_out + column);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) spread.at[k] = g.at[k] * (factor * spread.at[k]);
    give<kWidth>(add_sigma, dsigma + i, spread);
    if (add_mu || dmu != dw) give<kWidth>(add_mu, dmu + i, g);
  });
}

}  // namespace

void Cuda::noise_fill(const Stream& s, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                      std::span<float> out) {
  fill("noise_fill", s, {seed, stream, counter, nullptr}, out);
}

void Cuda::noise_fill_next(const Stream& s, NoiseState* state, std::span<float> out) {
  fill("noise_fill_next", s, {0, 0, 0, state}, out);
  launch("noise_fill_next", noise_advance_kernel, 1, 1, 0, s, state, noise_blocks(out.size()));
}

void Cuda::uniform_fill_next(const Stream& s, NoiseState* state, std::span<float> out) {
  launch("uniform_fill_next", uniform_kernel, element_grid(out.size()), kThreads, 0, s, state, out.data(), out.size());
  launch("uniform_fill_next", noise_advance_kernel, 1, 1, 0, s, state, noise_blocks(out.size()));
}

void Cuda::noisy_mix(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out, View w) {
  small_count("noisy_mix", w.size());
  const auto n = static_cast<std::uint32_t>(eps_out.size());
  const bool wide = n % 4 == 0 && is_wide({mu.data, sigma.data, eps_out.data, w.data});
  launch("noisy_mix", noisy_mix_kernel, element_grid(w.size()), kThreads, 0, s, mu.data, sigma.data, eps_in.data,
         eps_out.data, w.data, w.size(), n, wide);
}

void Cuda::noisy_backward(const Stream& s, ConstView dw, ConstView eps_in, ConstView eps_out, GradientMode mu_mode,
                          View dmu, GradientMode sigma_mode, View dsigma) {
  small_count("noisy_backward", dw.size());
  const auto n = static_cast<std::uint32_t>(eps_out.size());
  const bool wide = n % 4 == 0 && is_wide({dw.data, eps_out.data, dmu.data, dsigma.data});
  launch("noisy_backward", noisy_backward_kernel, element_grid(dw.size()), kThreads, 0, s, dw.data, eps_in.data,
         eps_out.data, is_add(mu_mode), dmu.data, is_add(sigma_mode), dsigma.data, dw.size(), n, wide);
}

}  // namespace sinv
