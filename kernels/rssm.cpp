#include "kernels/rssm.h"

#include "kernels/pick.h"

namespace sinv {
namespace {

void check_shape(const char* where, const char* name, const Shape& found, const Shape& wanted) {
  SINV_CHECK(found == wanted, where, ": ", name, " is ", found, ", wanted ", wanted);
}
// Of a View that may be left out.
void check_optional(const char* where, const char* name, const View& found, const Shape& wanted) {
  if (found.data != nullptr) check_shape(where, name, found.shape, wanted);
}
void check_rank(const char* where, const char* name, const Shape& found, int wanted) {
  SINV_CHECK(found.rank() == wanted, where, ": ", name, " is ", found, ", wanted ", wanted, " dimensions");
}

void check_gru(const char* where, ConstView gates, ConstView gain, ConstView bias, ConstView h) {
  check_rank(where, "h", h.shape, 2);
  const std::int64_t d = h.shape[1];
  check_shape(where, "gates", gates.shape, Shape{h.shape[0], 3 * d});
  check_shape(where, "gain", gain.shape, Shape{3 * d});
  check_shape(where, "bias", bias.shape, Shape{3 * d});
}
// Returns the number of variables of a row.
std::int64_t check_classes(const char* where, const char* name, const Shape& logits, std::int64_t classes) {
  check_rank(where, name, logits, 2);
  SINV_CHECK(classes >= 1 && classes <= kMostClasses && logits[1] % classes == 0, where, ": ", classes,
             " classes in rows of ", logits[1], ", wanted a divisor of 1 to ", kMostClasses);
  return logits[1] / classes;
}
void check_kl(const char* where, ConstView posterior, ConstView prior, std::int64_t classes, ConstView weight,
              const Shape& divergence) {
  check_classes(where, "posterior", posterior.shape, classes);
  check_shape(where, "prior", prior.shape, posterior.shape);
  check_shape(where, "weight", weight.shape, Shape{posterior.shape[0]});
  check_shape(where, "divergence", divergence, Shape{posterior.shape[0]});
}
void check_returns(const char* where, const Shape& discount, const Shape& value, const Shape& y) {
  check_rank(where, "discount", discount, 2);
  check_shape(where, "value", value, Shape{discount[0] + 1, discount[1]});
  check_shape(where, "y", y, discount);
}
void check_policy(const char* where, ConstView logits, ConstView action, ConstView advantage, const Shape& y) {
  check_rank(where, "logits", logits.shape, 2);
  SINV_CHECK(logits.shape[1] >= 1 && logits.shape[1] <= kMostClasses, where, ": ", logits.shape[1],
             " actions, wanted 1 to ", kMostClasses);
  check_shape(where, "action", action.shape, logits.shape);
  check_shape(where, "advantage", advantage.shape, Shape{logits.shape[0]});
  check_shape(where, "y", y, Shape{logits.shape[0]});
}

}  // namespace

void gru_forward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, float epsilon, ConstView h,
                 View next, View statistics, View kept) {
  check_gru("gru_forward", gates, gain, bias, h);
  check_shape("gru_forward", "next", next.shape, h.shape);
  check_optional("gru_forward", "statistics", statistics, Shape{h.shape[0], 2});
  check_optional("gru_forward", "kept", kept, gates.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.gru_forward(s, gates, gain, bias, epsilon, h, next, statistics, kept);
  });
}

void gru_backward(const Stream& s, ConstView gates, ConstView gain, ConstView bias, ConstView h, ConstView statistics,
                  View kept, ConstView gnext, const GruGradients& gradients) {
  check_gru("gru_backward", gates, gain, bias, h);
  check_shape("gru_backward", "statistics", statistics.shape, Shape{h.shape[0], 2});
  check_shape("gru_backward", "kept", kept.shape, gates.shape);
  check_shape("gru_backward", "gnext", gnext.shape, h.shape);
  check_optional("gru_backward", "ggates", gradients.gates, gates.shape);
  check_optional("gru_backward", "ggain", gradients.gain, gain.shape);
  check_optional("gru_backward", "gbias", gradients.bias, bias.shape);
  check_optional("gru_backward", "gh", gradients.h, h.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.gru_backward(s, gates, gain, bias, h, statistics, kept, gnext, gradients);
  });
}

void categorical_forward(const Stream& s, ConstView logits, std::int64_t classes, ConstView noise, View probability,
                         View sample) {
  const std::int64_t variables = check_classes("categorical_forward", "logits", logits.shape, classes);
  check_shape("categorical_forward", "noise", noise.shape, Shape{logits.shape[0], variables});
  check_shape("categorical_forward", "probability", probability.shape, logits.shape);
  check_shape("categorical_forward", "sample", sample.shape, logits.shape);
  on_device(s.device,
            [&](const auto& backend) { backend.categorical_forward(s, logits, classes, noise, probability, sample); });
}

void categorical_backward(const Stream& s, ConstView probability, std::int64_t classes, ConstView gsample,
                          GradientMode mode, View glogits) {
  check_classes("categorical_backward", "probability", probability.shape, classes);
  check_shape("categorical_backward", "gsample", gsample.shape, probability.shape);
  check_shape("categorical_backward", "glogits", glogits.shape, probability.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.categorical_backward(s, probability, classes, gsample, mode, glogits);
  });
}

void uniform_fill_next(const Stream& s, NoiseState* state, std::span<float> out) {
  SINV_CHECK(state != nullptr, "uniform_fill_next: no state");
  on_device(s.device, [&](const auto& backend) { backend.uniform_fill_next(s, state, out); });
}

void kl_balance_forward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes, ConstView weight,
                        float free_nats, View divergence, View loss) {
  check_kl("kl_balance_forward", posterior, prior, classes, weight, divergence.shape);
  check_shape("kl_balance_forward", "loss", loss.shape, Shape{});
  on_device(s.device, [&](const auto& backend) {
    backend.kl_balance_forward(s, posterior, prior, classes, weight, free_nats, divergence, loss);
  });
}

void kl_balance_backward(const Stream& s, ConstView posterior, ConstView prior, std::int64_t classes, ConstView weight,
                         float free_nats, float balance, ConstView divergence, ConstView gloss,
                         const KlGradients& gradients) {
  check_kl("kl_balance_backward", posterior, prior, classes, weight, divergence.shape);
  check_shape("kl_balance_backward", "gloss", gloss.shape, Shape{});
  check_optional("kl_balance_backward", "gposterior", gradients.posterior, posterior.shape);
  check_optional("kl_balance_backward", "gprior", gradients.prior, prior.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.kl_balance_backward(s, posterior, prior, classes, weight, free_nats, balance, divergence, gloss, gradients);
  });
}

void lambda_return_forward(const Stream& s, ConstView reward, ConstView discount, ConstView value, float lambda,
                           View y) {
  check_returns("lambda_return_forward", discount.shape, value.shape, y.shape);
  check_shape("lambda_return_forward", "reward", reward.shape, discount.shape);
  on_device(s.device,
            [&](const auto& backend) { backend.lambda_return_forward(s, reward, discount, value, lambda, y); });
}

void lambda_return_backward(const Stream& s, ConstView discount, ConstView value, float lambda, ConstView y, View gy,
                            const LambdaGradients& gradients) {
  check_returns("lambda_return_backward", discount.shape, value.shape, y.shape);
  check_shape("lambda_return_backward", "gy", gy.shape, y.shape);
  check_optional("lambda_return_backward", "greward", gradients.reward, discount.shape);
  check_optional("lambda_return_backward", "gdiscount", gradients.discount, discount.shape);
  check_optional("lambda_return_backward", "gvalue", gradients.value, value.shape);
  on_device(s.device,
            [&](const auto& backend) { backend.lambda_return_backward(s, discount, value, lambda, y, gy, gradients); });
}

void discount_weight(const Stream& s, ConstView discount, View weight) {
  check_rank("discount_weight", "discount", discount.shape, 2);
  check_shape("discount_weight", "weight", weight.shape, discount.shape);
  on_device(s.device, [&](const auto& backend) { backend.discount_weight(s, discount, weight); });
}

void policy_score_forward(const Stream& s, ConstView logits, ConstView action, ConstView advantage, float entropy_scale,
                          View y) {
  check_policy("policy_score_forward", logits, action, advantage, y.shape);
  on_device(s.device,
            [&](const auto& backend) { backend.policy_score_forward(s, logits, action, advantage, entropy_scale, y); });
}

void policy_score_backward(const Stream& s, ConstView logits, ConstView action, ConstView advantage,
                           float entropy_scale, ConstView gy, GradientMode mode, View glogits) {
  check_policy("policy_score_backward", logits, action, advantage, gy.shape);
  check_shape("policy_score_backward", "glogits", glogits.shape, logits.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.policy_score_backward(s, logits, action, advantage, entropy_scale, gy, mode, glogits);
  });
}

void bernoulli_forward(const Stream& s, ConstView logit, ConstView label, View y) {
  check_shape("bernoulli_forward", "label", label.shape, logit.shape);
  check_shape("bernoulli_forward", "y", y.shape, logit.shape);
  on_device(s.device, [&](const auto& backend) { backend.bernoulli_forward(s, logit, label, y); });
}

void bernoulli_backward(const Stream& s, ConstView logit, ConstView label, ConstView gy, GradientMode mode,
                        View glogit) {
  check_shape("bernoulli_backward", "label", label.shape, logit.shape);
  check_shape("bernoulli_backward", "gy", gy.shape, logit.shape);
  check_shape("bernoulli_backward", "glogit", glogit.shape, logit.shape);
  on_device(s.device, [&](const auto& backend) { backend.bernoulli_backward(s, logit, label, gy, mode, glogit); });
}

void scale_rows_forward(const Stream& s, ConstView x, ConstView factor, View y) {
  check_rank("scale_rows_forward", "x", x.shape, 2);
  check_shape("scale_rows_forward", "factor", factor.shape, Shape{x.shape[0]});
  check_shape("scale_rows_forward", "y", y.shape, x.shape);
  on_device(s.device, [&](const auto& backend) { backend.scale_rows_forward(s, x, factor, y); });
}

void scale_rows_backward(const Stream& s, ConstView factor, ConstView gy, GradientMode mode, View gx) {
  check_rank("scale_rows_backward", "gx", gx.shape, 2);
  check_shape("scale_rows_backward", "factor", factor.shape, Shape{gx.shape[0]});
  check_shape("scale_rows_backward", "gy", gy.shape, gx.shape);
  on_device(s.device, [&](const auto& backend) { backend.scale_rows_backward(s, factor, gy, mode, gx); });
}

void rows_backward(const Stream& s, std::int64_t first, ConstView gy, GradientMode mode, View gx) {
  check_rank("rows_backward", "gy", gy.shape, 2);
  check_rank("rows_backward", "gx", gx.shape, 2);
  check_shape("rows_backward", "gx", gx.shape, Shape{gx.shape[0], gy.shape[1]});
  SINV_CHECK(first >= 0 && first + gy.shape[0] <= gx.shape[0], "rows_backward: rows ", first, " to ",
             first + gy.shape[0], " of x ", gx.shape);
  on_device(s.device, [&](const auto& backend) { backend.rows_backward(s, first, gy, mode, gx); });
}

}  // namespace sinv
