#include "rl/agent_list.h"

#include "base/error.h"
#include "base/option.h"
#include "rl/dqn/agent.h"
#include "rl/dreamer/agent.h"

namespace sinv {
namespace {

std::unique_ptr<Agent> make_dqn(const AgentSettings& settings, const AgentShape& shape, std::uint64_t seed) {
  return std::make_unique<DqnAgent>(settings.dqn, shape, seed);
}

void picture_defaults(AgentSettings& agent, TrainerSettings& train, EnvSettings& env) {
  choose_picture_defaults(agent.dqn);
  env.pixels = "ship-64";
  train.envs = 64;
  train.steps_per_round = 4;
  train.minutes = 60;
  train.evaluation_period_frames = 1'000'000;
  train.save_period_s = 600;
}

std::unique_ptr<Agent> make_dreamer(const AgentSettings& settings, const AgentShape& shape, std::uint64_t seed) {
  return std::make_unique<DreamerAgent>(settings.dreamer, shape, seed);
}

void dreamer_defaults(AgentSettings& agent, TrainerSettings& train, EnvSettings& env) {
  choose_preset(agent.dreamer);
  const std::string& preset = agent.dreamer.preset;
  env.pixels = preset == "predecessor" ? "full" : preset == "small" ? "grey-64" : "field-64";
  env.history = preset == "small" ? 2 : 1;
  env.frames_per_step = preset == "small" ? 8 : 4;
  env.reward.score_scale = 0.05;
  env.reward.transform = "tanh";
  train.envs = 16;
  train.steps_per_round = 4;
  train.minutes = 60;
  train.evaluation_period_frames = 100'000;
  train.save_period_s = 600;
  train.record_period_frames = 10'000;
}

// The list. Nothing else enumerates agents.
constexpr AgentKind kAgents[] = {
    {"dqn-mlp", "DQN on feature vectors: Double, dueling, noisy, prioritised, n-step", make_dqn, dqn_policy, nullptr},
    {"dqn-cnn", "the same on pictures", make_dqn, dqn_policy, picture_defaults},
    {"dreamer", "DreamerV2: learns a model of the game from pictures and trains inside it", make_dreamer,
     dreamer_policy, dreamer_defaults},
};

}  // namespace

std::span<const AgentKind> agent_kinds() { return kAgents; }

std::vector<std::string> agent_names() {
  std::vector<std::string> names;
  for (const AgentKind& kind : kAgents) names.emplace_back(kind.name);
  return names;
}

const AgentKind& agent_kind(const std::string& name) {
  for (const AgentKind& kind : kAgents) {
    if (name == kind.name) return kind;
  }
  throw UserError(unknown_name("agent", name, agent_names()));
}

void choose_defaults(AgentSettings& agent, TrainerSettings& train, EnvSettings& env) {
  const AgentKind& kind = agent_kind(agent.agent);
  if (kind.defaults != nullptr) kind.defaults(agent, train, env);
}

AgentFactory agent_factory(const AgentSettings& settings) {
  const AgentKind& kind = agent_kind(settings.agent);
  return [&kind, settings](const AgentShape& shape, std::uint64_t seed) { return kind.make(settings, shape, seed); };
}

void describe(Options& options, AgentSettings& settings) {
  options.add("agent", settings.agent, "what learns", agent_names());
  describe(options, settings.dqn);
  describe(options, settings.dreamer);
}

}  // namespace sinv
