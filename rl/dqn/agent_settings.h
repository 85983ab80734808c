#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rl/dqn/settings.h"
#include "rl/replay_index.h"
#include "rl/schedule.h"

namespace sinv {

class Options;  // base/option.h

/// The network without a trunk, on feature vectors.
inline constexpr const char* kMlp = "mlp";

/// Everything that can be set about the DQN agents. Every part can be switched off alone: double_dqn, head = single,
/// noisy, prioritised, n_step = 1, the target network's averaging, epsilon, the ladder, clipping.
/// The defaults were chosen by measuring: docs/results.md.
struct DqnSettings {
  // Network.
  std::string network = kMlp;  // mlp | deepmind | original | precise | impala (nn/conv_trunk.h)
  std::vector<int> hidden = {256, 256};
  std::string head = "dueling-shared";  // single | dueling-shared | dueling-split
  std::string activation = "relu";      // relu | leaky-relu
  bool noisy = true;
  bool noisy_first = false;
  double sigma0 = 0.5;
  bool layer_norm = false;

  // Learning.
  int batch = 128;
  double learning_rate = 2.5e-4;
  double learning_rate_final = 2.5e-5;
  std::string learning_rate_curve = "linear";  // constant | linear | cosine
  double adam_epsilon = 1.5e-4;
  double adam_beta1 = 0.9;
  double adam_beta2 = 0.999;
  double clip_norm = 10.0;
  bool double_dqn = true;
  double huber_delta = 1.0;
  double gamma = 0.995;
  int n_step = 5;
  double steps_per_update = 64;  // environment steps for one update: batch / this = samples per new step
  std::int64_t warmup_steps = 20'000;
  std::string target_update = "copy";         // copy | average
  std::int64_t target_period_updates = 1000;  // copy
  double target_rate = 0.005;                 // average, after every update
  int plateau_patience_evals = 0;             // 0: no reduction on plateau
  double plateau_factor = 0.5;

  // Replay.
  std::int64_t replay_steps = 500'000;
  std::string replay_rows = "float32";  // float32 | int16
  std::string replay_memory = "auto";   // auto | host | device: where a GPU reads the rows; changes no result
  bool prioritised = true;
  double alpha = 0.5;
  double beta = 0.4;
  double beta_final = 1.0;
  double priority_floor = 1e-3;

  // Exploration.
  double epsilon = 1.0;
  double epsilon_final = 0.01;
  std::int64_t epsilon_frames = 600'000;  // after the warm-up
  double epsilon_ladder = 0.0;            // 0: all environments alike; 7: Ape-X

  // How long beta and the learning rate take.
  std::int64_t horizon_frames = 20'000'000;
};

/// Adds every setting under "dqn.".
void describe(Options& options, DqnSettings& settings);
/// Takes what stands for an agent that sees pictures: `network` (columns if it is mlp), its layers, and values of the
/// other settings that suit it.
void choose_picture_defaults(DqnSettings& settings);
/// Errors: UserError naming the key.
void check(const DqnSettings& settings);

/// On chosen_device().
DqnLearnerSettings learner_settings(const DqnSettings& settings, int threads = 1);
ReplayPlace replay_place(const DqnSettings& settings);
ReplaySettings replay_settings(const DqnSettings& settings, int envs, int history);
/// The frames that a step took on average matter to a schedule: warm-up is counted in steps, the rest in frames.
FrameSchedule learning_rate_schedule(const DqnSettings& settings);
FrameSchedule beta_schedule(const DqnSettings& settings);

}  // namespace sinv
