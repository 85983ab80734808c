#pragma once

#include <string>
#include <vector>

#include "nn/world_loss.h"

namespace sinv {

/// What a DreamerV2 learner is made of. The defaults are the paper's for Atari; rates, clipping, decay and the copy
/// period are those of its release. Source: Hafner et al., arXiv:2010.02193.
struct DreamerLearnerSettings {
  WorldModelSettings world;
  WorldLossSettings loss;
  BehaviourSettings behaviour;
  float world_rate = 2e-4F;
  float actor_rate = 4e-5F;
  float critic_rate = 1e-4F;
  float adam_epsilon = 1e-5F;
  float clip_norm = 100.0F;       // global gradient norm of each of the three; 0: no clipping
  float weight_decay = 1e-6F;     // of all parameters in each step, not scaled by the rate
  int slow_copy_updates = 100;    // the slow critic becomes the critic after so many updates
  int rewards_first_updates = 0;  // in which the model learns rewards and ends alone: pictures would outweigh them
  int model_first_updates = 0;    // before actor and critic begin to learn: what an untaught model dreams misleads them
  bool follow_ship = false;       // pictures are moved so that the newest one's ship stands in the middle (camera.h)
  int behaviour_period = 1;       // actor and critic learn in every so many-th update
  Device device = Device::kCpu;
  int threads = 1;  // of the CPU that share an update's large loops; the result does not depend on it
};

/// atari: the defaults. small: for a CPU; the sizes of the Dreamer program that the benches compare with, 8 sequences
/// of
/// 32. predecessor: those of the system this engine replaces: 192 x 192 pixels, latent 512, GRU 256, 32 sequences of
/// 16, horizon 10.
std::vector<std::string> dreamer_presets();
/// Errors: UserError naming the known ones.
DreamerLearnerSettings dreamer_preset(const std::string& name);

}  // namespace sinv
