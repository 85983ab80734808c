// inspect: what a model file holds.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fmt/core.h>
#include <string>

#include "rl/model_file.h"
#include "tools/command_line.h"
#include "tools/model_choice.h"
#include "tools/report/run_history.h"
#include "tools/terminal.h"

namespace sinv {

namespace {

std::string shape_text(const ModelTensor& tensor) {
  std::string out;
  for (const std::int64_t size : tensor.shape) out += (out.empty() ? "" : " x ") + std::to_string(size);
  return out;
}

double deviation(const std::vector<float>& values) {
  double sum = 0;
  double squares = 0;
  for (const float value : values) {
    sum += static_cast<double>(value);
    squares += static_cast<double>(value) * static_cast<double>(value);
  }
  const double n = std::max(1.0, static_cast<double>(values.size()));
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

void print_tensors(const ModelFile& model) {
  std::int64_t parameters = 0;
  std::size_t width = 0;
  for (const ModelTensor& tensor : model.tensors) {
    parameters += static_cast<std::int64_t>(tensor.values.size());
    width = std::max(width, tensor.name.size());
  }
  fmt::print("\n{} parameters in {} tensors\n", thousands(parameters), model.tensors.size());
  for (const ModelTensor& tensor : model.tensors) {
    fmt::print("  {:<{}}  {:>12}  {:>12}   deviation {:.4f}\n", tensor.name, width, shape_text(tensor),
               thousands(static_cast<long long>(tensor.values.size())), deviation(tensor.values));
  }
}

void print_named(const char* title, const ModelFile::Named& named) {
  if (!named.empty()) fmt::print("\n{}\n", title);
  for (const auto& [key, value] : named) fmt::print("  {:<28} {}\n", key, value);
}

// The run folder around the model, when it still lies in one.
void print_history(const std::filesystem::path& folder) {
  if (!std::filesystem::exists(folder / "config.toml")) return;
  const RunHistory run = read_run(folder);
  if (run.train.empty() && run.evaluations.empty()) return;
  fmt::print("\ntraining history, from {}\n", folder.string());
  fmt::print("  {:>12} {:>12} {:>10} {:>10} {:>10}\n", "frames", "updates", "time", "last 100", "best game");
  constexpr std::size_t kLines = 12;
  const std::size_t lines = std::min(kLines, run.train.size());
  for (std::size_t i = 0; i < lines; ++i) {
    const TrainRecord& row = run.train[(i + 1) * run.train.size() / lines - 1];
    fmt::print("  {:>12} {:>12} {:>10} {:>10.0f} {:>10.0f}\n", thousands(row.frames),
               thousands(static_cast<long long>(row.updates)), clock_text(row.elapsed_s), row.mean_score_100,
               row.max_score);
  }
  for (const EvaluationRecord& one : run.confirmations) {
    fmt::print("  kept at {} frames: mean {:.0f} over {} games\n", thousands(one.frames), one.mean, one.games);
  }
}

}  // namespace

int inspect_command(Words words) {
  CommandLine line("inspect", "Prints what a model file holds: agent, shapes, parameters, training.");
  std::string path;
  line.app.add_option("MODEL", path, "the model; without it the one that ships");
  if (!line.parse(words)) return 0;
  path = choose_model(path);
  const ModelFile model = load_model(path);
  fmt::print("{}\n", path);
  fmt::print("{:<14} {}\n", "agent", model.agent);
  fmt::print("{:<14} {} values: {} of {}\n", "observation", model.observation_size, model.history,
             model.observation_size / model.history);
  fmt::print("{:<14} {}\n", "actions", model.actions);
  fmt::print("{:<14} {} frames, {} steps, {} updates, seed {}\n", "trained", thousands(model.frames),
             thousands(model.steps), thousands(model.updates), model.seed);
  if (!model.scores.empty()) {
    std::string scores;
    for (const char* name : {"mean", "standard_error", "median", "interquartile_mean", "games"}) {
      const auto found = model.scores.find(name);
      if (found != model.scores.end())
        scores += fmt::format("{}{} {:.6g}", scores.empty() ? "" : ", ", name, found->second);
    }
    fmt::print("{:<14} {}\n", "kept for", scores);
  }
  print_tensors(model);
  print_named("network", model.network);
  print_named("environment", model.environment);
  print_history(std::filesystem::path(path).parent_path());
  return 0;
}

}  // namespace sinv
