#pragma once

#include <cstdint>

#include "kernels/device.h"
#include "nn/q_network.h"

namespace sinv {

/// The multi-layer perceptron that maps features to action values. The defaults are the network of the speed
/// comparison in docs/results.md: two hidden layers of 256, all but the first layer noisy, shared dueling head.
inline QNetworkSettings mlp_network() {
  QNetworkSettings network;
  network.head = {.hidden = {256, 256}, .noisy = true, .noisy_first = false};
  return network;
}

enum class TargetUpdate {
  kCopy,     // update_target() copies the online parameters
  kAverage,  // update_target() moves the target by target_rate towards them (Polyak)
};

/// Where a device reads the rows of a replay.
enum class ReplayPlace : std::uint8_t {
  kAuto,    // on the device if they take no more than half of the memory that is left there
  kHost,    // in pinned memory of the host, in place
  kDevice,  // in a copy on the device, which new rows are brought to
};

struct DqnLearnerSettings {
  QNetworkSettings network = mlp_network();
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
  Device device = Device::kCpu;
  int threads = 1;  // of the CPU that share an update's large loops; the result does not depend on it
};

}  // namespace sinv
