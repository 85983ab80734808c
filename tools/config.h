#pragma once

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "base/option.h"
#include "bridge/mame/mame_settings.h"
#include "game/env_settings.h"
#include "rl/agent_list.h"
#include "rl/trainer_settings.h"
#include "tools/rom_choice.h"

namespace sinv {

/// A value that was given for a key.
struct Assignment {
  std::string key;
  std::string value;
  std::string where;  // the file that it stands in; empty for a word
};

/// The values of a TOML file, whether their keys are known or not: tables are the parts of the keys ([dqn] batch = 64).
/// Errors: UserError naming the file, and the line of a syntax error.
std::vector<Assignment> assignments_in(const std::filesystem::path& path);
/// Of words `key=value`. Errors: UserError.
std::vector<Assignment> assignments_of(const std::vector<std::string>& words);

/// Every setting of a run, and their names. The defaults are those of `sinv_engine train` without words.
/// Not copyable: `options` points into the settings.
class RunConfig {
 public:
  RunConfig();
  RunConfig(const RunConfig&) = delete;
  RunConfig& operator=(const RunConfig&) = delete;

  AgentSettings agent;
  TrainerSettings train;
  EnvSettings env;
  std::string machine = "cabinet";  // cabinet or mame
  CabinetSettings cabinet;
  mame::MameSettings mame;
  Options options;

  /// Takes these values, the last for a key counting, over the defaults of the agent that they name (or that is set).
  /// Errors: UserError naming the file and the unknown key or refused value.
  void take(const std::vector<Assignment>& assignments);
  void read_file(const std::filesystem::path& path) { take(assignments_in(path)); }
  /// Words `key=value` over what is set, whatever the agent. Errors: UserError.
  void set_all(const std::vector<std::string>& words);
  /// Errors: UserError naming the key that is out of range.
  void check() const;
  /// All settings as TOML that read_file takes back unchanged; `described` adds the meaning of each as a comment.
  std::string toml(bool described) const;
};

}  // namespace sinv
