#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/isa.h"
#include "kernels/rssm_math.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }

// Adds to a gradient element, or sets it.
void give(GradientMode mode, float& to, float value) { to = mode == GradientMode::kAccumulate ? to + value : value; }
float* row_of(View view, std::int64_t i, std::int64_t n) { return view.data == nullptr ? nullptr : view.data + i * n; }
void begin(View gradient, GradientMode mode) {
  if (gradient.data != nullptr && mode == GradientMode::kOverwrite) std::fill_n(gradient.data, gradient.size(), 0.0F);
}

}  // namespace

void Cpu::gru_forward(const Stream&, ConstView gates, ConstView gain, ConstView bias, float epsilon, ConstView h,
                      View next, View statistics, View kept) {
  const std::int64_t d = h.shape[1];
  for (std::int64_t i = 0; i < h.shape[0]; ++i) {
    isa().gru(as_int(d), gates.data + i * 3 * d, gain.data, bias.data, epsilon, h.data + i * d, next.data + i * d,
              row_of(statistics, i, 2), row_of(kept, i, 3 * d));
  }
}

void Cpu::gru_backward(const Stream&, ConstView gates, ConstView gain, ConstView bias, ConstView h,
                       ConstView statistics, View kept, ConstView gnext, const GruGradients& gradients) {
  const std::int64_t d = h.shape[1];
  begin(gradients.gain, gradients.gain_mode);
  begin(gradients.bias, gradients.bias_mode);
  for (std::int64_t i = 0; i < h.shape[0]; ++i) {
    isa().gru_backward(as_int(d), gates.data + i * 3 * d, gain.data, bias.data, h.data + i * d, statistics.data + 2 * i,
                       kept.data + i * 3 * d, gnext.data + i * d, gradients.gates_mode,
                       row_of(gradients.gates, i, 3 * d), gradients.gain.data, gradients.bias.data, gradients.h_mode,
                       row_of(gradients.h, i, d));
  }
}

void Cpu::categorical_forward(const Stream&, ConstView logits, std::int64_t classes, ConstView noise, View probability,
                              View sample) {
  isa().categorical(as_int(static_cast<std::int64_t>(noise.size())), as_int(classes), logits.data, noise.data,
                    probability.data, sample.data);
}

void Cpu::categorical_backward(const Stream&, ConstView probability, std::int64_t classes, ConstView gsample,
                               GradientMode mode, View glogits) {
  isa().categorical_backward(as_int(static_cast<std::int64_t>(probability.size()) / classes), as_int(classes),
                             probability.data, gsample.data, mode, glogits.data);
}

void Cpu::uniform_fill_next(const Stream&, NoiseState* state, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); i += 4) {
    const Philox::Block block = Philox::at(state->seed, state->counter + i / 4, state->stream);
    for (std::size_t w = 0; w < 4 && i + w < out.size(); ++w) out[i + w] = unit_float(block.word[w]);
  }
  state->counter += noise_blocks(out.size());
}

void Cpu::kl_balance_forward(const Stream&, ConstView posterior, ConstView prior, std::int64_t classes,
                             ConstView weight, float free_nats, View divergence, View loss) {
  const std::int64_t n = posterior.shape[1];
  double total = 0.0;
  for (std::int64_t i = 0; i < posterior.shape[0]; ++i) {
    const double nats =
        isa().divergence(as_int(n / classes), as_int(classes), posterior.data + i * n, prior.data + i * n);
    divergence.data[i] = static_cast<float>(nats);
    total += static_cast<double>(weight.data[i]) * static_cast<double>(divergence.data[i]);
  }
  const auto sum = static_cast<float>(total);
  loss.data[0] = sum < free_nats ? free_nats : sum;  // a NaN stays visible
}

void Cpu::kl_balance_backward(const Stream&, ConstView posterior, ConstView prior, std::int64_t classes,
                              ConstView weight, float free_nats, float balance, ConstView divergence, ConstView gloss,
                              const KlGradients& gradients) {
  const std::int64_t n = posterior.shape[1];
  double total = 0.0;
  for (std::int64_t i = 0; i < posterior.shape[0]; ++i) {
    total += static_cast<double>(weight.data[i]) * static_cast<double>(divergence.data[i]);
  }
  if (static_cast<float>(total) < free_nats) {
    begin(gradients.posterior, gradients.posterior_mode);
    begin(gradients.prior, gradients.prior_mode);
    return;
  }
  for (std::int64_t i = 0; i < posterior.shape[0]; ++i) {
    const float g = gloss.data[0] * weight.data[i];
    isa().divergence_backward(as_int(n / classes), as_int(classes), posterior.data + i * n, prior.data + i * n,
                              (1.0F - balance) * g, gradients.posterior_mode, row_of(gradients.posterior, i, n),
                              balance * g, gradients.prior_mode, row_of(gradients.prior, i, n));
  }
}

void Cpu::lambda_return_forward(const Stream&, ConstView reward, ConstView discount, ConstView value, float lambda,
                                View y) {
  const std::int64_t n = reward.shape[1];
  for (std::int64_t t = reward.shape[0]; t-- > 0;) {
    const float* after = t + 1 < reward.shape[0] ? y.data + (t + 1) * n : value.data + (t + 1) * n;
    for (std::int64_t j = 0; j < n; ++j) {
      const float next = lambda_next(value.data[(t + 1) * n + j], after[j], lambda);
      y.data[t * n + j] = reward.data[t * n + j] + discount.data[t * n + j] * next;
    }
  }
}

void Cpu::lambda_return_backward(const Stream&, ConstView discount, ConstView value, float lambda, ConstView y, View gy,
                                 const LambdaGradients& gradients) {
  const std::int64_t h = discount.shape[0];
  const std::int64_t n = discount.shape[1];
  begin({gradients.value.data, Shape{n}}, gradients.value_mode);  // the first row, which nothing reads
  for (std::int64_t t = 0; t < h; ++t) {
    const bool last = t + 1 == h;
    for (std::int64_t j = 0; j < n; ++j) {
      const std::int64_t at = t * n + j;
      const float g = gy.data[at];
      const float after = last ? value.data[at + n] : y.data[at + n];
      if (gradients.reward.data != nullptr) give(gradients.reward_mode, gradients.reward.data[at], g);
      if (gradients.discount.data != nullptr) {
        const float next = lambda_next(value.data[at + n], after, lambda);
        give(gradients.discount_mode, gradients.discount.data[at], g * next);
      }
      if (gradients.value.data != nullptr) {
        give(gradients.value_mode, gradients.value.data[at + n], g * discount.data[at] * (last ? 1.0F : 1.0F - lambda));
      }
      if (!last) gy.data[at + n] += g * discount.data[at] * lambda;
    }
  }
}

void Cpu::discount_weight(const Stream&, ConstView discount, View weight) {
  const std::int64_t n = discount.shape[1];
  if (discount.shape[0] == 0) return;
  std::fill_n(weight.data, n, 1.0F);
  for (std::int64_t i = n; i < static_cast<std::int64_t>(discount.size()); ++i) {
    weight.data[i] = weight.data[i - n] * discount.data[i - n];
  }
}

namespace {

// Log-softmax of one row, and its entropy.
float log_softmax(std::int64_t n, const float* logits, float* log_probability) {
  float most = logits[0];
  for (std::int64_t j = 1; j < n; ++j) most = std::max(most, logits[j]);
  float sum = 0.0F;
  for (std::int64_t j = 0; j < n; ++j) sum += std::exp(logits[j] - most);
  const float shift = most + std::log(sum);
  float entropy = 0.0F;
  for (std::int64_t j = 0; j < n; ++j) {
    log_probability[j] = logits[j] - shift;
    entropy -= std::exp(log_probability[j]) * log_probability[j];
  }
  return entropy;
}

}  // namespace

void Cpu::policy_score_forward(const Stream&, ConstView logits, ConstView action, ConstView advantage,
                               float entropy_scale, View y) {
  const std::int64_t n = logits.shape[1];
  for (std::int64_t i = 0; i < logits.shape[0]; ++i) {
    float log_probability[kMostClasses];
    const float entropy = log_softmax(n, logits.data + i * n, log_probability);
    float chosen = 0.0F;
    for (std::int64_t j = 0; j < n; ++j) chosen += action.data[i * n + j] * log_probability[j];
    y.data[i] = advantage.data[i] * chosen + entropy_scale * entropy;
  }
}

void Cpu::policy_score_backward(const Stream&, ConstView logits, ConstView action, ConstView advantage,
                                float entropy_scale, ConstView gy, GradientMode mode, View glogits) {
  const std::int64_t n = logits.shape[1];
  for (std::int64_t i = 0; i < logits.shape[0]; ++i) {
    float log_probability[kMostClasses];
    const float entropy = log_softmax(n, logits.data + i * n, log_probability);
    for (std::int64_t j = 0; j < n; ++j) {
      const float p = std::exp(log_probability[j]);
      const float slope =
          advantage.data[i] * (action.data[i * n + j] - p) - entropy_scale * p * (log_probability[j] + entropy);
      give(mode, glogits.data[i * n + j], gy.data[i] * slope);
    }
  }
}

void Cpu::bernoulli_forward(const Stream&, ConstView logit, ConstView label, View y) {
  for (std::size_t i = 0; i < y.size(); ++i) {
    y.data[i] = bernoulli_loss(logit.data[i], label.data[i]);
  }
}

void Cpu::bernoulli_backward(const Stream&, ConstView logit, ConstView label, ConstView gy, GradientMode mode,
                             View glogit) {
  for (std::size_t i = 0; i < gy.size(); ++i) {
    give(mode, glogit.data[i], gy.data[i] * bernoulli_slope(logit.data[i], label.data[i]));
  }
}

void Cpu::scale_rows_forward(const Stream&, ConstView x, ConstView factor, View y) {
  const std::int64_t n = x.shape[1];
  for (std::int64_t i = 0; i < x.shape[0]; ++i) {
    for (std::int64_t j = i * n; j < (i + 1) * n; ++j) y.data[j] = x.data[j] * factor.data[i];
  }
}

void Cpu::scale_rows_backward(const Stream&, ConstView factor, ConstView gy, GradientMode mode, View gx) {
  const std::int64_t n = gx.shape[1];
  for (std::int64_t i = 0; i < gx.shape[0]; ++i) {
    for (std::int64_t j = i * n; j < (i + 1) * n; ++j) give(mode, gx.data[j], gy.data[j] * factor.data[i]);
  }
}

void Cpu::rows_backward(const Stream&, std::int64_t first, ConstView gy, GradientMode mode, View gx) {
  begin(gx, mode);
  const std::int64_t n = gx.shape[1];
  float* to = gx.data + first * n;
  for (std::size_t i = 0; i < gy.size(); ++i) to[i] += gy.data[i];
}

}  // namespace sinv
