#pragma once

#include <cstdint>
#include <span>

#include "kernels/activation.h"
#include "kernels/device.h"
#include "kernels/view.h"

/// Every numeric operation, with its contract. Common to all:
/// Values: float32, row-major, contiguous, on s.device. An output overlaps no input unless said.
/// Order:  on CUDA work is queued on s and the call does not wait; on the CPU it is done on return, in this thread.
/// Errors: Error "<operation>: ..." naming both shapes when they disagree, checked before anything is written; Error
/// for
///         device cuda in a binary without it. An empty array is no error: nothing happens.
/// Repeat: the same inputs on the same kind of processor give the same bits, whatever else runs.
namespace sinv {

/// y = op(x), element by element; y may be x. Formulas: kernels/elementwise_math.h.
void unary_forward(const Stream& s, Unary op, ConstView x, View y);
/// gx = (or +=) slope of op * gy, from the output y; gx may be gy when it overwrites.
void unary_backward(const Stream& s, Unary op, ConstView y, ConstView gy, GradientMode mode, View gx);
/// y = op(a, b), equal shapes.
void binary_forward(const Stream& s, Binary op, ConstView a, ConstView b, View y);
/// ga, gb = (or +=) slopes * gy; a View without data is not wanted.
void binary_backward(const Stream& s, Binary op, ConstView a, ConstView b, ConstView gy, GradientMode mode_a, View ga,
                     GradientMode mode_b, View gb);

/// c = (or +=) a b, where a is [m,k] or its transpose [k,m], b is [k,n] or [n,k], c is [m,n]. For large products; the
/// layers below have their own path.
void matmul(const Stream& s, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode, View c);

/// A weight matrix [k,n] = [in,out] in the layout that the device's products read. Made by linear_pack, never by hand.
struct PackedWeight {
  float* forward = nullptr;   // packed_floats(device, k, n) floats
  float* backward = nullptr;  // packed_floats(device, n, k) floats; null: no gradient to x is wanted
  std::int64_t k = 0;
  std::int64_t n = 0;
  std::int64_t sparse = 0;  // of x's first columns so many are mostly zeros (one-hot): the CPU leaves the zeros out
};
/// Floats of one packed matrix [k,n].
std::size_t packed_floats(Device device, std::int64_t k, std::int64_t n);
/// Packs w [k,n].
void linear_pack(const Stream& s, ConstView w, const PackedWeight& packed);
/// Packs mu + sigma * eps_in eps_out^T: the weight of a noisy layer. mu, sigma [k,n], eps_in [k], eps_out [n].
/// Source: Fortunato et al., arXiv:1706.10295, equations 10 and 11.
void linear_pack_noisy(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out,
                       const PackedWeight& packed);
/// y [m,n] = activation(x [m,k] w + bias [n]); a bias without data is left out. A row of y does not depend on m.
void linear_forward(const Stream& s, ConstView x, const PackedWeight& w, ConstView bias, Activation activation, View y);

/// What linear_backward gives; a View without data is not wanted.
struct LinearGradients {
  View x;  // [m,k]; needs w.backward
  View w;  // [k,n]
  View bias;
  GradientMode x_mode = GradientMode::kOverwrite;
  GradientMode w_mode = GradientMode::kOverwrite;
  GradientMode bias_mode = GradientMode::kOverwrite;
};
/// Gradients of linear_forward from its output y and gy, which is overwritten (it becomes the gradient before the
/// activation). scratch: packed_floats(device, m, n) floats.
void linear_backward(const Stream& s, ConstView x, const PackedWeight& w, Activation activation, ConstView y, View gy,
                     const LinearGradients& gradients, std::span<float> scratch);

/// w = mu + sigma * eps_in eps_out^T, unpacked: for biases (k = 1, eps_in = 1) and small heads.
void noisy_mix(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out, View w);
/// dmu (may be dw when it overwrites) and dsigma from dw [k,n].
void noisy_backward(const Stream& s, ConstView dw, ConstView eps_in, ConstView eps_out, GradientMode mu_mode, View dmu,
                    GradientMode sigma_mode, View dsigma);
/// out = sign(x) sqrt|x| of normal numbers x: four from each Philox block of (seed, stream) from block `counter` on.
/// Reads noise_blocks(out.size()) blocks.
void noise_fill(const Stream& s, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter, std::span<float> out);
inline std::uint64_t noise_blocks(std::size_t count) { return (count + 3) / 4; }

/// y = (x - mean) / sqrt(variance + epsilon) * gain + bias over the last dimension: x, y [m,n], gain, bias [n].
/// statistics [m,2] keeps mean and 1 / deviation for the gradient. Source: Ba et al., arXiv:1607.06450.
void layer_norm_forward(const Stream& s, ConstView x, ConstView gain, ConstView bias, float epsilon, View y,
                        View statistics);
/// Gradients from x, statistics and gy. gx without data is not wanted.
void layer_norm_backward(const Stream& s, ConstView x, ConstView gain, ConstView statistics, ConstView gy,
                         GradientMode x_mode, View gx, GradientMode gain_mode, View ggain, GradientMode bias_mode,
                         View gbias);

/// q [m,a] = value [m,1] + advantage [m,a] - its mean over a. Source: Wang et al., arXiv:1511.06581, equation 9.
/// The same formula on weights folds both heads into one layer: rows are then inputs of the layer.
void dueling_forward(const Stream& s, ConstView value, ConstView advantage, View q);
void dueling_backward(const Stream& s, ConstView gq, GradientMode value_mode, View gvalue, GradientMode advantage_mode,
                      View gadvantage);

/// y [m] = x [m,n] at column index [m]. Errors: also Error naming the row of an index outside 0 .. n - 1; on CUDA NaN.
void gather_forward(const Stream& s, ConstView x, std::span<const std::int32_t> index, View y);
void gather_backward(const Stream& s, std::span<const std::int32_t> index, ConstView gy, GradientMode mode, View gx);

/// y [m, na + nb] = columns of a [m,na], then of b [m,nb].
void concat_forward(const Stream& s, ConstView a, ConstView b, View y);
void concat_backward(const Stream& s, ConstView gy, GradientMode mode_a, View ga, GradientMode mode_b, View gb);

/// y (scalar) = scale * sum of x; in a fixed order, accumulated in double.
void sum_forward(const Stream& s, ConstView x, float scale, View y);
void sum_backward(const Stream& s, ConstView gy, float scale, GradientMode mode, View gx);

/// y [m] = weight * huber(prediction - target), all [m]; delta 0: half the squared error.
void huber_forward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta, View y);
/// The gradient to the prediction only.
void huber_backward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                    ConstView gy, GradientMode mode, View gprediction);

/// The n-step (Double) DQN loss of one batch, all in one operation.
struct DqnLossInputs {
  ConstView q_tm1;         // [m,a] of the online network at s
  ConstView q_t_selector;  // [m,a] at s': its best action is chosen (Double: online; else the target's)
  ConstView q_t_value;     // [m,a] of the target network at s'
  std::span<const std::int32_t> action_tm1;  // [m]
  std::span<const float> return_t;           // [m]
  std::span<const float> discount_t;         // [m]
  std::span<const float> weight;             // [m]
  float huber_delta = 1.0F;
};
struct DqnLossOutputs {
  View loss;                  // scalar: mean of weight * huber(q_tm1[a] - y)
  View mean_q;                // scalar: mean of q_tm1[a]
  std::span<float> td_error;  // [m] q_tm1[a] - y
};
/// y = return_t + discount_t * q_t_value[argmax q_t_selector], ties to the lower action. A non-finite value stays
/// visible in the loss. Errors: also Error naming the row of an action outside 0 .. a - 1; on CUDA NaN.
/// Source: van Hasselt et al., arXiv:1509.06461.
void dqn_loss_forward(const Stream& s, const DqnLossInputs& in, const DqnLossOutputs& out);
/// gq_tm1 = (or +=) gloss * weight / m * huber slope at the action taken, 0 elsewhere.
void dqn_loss_backward(const Stream& s, const DqnLossInputs& in, std::span<const float> td_error, ConstView gloss,
                       GradientMode mode, View gq_tm1);

/// One Adam step over all parameters at once, gradients scaled by min(1, clip_norm / norm) first (clip_norm 0: not).
/// norm (scalar) gets the global norm before scaling. A non-finite norm leaves parameters and moments as they are.
/// Sources: AdamStep in kernels/elementwise_math.h; clipping as PyTorch's clip_grad_norm_, with its 1e-6.
void adam_update(const Stream& s, const AdamStep& step, float clip_norm, std::span<const float> gradient,
                 std::span<float> value, std::span<float> moment1, std::span<float> moment2, View norm);
/// target += rate * (value - target); rate 1 copies.
void average_update(const Stream& s, float rate, std::span<const float> value, std::span<float> target);

}  // namespace sinv
