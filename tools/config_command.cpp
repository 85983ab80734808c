// config: every key with its default and its meaning, as a file that --config takes.
#include <fmt/core.h>
#include <utility>
#include <vector>

#include "game/features.h"
#include "tools/command_line.h"
#include "tools/config.h"

namespace sinv {

namespace {

void print_features(const std::string& name) {
  const FeatureSet set = feature_set_of(name);
  fmt::print("{}: {} values, default history {}\n", name, feature_count(set), default_history(set));
  int at = 0;
  for (const FeatureRow& row : feature_table(set)) {
    fmt::print("{:4} {:<28} {:5} to {:<4} {:<28} {}\n", at++, row.name, row.low, row.high, row.source, row.meaning);
  }
}

}  // namespace

int config_command(Words words) {
  CommandLine line("config", "Prints every setting, its default and its meaning, as a file for --config.");
  std::string file;
  std::vector<std::string> settings;
  std::string features;
  std::string agent;
  line.app.add_option("--agent", agent, "whose defaults: " + join(agent_names()));
  line.app.add_option("--config", file, "a TOML file whose values are taken first");
  line.app.add_option("--set", settings, "key=value; may be repeated");
  line.app.add_option("--features", features,
                      "print the values of a state vector instead: rich-1, predecessor-32, ...");
  if (!line.parse(words)) return 0;
  if (!features.empty()) {
    print_features(features);
    return 0;
  }
  RunConfig config;
  std::vector<Assignment> given = file.empty() ? std::vector<Assignment>{} : assignments_in(file);
  for (Assignment& assignment : assignments_of(settings)) given.push_back(std::move(assignment));
  if (!agent.empty()) given.push_back({"agent", agent, ""});
  config.take(given);
  fmt::print("{}", config.toml(true));
  return 0;
}

}  // namespace sinv
