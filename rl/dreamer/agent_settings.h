#pragma once

#include <cstdint>
#include <string>

#include "rl/agent.h"
#include "rl/dreamer/settings.h"

namespace sinv {

class Options;       // base/option.h
struct EnvSettings;  // game/env_settings.h

/// Everything that can be set about the Dreamer agent. Picture and number of actions come from the environment.
struct DreamerSettings {
  std::string preset = "atari";  // what the defaults of the rest come from: dreamer_presets()
  DreamerLearnerSettings learner;
  double gamma = 0.999;                // label of a step that ended nothing
  double steps_per_update = 16;        // environment steps for one update
  std::int64_t warmup_steps = 50'000;  // with random actions, before learning begins
  std::int64_t replay_steps = 1'000'000;
  float ends_share = 0;  // of the sequences, those drawn around a step that lost a life
};

/// Adds every setting under "dreamer.".
void describe(Options& options, DreamerSettings& settings);
/// Takes what stands for settings.preset. Errors: UserError naming the known ones.
void choose_preset(DreamerSettings& settings);
/// Errors: UserError naming the key.
void check(const DreamerSettings& settings);

/// Of an agent in such an environment, its learner on chosen_device(). Errors: UserError when it shows no pictures.
DreamerLearnerSettings learner_settings(const DreamerSettings& settings, const FrameShape& picture, int history,
                                        int actions, int threads = 1);

}  // namespace sinv
