// Categorical variables: sampling, divergences, the score of a policy. One warp per variable of some 32 classes.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/reduce.h"
#include "kernels/normal.h"
#include "kernels/rssm_math.h"

namespace sinv {
namespace {

constexpr int kWarps = kThreads / kWarp;
constexpr unsigned kAll = 0xFFFFFFFFU;

// Every lane gets the largest of the row.
__device__ inline float row_max(const float* x, int n) {
  float most = x[0];
  for (int k = lane(); k < n; k += kWarp) most = x[k] > most ? x[k] : most;
#pragma unroll
  for (int distance = kWarp / 2; distance > 0; distance /= 2) {
    const float other = __shfl_xor_sync(kAll, most, distance);
    most = other > most ? other : most;
  }
  return most;
}

// What log-softmax subtracts from each logit.
__device__ inline float row_log_sum_exp(const float* x, int n) {
  const float most = row_max(x, n);
  float sum = 0;
  for (int k = lane(); k < n; k += kWarp) sum += fast_exp(x[k] - most);
  return most + fast_log(warp_sum(sum));
}

// Calls body(row) for the rows of this warp.
template <class Body>
__device__ inline void each_row(std::int64_t rows, Body body) {
  for (std::int64_t row = std::int64_t{blockIdx.x} * kWarps + warp(); row < rows;
       row += std::int64_t{gridDim.x} * kWarps) {
    body(row);
  }
}
unsigned warp_grid(std::int64_t rows) { return row_grid((rows + kWarps - 1) / kWarps); }

// A lane keeps to its own classes, so what it reads back it wrote itself.
__global__ void __launch_bounds__(kThreads)
    categorical_forward_kernel(const float* logits, const float* noise, float* probability, float* sample,
                               std::int64_t rows, int n) {
  each_row(rows, [=](std::int64_t row) {
    const float* x = logits + row * n;
    float* p = probability + row * n;
    const float most = row_max(x, n);
    float sum = 0;
    for (int k = lane(); k < n; k += kWarp) {
      p[k] = fast_exp(x[k] - most);
      sum += p[k];
    }
    const float scale = 1.0F / warp_sum(sum);
    for (int k = lane(); k < n; k += kWarp) p[k] *= scale;
    const float uniform = noise[row];
    float carried = 0;
    int chosen = 0;  // how many classes lie below: the last one takes what rounding leaves over
    for (int first = 0; first < n; first += kWarp) {
      const int k = first + lane();
      float cumulated = k < n ? p[k] : 0.0F;
#pragma unroll
      for (int distance = 1; distance < kWarp; distance *= 2) {
        const float before = __shfl_up_sync(kAll, cumulated, static_cast<unsigned>(distance));
        if (lane() >= distance) cumulated += before;
      }
      cumulated += carried;
      chosen += __popc(__ballot_sync(kAll, k < n - 1 && !(cumulated > uniform) ? 1 : 0));
      carried = __shfl_sync(kAll, cumulated, kWarp - 1);
    }
    for (int k = lane(); k < n; k += kWarp) sample[row * n + k] = k == chosen ? 1.0F : 0.0F;
  });
}

__global__ void __launch_bounds__(kThreads)
    categorical_backward_kernel(const float* probability, const float* gsample, bool add, float* glogits,
                                std::int64_t rows, int n) {
  each_row(rows, [=](std::int64_t row) {
    const float* p = probability + row * n;
    const float* g = gsample + row * n;
    float sum = 0;
    for (int k = lane(); k < n; k += kWarp) sum += p[k] * g[k];
    const float mean = warp_sum(sum);
    for (int k = lane(); k < n; k += kWarp) give<1>(add, glogits + (row * n + k), {{p[k] * (g[k] - mean)}});
  });
}

// sum p log(p / q) of one variable; shift: log-sum-exp of q less that of p.
__device__ inline float variable_kl(const float* p, const float* q, float shift_p, float shift, int n) {
  float sum = 0;
  for (int k = lane(); k < n; k += kWarp) sum += fast_exp(p[k] - shift_p) * (p[k] - q[k] + shift);
  return warp_sum(sum);
}

// One block per row, one warp per variable.
__global__ void __launch_bounds__(kThreads)
    kl_kernel(const float* posterior, const float* prior, float* divergence, std::int64_t m, int variables, int n) {
  __shared__ BlockRoom<double> room;
  for (std::int64_t row = blockIdx.x; row < m; row += gridDim.x) {
    double sum = 0;
    for (int variable = warp(); variable < variables; variable += kWarps) {
      const std::int64_t at = (row * variables + variable) * n;
      const float shift_p = row_log_sum_exp(posterior + at, n);
      const float shift = row_log_sum_exp(prior + at, n) - shift_p;
      sum += static_cast<double>(variable_kl(posterior + at, prior + at, shift_p, shift, n));
    }
    sum = block_sum(lane() == 0 ? sum : 0.0, room);
    if (thread() == 0) divergence[row] = static_cast<float>(sum);
  }
}

// total = sum of weight * divergence, in double; one block. With free nats: at least those.
__global__ void __launch_bounds__(kThreads)
    kl_total_kernel(const float* weight, const float* divergence, bool at_least_free, float free_nats, float* total,
                    std::int64_t m) {
  __shared__ BlockRoom<double> room;
  double sum = 0;
  for (std::int64_t i = thread(); i < m; i += threads()) {
    sum += static_cast<double>(weight[i]) * static_cast<double>(divergence[i]);
  }
  const auto all = static_cast<float>(block_sum(sum, room));
  if (thread() == 0) *total = at_least_free && all < free_nats ? free_nats : all;  // a NaN stays visible
}

struct KlTargets {
  float* posterior;
  float* prior;
  bool add_posterior;
  bool add_prior;
};

__global__ void __launch_bounds__(kThreads)
    kl_backward_kernel(const float* posterior, const float* prior, const float* weight, float free_nats, float balance,
                       const float* total, const float* gloss, KlTargets to, std::int64_t m, int variables, int n) {
  const bool covered = *total < free_nats;
  each_row(m * variables, [=](std::int64_t row) {
    const std::int64_t at = row * n;
    const float* p = posterior + at;
    const float* q = prior + at;
    const float shift_p = row_log_sum_exp(p, n);
    const float shift_q = row_log_sum_exp(q, n);
    const float mean = variable_kl(p, q, shift_p, shift_q - shift_p, n);
    const float g = *gloss * weight[row / variables];
    for (int k = lane(); k < n; k += kWarp) {
      const float share = fast_exp(p[k] - shift_p);
      if (to.posterior != nullptr) {
        const float slope = (1.0F - balance) * g * share * (p[k] - q[k] + (shift_q - shift_p) - mean);
        give<1>(to.add_posterior, to.posterior + (at + k), {{covered ? 0.0F : slope}});
      }
      if (to.prior != nullptr) {
        const float slope = balance * g * (fast_exp(q[k] - shift_q) - share);
        give<1>(to.add_prior, to.prior + (at + k), {{covered ? 0.0F : slope}});
      }
    }
  });
}

__global__ void __launch_bounds__(kThreads)
    policy_score_forward_kernel(const float* logits, const float* action, const float* advantage, float entropy_scale,
                                float* y, std::int64_t rows, int n) {
  each_row(rows, [=](std::int64_t row) {
    const float* x = logits + row * n;
    const float shift = row_log_sum_exp(x, n);
    float chosen = 0;
    float entropy = 0;
    for (int k = lane(); k < n; k += kWarp) {
      const float log_p = x[k] - shift;
      chosen += action[row * n + k] * log_p;
      entropy -= fast_exp(log_p) * log_p;
    }
    chosen = warp_sum(chosen);
    entropy = warp_sum(entropy);
    if (lane() == 0) y[row] = advantage[row] * chosen + entropy_scale * entropy;
  });
}

__global__ void __launch_bounds__(kThreads)
    policy_score_backward_kernel(const float* logits, const float* action, const float* advantage, float entropy_scale,
                                 const float* gy, bool add, float* glogits, std::int64_t rows, int n) {
  each_row(rows, [=](std::int64_t row) {
    const float* x = logits + row * n;
    const float shift = row_log_sum_exp(x, n);
    float entropy = 0;
    for (int k = lane(); k < n; k += kWarp) entropy -= fast_exp(x[k] - shift) * (x[k] - shift);
    entropy = warp_sum(entropy);
    for (int k = lane(); k < n; k += kWarp) {
      const float log_p = x[k] - shift;
      const float p = fast_exp(log_p);
      const float slope = advantage[row] * (action[row * n + k] - p) - entropy_scale * p * (log_p + entropy);
      give<1>(add, glogits + (row * n + k), {{gy[row] * slope}});
    }
  });
}

__global__ void __launch_bounds__(kThreads)
    bernoulli_forward_kernel(const float* logit, const float* label, float* y, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    Values<kWidth> v = load<kWidth>(logit + i);
    const Values<kWidth> wanted = load<kWidth>(label + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] = bernoulli_loss(v.at[k], wanted.at[k]);
    store<kWidth>(y + i, v);
  });
}

__global__ void __launch_bounds__(kThreads)
    bernoulli_backward_kernel(const float* logit, const float* label, const float* gy, bool add, float* glogit,
                              std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> v = load<kWidth>(logit + i);
    const Values<kWidth> wanted = load<kWidth>(label + i);
    Values<kWidth> g = load<kWidth>(gy + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) g.at[k] *= bernoulli_slope(v.at[k], wanted.at[k]);
    give<kWidth>(add, glogit + i, g);
  });
}

}  // namespace

void Cuda::categorical_forward(const Stream& s, ConstView logits, std::int64_t classes, ConstView noise,
                               View probability, View sample) {
  const auto rows = static_cast<std::int64_t>(noise.size());
  launch("categorical_forward", categorical_forward_kernel, warp_grid(rows), kThreads, 0, s, logits.data, noise.data,
         probability.data, sample.data, rows, classes);
}

void Cuda::categorical_backward(const Stream& s, ConstView probability, std::int64_t classes, ConstView gsample,
                                GradientMode mode, View glogits) {
  const std::int64_t rows = static_cast<std::int64_t>(probability.size()) / classes;
  launch("categorical_backward", categorical_backward_kernel, warp_grid(rows), kThreads, 0, s, probability.data,
         gsample.data, is_add(mode), glogits.data, rows, classes);
}

void Cuda::kl_balance_forward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes,
                              ConstView weight, float free_nats, View divergence, View loss) {
  const std::int64_t m = posterior.shape[0];
  launch("kl_balance_forward", kl_kernel, row_grid(m), kThreads, 0, s, posterior.data, prior.data, divergence.data, m,
         posterior.shape[1] / classes, classes);
  launch("kl_balance_forward", kl_total_kernel, 1, kThreads, 0, s, weight.data, divergence.data, true, free_nats,
         loss.data, m);
}

void Cuda::kl_balance_backward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes,
                               ConstView weight, float free_nats, float balance, ConstView divergence, ConstView gloss,
                               const KlGradients& gradients) {
  const std::int64_t m = posterior.shape[0];
  const std::int64_t variables = posterior.shape[1] / classes;
  auto* total = static_cast<float*>(WorkspaceParts(s).plan);
  launch("kl_balance_backward", kl_total_kernel, 1, kThreads, 0, s, weight.data, divergence.data, false, 0.0F, total,
         m);
  const KlTargets targets{gradients.posterior.data, gradients.prior.data, is_add(gradients.posterior_mode),
                          is_add(gradients.prior_mode)};
  launch("kl_balance_backward", kl_backward_kernel, warp_grid(m * variables), kThreads, 0, s, posterior.data,
         prior.data, weight.data, free_nats, balance, total, gloss.data, targets, m, variables, classes);
}

void Cuda::policy_score_forward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                                float entropy_scale, View y) {
  const std::int64_t rows = logits.shape[0];
  launch("policy_score_forward", policy_score_forward_kernel, warp_grid(rows), kThreads, 0, s, logits.data, action.data,
         advantage.data, entropy_scale, y.data, rows, logits.shape[1]);
}

void Cuda::policy_score_backward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                                 float entropy_scale, ConstView gy, GradientMode mode, View glogits) {
  const std::int64_t rows = logits.shape[0];
  launch("policy_score_backward", policy_score_backward_kernel, warp_grid(rows), kThreads, 0, s, logits.data,
         action.data, advantage.data, entropy_scale, gy.data, is_add(mode), glogits.data, rows, logits.shape[1]);
}

void Cuda::bernoulli_forward(const Stream& s, ConstView logit, ConstView label, View y) {
  launch("bernoulli_forward", bernoulli_forward_kernel, element_grid(y.size()), kThreads, 0, s, logit.data, label.data,
         y.data, y.size(), is_wide({logit.data, label.data, y.data}));
}

void Cuda::bernoulli_backward(const Stream& s, ConstView logit, ConstView label, ConstView gy, GradientMode mode,
                              View glogit) {
  launch("bernoulli_backward", bernoulli_backward_kernel, element_grid(gy.size()), kThreads, 0, s, logit.data,
         label.data, gy.data, is_add(mode), glogit.data, gy.size(),
         is_wide({logit.data, label.data, gy.data, glogit.data}));
}

}  // namespace sinv
