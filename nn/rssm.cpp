#include "nn/rssm.h"

#include <array>
#include <vector>

namespace sinv {
namespace {

// Parameters of one number per column may be [1,n], as all biases are.
template <class AnyView>
AnyView flat_row(AnyView view) {
  if (view.data != nullptr) view.shape = Shape{static_cast<std::int64_t>(view.shape.size())};
  return view;
}
using Slots = std::span<const GradientSlot>;

View room(Tape& tape, Shape shape) { return {tape.floats(shape.size()).data(), shape}; }

}  // namespace

Var gru(Tape& tape, Var gates, Var gain, Var bias, Var h, float epsilon) {
  const std::array inputs{gates, gain, bias, h};
  const View from = tape.value(gates);
  const View g = flat_row(tape.value(gain));
  const View b = flat_row(tape.value(bias));
  const View before = tape.value(h);
  SINV_CHECK(before.shape.rank() == 2 && from.shape == (Shape{before.shape[0], 3 * before.shape[1]}), "gru: h is ",
             before.shape, ", the gates ", from.shape);
  const Var out = tape.output(before.shape, inputs);
  const View next = tape.value(out);
  const bool trained = tape.wants_gradient(out);
  const View statistics = trained ? room(tape, Shape{before.shape[0], 2}) : View{};
  const View kept = trained ? room(tape, from.shape) : View{};
  tape.record(
      inputs, out, [=](const Stream& s) { gru_forward(s, from, g, b, epsilon, before, next, statistics, kept); },
      [=](const Stream& s, View gnext, Slots in) {
        gru_backward(s, from, g, b, before, statistics, kept, gnext,
                     {in[0].view, flat_row(in[1].view), flat_row(in[2].view), in[3].view, in[0].mode, in[1].mode,
                      in[2].mode, in[3].mode});
      });
  return out;
}

Var categorical(Tape& tape, Var logits, std::int64_t classes, Var noise) {
  const std::array inputs{logits};
  const View from = tape.value(logits);
  const View u = tape.value(noise);
  const Var out = tape.output(from.shape, inputs);
  const View sample = tape.value(out);
  const View probability = room(tape, from.shape);
  tape.record(
      inputs, out, [=](const Stream& s) { categorical_forward(s, from, classes, u, probability, sample); },
      [=](const Stream& s, View gy, Slots in) {
        categorical_backward(s, probability, classes, gy, in[0].mode, in[0].view);
      });
  return out;
}

KlVars kl_balance(Tape& tape, Var posterior, Var prior, std::int64_t classes, Var weight, float free_nats,
                  float balance) {
  const std::array inputs{posterior, prior};
  const View p = tape.value(posterior);
  const View q = tape.value(prior);
  const View w = tape.value(weight);
  SINV_CHECK(p.shape.rank() == 2, "kl_balance: posterior is ", p.shape, ", wanted 2 dimensions");
  KlVars out;
  out.loss = tape.output(Shape{}, inputs);
  out.divergence = room(tape, Shape{p.shape[0]});
  const View loss = tape.value(out.loss);
  const View divergence = out.divergence;
  tape.record(
      inputs, out.loss, [=](const Stream& s) { kl_balance_forward(s, p, q, classes, w, free_nats, divergence, loss); },
      [=](const Stream& s, View gloss, Slots in) {
        kl_balance_backward(s, p, q, classes, w, free_nats, balance, divergence, gloss,
                            {in[0].view, in[1].view, in[0].mode, in[1].mode});
      });
  return out;
}

Var lambda_return(Tape& tape, Var reward, Var discount, Var value, float lambda) {
  const std::array inputs{reward, discount, value};
  const View r = tape.value(reward);
  const View d = tape.value(discount);
  const View v = tape.value(value);
  const Var out = tape.output(r.shape, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { lambda_return_forward(s, r, d, v, lambda, y); },
      [=](const Stream& s, View gy, Slots in) {
        lambda_return_backward(s, d, v, lambda, y, gy,
                               {in[0].view, in[1].view, in[2].view, in[0].mode, in[1].mode, in[2].mode});
      });
  return out;
}

Var discount_weight(Tape& tape, Var discount) {
  const std::array inputs{tape.stop_gradient(discount)};
  const View d = tape.value(discount);
  const Var out = tape.output(d.shape, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { discount_weight(s, d, y); }, [](const Stream&, View, Slots) {});
  return out;
}

Var policy_score(Tape& tape, Var logits, Var action, Var advantage, float entropy_scale) {
  const std::array inputs{logits};
  const View from = tape.value(logits);
  const View a = tape.value(action);
  const View advantages = tape.value(advantage);
  SINV_CHECK(from.shape.rank() == 2, "policy_score: logits is ", from.shape, ", wanted 2 dimensions");
  const Var out = tape.output(Shape{from.shape[0]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { policy_score_forward(s, from, a, advantages, entropy_scale, y); },
      [=](const Stream& s, View gy, Slots in) {
        policy_score_backward(s, from, a, advantages, entropy_scale, gy, in[0].mode, in[0].view);
      });
  return out;
}

Var bernoulli(Tape& tape, Var logit, Var label) {
  const std::array inputs{logit};
  const View from = tape.value(logit);
  const View target = tape.value(label);
  const Var out = tape.output(from.shape, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { bernoulli_forward(s, from, target, y); },
      [=](const Stream& s, View gy, Slots in) { bernoulli_backward(s, from, target, gy, in[0].mode, in[0].view); });
  return out;
}

Var scale_rows(Tape& tape, Var x, Var factor) {
  const std::array inputs{x};
  const View from = tape.value(x);
  const View f = tape.value(factor);
  const Var out = tape.output(from.shape, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { scale_rows_forward(s, from, f, y); },
      [=](const Stream& s, View gy, Slots in) { scale_rows_backward(s, f, gy, in[0].mode, in[0].view); });
  return out;
}

Var rows(Tape& tape, Var x, std::int64_t first, std::int64_t count) {
  const Shape shape = tape.shape(x);
  SINV_CHECK(shape.rank() == 2 && first >= 0 && count >= 0 && first + count <= shape[0], "rows: rows ", first, " to ",
             first + count, " of x ", shape);
  const std::array inputs{x};
  const Var out = tape.part(x, first * shape[1], Shape{count, shape[1]});
  tape.record(
      inputs, out, [](const Stream&) {},
      [=](const Stream& s, View gy, Slots in) {
        if (in[0].view.data != nullptr) rows_backward(s, first, gy, in[0].mode, in[0].view);
      });
  return out;
}

Var stack(Tape& tape, std::span<const Var> parts) {
  SINV_CHECK(!parts.empty() && tape.shape(parts[0]).rank() == 2, "stack: wanted parts of 2 dimensions");
  const std::int64_t n = tape.shape(parts[0])[1];
  std::int64_t total = 0;
  std::vector<View> from;
  for (const Var part : parts) {
    from.push_back(tape.value(part));
    SINV_CHECK(from.back().shape.rank() == 2 && from.back().shape[1] == n, "stack: a part is ", from.back().shape,
               ", wanted ", n, " columns");
    total += from.back().shape[0];
  }
  const Var out = tape.output(Shape{total, n}, parts);
  const View y = tape.value(out);
  tape.record(
      parts, out,
      [=](const Stream& s) {
        float* to = y.data;
        for (const View& part : from) {
          unary_forward(s, Unary::kIdentity, part, {to, part.shape});
          to += part.size();
        }
      },
      [=](const Stream& s, View gy, Slots in) {
        const float* g = gy.data;
        for (std::size_t i = 0; i < from.size(); ++i) {
          const ConstView part{g, from[i].shape};
          if (in[i].view.data != nullptr) unary_backward(s, Unary::kIdentity, part, part, in[i].mode, in[i].view);
          g += part.size();
        }
      });
  return out;
}

Var deconv_pack(Tape& tape, const DeconvShape& shape, Var weight, bool input_gradient, bool held) {
  const std::array inputs{weight};
  const View w = tape.value(weight);
  const Device device = tape.stream().device;
  SINV_CHECK(w.shape == shape.weight(), "deconv_pack: the weight is ", w.shape, ", wanted ", shape.weight());
  const Var out = tape.packed_output(w.shape, shape.channels, shape.outputs, deconv_packed_floats(device, shape),
                                     input_gradient ? deconv_packed_backward_floats(device, shape) : 0, inputs);
  const PackedWeight packed = tape.packed(out);
  tape.record(
      inputs, out, [=](const Stream& s) { deconv_pack(s, shape, w, packed); },
      [](const Stream& s, View gw, Slots in) {
        if (in[0].view.data == nullptr || in[0].view.data == gw.data) return;  // one memory: nothing to carry over
        unary_backward(s, Unary::kIdentity, gw, gw, in[0].mode, in[0].view);
      },
      {.shares_gradient = true, .held = held});
  return out;
}

Var deconv(Tape& tape, const DeconvShape& shape, Var x, Var packed_weight, Var bias, Activation activation) {
  const std::array inputs{x, packed_weight, bias};
  const View from = tape.value(x);
  const PackedWeight w = tape.packed(packed_weight);
  const ConstView b = flat_row<ConstView>(tape.value(bias));
  SINV_CHECK(from.shape.rank() == 4, "deconv: x is ", from.shape, ", wanted 4 dimensions");
  SINV_CHECK(!tape.wants_gradient(x) || w.backward != nullptr, "deconv: x wants a gradient, but the weight ",
             shape.weight(), " was packed without input_gradient");
  const std::int64_t m = from.shape[0];
  const Var out = tape.output(shape.output(m), inputs);
  const View y = tape.value(out);
  tape.need_scratch(deconv_scratch_floats(tape.stream().device, shape, m));
  tape.record(
      inputs, out, [=, &tape](const Stream& s) { deconv_forward(s, shape, from, w, b, activation, y, tape.scratch()); },
      [=, &tape](const Stream& s, View gy, Slots in) {
        const LinearGradients gradients{in[0].view, in[1].view, flat_row(in[2].view),
                                        in[0].mode, in[1].mode, in[2].mode};
        deconv_backward(s, shape, from, w, activation, y, gy, gradients, tape.scratch());
      });
  return out;
}

Var frames(Tape& tape, std::span<const std::uint8_t> frames, float offset, Shape images) {
  const Var out = tape.output(images, {});
  const View y = tape.value(out);
  SINV_CHECK(frames.size() == images.size(), "frames: ", frames.size(), " bytes, wanted ", images);
  tape.record(
      {}, out, [=](const Stream& s) { frames_forward(s, frames, offset, y); }, [](const Stream&, View, Slots) {});
  return out;
}

Var picture_changes(Tape& tape, Var x, std::int64_t channels, float scale) {
  const View from = tape.value(x);
  const Var out = tape.output(from.shape, {});
  const View y = tape.value(out);
  tape.record(
      {}, out, [=](const Stream& s) { picture_changes_forward(s, from, channels, scale, y); },
      [](const Stream&, View, Slots) {});
  return out;
}

Var image_error(Tape& tape, Var prediction, Var target, const ImageWeights& weights) {
  const std::array inputs{prediction};
  const View p = tape.value(prediction);
  const View t = tape.value(target);
  SINV_CHECK(p.shape.rank() == 4, "image_error: prediction is ", p.shape, ", wanted 4 dimensions");
  const Var out = tape.output(Shape{p.shape[0]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { image_error_forward(s, p, t, weights, y); },
      [=](const Stream& s, View gy, Slots in) { image_error_backward(s, p, t, weights, gy, in[0].mode, in[0].view); });
  return out;
}

}  // namespace sinv
