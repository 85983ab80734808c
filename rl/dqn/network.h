#pragma once

#include <vector>

#include "nn/layers.h"
#include "nn/parameters.h"
#include "nn/tape.h"
#include "rl/dqn/settings.h"

namespace sinv {

/// The layers of one Q-network; its parameters stand in `store` in order. Any number of forward passes can be recorded.
/// Thread: the owner's.
class DqnNetwork {
 public:
  /// Registers the parameters in `store` and draws their initial values from `init`.
  /// Errors: Error naming the setting for sizes below 1, more than 8 hidden layers or a bad activation.
  DqnNetwork(const DqnNetworkSettings& settings, int observation_size, int actions, ParameterStore& store,
             Random& init);
  /// Records the weights as they are used in a step (noise mixed in, packed for the products): once per tape.
  void record_weights(Tape& tape, ParameterVars& parameters, NoiseSource& noise);
  /// Records q [rows, actions] = network(x [rows, observation_size]). With `frozen`, no gradient reaches the weights.
  Var record(Tape& tape, Var x, bool frozen) const;

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
