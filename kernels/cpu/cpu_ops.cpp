#include "kernels/cpu/cpu_ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "kernels/cpu/isa.h"
#include "kernels/cpu/shared_loops.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }

// Adds to a gradient element, or sets it.
void give(GradientMode mode, float& to, float value) { to = mode == GradientMode::kAccumulate ? to + value : value; }

}  // namespace

void Cpu::unary_forward(const Stream&, Unary op, ConstView x, View y) {
  isa().unary_forward(op, x.data, y.data, x.size());
}
void Cpu::unary_backward(const Stream&, Unary op, ConstView y, ConstView gy, GradientMode mode, View gx) {
  isa().unary_backward(op, y.data, gy.data, mode, gx.data, y.size());
}
void Cpu::binary_forward(const Stream&, Binary op, ConstView a, ConstView b, View y) {
  isa().binary_forward(op, a.data, b.data, y.data, y.size());
}
void Cpu::binary_backward(const Stream&, Binary op, ConstView a, ConstView b, ConstView gy, GradientMode mode_a,
                          View ga, GradientMode mode_b, View gb) {
  isa().binary_backward(op, a.data, b.data, gy.data, mode_a, ga.data, mode_b, gb.data, gy.size());
}

void Cpu::layer_norm_forward(const Stream&, ConstView x, ConstView gain, ConstView bias, float epsilon, View y,
                             View statistics) {
  const std::int64_t n = x.shape[1];
  const auto count = static_cast<float>(n);
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const float* row = x.data + i * n;
    float sum = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += row[j];
    const float mean = sum / count;
    float squares = 0;  // of the differences: a second pass, because mean(x^2) - mean^2 cancels
    for (std::int64_t j = 0; j < n; ++j) squares += (row[j] - mean) * (row[j] - mean);
    const float scale = 1.0F / std::sqrt(squares / count + epsilon);
    for (std::int64_t j = 0; j < n; ++j) y.data[i * n + j] = (row[j] - mean) * scale * gain.data[j] + bias.data[j];
    statistics.data[2 * i] = mean;
    statistics.data[2 * i + 1] = scale;
  }
}

void Cpu::layer_norm_backward(const Stream&, ConstView x, ConstView gain, ConstView statistics, ConstView gy,
                              GradientMode x_mode, View gx, GradientMode gain_mode, View ggain, GradientMode bias_mode,
                              View gbias) {
  const std::int64_t n = x.shape[1];
  if (gain_mode == GradientMode::kOverwrite) std::fill_n(ggain.data, n, 0.0F);
  if (bias_mode == GradientMode::kOverwrite) std::fill_n(gbias.data, n, 0.0F);
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    const float* row = x.data + i * n;
    const float* g = gy.data + i * n;
    const float mean = statistics.data[2 * i];
    const float scale = statistics.data[2 * i + 1];
    float sum_g = 0;
    float sum_gx = 0;
    for (std::int64_t j = 0; j < n; ++j) {
      const float normal = (row[j] - mean) * scale;
      ggain.data[j] += g[j] * normal;
      gbias.data[j] += g[j];
      sum_g += g[j] * gain.data[j];
      sum_gx += g[j] * gain.data[j] * normal;
    }
    if (gx.data == nullptr) continue;
    const float mean_g = sum_g / static_cast<float>(n);
    const float mean_gx = sum_gx / static_cast<float>(n);
    for (std::int64_t j = 0; j < n; ++j) {
      const float normal = (row[j] - mean) * scale;
      give(x_mode, gx.data[i * n + j], scale * (g[j] * gain.data[j] - mean_g - normal * mean_gx));
    }
  }
}

void Cpu::dueling_forward(const Stream&, ConstView value, ConstView advantage, View q) {
  const std::int64_t n = q.shape[1];
  for (std::int64_t i = 0; i < q.shape[0]; ++i) {
    const float* row = advantage.data + i * n;
    float sum = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += row[j];
    const float base = value.data[i] - sum / static_cast<float>(n);
    for (std::int64_t j = 0; j < n; ++j) q.data[i * n + j] = row[j] + base;
  }
}

void Cpu::dueling_backward(const Stream&, ConstView gq, GradientMode value_mode, View gvalue,
                           GradientMode advantage_mode, View gadvantage) {
  const std::int64_t n = gq.shape[1];
  for (std::int64_t i = 0; i < gq.shape[0]; ++i) {
    const float* row = gq.data + i * n;
    float sum = 0;
    for (std::int64_t j = 0; j < n; ++j) sum += row[j];
    give(value_mode, gvalue.data[i], sum);
    const float mean = sum / static_cast<float>(n);
    for (std::int64_t j = 0; j < n; ++j) give(advantage_mode, gadvantage.data[i * n + j], row[j] - mean);
  }
}

void Cpu::gather_forward(const Stream&, ConstView x, std::span<const std::int32_t> index, View y) {
  const std::int64_t n = x.shape[1];
  for (std::size_t i = 0; i < index.size(); ++i) y.data[i] = x.data[static_cast<std::int64_t>(i) * n + index[i]];
}

void Cpu::gather_backward(const Stream&, std::span<const std::int32_t> index, ConstView gy, GradientMode mode,
                          View gx) {
  const std::int64_t n = gx.shape[1];
  if (mode == GradientMode::kOverwrite) std::fill_n(gx.data, gx.size(), 0.0F);
  for (std::size_t i = 0; i < index.size(); ++i) gx.data[static_cast<std::int64_t>(i) * n + index[i]] += gy.data[i];
}

void Cpu::concat_forward(const Stream&, ConstView a, ConstView b, View y) {
  const std::int64_t na = a.shape[1];
  const std::int64_t nb = b.shape[1];
  for (std::int64_t i = 0; i < y.shape[0]; ++i) {
    std::copy_n(a.data + i * na, na, y.data + i * (na + nb));
    std::copy_n(b.data + i * nb, nb, y.data + i * (na + nb) + na);
  }
}

void Cpu::concat_backward(const Stream&, ConstView gy, GradientMode mode_a, View ga, GradientMode mode_b, View gb) {
  const std::int64_t na = ga.shape[1];
  const std::int64_t nb = gb.shape[1];
  for (std::int64_t i = 0; i < gy.shape[0]; ++i) {
    const float* row = gy.data + i * (na + nb);
    for (std::int64_t j = 0; j < na && ga.data != nullptr; ++j) give(mode_a, ga.data[i * na + j], row[j]);
    for (std::int64_t j = 0; j < nb && gb.data != nullptr; ++j) give(mode_b, gb.data[i * nb + j], row[na + j]);
  }
}

void Cpu::sum_forward(const Stream&, ConstView x, float scale, View y) {
  double sum = 0;
  for (const float v : x.flat()) sum += static_cast<double>(v);
  y.data[0] = static_cast<float>(sum * static_cast<double>(scale));
}

void Cpu::sum_backward(const Stream&, ConstView gy, float scale, GradientMode mode, View gx) {
  const float g = gy.data[0] * scale;
  for (float& to : gx.flat()) give(mode, to, g);
}

void Cpu::huber_forward(const Stream&, ConstView prediction, ConstView target, ConstView weight, float delta, View y) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    y.data[i] = weight.data[i] * huber(prediction.data[i] - target.data[i], delta);
  }
}

void Cpu::huber_backward(const Stream&, ConstView prediction, ConstView target, ConstView weight, float delta,
                         ConstView gy, GradientMode mode, View gprediction) {
  for (std::size_t i = 0; i < gy.size(); ++i) {
    const float slope = huber_slope(prediction.data[i] - target.data[i], delta);
    give(mode, gprediction.data[i], gy.data[i] * weight.data[i] * slope);
  }
}

void Cpu::dqn_loss_forward(const Stream&, const DqnLossInputs& in, const DqnLossOutputs& out) {
  const std::int64_t rows = in.q_tm1.shape[0];
  const std::int64_t n = in.q_tm1.shape[1];
  double loss = 0;
  double sum_q = 0;
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const float* selector = in.q_t_selector.data + i * n;
    std::int64_t best = 0;
    for (std::int64_t j = 1; j < n; ++j) best = selector[j] > selector[best] ? j : best;
    const float target = in.return_t[row] + in.discount_t[row] * in.q_t_value.data[i * n + best];
    const float q = in.q_tm1.data[i * n + in.action_tm1[row]];
    const float error = q - target;
    out.td_error[row] = error;
    loss += static_cast<double>(in.weight[row] * huber(error, in.huber_delta));
    sum_q += static_cast<double>(q);
  }
  const double count = static_cast<double>(std::max<std::int64_t>(rows, 1));
  out.loss.data[0] = static_cast<float>(loss / count);
  out.mean_q.data[0] = static_cast<float>(sum_q / count);
}

void Cpu::dqn_loss_backward(const Stream&, const DqnLossInputs& in, std::span<const float> td_error, ConstView gloss,
                            GradientMode mode, View gq_tm1) {
  const std::int64_t rows = gq_tm1.shape[0];
  const std::int64_t n = gq_tm1.shape[1];
  if (mode == GradientMode::kOverwrite) std::fill_n(gq_tm1.data, gq_tm1.size(), 0.0F);
  const float scale = gloss.data[0] / static_cast<float>(std::max<std::int64_t>(rows, 1));
  for (std::int64_t i = 0; i < rows; ++i) {
    const auto row = static_cast<std::size_t>(i);
    const float slope = huber_slope(td_error[row], in.huber_delta);
    gq_tm1.data[i * n + in.action_tm1[row]] += scale * in.weight[row] * slope;
  }
}

void Cpu::adam_update(const Stream& s, const AdamStep& step, float clip_norm, std::span<const float> gradient,
                      std::span<float> value, std::span<float> moment1, std::span<float> moment2, View norm) {
  const double length = std::sqrt(shared::sum_of_squares(s, gradient.data(), gradient.size()));
  norm.data[0] = static_cast<float>(length);
  if (!std::isfinite(length)) return;
  const double scale = clip_norm > 0 ? std::min(1.0, static_cast<double>(clip_norm) / (length + 1e-6)) : 1.0;
  shared::over_floats(s, value.size(), [&](std::size_t first, std::size_t count) {
    isa().adam(step, static_cast<float>(scale), count, gradient.data() + first, value.data() + first,
               moment1.data() + first, moment2.data() + first);
  });
}

void Cpu::adam_step(const Stream& s, AdamState* state, std::span<const float> gradient, std::span<float> value,
                    std::span<float> moment1, std::span<float> moment2) {
  state->step = adam_constants(state->learning_rate, state->beta1, state->beta2, state->epsilon, state->steps + 1);
  adam_update(s, state->step, state->clip_norm, gradient, value, moment1, moment2, {&state->norm, Shape{}});
  if (std::isfinite(state->norm)) ++state->steps;
}

void Cpu::average_update(const Stream&, float rate, std::span<const float> value, std::span<float> target) {
  if (rate == 1.0F) {
    std::copy(value.begin(), value.end(), target.begin());
  } else {
    isa().average(rate, value.size(), value.data(), target.data());
  }
}

std::size_t Cpu::packed_floats(std::int64_t k, std::int64_t n) { return panel_floats(isa(), as_int(k), as_int(n)); }

void Cpu::linear_pack(const Stream& s, ConstView w, const PackedWeight& packed) {
  const int k = as_int(packed.k);
  const int n = as_int(packed.n);
  shared::pack(s, k, n, w.data, packed.forward);
  if (packed.backward != nullptr) shared::transpose(s, k, n, packed.forward, packed.backward);
}

void Cpu::linear_pack_noisy(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out,
                            const PackedWeight& packed) {
  const int k = as_int(packed.k);
  const int n = as_int(packed.n);
  shared::pack_noisy(s, k, n, mu.data, sigma.data, eps_in.data, eps_out.data, packed.forward);
  if (packed.backward != nullptr) shared::transpose(s, k, n, packed.forward, packed.backward);
}

void Cpu::linear_forward(const Stream& s, ConstView x, const PackedWeight& w, ConstView bias, Activation activation,
                         View y) {
  const Gemm product{as_int(x.shape[0]), as_int(w.n), as_int(w.k), x.data,          w.k, 1, w.forward, y.data, w.n,
                     bias.data,          activation,  false,       as_int(w.sparse)};
  if (w.sparse > 0) {
    shared::sparse_gemm(s, product);
  } else {
    shared::gemm(s, product);
  }
}

void Cpu::linear_backward(const Stream& s, ConstView x, const PackedWeight& w, Activation activation, ConstView y,
                          View gy, const LinearGradients& gradients, std::span<float> scratch) {
  const int m = as_int(gy.shape[0]);
  const int n = as_int(w.n);
  const int k = as_int(w.k);
  if (activation != Activation::kIdentity || gradients.bias.data != nullptr) {
    isa().activation_backward(activation, m, n, y.data, gy.data, gradients.bias_mode, gradients.bias.data);
  }
  if (gradients.w.data != nullptr) {
    const bool add = gradients.w_mode == GradientMode::kAccumulate;
    const int sparse = as_int(w.sparse);
    float* dw = gradients.w.data;
    if (sparse > 0) {
      if (!add) std::fill_n(dw, w.sparse * w.n, 0.0F);
      shared::over_panels(
          s, n, static_cast<std::int64_t>(m) * w.n * (k - sparse), shared::kLeastProducts,
          [&](int first, int last) { isa().sparse_weights(m, n, sparse, first, last, x.data, k, gy.data, dw); });
      dw += w.sparse * w.n;
    }
    shared::pack(s, m, n, gy.data, scratch.data());
    shared::gemm(s,
                 {k - sparse, n, m, x.data + sparse, 1, k, scratch.data(), dw, n, nullptr, Activation::kIdentity, add});
  }
  if (gradients.x.data != nullptr) {
    shared::gemm(s, {m, k, n, gy.data, n, 1, w.backward, gradients.x.data, k, nullptr, Activation::kIdentity,
                     gradients.x_mode == GradientMode::kAccumulate});
  }
}

void Cpu::noisy_mix(const Stream&, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out, View w) {
  isa().noisy_mix(as_int(static_cast<std::int64_t>(eps_in.size())), as_int(static_cast<std::int64_t>(eps_out.size())),
                  mu.data, sigma.data, eps_in.data, eps_out.data, w.data);
}

void Cpu::noisy_backward(const Stream& s, ConstView dw, ConstView eps_in, ConstView eps_out, GradientMode mu_mode,
                         View dmu, GradientMode sigma_mode, View dsigma) {
  const auto k = static_cast<std::int64_t>(eps_in.size());
  const auto n = static_cast<std::int64_t>(eps_out.size());
  const int parts = shared::parts_of(s, k, k * n, shared::kLeastFloats);
  run_parts(shared::team_of(s), parts, [&](int i, int) {
    const std::int64_t first = shared::part_begin(i, parts, k);
    const std::int64_t at = first * n;
    isa().noisy_backward(as_int(shared::part_begin(i + 1, parts, k) - first), as_int(n), dw.data + at,
                         eps_in.data + first, eps_out.data, mu_mode, dmu.data + at, sigma_mode, dsigma.data + at);
  });
}

void Cpu::noise_fill(const Stream&, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                     std::span<float> out) {
  isa().noise(seed, stream, counter, out.size(), out.data());
}

void Cpu::noise_fill_next(const Stream& s, NoiseState* state, std::span<float> out) {
  noise_fill(s, state->seed, state->stream, state->counter, out);
  state->counter += noise_blocks(out.size());
}

}  // namespace sinv
