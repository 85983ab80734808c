#include "nn/functional.h"

#include <array>

namespace sinv {

namespace {
// A view of a value under another shape of the same size: biases are [1,n] as parameters and [n] in a product.
template <class AnyView>
AnyView flat_row(AnyView view) {
  view.shape = Shape{static_cast<std::int64_t>(view.shape.size())};
  return view;
}
using Slots = std::span<const GradientSlot>;
}  // namespace

Var unary(Tape& tape, Unary op, Var x) {
  const std::array inputs{x};
  const Var out = tape.output(tape.shape(x), inputs);
  const View from = tape.value(x);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { unary_forward(s, op, from, y); },
      [=](const Stream& s, View gy, Slots in) { unary_backward(s, op, y, gy, in[0].mode, in[0].view); });
  return out;
}

Var binary(Tape& tape, Binary op, Var a, Var b) {
  const std::array inputs{a, b};
  const Var out = tape.output(tape.shape(a), inputs);
  const View va = tape.value(a);
  const View vb = tape.value(b);
  const View y = tape.value(out);
  SINV_CHECK(va.shape == vb.shape, kBinaryNames[static_cast<int>(op)], ": a is ", va.shape, ", b is ", vb.shape);
  tape.record(
      inputs, out, [=](const Stream& s) { binary_forward(s, op, va, vb, y); },
      [=](const Stream& s, View gy, Slots in) {
        binary_backward(s, op, va, vb, gy, in[0].mode, in[0].view, in[1].mode, in[1].view);
      });
  return out;
}

Var matmul(Tape& tape, Var a, bool transpose_a, Var b, bool transpose_b) {
  const std::array inputs{a, b};
  const View va = tape.value(a);
  const View vb = tape.value(b);
  SINV_CHECK(va.shape.rank() == 2 && vb.shape.rank() == 2, "matmul: a is ", va.shape, ", b is ", vb.shape,
             ", wanted 2 dimensions");
  SINV_CHECK(va.shape[transpose_a ? 0 : 1] == vb.shape[transpose_b ? 1 : 0], "matmul: a ", va.shape, " and b ",
             vb.shape, " do not fit together");
  const Var out = tape.output(Shape{va.shape[transpose_a ? 1 : 0], vb.shape[transpose_b ? 0 : 1]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { matmul(s, va, transpose_a, vb, transpose_b, GradientMode::kOverwrite, y); },
      [=](const Stream& s, View gy, Slots in) {
        if (in[0].view.data != nullptr && !transpose_a) matmul(s, gy, false, vb, !transpose_b, in[0].mode, in[0].view);
        if (in[0].view.data != nullptr && transpose_a) matmul(s, vb, transpose_b, gy, true, in[0].mode, in[0].view);
        if (in[1].view.data != nullptr && !transpose_b) matmul(s, va, !transpose_a, gy, false, in[1].mode, in[1].view);
        if (in[1].view.data != nullptr && transpose_b) matmul(s, gy, true, va, transpose_a, in[1].mode, in[1].view);
      });
  return out;
}

Var pack(Tape& tape, Var weight, bool input_gradient, bool held, std::int64_t sparse) {
  const std::array inputs{weight};
  const View w = tape.value(weight);
  SINV_CHECK(w.shape.rank() == 2, "pack: the weight is ", w.shape, ", wanted 2 dimensions");
  SINV_CHECK(sparse >= 0 && sparse <= w.shape[0], "pack: ", sparse, " sparse columns of the weight ", w.shape);
  const Var out = tape.packed_output(w.shape[0], w.shape[1], input_gradient, inputs, sparse);
  const PackedWeight packed = tape.packed(out);
  tape.record(
      inputs, out, [=](const Stream& s) { linear_pack(s, w, packed); },
      [](const Stream& s, View gw, Slots in) {
        if (in[0].view.data == gw.data) return;  // one memory: nothing to carry over
        unary_backward(s, Unary::kIdentity, gw, gw, in[0].mode, in[0].view);
      },
      {.shares_gradient = true, .held = held});
  return out;
}

Var pack_noisy(Tape& tape, Var mu, Var sigma, ConstView eps_in, ConstView eps_out, bool input_gradient) {
  const std::array inputs{mu, sigma};
  const View m = tape.value(mu);
  const View v = tape.value(sigma);
  SINV_CHECK(m.shape.rank() == 2, "pack_noisy: the weight is ", m.shape, ", wanted 2 dimensions");
  const Var out = tape.packed_output(m.shape[0], m.shape[1], input_gradient, inputs);
  const PackedWeight packed = tape.packed(out);
  tape.record(
      inputs, out, [=](const Stream& s) { linear_pack_noisy(s, m, v, eps_in, eps_out, packed); },
      [=](const Stream& s, View gw, Slots in) {
        noisy_backward(s, gw, eps_in, eps_out, in[0].mode, in[0].view, in[1].mode, in[1].view);
      },
      {.shares_gradient = true});
  return out;
}

Var noisy_mix(Tape& tape, Var mu, Var sigma, ConstView eps_in, ConstView eps_out) {
  const std::array inputs{mu, sigma};
  const Var out = tape.output(tape.shape(mu), inputs);
  const View m = tape.value(mu);
  const View v = tape.value(sigma);
  const View w = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { noisy_mix(s, m, v, eps_in, eps_out, w); },
      [=](const Stream& s, View gw, Slots in) {
        noisy_backward(s, gw, eps_in, eps_out, in[0].mode, in[0].view, in[1].mode, in[1].view);
      },
      {.shares_gradient = true});
  return out;
}

Var linear(Tape& tape, Var x, Var packed_weight, Var bias, Activation activation) {
  const std::array inputs{x, packed_weight, bias};
  const View from = tape.value(x);
  const PackedWeight w = tape.packed(packed_weight);
  const ConstView b = flat_row<ConstView>(tape.value(bias));
  SINV_CHECK(from.shape.rank() == 2 && from.shape[1] == w.k, "linear: x is ", from.shape, ", the weight ",
             Shape{w.k, w.n});
  SINV_CHECK(b.shape == Shape{w.n}, "linear: the bias is ", tape.shape(bias), ", the weight ", Shape{w.k, w.n});
  SINV_CHECK(!tape.wants_gradient(x) || w.backward != nullptr, "linear: x wants a gradient, but the weight ",
             Shape{w.k, w.n}, " was packed without input_gradient");
  const std::int64_t rows = from.shape[0];
  const Var out = tape.output(Shape{rows, w.n}, inputs);
  const View y = tape.value(out);
  tape.need_scratch(packed_floats(tape.stream().device, rows, w.n));
  tape.record(
      inputs, out, [=](const Stream& s) { linear_forward(s, from, w, b, activation, y); },
      [=, &tape](const Stream& s, View gy, Slots in) {
        LinearGradients gradients{in[0].view, in[1].view, in[2].view, in[0].mode, in[1].mode, in[2].mode};
        if (gradients.bias.data != nullptr) gradients.bias = flat_row(gradients.bias);
        linear_backward(s, from, w, activation, y, gy, gradients, tape.scratch());
      });
  return out;
}

Var layer_norm(Tape& tape, Var x, Var gain, Var bias, float epsilon) {
  const std::array inputs{x, gain, bias};
  const View from = tape.value(x);
  const View g = flat_row(tape.value(gain));
  const View b = flat_row(tape.value(bias));
  SINV_CHECK(from.shape.rank() == 2 && g.shape == Shape{from.shape[1]} && b.shape == g.shape, "layer_norm: x is ",
             from.shape, ", gain ", tape.shape(gain), ", bias ", tape.shape(bias));
  const Var out = tape.output(from.shape, inputs);
  const View y = tape.value(out);
  const Shape two{from.shape[0], 2};
  const View statistics{tape.floats(two.size()).data(), two};
  // Parameters that want no gradient still need room for one.
  const View unwanted{tape.floats(g.shape.size()).data(), g.shape};
  tape.record(
      inputs, out, [=](const Stream& s) { layer_norm_forward(s, from, g, b, epsilon, y, statistics); },
      [=](const Stream& s, View gy, Slots in) {
        const bool to_gain = in[1].view.data != nullptr;
        const bool to_bias = in[2].view.data != nullptr;
        layer_norm_backward(s, from, g, statistics, gy, in[0].mode, in[0].view, in[1].mode,
                            to_gain ? flat_row(in[1].view) : unwanted, in[2].mode,
                            to_bias ? flat_row(in[2].view) : unwanted);
      });
  return out;
}

Var dueling(Tape& tape, Var value, Var advantage) {
  const std::array inputs{value, advantage};
  const View v = tape.value(value);
  const View a = tape.value(advantage);
  SINV_CHECK(a.shape.rank() == 2 && v.shape == (Shape{a.shape[0], 1}), "dueling: value is ", v.shape, ", advantage ",
             a.shape);
  const Var out = tape.output(a.shape, inputs);
  const View q = tape.value(out);
  const View unwanted_value{tape.floats(v.size()).data(), v.shape};
  const View unwanted_advantage{tape.floats(a.size()).data(), a.shape};
  tape.record(
      inputs, out, [=](const Stream& s) { dueling_forward(s, v, a, q); },
      [=](const Stream& s, View gq, Slots in) {
        dueling_backward(s, gq, in[0].mode, in[0].view.data != nullptr ? in[0].view : unwanted_value, in[1].mode,
                         in[1].view.data != nullptr ? in[1].view : unwanted_advantage);
      });
  return out;
}

Var gather(Tape& tape, Var x, std::span<const std::int32_t> index) {
  const std::array inputs{x};
  const View from = tape.value(x);
  SINV_CHECK(from.shape.rank() == 2 && from.shape[0] == static_cast<std::int64_t>(index.size()), "gather: x is ",
             from.shape, ", with ", index.size(), " indices");
  const Var out = tape.output(Shape{from.shape[0]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { gather_forward(s, from, index, y); },
      [=](const Stream& s, View gy, Slots in) { gather_backward(s, index, gy, in[0].mode, in[0].view); });
  return out;
}

Var concat(Tape& tape, Var a, Var b) {
  const std::array inputs{a, b};
  const View va = tape.value(a);
  const View vb = tape.value(b);
  SINV_CHECK(va.shape.rank() == 2 && vb.shape.rank() == 2 && va.shape[0] == vb.shape[0], "concat: a is ", va.shape,
             ", b is ", vb.shape);
  const Var out = tape.output(Shape{va.shape[0], va.shape[1] + vb.shape[1]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { concat_forward(s, va, vb, y); },
      [=](const Stream& s, View gy, Slots in) {
        const View ga{in[0].view.data, va.shape};
        const View gb{in[1].view.data, vb.shape};
        concat_backward(s, gy, in[0].mode, ga, in[1].mode, gb);
      });
  return out;
}

Var scaled_sum(Tape& tape, Var x, float scale) {
  const std::array inputs{x};
  const View from = tape.value(x);
  const Var out = tape.output(Shape{}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { sum_forward(s, from, scale, y); },
      [=](const Stream& s, View gy, Slots in) { sum_backward(s, gy, scale, in[0].mode, in[0].view); });
  return out;
}

Var sum(Tape& tape, Var x) { return scaled_sum(tape, x, 1.0F); }

Var mean(Tape& tape, Var x) {
  const std::size_t count = tape.shape(x).size();
  SINV_CHECK(count > 0, "mean: x is ", tape.shape(x), ", which has no elements");
  return scaled_sum(tape, x, 1.0F / static_cast<float>(count));
}

Var huber(Tape& tape, Var prediction, Var target, Var weight, float delta) {
  const std::array inputs{prediction};
  const View p = tape.value(prediction);
  const View t = tape.value(target);
  const View w = tape.value(weight);
  SINV_CHECK(p.shape == t.shape && p.shape == w.shape, "huber: prediction is ", p.shape, ", target ", t.shape,
             ", weight ", w.shape);
  const Var out = tape.output(p.shape, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { huber_forward(s, p, t, w, delta, y); },
      [=](const Stream& s, View gy, Slots in) { huber_backward(s, p, t, w, delta, gy, in[0].mode, in[0].view); });
  return out;
}

DqnLossVars dqn_loss(Tape& tape, Var q_tm1, Var q_t_selector, Var q_t_value, DqnLossInputs in) {
  in.q_tm1 = tape.value(q_tm1);
  in.q_t_selector = tape.value(q_t_selector);
  in.q_t_value = tape.value(q_t_value);
  const std::array inputs{q_tm1};
  DqnLossVars out;
  const std::size_t rows = in.action_tm1.size();
  out.results = tape.floats(rows + 2);
  out.td_error = out.results.first(rows);
  out.mean_q = {out.results.data() + rows, Shape{}};
  out.loss = tape.output_at(out.results.data() + rows + 1, Shape{}, inputs);
  const View loss = tape.value(out.loss);
  const View mean_q = out.mean_q;
  const std::span<float> td_error = out.td_error;
  tape.record(
      inputs, out.loss,
      [=](const Stream& s) {
        dqn_loss_forward(s, in, {loss, mean_q, td_error});
      },
      [=](const Stream& s, View gloss, Slots slots) {
        dqn_loss_backward(s, in, td_error, gloss, slots[0].mode, slots[0].view);
      });
  return out;
}

}  // namespace sinv
