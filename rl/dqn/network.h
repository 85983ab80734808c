#pragma once

#include <vector>

#include "nn/layers.h"
#include "rl/dqn/settings.h"

namespace sinv {

/// The layers of one Q-network: registers its parameters, then records its weights and any number of forward passes.
/// Parameters in order: fc0 .. (each with norm0 .. if layer_norm), then value and advantage, or output. In a split
/// head the last hidden layer is fcN_value, fcN_advantage.
/// Thread: the owner's.
class DqnNetwork {
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
  /// Errors: Error naming the setting: sizes below 1, not 1 to 8 hidden layers, an activation that is no rectifier.
  DqnNetwork(const DqnNetworkSettings& settings, int observation_size, int actions, ParameterStore& store,
             NoiseSource& noise, Random& init);
  /// Records the mixing of the noise and the packing: once per tape. held: parameters change only with
  /// Tape::refresh_held(), so plain layers need not be packed in every step.
  Weights record_weights(Tape& tape, ParameterStore& store, bool held) const;
  /// q [rows, actions] of x [rows, observation_size].
  Var record(Tape& tape, const Weights& weights, Var x) const;

  /// The same weights, from the same or another tape, through which no gradient flows.
  static Weights constants(Tape& tape, const Tape& from, const Weights& weights);

  int observation_size() const { return observation_size_; }
  int actions() const { return actions_; }

 private:
  DqnNetworkSettings settings_;
  int observation_size_;
  int actions_;
  std::vector<LinearLayer> hidden_;
  std::vector<LayerNormLayer> norms_;
  std::vector<LinearLayer> outputs_;
};

}  // namespace sinv
