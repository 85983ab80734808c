#include "kernels/ops.h"

#include "kernels/pick.h"

namespace sinv {
namespace {

void check_same(const char* where, const char* a, const Shape& a_shape, const char* b, const Shape& b_shape) {
  SINV_CHECK(a_shape == b_shape, where, ": ", a, " is ", a_shape, ", ", b, " is ", b_shape);
}
void check_shape(const char* where, const char* name, const Shape& found, const Shape& wanted) {
  SINV_CHECK(found == wanted, where, ": ", name, " is ", found, ", wanted ", wanted);
}
void check_rank(const char* where, const char* name, const Shape& found, int wanted) {
  SINV_CHECK(found.rank() == wanted, where, ": ", name, " is ", found, ", wanted ", wanted, " dimensions");
}
void check_count(const char* where, const char* name, std::size_t found, std::int64_t wanted) {
  SINV_CHECK(found == static_cast<std::size_t>(wanted), where, ": ", name, " has ", found, " elements, wanted ",
             wanted);
}
// Only where the CPU can read the values without waiting for a device.
void check_index(const char* where, const char* name, std::span<const std::int32_t> index, std::int64_t columns) {
  for (std::size_t i = 0; i < index.size(); ++i) {
    SINV_CHECK(index[i] >= 0 && index[i] < columns, where, ": ", name, " of row ", i, " is ", index[i],
               ", wanted 0 to ", columns - 1);
  }
}
void check_noisy(const char* where, const Shape& w, ConstView eps_in, ConstView eps_out) {
  check_shape(where, "weight", w,
              w.rank() == 1
                  ? Shape{static_cast<std::int64_t>(eps_out.size())}
                  : Shape{static_cast<std::int64_t>(eps_in.size()), static_cast<std::int64_t>(eps_out.size())});
}
void check_dqn_inputs(const char* where, const Stream& s, const DqnLossInputs& in) {
  check_rank(where, "q_tm1", in.q_tm1.shape, 2);
  check_same(where, "q_tm1", in.q_tm1.shape, "q_t_selector", in.q_t_selector.shape);
  check_same(where, "q_tm1", in.q_tm1.shape, "q_t_value", in.q_t_value.shape);
  const std::int64_t rows = in.q_tm1.shape[0];
  check_count(where, "action_tm1", in.action_tm1.size(), rows);
  check_count(where, "return_t", in.return_t.size(), rows);
  check_count(where, "discount_t", in.discount_t.size(), rows);
  check_count(where, "weight", in.weight.size(), rows);
  if (s.device == Device::kCpu) check_index(where, "action_tm1", in.action_tm1, in.q_tm1.shape[1]);
}

}  // namespace

void unary_forward(const Stream& s, Unary op, ConstView x, View y) {
  check_same("unary_forward", "x", x.shape, "y", y.shape);
  on_device(s.device, [&](const auto& backend) { backend.unary_forward(s, op, x, y); });
}

void unary_backward(const Stream& s, Unary op, ConstView y, ConstView gy, GradientMode mode, View gx) {
  check_same("unary_backward", "y", y.shape, "gy", gy.shape);
  check_same("unary_backward", "y", y.shape, "gx", gx.shape);
  on_device(s.device, [&](const auto& backend) { backend.unary_backward(s, op, y, gy, mode, gx); });
}

void binary_forward(const Stream& s, Binary op, ConstView a, ConstView b, View y) {
  check_same("binary_forward", "a", a.shape, "b", b.shape);
  check_same("binary_forward", "a", a.shape, "y", y.shape);
  on_device(s.device, [&](const auto& backend) { backend.binary_forward(s, op, a, b, y); });
}

void binary_backward(const Stream& s, Binary op, ConstView a, ConstView b, ConstView gy, GradientMode mode_a, View ga,
                     GradientMode mode_b, View gb) {
  check_same("binary_backward", "a", a.shape, "b", b.shape);
  check_same("binary_backward", "a", a.shape, "gy", gy.shape);
  if (ga.data != nullptr) check_same("binary_backward", "a", a.shape, "ga", ga.shape);
  if (gb.data != nullptr) check_same("binary_backward", "b", b.shape, "gb", gb.shape);
  on_device(s.device, [&](const auto& backend) { backend.binary_backward(s, op, a, b, gy, mode_a, ga, mode_b, gb); });
}

void matmul(const Stream& s, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode, View c) {
  check_rank("matmul", "a", a.shape, 2);
  check_rank("matmul", "b", b.shape, 2);
  check_rank("matmul", "c", c.shape, 2);
  const std::int64_t inner_a = a.shape[transpose_a ? 0 : 1];
  const std::int64_t inner_b = b.shape[transpose_b ? 1 : 0];
  SINV_CHECK(inner_a == inner_b, "matmul: a ", a.shape, " brings ", inner_a, " terms of a sum, b ", b.shape, " brings ",
             inner_b);
  check_shape("matmul", "c", c.shape, Shape{a.shape[transpose_a ? 1 : 0], b.shape[transpose_b ? 0 : 1]});
  on_device(s.device, [&](const auto& backend) { backend.matmul(s, a, transpose_a, b, transpose_b, mode, c); });
}

std::size_t packed_floats(Device device, std::int64_t k, std::int64_t n) {
  SINV_CHECK(k >= 0 && n >= 0, "packed_floats: k is ", k, ", n is ", n);
  return on_device(device, [&](const auto& backend) { return backend.packed_floats(k, n); });
}

void linear_pack(const Stream& s, ConstView w, const PackedWeight& packed) {
  check_shape("linear_pack", "w", w.shape, Shape{packed.k, packed.n});
  on_device(s.device, [&](const auto& backend) { backend.linear_pack(s, w, packed); });
}

void linear_pack_noisy(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out,
                       const PackedWeight& packed) {
  check_shape("linear_pack_noisy", "mu", mu.shape, Shape{packed.k, packed.n});
  check_shape("linear_pack_noisy", "sigma", sigma.shape, Shape{packed.k, packed.n});
  check_shape("linear_pack_noisy", "eps_in", eps_in.shape, Shape{packed.k});
  check_shape("linear_pack_noisy", "eps_out", eps_out.shape, Shape{packed.n});
  on_device(s.device, [&](const auto& backend) { backend.linear_pack_noisy(s, mu, sigma, eps_in, eps_out, packed); });
}

void linear_forward(const Stream& s, ConstView x, const PackedWeight& w, ConstView bias, Activation activation,
                    View y) {
  check_rank("linear_forward", "x", x.shape, 2);
  check_shape("linear_forward", "x", x.shape, Shape{x.shape[0], w.k});
  check_shape("linear_forward", "y", y.shape, Shape{x.shape[0], w.n});
  if (bias.data != nullptr) check_shape("linear_forward", "bias", bias.shape, Shape{w.n});
  if (y.size() == 0) return;
  on_device(s.device, [&](const auto& backend) { backend.linear_forward(s, x, w, bias, activation, y); });
}

void linear_backward(const Stream& s, ConstView x, const PackedWeight& w, Activation activation, ConstView y, View gy,
                     const LinearGradients& gradients, std::span<float> scratch) {
  check_rank("linear_backward", "x", x.shape, 2);
  const std::int64_t m = x.shape[0];
  check_shape("linear_backward", "x", x.shape, Shape{m, w.k});
  check_shape("linear_backward", "y", y.shape, Shape{m, w.n});
  check_shape("linear_backward", "gy", gy.shape, Shape{m, w.n});
  if (gradients.x.data != nullptr) {
    check_shape("linear_backward", "gx", gradients.x.shape, Shape{m, w.k});
    SINV_CHECK(w.backward != nullptr, "linear_backward: gx is wanted, but the weight ", Shape{w.k, w.n},
               " was packed for the forward product only");
  }
  if (gradients.w.data != nullptr) check_shape("linear_backward", "gw", gradients.w.shape, Shape{w.k, w.n});
  if (gradients.bias.data != nullptr) check_shape("linear_backward", "gbias", gradients.bias.shape, Shape{w.n});
  const std::size_t wanted = packed_floats(s.device, m, w.n);
  SINV_CHECK(scratch.size() >= wanted, "linear_backward: scratch has ", scratch.size(), " floats, ", wanted,
             " are wanted");
  on_device(s.device,
            [&](const auto& backend) { backend.linear_backward(s, x, w, activation, y, gy, gradients, scratch); });
}

void noisy_mix(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out, View w) {
  check_noisy("noisy_mix", mu.shape, eps_in, eps_out);
  check_same("noisy_mix", "mu", mu.shape, "sigma", sigma.shape);
  check_same("noisy_mix", "mu", mu.shape, "w", w.shape);
  on_device(s.device, [&](const auto& backend) { backend.noisy_mix(s, mu, sigma, eps_in, eps_out, w); });
}

void noisy_backward(const Stream& s, ConstView dw, ConstView eps_in, ConstView eps_out, GradientMode mu_mode, View dmu,
                    GradientMode sigma_mode, View dsigma) {
  check_noisy("noisy_backward", dw.shape, eps_in, eps_out);
  check_same("noisy_backward", "dw", dw.shape, "dmu", dmu.shape);
  check_same("noisy_backward", "dw", dw.shape, "dsigma", dsigma.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.noisy_backward(s, dw, eps_in, eps_out, mu_mode, dmu, sigma_mode, dsigma);
  });
}

void noise_fill(const Stream& s, std::uint64_t seed, std::uint64_t stream, std::uint64_t counter,
                std::span<float> out) {
  on_device(s.device, [&](const auto& backend) { backend.noise_fill(s, seed, stream, counter, out); });
}

void layer_norm_forward(const Stream& s, ConstView x, ConstView gain, ConstView bias, float epsilon, View y,
                        View statistics) {
  check_rank("layer_norm_forward", "x", x.shape, 2);
  check_shape("layer_norm_forward", "gain", gain.shape, Shape{x.shape[1]});
  check_shape("layer_norm_forward", "bias", bias.shape, Shape{x.shape[1]});
  check_same("layer_norm_forward", "x", x.shape, "y", y.shape);
  check_shape("layer_norm_forward", "statistics", statistics.shape, Shape{x.shape[0], 2});
  on_device(s.device,
            [&](const auto& backend) { backend.layer_norm_forward(s, x, gain, bias, epsilon, y, statistics); });
}

void layer_norm_backward(const Stream& s, ConstView x, ConstView gain, ConstView statistics, ConstView gy,
                         GradientMode x_mode, View gx, GradientMode gain_mode, View ggain, GradientMode bias_mode,
                         View gbias) {
  check_rank("layer_norm_backward", "x", x.shape, 2);
  check_shape("layer_norm_backward", "gain", gain.shape, Shape{x.shape[1]});
  check_shape("layer_norm_backward", "statistics", statistics.shape, Shape{x.shape[0], 2});
  check_same("layer_norm_backward", "x", x.shape, "gy", gy.shape);
  if (gx.data != nullptr) check_same("layer_norm_backward", "x", x.shape, "gx", gx.shape);
  check_same("layer_norm_backward", "gain", gain.shape, "ggain", ggain.shape);
  check_same("layer_norm_backward", "gain", gain.shape, "gbias", gbias.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.layer_norm_backward(s, x, gain, statistics, gy, x_mode, gx, gain_mode, ggain, bias_mode, gbias);
  });
}

void dueling_forward(const Stream& s, ConstView value, ConstView advantage, View q) {
  check_rank("dueling_forward", "advantage", advantage.shape, 2);
  check_shape("dueling_forward", "value", value.shape, Shape{advantage.shape[0], 1});
  check_same("dueling_forward", "advantage", advantage.shape, "q", q.shape);
  on_device(s.device, [&](const auto& backend) { backend.dueling_forward(s, value, advantage, q); });
}

void dueling_backward(const Stream& s, ConstView gq, GradientMode value_mode, View gvalue, GradientMode advantage_mode,
                      View gadvantage) {
  check_rank("dueling_backward", "gq", gq.shape, 2);
  check_shape("dueling_backward", "gvalue", gvalue.shape, Shape{gq.shape[0], 1});
  check_same("dueling_backward", "gq", gq.shape, "gadvantage", gadvantage.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.dueling_backward(s, gq, value_mode, gvalue, advantage_mode, gadvantage);
  });
}

void gather_forward(const Stream& s, ConstView x, std::span<const std::int32_t> index, View y) {
  check_rank("gather_forward", "x", x.shape, 2);
  check_count("gather_forward", "index", index.size(), x.shape[0]);
  check_shape("gather_forward", "y", y.shape, Shape{x.shape[0]});
  if (s.device == Device::kCpu) check_index("gather_forward", "index", index, x.shape[1]);
  on_device(s.device, [&](const auto& backend) { backend.gather_forward(s, x, index, y); });
}

void gather_backward(const Stream& s, std::span<const std::int32_t> index, ConstView gy, GradientMode mode, View gx) {
  check_rank("gather_backward", "gx", gx.shape, 2);
  check_count("gather_backward", "index", index.size(), gx.shape[0]);
  check_shape("gather_backward", "gy", gy.shape, Shape{gx.shape[0]});
  if (s.device == Device::kCpu) check_index("gather_backward", "index", index, gx.shape[1]);
  on_device(s.device, [&](const auto& backend) { backend.gather_backward(s, index, gy, mode, gx); });
}

void concat_forward(const Stream& s, ConstView a, ConstView b, View y) {
  check_rank("concat_forward", "a", a.shape, 2);
  check_rank("concat_forward", "b", b.shape, 2);
  check_shape("concat_forward", "b", b.shape, Shape{a.shape[0], b.shape[1]});
  check_shape("concat_forward", "y", y.shape, Shape{a.shape[0], a.shape[1] + b.shape[1]});
  on_device(s.device, [&](const auto& backend) { backend.concat_forward(s, a, b, y); });
}

void concat_backward(const Stream& s, ConstView gy, GradientMode mode_a, View ga, GradientMode mode_b, View gb) {
  check_rank("concat_backward", "ga", ga.shape, 2);
  check_rank("concat_backward", "gb", gb.shape, 2);
  check_shape("concat_backward", "gb", gb.shape, Shape{ga.shape[0], gb.shape[1]});
  check_shape("concat_backward", "gy", gy.shape, Shape{ga.shape[0], ga.shape[1] + gb.shape[1]});
  on_device(s.device, [&](const auto& backend) { backend.concat_backward(s, gy, mode_a, ga, mode_b, gb); });
}

void sum_forward(const Stream& s, ConstView x, float scale, View y) {
  check_shape("sum_forward", "y", y.shape, Shape{});
  on_device(s.device, [&](const auto& backend) { backend.sum_forward(s, x, scale, y); });
}

void sum_backward(const Stream& s, ConstView gy, float scale, GradientMode mode, View gx) {
  check_shape("sum_backward", "gy", gy.shape, Shape{});
  on_device(s.device, [&](const auto& backend) { backend.sum_backward(s, gy, scale, mode, gx); });
}

void huber_forward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta, View y) {
  check_same("huber_forward", "prediction", prediction.shape, "target", target.shape);
  check_same("huber_forward", "prediction", prediction.shape, "weight", weight.shape);
  check_same("huber_forward", "prediction", prediction.shape, "y", y.shape);
  on_device(s.device, [&](const auto& backend) { backend.huber_forward(s, prediction, target, weight, delta, y); });
}

void huber_backward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                    ConstView gy, GradientMode mode, View gprediction) {
  check_same("huber_backward", "prediction", prediction.shape, "target", target.shape);
  check_same("huber_backward", "prediction", prediction.shape, "weight", weight.shape);
  check_same("huber_backward", "prediction", prediction.shape, "gy", gy.shape);
  check_same("huber_backward", "prediction", prediction.shape, "gprediction", gprediction.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.huber_backward(s, prediction, target, weight, delta, gy, mode, gprediction);
  });
}

void dqn_loss_forward(const Stream& s, const DqnLossInputs& in, const DqnLossOutputs& out) {
  check_dqn_inputs("dqn_loss_forward", s, in);
  check_count("dqn_loss_forward", "td_error", out.td_error.size(), in.q_tm1.shape[0]);
  check_shape("dqn_loss_forward", "loss", out.loss.shape, Shape{});
  check_shape("dqn_loss_forward", "mean_q", out.mean_q.shape, Shape{});
  on_device(s.device, [&](const auto& backend) { backend.dqn_loss_forward(s, in, out); });
}

void dqn_loss_backward(const Stream& s, const DqnLossInputs& in, std::span<const float> td_error, ConstView gloss,
                       GradientMode mode, View gq_tm1) {
  check_dqn_inputs("dqn_loss_backward", s, in);
  check_count("dqn_loss_backward", "td_error", td_error.size(), in.q_tm1.shape[0]);
  check_shape("dqn_loss_backward", "gloss", gloss.shape, Shape{});
  check_same("dqn_loss_backward", "q_tm1", in.q_tm1.shape, "gq_tm1", gq_tm1.shape);
  on_device(s.device, [&](const auto& backend) { backend.dqn_loss_backward(s, in, td_error, gloss, mode, gq_tm1); });
}

void adam_update(const Stream& s, const AdamStep& step, float clip_norm, std::span<const float> gradient,
                 std::span<float> value, std::span<float> moment1, std::span<float> moment2, View norm) {
  SINV_CHECK(gradient.size() == value.size() && moment1.size() == value.size() && moment2.size() == value.size(),
             "adam_update: ", value.size(), " values, ", gradient.size(), " gradients, ", moment1.size(), " and ",
             moment2.size(), " moments");
  check_shape("adam_update", "norm", norm.shape, Shape{});
  on_device(s.device, [&](const auto& backend) {
    backend.adam_update(s, step, clip_norm, gradient, value, moment1, moment2, norm);
  });
}

void average_update(const Stream& s, float rate, std::span<const float> value, std::span<float> target) {
  SINV_CHECK(value.size() == target.size(), "average_update: ", value.size(), " values, ", target.size(), " targets");
  on_device(s.device, [&](const auto& backend) { backend.average_update(s, rate, value, target); });
}

}  // namespace sinv
