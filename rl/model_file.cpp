#include "rl/model_file.h"

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/error.h"
#include "base/option.h"
#include "nn/checkpoint.h"
#include "rl/agent_list.h"

namespace sinv {
namespace {

// Metadata of a model file: these names, and network.KEY, environment.KEY, score.NAME.
constexpr const char* kFormatName = "sinv.format";
constexpr const char* kFormat = "model 1";
constexpr const char* kNetwork = "network.";
constexpr const char* kEnvironment = "environment.";
constexpr const char* kScore = "score.";

// The shortest text that reads back as the same number.
std::string number_text(double number) {
  char letters[32];
  const std::to_chars_result end = std::to_chars(letters, letters + sizeof letters, number);
  return {letters, end.ptr};
}

template <class Number>
Number number_of(const std::filesystem::path& path, const std::string& name, const std::string& letters) {
  Number number{};
  const std::from_chars_result end = std::from_chars(letters.data(), letters.data() + letters.size(), number);
  if (end.ec != std::errc() || end.ptr != letters.data() + letters.size()) {
    throw UserError(text(path.string(), ": ", name, " is \"", letters, "\", which is no number"));
  }
  return number;
}

}  // namespace

void save_model(const std::filesystem::path& path, const ModelFile& model) {
  CheckpointWriter out;
  out.set(kFormatName, kFormat);
  out.set("agent", model.agent);
  const auto set_number = [&out](const char* name, auto value) { out.set(name, std::to_string(value)); };
  set_number("observation_size", model.observation_size);
  set_number("history", model.history);
  set_number("actions", model.actions);
  if (model.picture != kNoFrame) {
    set_number("picture_width", model.picture.width);
    set_number("picture_height", model.picture.height);
    set_number("picture_bits", model.picture.packed ? 1 : 8);
  }
  set_number("frames", model.frames);
  set_number("steps", model.steps);
  set_number("updates", model.updates);
  set_number("seed", model.seed);
  for (const auto& [key, value] : model.network) out.set(kNetwork + key, value);
  for (const auto& [key, value] : model.environment) out.set(kEnvironment + key, value);
  for (const auto& [name, value] : model.scores) out.set(kScore + name, number_text(value));
  for (const ModelTensor& tensor : model.tensors) {
    out.add(tensor.name, tensor.shape, std::span<const float>(tensor.values));
  }
  out.write(path);
}

ModelFile load_model(const std::filesystem::path& path) {
  CheckpointReader in(path);
  const auto format = in.metadata().find(kFormatName);
  if (format == in.metadata().end()) throw UserError(text(path.string(), ": is no model of this program"));
  if (format->second != kFormat) {
    throw UserError(
        text(path.string(), ": is of format \"", format->second, "\", this program reads \"", kFormat, "\""));
  }
  ModelFile model;
  model.agent = in.get("agent");
  model.observation_size = static_cast<int>(in.get_int("observation_size"));
  model.history = static_cast<int>(in.get_int("history"));
  model.actions = static_cast<int>(in.get_int("actions"));
  if (in.metadata().count("picture_width") != 0) {
    model.picture = {.width = static_cast<int>(in.get_int("picture_width")),
                     .height = static_cast<int>(in.get_int("picture_height")),
                     .packed = in.get_int("picture_bits") == 1};
  }
  model.frames = in.get_int("frames");
  model.steps = in.get_int("steps");
  model.updates = in.get_int("updates");
  model.seed = number_of<std::uint64_t>(path, "seed", in.get("seed"));
  const bool pictures_fit =
      model.picture == kNoFrame || (model.picture.width >= 1 && model.picture.height >= 1 &&
                                    model.picture.width <= 4096 && model.picture.height <= 4096 &&
                                    static_cast<std::size_t>(model.observation_size) ==
                                        model.picture.pixels() * static_cast<std::size_t>(model.history));
  if (model.observation_size < 1 || model.history < 1 || model.actions < 1 || model.actions > 256 || !pictures_fit) {
    throw UserError(text(path.string(), ": observations of ", model.observation_size, " values, history ",
                         model.history, ", ", model.actions, " actions: cannot be a model"));
  }
  for (const auto& [name, value] : in.metadata()) {
    if (name.starts_with(kNetwork)) model.network.emplace_back(name.substr(std::string(kNetwork).size()), value);
    if (name.starts_with(kEnvironment)) {
      model.environment.emplace_back(name.substr(std::string(kEnvironment).size()), value);
    }
    if (name.starts_with(kScore))
      model.scores[name.substr(std::string(kScore).size())] = number_of<double>(path, name, value);
  }
  for (const auto& [name, info] : in.tensors()) {
    if (info.type != DataType::kF32) {
      throw UserError(text(path.string(), ": tensor ", name, " is ", data_type_name(info.type), ", wanted F32"));
    }
    ModelTensor tensor{name, info.shape, std::vector<float>((info.end - info.begin) / sizeof(float))};
    in.read(name, info.shape, std::span<float>(tensor.values));
    model.tensors.push_back(std::move(tensor));
  }
  return model;
}

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
      model.picture == envs.picture() && model.actions == envs.actions()) {
    return;
  }
  const auto seen = [](int size, int history, const FrameShape& picture) {
    const std::string rows = picture == kNoFrame ? "" : text(" of ", picture.width, " x ", picture.height, " pixels");
    return text(size, " values (history ", history, rows, ")");
  };
  throw UserError(text("the model takes observations of ", seen(model.observation_size, model.history, model.picture),
                       " and knows ", model.actions, " actions; the environment gives ",
                       seen(envs.observation_size(), envs.history(), envs.picture()), " and has ", envs.actions(),
                       "; play the model in the environment it was trained in"));
}

namespace {
std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (const std::int64_t size : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(size);
  return out + "]";
}
}  // namespace

std::span<const float> tensor_of(const ModelFile& model, const std::string& name,
                                 const std::vector<std::int64_t>& shape, std::size_t size) {
  const auto found =
      std::ranges::find_if(model.tensors, [&](const ModelTensor& tensor) { return tensor.name == name; });
  if (found == model.tensors.end()) {
    throw UserError(text("the model file holds no tensor ", name, ", which its agent ", model.agent, " wants"));
  }
  if (found->shape != shape || found->values.size() != size) {
    throw UserError(text("tensor ", name, " of the model file is ", shape_text(found->shape), ", its agent ",
                         model.agent, " wants ", shape_text(shape)));
  }
  return found->values;
}

std::unique_ptr<BatchPolicy> make_policy(const ModelFile& model, int most) {
  return agent_kind(model.agent).policy(model, most);
}

}  // namespace sinv
