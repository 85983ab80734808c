#pragma once

#include "rl/agent_list.h"

namespace sinv {

inline void small_dreamer_agent(DreamerSettings& settings) {
  WorldModelSettings& world = settings.learner.world;
  world.depth = 2;
  world.deter = 24;
  world.hidden = 24;
  world.variables = 4;
  world.classes = 6;
  world.units = 24;
  world.head_layers = 1;
  settings.learner.loss.batch = 4;
  settings.learner.loss.steps = 8;
  settings.learner.behaviour.horizon = 6;
  settings.learner.world_rate = 3e-3F;
  settings.learner.actor_rate = 1e-3F;
  settings.learner.critic_rate = 2e-3F;
  settings.gamma = 0.9;
  settings.steps_per_update = 8;
  settings.warmup_steps = 200;
  settings.replay_steps = 2000;
}

/// Settings with which every agent of the list learns a tiny task in seconds.
inline AgentSettings small_agent(const std::string& name) {
  AgentSettings settings;
  settings.agent = name;
  settings.dqn.hidden = {32};
  settings.dqn.batch = 32;
  settings.dqn.learning_rate = 5e-3;
  settings.dqn.learning_rate_final = 1e-3;
  settings.dqn.n_step = 2;
  settings.dqn.gamma = 0.9;
  settings.dqn.steps_per_update = 8;
  settings.dqn.warmup_steps = 200;
  settings.dqn.target_period_updates = 50;
  settings.dqn.replay_steps = 2000;
  settings.dqn.epsilon = 0.5;
  settings.dqn.epsilon_final = 0.1;
  settings.dqn.epsilon_frames = 30'000;
  settings.dqn.horizon_frames = 60'000;
  if (name == "dqn-cnn") {
    settings.dqn.network = "deepmind";
    settings.dqn.batch = 16;
    settings.dqn.learning_rate = 1e-3;
    settings.dqn.learning_rate_final = 5e-4;
  }
  if (name == "dreamer") small_dreamer_agent(settings.dreamer);
  return settings;
}

/// What the agents of small_agent() see of a task that has both: the least that the network takes, and packed.
inline FrameShape small_picture(const std::string& name) {
  if (name == "dreamer") return {.width = 64, .height = 64, .packed = true};
  return name == "dqn-cnn" ? FrameShape{.width = 36, .height = 36, .packed = true} : kNoFrame;
}

}  // namespace sinv
