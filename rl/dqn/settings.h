#pragma once

#include <vector>

#include "kernels/activation.h"

namespace sinv {

/// What follows the hidden layers. Source: Wang et al., arXiv:1511.06581.
enum class DqnHead {
  kSingle,         // the hidden layers, then one layer to the action values
  kDuelingShared,  // the hidden layers, then a value and an advantage layer on the same features
  kDuelingSplit,   // the last hidden layer exists twice: one feeds the value, one the advantages
};

/// The multi-layer perceptron that maps features to action values. The defaults are the network of the speed
/// comparison in docs/results.md: two hidden layers of 256, all but the first layer noisy, shared dueling head.
struct DqnNetworkSettings {
  std::vector<int> hidden = {256, 256};  // sizes of the hidden layers, 1 to 8 of them
  bool noisy = true;                     // factorised noise instead of epsilon-greedy
  bool noisy_first = false;              // the first layer too; only read when noisy
  bool layer_norm = false;               // LayerNorm between each hidden layer and its activation
  DqnHead head = DqnHead::kDuelingShared;
  Activation activation = Activation::kRelu;  // of the hidden layers: kRelu or kLeakyRelu
  float sigma0 = 0.5F;                        // initial noise: sigma0 / sqrt(inputs of the layer)
};

enum class TargetUpdate {
  kCopy,     // update_target() copies the online parameters
  kAverage,  // update_target() moves the target by target_rate towards them (Polyak)
};

struct DqnLearnerSettings {
  DqnNetworkSettings network;
  int batch = 32;
  float learning_rate = 6.25e-5F;  // Rainbow's Adam, algorithms: Hessel et al., arXiv:1710.02298
  float adam_beta1 = 0.9F;
  float adam_beta2 = 0.999F;
  float adam_epsilon = 1.5e-4F;
  float clip_norm = 10.0F;   // global gradient norm; 0: no clipping
  bool double_dqn = true;    // the online network chooses the next action, the target network values it
  float huber_delta = 1.0F;  // 0: squared error, 1/2 (q - y)^2
  TargetUpdate target_update = TargetUpdate::kCopy;
  float target_rate = 0.005F;  // only read by kAverage; 1 copies
};

}  // namespace sinv
