#include "nn/q_head.h"

namespace sinv {

QHead::QHead(const QHeadSettings& settings, int features, int actions, ParameterStore& store, NoiseSource& noise,
             Random& init)
    : settings_(settings), actions_(actions) {
  SINV_CHECK(features > 0 && actions > 0, "q head: ", features, " features and ", actions,
             " actions, wanted at least 1");
  const std::size_t count = settings.hidden.size();
  SINV_CHECK(count >= 1 && count <= 8, "q head: ", count, " hidden layers, wanted 1 to 8");
  SINV_CHECK(settings.activation == Activation::kRelu || settings.activation == Activation::kLeakyRelu,
             "q head: activation ", kUnaryNames[static_cast<int>(settings.activation)], ", known: relu, leaky_relu");
  SINV_CHECK(settings.sigma0 >= 0, "q head: sigma0 is ", settings.sigma0, ", wanted 0 or above");
  NoiseSource* layer_noise = settings.noisy ? &noise : nullptr;
  int inputs = features;
  for (std::size_t i = 0; i < count; ++i) {
    const int size = settings.hidden[i];
    SINV_CHECK(size > 0, "q head: hidden layer ", i, " has size ", size, ", wanted at least 1");
    NoiseSource* from = i == 0 && !settings.noisy_first ? nullptr : layer_noise;
    const bool split = settings.kind == QHeadKind::kDuelingSplit && i + 1 == count;
    const std::vector<std::string> ends =
        split ? std::vector<std::string>{"_value", "_advantage"} : std::vector<std::string>{""};
    for (const std::string& end : ends) {
      hidden_.emplace_back(text("fc", i, end), inputs, size, store, init, from, settings.sigma0);
      if (settings.layer_norm) norms_.emplace_back(text("norm", i, end), size, store);
    }
    inputs = size;
  }
  if (settings.kind == QHeadKind::kSingle) {
    outputs_.emplace_back("output", inputs, actions, store, init, layer_noise, settings.sigma0);
  } else {
    outputs_.emplace_back("value", inputs, 1, store, init, layer_noise, settings.sigma0);
    outputs_.emplace_back("advantage", inputs, actions, store, init, layer_noise, settings.sigma0);
  }
}

QHead::Weights QHead::record_weights(Tape& tape, ParameterStore& store, bool input_gradient, bool held) const {
  Weights weights;
  const bool split = settings_.kind == QHeadKind::kDuelingSplit;
  for (std::size_t i = 0; i < hidden_.size(); ++i) {
    // A split head has two last layers; only when they are the first as well do they see the features.
    const bool first = i == 0 || (split && settings_.hidden.size() == 1 && i == 1);
    weights.hidden.push_back(hidden_[i].record(tape, store, !held && (!first || input_gradient), held));
  }
  for (const LayerNormLayer& norm : norms_) weights.norms.push_back(norm.record(tape, store));
  if (settings_.kind == QHeadKind::kDuelingShared) {
    // Q is linear in the features, so V and A fold into one layer (docs/decisions.md).
    const LinearVars value = outputs_[0].record_plain(tape, store);
    const LinearVars advantage = outputs_[1].record_plain(tape, store);
    weights.output.weight = pack(tape, dueling(tape, value.weight, advantage.weight), !held);
    weights.output.bias = dueling(tape, value.bias, advantage.bias);
  } else if (split) {
    weights.value = outputs_[0].record(tape, store, !held, held);
    weights.advantage = outputs_[1].record(tape, store, !held, held);
  } else {
    weights.output = outputs_[0].record(tape, store, !held, held);
  }
  return weights;
}

Var QHead::record(Tape& tape, const Weights& weights, Var x) const {
  const auto hidden = [&](Var in, std::size_t i) {
    const LinearVars& layer = weights.hidden[i];
    if (!settings_.layer_norm) return linear(tape, in, layer.weight, layer.bias, settings_.activation);
    const Var sum = linear(tape, in, layer.weight, layer.bias, Activation::kIdentity);
    return unary(tape, settings_.activation, layer_norm(tape, sum, weights.norms[i].weight, weights.norms[i].bias));
  };
  const bool split = settings_.kind == QHeadKind::kDuelingSplit;
  const std::size_t shared = settings_.hidden.size() - (split ? 1U : 0U);
  for (std::size_t i = 0; i < shared; ++i) x = hidden(x, i);
  if (!split) return linear(tape, x, weights.output.weight, weights.output.bias, Activation::kIdentity);
  const Var value = linear(tape, hidden(x, shared), weights.value.weight, weights.value.bias, Activation::kIdentity);
  const Var advantage =
      linear(tape, hidden(x, shared + 1), weights.advantage.weight, weights.advantage.bias, Activation::kIdentity);
  return dueling(tape, value, advantage);
}

QHead::Weights QHead::constants(Tape& tape, const Tape& from, const Weights& weights) {
  const auto constant = [&](const LinearVars& vars) {
    if (vars.weight.id < 0) return vars;
    return LinearVars{tape.constant_of(from, vars.weight), tape.constant_of(from, vars.bias)};
  };
  Weights out;
  for (const LinearVars& vars : weights.hidden) out.hidden.push_back(constant(vars));
  for (const LinearVars& vars : weights.norms) out.norms.push_back(constant(vars));
  out.output = constant(weights.output);
  out.value = constant(weights.value);
  out.advantage = constant(weights.advantage);
  return out;
}

}  // namespace sinv
