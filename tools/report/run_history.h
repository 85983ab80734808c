#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sinv {

/// A line "train" of metrics.jsonl.
struct TrainRecord {
  std::int64_t frames = 0;
  double steps = 0;
  double updates = 0;
  double games = 0;
  double mean_score_100 = 0;
  double max_score = 0;
  double epsilon = 0;
  double sigma = 0;
  double loss = 0;
  double mean_q = 0;
  double gradient_norm = 0;
  double learning_rate = 0;
  double frames_per_s = 0;
  double updates_per_s = 0;
  double elapsed_s = 0;
};

/// A line "evaluation", "confirmation", "best" or "end".
struct EvaluationRecord {
  std::int64_t frames = 0;
  int games = 0;
  double mean = 0;
  double interquartile_mean = 0;
  double standard_error = 0;
  double elapsed_s = 0;
};

/// What a run folder tells of its training.
struct RunHistory {
  std::filesystem::path path;
  std::string name;   // of the folder
  std::string agent;  // "?" when the settings do not say
  std::string seed;
  std::vector<std::pair<std::string, std::string>> settings;  // "dqn.batch" and "128", in the file's order
  std::vector<TrainRecord> train;
  std::vector<EvaluationRecord> evaluations;    // in passing
  std::vector<EvaluationRecord> confirmations;  // of those that beat the best
  std::optional<EvaluationRecord> final;        // of best.bin on fresh games
  std::int64_t parameters = 0;                  // of best.bin; 0: there is none

  /// Highest confirmed mean; 0 when there is none.
  double best_mean() const;
};

/// Reads a run folder, also one whose training goes on. Lines that are cut short or of unknown kinds are passed over.
/// Errors: UserError: no run folder, or its settings cannot be read.
RunHistory read_run(const std::filesystem::path& folder);

}  // namespace sinv
