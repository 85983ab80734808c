#pragma once

#include <string>

#include "nn/images.h"
#include "nn/layers.h"

namespace sinv {

/// activation(x * w + b) on images. w, b ~ U(-1/sqrt(patch), 1/sqrt(patch)), as PyTorch's default and the first DQN.
/// Parameters: NAME.weight [kernel,kernel,in,out], NAME.bias [1,out]; spectral also NAME.u [1,out], a unit vector that
/// is state and not trained: its gradient stays 0, which leaves it to the optimiser as it is.
/// Source of the spectral form: Miyato et al., arXiv:1802.05957; like PyTorch, 15 power iterations at the start.
class ConvLayer {
 public:
  ConvLayer(const std::string& name, const ConvShape& shape, bool spectral, ParameterStore& store, Random& init);
  /// input_gradient: something below the layer is trained. held: the parameters change only with Tape::refresh_held();
  /// then u stays as it is, too, else each forward() makes one power iteration.
  LinearVars record(Tape& tape, ParameterStore& store, bool input_gradient, bool held) const;
  const ConvShape& shape() const { return shape_; }

 private:
  ConvShape shape_;
  int weight_;
  int bias_;
  int u_ = -1;
};

/// Parameters: NAME.gain [1,channels] of ones, NAME.bias [1,channels] of zeros.
class GroupNormLayer {
 public:
  /// Errors: Error if groups does not divide channels.
  GroupNormLayer(const std::string& name, std::int64_t channels, std::int64_t groups, ParameterStore& store);
  LinearVars record(Tape& tape, ParameterStore& store) const;  // weight: the gain
  std::int64_t groups() const { return groups_; }

 private:
  std::int64_t groups_;
  int gain_;
  int bias_;
};

}  // namespace sinv
