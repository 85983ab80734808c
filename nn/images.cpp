#include "nn/images.h"

#include <array>

namespace sinv {
namespace {

// Parameters of one number per channel may be [1,c], as all biases are.
template <class AnyView>
AnyView flat_row(AnyView view) {
  if (view.data != nullptr) view.shape = Shape{static_cast<std::int64_t>(view.shape.size())};
  return view;
}
using Slots = std::span<const GradientSlot>;

// What a node does that only gives its input's value, in another form, to its output.
void pass_on(const Stream& s, View gy, const GradientSlot& to) {
  if (to.view.data == nullptr || to.view.data == gy.data) return;  // one memory: nothing to carry over
  gy.shape = to.view.shape;
  unary_backward(s, Unary::kIdentity, gy, gy, to.mode, to.view);
}

// The node of a convolution of `images`; x: the variable they are, if they are one.
Var record_conv(Tape& tape, const ConvShape& shape, const ConvImages& images, std::span<const Var> inputs,
                std::int64_t m, Activation activation) {
  const Var packed_weight = inputs[inputs.size() - 2];
  const PackedWeight w = tape.packed(packed_weight);
  const ConstView bias = flat_row<ConstView>(tape.value(inputs.back()));
  SINV_CHECK(w.k == shape.patch() && w.n == shape.outputs, "conv: the packed weight is ", Shape{w.k, w.n}, ", wanted ",
             Shape{shape.patch(), shape.outputs});
  SINV_CHECK(bias.shape == Shape{shape.outputs}, "conv: the bias is ", bias.shape, ", wanted ", Shape{shape.outputs});
  const Var out = tape.output(shape.output(m), inputs);
  const View y = tape.value(out);
  tape.need_scratch(conv_scratch_floats(tape.stream().device, shape));
  const bool with_x = inputs.size() == 3;
  tape.record(
      inputs, out,
      [=, &tape](const Stream& s) { conv_forward(s, shape, images, w, bias, activation, y, tape.scratch()); },
      [=, &tape](const Stream& s, View gy, Slots in) {
        const Slots parameters = in.last(2);
        LinearGradients gradients{{},
                                  parameters[0].view,
                                  flat_row(parameters[1].view),
                                  GradientMode::kOverwrite,
                                  parameters[0].mode,
                                  parameters[1].mode};
        if (with_x) gradients.x = in[0].view;
        if (with_x) gradients.x_mode = in[0].mode;
        conv_backward(s, shape, images, w, activation, y, gy, gradients, tape.scratch());
      });
  return out;
}

}  // namespace

Var reshape(Tape& tape, Var x, Shape shape) {
  const std::array inputs{x};
  const Var out = tape.alias(x, shape);
  tape.record(
      inputs, out, [](const Stream&) {}, [](const Stream& s, View gy, Slots in) { pass_on(s, gy, in[0]); },
      {.shares_gradient = true});
  return out;
}

Var conv_pack(Tape& tape, const ConvShape& shape, Var weight, bool input_gradient, bool held) {
  const std::array inputs{weight};
  const View w = tape.value(weight);
  const Device device = tape.stream().device;
  SINV_CHECK(w.shape == shape.weight(), "conv_pack: the weight is ", w.shape, ", wanted ", shape.weight());
  const Var out = tape.packed_output(w.shape, shape.patch(), shape.outputs, conv_packed_floats(device, shape),
                                     input_gradient ? conv_packed_backward_floats(device, shape) : 0, inputs);
  const PackedWeight packed = tape.packed(out);
  tape.record(
      inputs, out, [=](const Stream& s) { conv_pack(s, shape, w, packed); },
      [](const Stream& s, View gw, Slots in) { pass_on(s, gw, in[0]); }, {.shares_gradient = true, .held = held});
  return out;
}

Var conv(Tape& tape, const ConvShape& shape, Var x, Var packed_weight, Var bias, Activation activation) {
  const View from = tape.value(x);
  SINV_CHECK(from.shape.rank() == 4 && from.shape == shape.input(from.shape[0]), "conv: x is ", from.shape, ", wanted ",
             shape.input(from.shape.rank() > 0 ? from.shape[0] : 0));
  SINV_CHECK(!tape.wants_gradient(x) || tape.packed(packed_weight).backward != nullptr,
             "conv: x wants a gradient, but the weight ", shape.weight(), " was packed without input_gradient");
  return record_conv(tape, shape, from, std::array{x, packed_weight, bias}, from.shape[0], activation);
}

Var conv(Tape& tape, const ConvShape& shape, std::span<const std::uint8_t> frames, Var packed_weight, Var bias,
         Activation activation) {
  check_conv_shape(shape);
  const std::size_t stack = shape.input(1).size();
  SINV_CHECK(frames.size() % stack == 0, "conv: the frames have ", frames.size(), " bytes, wanted a multiple of ",
             stack);
  return record_conv(tape, shape, frames, std::array{packed_weight, bias},
                     static_cast<std::int64_t>(frames.size() / stack), activation);
}

Var group_norm(Tape& tape, Var x, std::int64_t groups, Var gain, Var bias, Activation activation, float epsilon) {
  const std::array inputs{x, gain, bias};
  const View from = tape.value(x);
  const View g = flat_row(tape.value(gain));
  const View b = flat_row(tape.value(bias));
  SINV_CHECK(from.shape.rank() == 4 && g.shape == Shape{from.shape[3]} && b.shape == g.shape, "group_norm: x is ",
             from.shape, ", gain ", tape.shape(gain), ", bias ", tape.shape(bias));
  const Var out = tape.output(from.shape, inputs);
  const View y = tape.value(out);
  const Shape two{from.shape[0], groups, 2};
  const View statistics{tape.floats(two.size()).data(), two};
  tape.record(
      inputs, out,
      [=](const Stream& s) { group_norm_forward(s, from, groups, g, b, epsilon, activation, y, statistics); },
      [=](const Stream& s, View gy, Slots in) {
        group_norm_backward(
            s, from, groups, g, statistics, activation, y, gy,
            {in[0].view, flat_row(in[1].view), flat_row(in[2].view), in[0].mode, in[1].mode, in[2].mode});
      });
  return out;
}

Var max_pool(Tape& tape, Var x, const PoolAxis& rows, const PoolAxis& columns) {
  const std::array inputs{x};
  const View from = tape.value(x);
  SINV_CHECK(from.shape.rank() == 4, "max_pool: x is ", from.shape, ", wanted 4 dimensions");
  const Var out = tape.output(Shape{from.shape[0], rows.count, columns.count, from.shape[3]}, inputs);
  const View y = tape.value(out);
  tape.record(
      inputs, out, [=](const Stream& s) { max_pool_forward(s, from, rows, columns, y); },
      [=](const Stream& s, View gy, Slots in) {
        max_pool_backward(s, from, rows, columns, y, gy, in[0].mode, in[0].view);
      });
  return out;
}

Var spectral_norm(Tape& tape, Var weight, Var u, int iterations, bool held) {
  const std::array inputs{weight};
  const View w = tape.value(weight);
  const View direction = flat_row(tape.value(u));
  SINV_CHECK(w.shape.rank() >= 2 && direction.shape == Shape{w.shape[w.shape.rank() - 1]}, "spectral_norm: w is ",
             w.shape, ", u ", tape.shape(u));
  const Var out = tape.output(w.shape, inputs);
  const View y = tape.value(out);
  const Shape k{static_cast<std::int64_t>(w.size() / direction.size())};
  const View v{tape.floats(k.size()).data(), k};
  const View sigma{tape.floats(1).data(), Shape{}};
  tape.record(
      inputs, out, [=](const Stream& s) { spectral_norm_forward(s, w, iterations, direction, v, sigma, y); },
      [=](const Stream& s, View gy, Slots in) {
        spectral_norm_backward(s, y, direction, v, sigma, gy, in[0].mode, in[0].view);
      },
      {.held = held});
  return out;
}

}  // namespace sinv
