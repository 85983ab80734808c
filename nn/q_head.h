#pragma once

#include <vector>

#include "nn/layers.h"

namespace sinv {

/// What follows the hidden layers. Source: Wang et al., arXiv:1511.06581.
enum class QHeadKind {
  kSingle,         // one layer to the action values
  kDuelingShared,  // a value and an advantage layer on the same features
  kDuelingSplit,   // the last hidden layer exists twice: one feeds the value, one the advantages
};

/// From features to action values.
struct QHeadSettings {
  std::vector<int> hidden = {512};  // sizes of the hidden layers, 1 to 8 of them
  bool noisy = false;               // factorised noise instead of epsilon-greedy
  bool noisy_first = true;          // in the first layer too; only read when noisy
  bool layer_norm = false;          // LayerNorm between each hidden layer and its activation
  QHeadKind kind = QHeadKind::kDuelingShared;
  Activation activation = Activation::kRelu;  // of the hidden layers: kRelu or kLeakyRelu
  float sigma0 = 0.5F;                        // initial noise: sigma0 / sqrt(inputs of the layer)
};

/// The fully connected layers of a Q-network. Parameters in order: fc0 .. (each with norm0 .. if layer_norm), then
/// value and advantage, or output. In a split head the last hidden layer is fcN_value, fcN_advantage.
/// Thread: the owner's.
class QHead {
 public:
  /// The weights of one step on one tape.
  struct Weights {
    std::vector<LinearVars> hidden;  // in a split head the last two are value's and advantage's
    std::vector<LinearVars> norms;
    LinearVars output;  // kSingle, and kDuelingShared folded into one layer
    LinearVars value;   // kDuelingSplit
    LinearVars advantage;
  };

  /// Draws initial values from `init`; takes noise from `noise`. The caller finishes both stores.
  /// Errors: Error naming the setting: sizes below 1, not 1 to 8 hidden layers, sigma0 below 0, an activation that is
  /// no rectifier.
  QHead(const QHeadSettings& settings, int features, int actions, ParameterStore& store, NoiseSource& noise,
        Random& init);
  /// Records the mixing of the noise and the packing: once per tape. input_gradient: the features are trained. held:
  /// parameters change only with Tape::refresh_held(), so plain layers need not be packed in every step.
  Weights record_weights(Tape& tape, ParameterStore& store, bool input_gradient, bool held) const;
  /// q [m, actions] of x [m, features].
  Var record(Tape& tape, const Weights& weights, Var x) const;

  /// The same weights, from the same or another tape, through which no gradient flows.
  static Weights constants(Tape& tape, const Tape& from, const Weights& weights);

  int actions() const { return actions_; }

 private:
  QHeadSettings settings_;
  int actions_;
  std::vector<LinearLayer> hidden_;
  std::vector<LayerNormLayer> norms_;
  std::vector<LinearLayer> outputs_;
};

}  // namespace sinv
