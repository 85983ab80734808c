#pragma once

#include <atomic>
#include <filesystem>
#include <vector>

#include "rl/trainer.h"
#include "tests/rl/corridor.h"
#include "tests/rl/small_agent.h"

namespace sinv {

/// A training of the corridor that takes a second for 20,000 frames; never saves before its end.
inline TrainerSettings small_trainer() {
  TrainerSettings settings;
  settings.seed = 3;
  settings.envs = 4;
  settings.steps_per_round = 5;
  settings.minutes = 0;
  settings.evaluation_period_frames = 2000;
  settings.evaluation_games = 8;
  settings.confirmation_games = 8;
  settings.final_games = 0;
  settings.save_period_s = 1e9;
  settings.record_period_frames = 600;
  return settings;
}

inline TrainerParts parts_in(const std::filesystem::path& folder, MetricsSink* metrics = nullptr, int history = 2,
                             const std::string& agent = "dqn-mlp") {
  return {.environments = corridors(history, small_picture(agent)),
          .agent = agent_factory(small_agent(agent)),
          .agent_name = agent,
          .environment = {},
          .folder = folder,
          .metrics = metrics};
}

inline std::vector<float> weights_of(const Agent& agent) {
  std::vector<float> all;
  for (const ModelTensor& tensor : agent.model()) all.insert(all.end(), tensor.values.begin(), tensor.values.end());
  return all;
}

inline const std::atomic<bool> kNoStop{false};

}  // namespace sinv
