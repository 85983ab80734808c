#include "nn/dense.h"

#include <cmath>

#include "nn/images.h"

namespace sinv {
namespace {

float glorot(std::int64_t fan_in, std::int64_t fan_out) {
  return std::sqrt(6.0F / static_cast<float>(fan_in + fan_out));
}
Var parameter(Tape& tape, ParameterStore& store, int number, const LayerUse& use) {
  const Var x = store.on(tape, number);
  return use.frozen ? tape.stop_gradient(x) : x;
}

}  // namespace

DenseLayer::DenseLayer(const std::string& name, int inputs, int outputs, ParameterStore& store, Random& init,
                       int sparse, bool with_bias, int fan_in)
    : outputs_(outputs),
      sparse_(sparse),
      weight_(store.add_uniform(name + ".weight", Shape{inputs, outputs}, glorot(fan_in > 0 ? fan_in : inputs, outputs),
                                init)) {
  if (with_bias) bias_ = store.add(name + ".bias", Shape{1, outputs});
}

LinearVars DenseLayer::record(Tape& tape, ParameterStore& store, const LayerUse& use) const {
  const Var bias = bias_ >= 0 ? parameter(tape, store, bias_, use) : tape.input(Shape{1, outputs_});
  return {pack(tape, parameter(tape, store, weight_, use), use.input_gradient, use.held, sparse_), bias};
}

DenseHead::DenseHead(const std::string& name, int inputs, int sparse, int units, int layers, int outputs,
                     ParameterStore& store, Random& init) {
  for (int i = 0; i < layers; ++i) {
    layers_.emplace_back(text(name, ".fc", i), i == 0 ? inputs : units, units, store, init, i == 0 ? sparse : 0);
  }
  layers_.emplace_back(name + ".output", layers == 0 ? inputs : units, outputs, store, init, layers == 0 ? sparse : 0);
}

std::vector<LinearVars> DenseHead::record(Tape& tape, ParameterStore& store, const LayerUse& use) const {
  std::vector<LinearVars> vars;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    // Behind a trained layer the gradient goes on, whatever is below the head.
    vars.push_back(
        layers_[i].record(tape, store, {use.input_gradient || (i > 0 && !use.frozen), use.frozen, use.held}));
  }
  return vars;
}

Var apply_head(Tape& tape, const std::vector<LinearVars>& head, Var x) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const bool last = i + 1 == head.size();
    x = linear(tape, x, head[i].weight, head[i].bias, last ? Activation::kIdentity : Activation::kElu);
  }
  return x;
}

GlorotConv::GlorotConv(const std::string& name, const ConvShape& shape, ParameterStore& store, Random& init)
    : shape_(shape) {
  check_conv_shape(shape);
  const std::int64_t taps = shape.taps();
  weight_ =
      store.add_uniform(name + ".weight", shape.weight(), glorot(taps * shape.channels, taps * shape.outputs), init);
  bias_ = store.add(name + ".bias", Shape{1, shape.outputs});
}

LinearVars GlorotConv::record(Tape& tape, ParameterStore& store, const LayerUse& use) const {
  return {conv_pack(tape, shape_, parameter(tape, store, weight_, use), use.input_gradient, use.held),
          parameter(tape, store, bias_, use)};
}

GlorotDeconv::GlorotDeconv(const std::string& name, const DeconvShape& shape, ParameterStore& store, Random& init)
    : shape_(shape) {
  const std::int64_t taps = shape.kernel * shape.kernel;
  weight_ =
      store.add_uniform(name + ".weight", shape.weight(), glorot(taps * shape.channels, taps * shape.outputs), init);
  bias_ = store.add(name + ".bias", Shape{1, shape.outputs});
}

LinearVars GlorotDeconv::record(Tape& tape, ParameterStore& store, const LayerUse& use) const {
  return {deconv_pack(tape, shape_, parameter(tape, store, weight_, use), use.input_gradient, use.held),
          parameter(tape, store, bias_, use)};
}

}  // namespace sinv
