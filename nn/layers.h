#pragma once

#include <string>

#include "nn/functional.h"
#include "nn/parameters.h"

namespace sinv {

/// The weight and bias of a layer as a tape uses them in a step.
struct LinearVars {
  Var weight;  // packed, or plain [in,out] from record_plain
  Var bias;
};

/// y = x w + b. Plain: w, b ~ U(-1/sqrt(in), 1/sqrt(in)). Noisy: w = mu + sigma * eps_in eps_out^T,
/// b = mu_b + sigma_b * eps_out, with mu drawn as above and sigma = sigma0 / sqrt(in).
/// Parameters: NAME.weight [in,out], NAME.bias [1,out]; noisy also NAME.weight_sigma, NAME.bias_sigma.
/// Source: Fortunato et al., arXiv:1706.10295, section 3.2.
class LinearLayer {
 public:
  /// noise: null for a plain layer.
  LinearLayer(const std::string& name, int inputs, int outputs, ParameterStore& store, Random& init, NoiseSource* noise,
              float sigma0 = 0.5F);
  /// input_gradient: something below the layer is trained. held: the parameters change only with Tape::refresh_held().
  LinearVars record(Tape& tape, ParameterStore& store, bool input_gradient, bool held = false) const;
  /// Unpacked weights, for small heads that are combined before use.
  LinearVars record_plain(Tape& tape, ParameterStore& store) const;

  int inputs() const { return inputs_; }
  int outputs() const { return outputs_; }

 private:
  Var record_bias(Tape& tape, ParameterStore& store) const;

  int inputs_;
  int outputs_;
  NoiseSource* noise_;
  std::size_t eps_in_ = 0;
  std::size_t eps_out_ = 0;
  int weight_ = -1;
  int bias_ = -1;
  int weight_sigma_ = -1;
  int bias_sigma_ = -1;
};

/// Parameters: NAME.gain [1,size] of ones, NAME.bias [1,size] of zeros.
class LayerNormLayer {
 public:
  LayerNormLayer(const std::string& name, int size, ParameterStore& store);
  LinearVars record(Tape& tape, ParameterStore& store) const;  // weight: the gain

 private:
  int gain_;
  int bias_;
};

}  // namespace sinv
