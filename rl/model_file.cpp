#include "rl/model_file.h"

#include "base/error.h"
#include "base/option.h"
#include "rl/agent_list.h"

namespace sinv {

ModelFile::Named environment_of(const EnvSettings& settings) {
  EnvSettings copy = settings;
  Options options;
  describe(options, copy);
  ModelFile::Named named;
  for (const Options::Entry& entry : options.entries()) named.emplace_back(entry.key, entry.get());
  return named;
}

EnvSettings environment_of(const ModelFile& model) {
  EnvSettings settings;
  Options options;
  describe(options, settings);
  for (const auto& [key, value] : model.environment) options.set(key, value);
  return settings;
}

void check_model_plays(const ModelFile& model, const Environments& envs) {
  if (model.observation_size == envs.observation_size() && model.history == envs.history() &&
      model.actions == envs.actions()) {
    return;
  }
  throw UserError(text("the model takes observations of ", model.observation_size, " values (history ", model.history,
                       ") and knows ", model.actions, " actions; the environment gives ", envs.observation_size(),
                       " (history ", envs.history(), ") and has ", envs.actions(),
                       "; play the model in the environment it was trained in"));
}

std::unique_ptr<BatchPolicy> make_policy(const ModelFile& model, int most) {
  return agent_kind(model.agent).policy(model, most);
}

}  // namespace sinv
