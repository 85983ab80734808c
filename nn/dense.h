#pragma once

#include <string>
#include <vector>

#include "nn/layers.h"
#include "nn/rssm.h"

/// Layers as world models use them: Glorot-uniform weights, U(+-sqrt(6 / (fan in + fan out))), and zero biases, as the
/// Keras layers of the DreamerV2 release. Source: Glorot and Bengio, "Understanding the difficulty of training deep
/// feedforward neural networks", 2010.
namespace sinv {

/// How a layer's parameters come onto a tape.
struct LayerUse {
  bool input_gradient = true;  // something below the layer is trained
  bool frozen = false;         // no gradient to the parameters
  bool held = false;           // they change only with Tape::refresh_held()
};

/// Parameters: NAME.weight [in,out], NAME.bias [1,out] (with_bias).
class DenseLayer {
 public:
  /// fan_in: of the whole layer, where it is made of several; 0: inputs. sparse: as in pack().
  DenseLayer(const std::string& name, int inputs, int outputs, ParameterStore& store, Random& init, int sparse = 0,
             bool with_bias = true, int fan_in = 0);
  /// Without a bias parameter, the bias is a constant of zeros.
  LinearVars record(Tape& tape, ParameterStore& store, const LayerUse& use) const;
  int outputs() const { return outputs_; }

 private:
  int outputs_;
  int sparse_;
  int weight_;
  int bias_ = -1;
};

/// `layers` dense layers of `units` ELU, then a linear one. Parameters: NAME.fc0, NAME.fc1, ..., NAME.output.
/// sparse: of the first layer, as in pack().
class DenseHead {
 public:
  DenseHead(const std::string& name, int inputs, int sparse, int units, int layers, int outputs, ParameterStore& store,
            Random& init);
  std::vector<LinearVars> record(Tape& tape, ParameterStore& store, const LayerUse& use) const;

 private:
  std::vector<DenseLayer> layers_;
};
/// The output [m,outputs] of a recorded head.
Var apply_head(Tape& tape, const std::vector<LinearVars>& head, Var x);

/// Parameters: NAME.weight [kernel,kernel,in,out], NAME.bias [1,out].
class GlorotConv {
 public:
  GlorotConv(const std::string& name, const ConvShape& shape, ParameterStore& store, Random& init);
  LinearVars record(Tape& tape, ParameterStore& store, const LayerUse& use) const;
  const ConvShape& shape() const { return shape_; }

 private:
  ConvShape shape_;
  int weight_;
  int bias_;
};

/// Parameters: NAME.weight [kernel,kernel,out,in], NAME.bias [1,out].
class GlorotDeconv {
 public:
  GlorotDeconv(const std::string& name, const DeconvShape& shape, ParameterStore& store, Random& init);
  LinearVars record(Tape& tape, ParameterStore& store, const LayerUse& use) const;
  const DeconvShape& shape() const { return shape_; }

 private:
  DeconvShape shape_;
  int weight_;
  int bias_;
};

}  // namespace sinv
