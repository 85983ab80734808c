#pragma once

#include "rl/agent_list.h"

namespace sinv {

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
  return settings;
}

}  // namespace sinv
