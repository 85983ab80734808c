#include "tools/report/run_history.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "rl/model_file.h"
#include "rl/trainer.h"
#include "tools/config.h"

namespace sinv {

namespace {

double number(const nlohmann::json& line, const char* name) {
  const auto found = line.find(name);
  return found != line.end() && found->is_number() ? found->get<double>() : 0.0;
}

TrainRecord train_record(const nlohmann::json& line) {
  return {.frames = static_cast<std::int64_t>(number(line, "frames")),
          .steps = number(line, "steps"),
          .updates = number(line, "updates"),
          .games = number(line, "games"),
          .mean_score_100 = number(line, "mean_score_100"),
          .max_score = number(line, "max_score"),
          .epsilon = number(line, "epsilon"),
          .sigma = number(line, "sigma"),
          .loss = number(line, "loss"),
          .mean_q = number(line, "mean_q"),
          .gradient_norm = number(line, "gradient_norm"),
          .learning_rate = number(line, "learning_rate"),
          .frames_per_s = number(line, "frames_per_s"),
          .updates_per_s = number(line, "updates_per_s"),
          .elapsed_s = number(line, "elapsed_s")};
}

EvaluationRecord evaluation_record(const nlohmann::json& line) {
  return {.frames = static_cast<std::int64_t>(number(line, "frames")),
          .games = static_cast<int>(number(line, "games")),
          .mean = number(line, "mean"),
          .interquartile_mean = number(line, "interquartile_mean"),
          .standard_error = number(line, "standard_error"),
          .elapsed_s = number(line, "elapsed_s")};
}

void take_line(RunHistory& run, const std::string& letters) {
  const nlohmann::json line = nlohmann::json::parse(letters, nullptr, false);
  if (!line.is_object() || !line.contains("kind") || !line["kind"].is_string()) return;
  const std::string kind = line["kind"].get<std::string>();
  if (kind == "train") run.train.push_back(train_record(line));
  if (kind == "evaluation") run.evaluations.push_back(evaluation_record(line));
  if (kind == "confirmation") run.confirmations.push_back(evaluation_record(line));
  if (kind == "end") run.final = evaluation_record(line);
}

std::int64_t parameters_of(const std::filesystem::path& model) {
  if (!std::filesystem::exists(model)) return 0;
  try {
    std::int64_t count = 0;
    for (const ModelTensor& tensor : load_model(model).tensors)
      count += static_cast<std::int64_t>(tensor.values.size());
    return count;
  } catch (const UserError&) {
    return 0;  // the curves are what was asked for
  }
}

}  // namespace

double RunHistory::best_mean() const {
  double best = 0;
  for (const EvaluationRecord& confirmed : confirmations) best = std::max(best, confirmed.mean);
  return best;
}

RunHistory read_run(const std::filesystem::path& folder) {
  const std::filesystem::path config = folder / "config.toml";
  if (!std::filesystem::exists(config)) {
    throw UserError(text(folder.string(), ": no run folder: it holds no config.toml"));
  }
  RunHistory run;
  run.path = folder;
  run.name = std::filesystem::weakly_canonical(folder).filename().string();
  run.agent = run.seed = "?";
  for (const Assignment& setting : assignments_in(config)) run.settings.emplace_back(setting.key, setting.value);
  for (const auto& [key, value] : run.settings) {
    if (key == "agent") run.agent = value;
    if (key == "train.seed") run.seed = value;
  }
  const std::filesystem::path metrics = folder / "metrics.jsonl";
  if (std::filesystem::exists(metrics)) {
    const std::vector<std::byte> bytes = read_file(metrics);
    std::istringstream in(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    for (std::string line; std::getline(in, line);) take_line(run, line);
  }
  run.parameters = parameters_of(Trainer::best_path(folder));
  return run;
}

}  // namespace sinv
