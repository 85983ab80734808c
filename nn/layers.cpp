#include "nn/layers.h"

#include <cmath>

namespace sinv {

LinearLayer::LinearLayer(const std::string& name, int inputs, int outputs, ParameterStore& store, Random& init,
                         NoiseSource* noise, float sigma0)
    : inputs_(inputs), outputs_(outputs), noise_(noise) {
  SINV_CHECK(inputs > 0 && outputs > 0, name, ": ", inputs, " inputs and ", outputs, " outputs, wanted at least 1");
  const float bound = 1.0F / std::sqrt(static_cast<float>(inputs));
  const Shape weight{inputs, outputs};
  const Shape bias{1, outputs};
  weight_ = store.add_uniform(name + ".weight", weight, bound, init);
  bias_ = store.add_uniform(name + ".bias", bias, bound, init);
  if (noise == nullptr) return;
  weight_sigma_ = store.add_constant(name + ".weight_sigma", weight, sigma0 * bound);
  bias_sigma_ = store.add_constant(name + ".bias_sigma", bias, sigma0 * bound);
  eps_in_ = noise->take(static_cast<std::size_t>(inputs));
  eps_out_ = noise->take(static_cast<std::size_t>(outputs));
}

Var LinearLayer::record_bias(Tape& tape, ParameterStore& store) const {
  const Var bias = store.on(tape, bias_);
  if (noise_ == nullptr) return bias;
  return noisy_mix(tape, bias, store.on(tape, bias_sigma_), {tape.one(), Shape{1}}, noise_->eps(eps_out_, outputs_));
}

LinearVars LinearLayer::record(Tape& tape, ParameterStore& store, bool input_gradient, bool held) const {
  const Var weight = store.on(tape, weight_);
  if (noise_ == nullptr) return {pack(tape, weight, input_gradient, held), record_bias(tape, store)};
  const Var packed = pack_noisy(tape, weight, store.on(tape, weight_sigma_), noise_->eps(eps_in_, inputs_),
                                noise_->eps(eps_out_, outputs_), input_gradient);
  return {packed, record_bias(tape, store)};
}

LinearVars LinearLayer::record_plain(Tape& tape, ParameterStore& store) const {
  const Var weight = store.on(tape, weight_);
  if (noise_ == nullptr) return {weight, record_bias(tape, store)};
  const Var mixed = noisy_mix(tape, weight, store.on(tape, weight_sigma_), noise_->eps(eps_in_, inputs_),
                              noise_->eps(eps_out_, outputs_));
  return {mixed, record_bias(tape, store)};
}

LayerNormLayer::LayerNormLayer(const std::string& name, int size, ParameterStore& store)
    : gain_(store.add_constant(name + ".gain", Shape{1, size}, 1.0F)),
      bias_(store.add(name + ".bias", Shape{1, size})) {}

LinearVars LayerNormLayer::record(Tape& tape, ParameterStore& store) const {
  return {store.on(tape, gain_), store.on(tape, bias_)};
}

}  // namespace sinv
