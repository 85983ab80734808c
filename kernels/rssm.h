#pragma once

#include <cstdint>
#include <span>

#include "kernels/step_state.h"

/// Operations of a recurrent state-space model and of learning inside it. Common to all: what kernels/ops.h says; a
/// gradient whose View has no data is not wanted. Source of the forms: Hafner et al., arXiv:2010.02193.
namespace sinv {

/// How a GRU cell ends, after its one matrix product: gates [m,3d] hold reset, candidate and update, one beside the
/// other, before one layer norm over all 3d of them (gain, bias [3d]). With r, c, u the three parts of the norm:
///   c' = tanh(sigmoid(r) c),  u' = sigmoid(u - 1),  next = u' c' + (1 - u') h;  h, next [m,d].
/// statistics [m,2] keeps mean and 1 / deviation, kept [m,3d] sigmoid(r), c' and u'; both without data: no gradient is
/// wanted later.
void gru_forward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, float epsilon, ConstView h,
                 View next, View statistics, View kept);
/// What gru_backward gives.
struct GruGradients {
  View gates;
  View gain;
  View bias;
  View h;
  GradientMode gates_mode = GradientMode::kOverwrite;
  GradientMode gain_mode = GradientMode::kOverwrite;
  GradientMode bias_mode = GradientMode::kOverwrite;
  GradientMode h_mode = GradientMode::kOverwrite;
};
/// Gradients from what gru_forward kept and gnext [m,d]; kept is overwritten (it becomes the gradient of the norm).
void gru_backward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, ConstView h, ConstView statistics,
                  View kept, ConstView gnext, const GruGradients& gradients);

/// Most classes of one categorical variable, and most actions.
inline constexpr std::int64_t kMostClasses = 256;

/// n / classes categorical variables per row of logits [m,n]: probability [m,n] = softmax of each run of `classes`,
/// sample [m,n] = one-hot of the first class whose cumulated probability is above `noise` [m, n / classes], numbers in
/// [0, 1); the last class if rounding leaves none.
/// Errors: also Error if classes does not divide n or is not 1 to kMostClasses.
void categorical_forward(const Stream& s, ConstView logits, std::int64_t classes, ConstView noise, View probability,
                         View sample);
/// Straight through: the gradient of `probability` for the gradient that reached the sample.
void categorical_backward(const Stream& s, ConstView probability, std::int64_t classes, ConstView gsample,
                          GradientMode mode, View glogits);
/// Numbers in [0, 1) from 24 random bits each, four from each Philox block from the state's counter on, which then
/// advances by noise_blocks(out.size()).
void uniform_fill_next(const Stream& s, NoiseState* state, std::span<float> out);

/// Both sides of a balanced KL divergence between categorical variables. divergence [m] = sum over a row's variables
/// of KL(posterior || prior); loss (scalar) = max(free_nats, sum over rows of weight [m] * divergence).
/// Errors: as categorical_forward.
void kl_balance_forward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes, ConstView weight,
                        float free_nats, View divergence, View loss);
struct KlGradients {
  View posterior;  // gets 1 - balance of the gradient, with the prior as a constant
  View prior;      // gets `balance` of it, with the posterior as a constant
  GradientMode posterior_mode = GradientMode::kOverwrite;
  GradientMode prior_mode = GradientMode::kOverwrite;
};
/// Nothing flows while the free nats are not used up.
void kl_balance_backward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes, ConstView weight,
                         float free_nats, float balance, ConstView divergence, ConstView gloss,
                         const KlGradients& gradients);

/// y [h,n], with row t the time: y_t = reward_t + discount_t ((1 - lambda) value_t+1 + lambda y_t+1), y_h = value_h.
/// reward, discount [h,n]; value [h+1,n], whose first row is not read.
void lambda_return_forward(const Stream& s, ConstView reward, ConstView discount, ConstView value, float lambda,
                           View y);
struct LambdaGradients {
  View reward;
  View discount;
  View value;
  GradientMode reward_mode = GradientMode::kOverwrite;
  GradientMode discount_mode = GradientMode::kOverwrite;
  GradientMode value_mode = GradientMode::kOverwrite;
};
/// gy is overwritten (it becomes the gradient of the reward).
void lambda_return_backward(const Stream& s, ConstView discount, ConstView value, float lambda, ConstView y, View gy,
                            const LambdaGradients& gradients);
/// weight [h,n]: weight_0 = 1, weight_t = weight_t-1 discount_t-1.
void discount_weight(const Stream& s, ConstView discount, View weight);

/// y [m] = advantage [m] log pi(action) + entropy_scale H(pi), pi the softmax of a row of logits [m,n]; action [m,n]
/// one-hot, which nobody checks. Errors: also Error if n is not 1 to kMostClasses.
void policy_score_forward(const Stream& s, ConstView logits, ConstView action, ConstView advantage, float entropy_scale,
                          View y);
/// The gradient to the logits only.
void policy_score_backward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                           float entropy_scale, ConstView gy, GradientMode mode, View glogits);

/// y = log(1 + exp(logit)) - label logit: minus the log-likelihood of a label in [0, 1], which need not be 0 or 1.
void bernoulli_forward(const Stream& s, ConstView logit, ConstView label, View y);
/// The gradient to the logit only.
void bernoulli_backward(const Stream& s, ConstView logit, ConstView label, ConstView gy, GradientMode mode,
                        View glogit);

/// y [m,n] = factor [m] times the rows of x.
void scale_rows_forward(const Stream& s, ConstView x, ConstView factor, View y);
/// The gradient to x only.
void scale_rows_backward(const Stream& s, ConstView factor, ConstView gy, GradientMode mode, View gx);

/// The gradient of x [m,n] of which y [k,n] are the rows from `first` on: gy there, elsewhere 0 or what was there.
/// Errors: also Error if x has no such rows.
void rows_backward(const Stream& s, std::int64_t first, ConstView gy, GradientMode mode, View gx);

}  // namespace sinv
