#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "rl/agent.h"
#include "rl/dqn/agent_settings.h"
#include "rl/dreamer/agent_settings.h"
#include "rl/model_file.h"
#include "rl/trainer_settings.h"

namespace sinv {

class Options;  // base/option.h

/// The settings of every agent; the one that `agent` names is used.
struct AgentSettings {
  std::string agent = "dqn-mlp";
  DqnSettings dqn;
  DreamerSettings dreamer;
};

/// Adds "agent" and the settings of all agents.
void describe(Options& options, AgentSettings& settings);

/// One kind of agent: a line of the list.
struct AgentKind {
  const char* name;
  const char* summary;
  std::unique_ptr<Agent> (*make)(const AgentSettings& settings, const AgentShape& shape, std::uint64_t seed);
  std::unique_ptr<BatchPolicy> (*policy)(const ModelFile& model, int most);
  /// Values of settings that suit it, in place of those of the structs; null: those. It may look at what is set that
  /// decides others, such as the network.
  void (*defaults)(AgentSettings& agent, TrainerSettings& train, EnvSettings& env);
};

std::span<const AgentKind> agent_kinds();
std::vector<std::string> agent_names();
/// Errors: UserError with the known names.
const AgentKind& agent_kind(const std::string& name);

/// Takes the defaults of the agent that settings.agent names. Errors: UserError with the known names.
void choose_defaults(AgentSettings& agent, TrainerSettings& train, EnvSettings& env);

using AgentFactory = std::function<std::unique_ptr<Agent>(const AgentShape& shape, std::uint64_t seed)>;
AgentFactory agent_factory(const AgentSettings& settings);

}  // namespace sinv
