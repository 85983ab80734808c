#pragma once

#include "kernels/conv.h"
#include "kernels/deconv.h"
#include "kernels/ops.h"
#include "kernels/replay.h"
#include "kernels/rssm.h"
#include "kernels/step_state.h"

/// The CUDA backend: one function per operation of kernels/ops.h, conv.h, deconv.h, rssm.h, replay.h and
/// step_state.h, called after their checks. Every View and span is device memory (the rows of a replay may be pinned
/// memory of the host); s.handle is a cudaStream_t with a workspace (kernels/cuda/workspace.h). A call queues kernels
/// and returns: it allocates nothing, waits for nothing and reads no device memory on the host, so that it can be
/// captured in a graph. An index outside its row (gather, dqn_loss) is not seen on the host: the result of that row is
/// NaN. Errors: Error "<operation>: ..." with the text of the CUDA call that failed.
namespace sinv {

struct Cuda {
  static void unary_forward(const Stream& s, Unary op, ConstView x, View y);
  static void unary_backward(const Stream& s, Unary op, ConstView y, ConstView gy, GradientMode mode, View gx);
  static void binary_forward(const Stream& s, Binary op, ConstView a, ConstView b, View y);
  static void binary_backward(const Stream& s, Binary op, ConstView a, ConstView b, ConstView gy, GradientMode mode_a,
                              View ga, GradientMode mode_b, View gb);
  static void matmul(const Stream& s, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode,
                     View c);
  static std::size_t packed_floats(std::int64_t k, std::int64_t n);
  static void linear_pack(const Stream& s, ConstView w, const PackedWeight& packed);
  static void linear_pack_noisy(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out,
                                const PackedWeight& packed);
  static void linear_forward(const Stream& s, ConstView x, const PackedWeight& w, ConstView bias, Activation activation,
                             View y);
  static void linear_backward(const Stream& s, ConstView x, const PackedWeight& w, Activation activation, ConstView y,
                              View gy, const LinearGradients& gradients, std::span<float> scratch);
  static void noisy_mix(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out, View w);
  static void noisy_backward(const Stream& s, ConstView dw, ConstView eps_in, ConstView eps_out, GradientMode mu_mode,
                             View dmu, GradientMode sigma_mode, View dsigma);
  static void noise_fill(const Stream& s, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                         std::span<float> out);
  static void layer_norm_forward(const Stream& s, ConstView x, ConstView gain, ConstView bias, float epsilon, View y,
                                 View statistics);
  static void layer_norm_backward(const Stream& s, ConstView x, ConstView gain, ConstView statistics, ConstView gy,
                                  GradientMode x_mode, View gx, GradientMode gain_mode, View ggain,
                                  GradientMode bias_mode, View gbias);
  static void dueling_forward(const Stream& s, ConstView value, ConstView advantage, View q);
  static void dueling_backward(const Stream& s, ConstView gq, GradientMode value_mode, View gvalue,
                               GradientMode advantage_mode, View gadvantage);
  static void gather_forward(const Stream& s, ConstView x, std::span<const std::int32_t> index, View y);
  static void gather_backward(const Stream& s, std::span<const std::int32_t> index, ConstView gy, GradientMode mode,
                              View gx);
  static void concat_forward(const Stream& s, ConstView a, ConstView b, View y);
  static void concat_backward(const Stream& s, ConstView gy, GradientMode mode_a, View ga, GradientMode mode_b,
                              View gb);
  static void sum_forward(const Stream& s, ConstView x, float scale, View y);
  static void sum_backward(const Stream& s, ConstView gy, float scale, GradientMode mode, View gx);
  static void huber_forward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                            View y);
  static void huber_backward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                             ConstView gy, GradientMode mode, View gprediction);
  static void dqn_loss_forward(const Stream& s, const DqnLossInputs& in, const DqnLossOutputs& out);
  static void dqn_loss_backward(const Stream& s, const DqnLossInputs& in, std::span<const float> td_error,
                                ConstView gloss, GradientMode mode, View gq_tm1);
  static void adam_update(const Stream& s, const AdamStep& step, float clip_norm, std::span<const float> gradient,
                          std::span<float> value, std::span<float> moment1, std::span<float> moment2, View norm);
  static void average_update(const Stream& s, float rate, std::span<const float> value, std::span<float> target);

  static void noise_fill_next(const Stream& s, NoiseState* state, std::span<float> out);
  static void adam_step(const Stream& s, AdamState* state, std::span<const float> gradient, std::span<float> value,
                        std::span<float> moment1, std::span<float> moment2);

  static std::size_t conv_packed_floats(const ConvShape& shape);
  static std::size_t conv_packed_backward_floats(const ConvShape& shape);
  static std::size_t conv_scratch_floats(const ConvShape& shape);
  static void conv_pack(const Stream& s, const ConvShape& shape, ConstView w, const PackedWeight& packed);
  static void conv_forward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                           ConstView bias, Activation activation, View y, std::span<float> scratch);
  static void conv_backward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                            Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                            std::span<float> scratch);
  static void group_norm_forward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView bias,
                                 float epsilon, Activation activation, View y, View statistics);
  static void group_norm_backward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain,
                                  ConstView statistics, Activation activation, ConstView y, View gy,
                                  const NormGradients& gradients);
  static void max_pool_forward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, View y);
  static void max_pool_backward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns,
                                ConstView y, ConstView gy, GradientMode mode, View gx);
  static void spectral_norm_forward(const Stream& s, ConstView w, int iterations, View u, View v, View sigma, View y);
  static void spectral_norm_backward(const Stream& s, ConstView y, ConstView u, ConstView v, ConstView sigma,
                                     ConstView gy, GradientMode mode, View gw);

  static void gru_forward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, float epsilon, ConstView h,
                          View next, View statistics, View kept);
  static void gru_backward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, ConstView h,
                           ConstView statistics, View kept, ConstView gnext, const GruGradients& gradients);
  static void categorical_forward(const Stream& s, ConstView logits, std::int64_t classes, ConstView noise,
                                  View probability, View sample);
  static void categorical_backward(const Stream& s, ConstView probability, std::int64_t classes, ConstView gsample,
                                   GradientMode mode, View glogits);
  static void uniform_fill_next(const Stream& s, NoiseState* state, std::span<float> out);
  static void kl_balance_forward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes,
                                 ConstView weight, float free_nats, View divergence, View loss);
  static void kl_balance_backward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes,
                                  ConstView weight, float free_nats, float balance, ConstView divergence,
                                  ConstView gloss, const KlGradients& gradients);
  static void lambda_return_forward(const Stream& s, ConstView reward, ConstView discount, ConstView value,
                                    float lambda, View y);
  static void lambda_return_backward(const Stream& s, ConstView discount, ConstView value, float lambda, ConstView y,
                                     View gy, const LambdaGradients& gradients);
  static void discount_weight(const Stream& s, ConstView discount, View weight);
  static void policy_score_forward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                                   float entropy_scale, View y);
  static void policy_score_backward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                                    float entropy_scale, ConstView gy, GradientMode mode, View glogits);
  static void bernoulli_forward(const Stream& s, ConstView logit, ConstView label, View y);
  static void bernoulli_backward(const Stream& s, ConstView logit, ConstView label, ConstView gy, GradientMode mode,
                                 View glogit);
  static void scale_rows_forward(const Stream& s, ConstView x, ConstView factor, View y);
  static void scale_rows_backward(const Stream& s, ConstView factor, ConstView gy, GradientMode mode, View gx);
  static void rows_backward(const Stream& s, std::int64_t first, ConstView gy, GradientMode mode, View gx);

  static std::size_t deconv_packed_floats(const DeconvShape& shape);
  static std::size_t deconv_packed_backward_floats(const DeconvShape& shape);
  static std::size_t deconv_scratch_floats(const DeconvShape& shape, std::int64_t m);
  static void deconv_pack(const Stream& s, const DeconvShape& shape, ConstView w, const PackedWeight& packed);
  static void deconv_forward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                             ConstView bias, Activation activation, View y, std::span<float> scratch);
  static void deconv_backward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                              Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                              std::span<float> scratch);
  static void frames_forward(const Stream& s, std::span<const std::uint8_t> frames, float offset, View pixels);
  static void picture_changes_forward(const Stream& s, ConstView x, std::int64_t channels, float scale, View y);
  static void image_error_forward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                                  View y);
  static void image_error_backward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                                   ConstView gy, GradientMode mode, View gprediction);

  static void replay_change(const Stream& s, const ReplayRing& ring, double beta,
                            std::span<const ReplayChange> changes);
  static void replay_sample(const Stream& s, const ReplayRing& ring, std::span<std::uint32_t> slots,
                            std::span<float> weight);
  static void replay_gather(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                            const ReplayBatch& batch);
  static void replay_prioritise(const Stream& s, const ReplayRing& ring, std::span<const std::uint32_t> slots,
                                std::span<const float> td_error);
};

}  // namespace sinv
