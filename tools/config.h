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

  /// Takes the values of a TOML file: tables are the parts of the keys ([dqn] batch = 64). Errors: UserError naming
  /// the file and the line of a syntax error, or the file and the unknown key or refused value.
  void read_file(const std::filesystem::path& path);
  /// One `key=value`. Errors: UserError.
  void set(const std::string& assignment);
  void set_all(const std::vector<std::string>& assignments);
  /// Errors: UserError naming the key that is out of range.
  void check() const;
  /// All settings as TOML that read_file takes back unchanged; `described` adds the meaning of each as a comment.
  std::string toml(bool described) const;
};

/// Keys and values of a TOML file of settings, whether this version knows them or not. Errors: UserError naming the
/// file (and the line of a syntax error).
std::vector<std::pair<std::string, std::string>> settings_of_file(const std::filesystem::path& path);

}  // namespace sinv
