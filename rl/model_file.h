#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "game/env_settings.h"
#include "rl/agent.h"
#include "rl/policy.h"

namespace sinv {

/// A policy that can be played: the weights, what network they belong to, and what environment they were trained in.
/// On disk: a safetensors file, the rest being its metadata (docs/formats.md).
struct ModelFile {
  using Named = std::vector<std::pair<std::string, std::string>>;
  std::string agent;  // name in the list of agents
  int observation_size = 0;
  int history = 1;
  FrameShape picture = kNoFrame;  // of a row, when the model sees pictures
  int actions = 0;
  Named network;      // settings of the agent that the shape of the network hangs on
  Named environment;  // settings of the environment, as options name them
  std::int64_t frames = 0;
  std::int64_t steps = 0;
  std::int64_t updates = 0;
  std::uint64_t seed = 0;
  std::map<std::string, double> scores;  // of the evaluation that chose it: mean, median, games, ...
  std::vector<ModelTensor> tensors;
};

/// Written whole or not at all. Errors: UserError with the path.
void save_model(const std::filesystem::path& path, const ModelFile& model);
/// Errors: UserError with the path: cannot be read, damaged, no model of this program, of a later format.
ModelFile load_model(const std::filesystem::path& path);

/// What of the environment a model file keeps.
ModelFile::Named environment_of(const EnvSettings& settings);
/// The environment that a model was trained in. Errors: UserError for settings that this program does not know.
EnvSettings environment_of(const ModelFile& model);
/// Errors: UserError naming both sides when a model cannot play these environments (other observation, history,
/// actions).
void check_model_plays(const ModelFile& model, const Environments& envs);

/// The values of a tensor of the file. Errors: UserError naming what the file holds and what its agent wants.
std::span<const float> tensor_of(const ModelFile& model, const std::string& name,
                                 const std::vector<std::int64_t>& shape, std::size_t size);

/// The greedy policy of a model for up to `most` observations at a time. Errors: UserError naming what the file holds
/// and what its agent wants: unknown agent, tensor missing, of another shape.
std::unique_ptr<BatchPolicy> make_policy(const ModelFile& model, int most);

}  // namespace sinv
