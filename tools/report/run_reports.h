#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>

#include "rl/metrics.h"
#include "tools/report/event_file.h"
#include "tools/report/figure_writer.h"

namespace sinv {

class Options;  // base/option.h

/// What a training leaves for people and other programs: metrics.jsonl, the training figure and, when asked for,
/// TensorBoard's event file (in tensorboard/). Thread: one owner; draw_figure() from any.
class RunReports final : public MetricsSink {
 public:
  /// A figure every `figure_period`; none at all when it is 0.
  RunReports(std::filesystem::path folder, bool tensorboard, std::chrono::seconds figure_period);

  /// A file that fails does not keep the record from the others. Errors: UserError of the first one that failed.
  void record(std::string_view json) override;
  void rewind(std::int64_t frames) override;
  void draw_figure();

  /// The last figure, and for a `finished` run a line in results.csv beside the run folder. Returns a line for people
  /// that says where they are; what cannot be written is a line in the log.
  std::string finish(bool finished, const std::string& settings);

 private:
  std::filesystem::path folder_;
  JsonLinesFile metrics_;
  std::unique_ptr<EventFile> events_;
  std::unique_ptr<FigureWriter> figures_;
};

/// "dqn.batch=64 train.minutes=2": the settings that are not the default, but for the seed.
std::string changed_settings(const Options& options);

}  // namespace sinv
