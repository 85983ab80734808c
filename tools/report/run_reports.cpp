#include "tools/report/run_reports.h"

#include <exception>
#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include "base/error.h"
#include "base/option.h"
#include "tools/report/results_table.h"
#include "tools/report/training_figure.h"

namespace sinv {

RunReports::RunReports(std::filesystem::path folder, bool tensorboard, std::chrono::seconds figure_period)
    : folder_(std::move(folder)), metrics_(folder_ / "metrics.jsonl") {
  if (tensorboard) events_ = std::make_unique<EventFile>(folder_ / "tensorboard");
  if (figure_period.count() > 0) figures_ = std::make_unique<FigureWriter>(folder_, figure_period);
}

void RunReports::record(std::string_view json) {
  std::exception_ptr first;
  const auto keep = [&](MetricsSink& sink) {
    try {
      sink.record(json);
    } catch (const UserError&) {
      if (first == nullptr) first = std::current_exception();
    }
  };
  keep(metrics_);
  if (events_ != nullptr) keep(*events_);
  if (first != nullptr) std::rethrow_exception(first);
}

void RunReports::rewind(std::int64_t frames) {
  metrics_.rewind(frames);
  if (events_ != nullptr) events_->rewind(frames);
}

void RunReports::draw_figure() {
  if (figures_ != nullptr) figures_->draw_now();
}

std::string RunReports::finish(bool finished, const std::string& settings) {
  std::string said;
  try {
    if (figures_ != nullptr) {
      figures_ = nullptr;  // its thread has ended before the last figure is drawn
      write_training_figure(folder_);
      if (std::filesystem::exists(folder_ / "training.png")) {
        said += fmt::format("  figure: {}\n", (folder_ / "training.png").string());
      }
    }
    if (finished) {
      const std::filesystem::path table = std::filesystem::absolute(folder_).parent_path() / "results.csv";
      const int experiment = append_result(table, read_run(folder_), settings);
      said += fmt::format("  result: experiment {} in {}\n", experiment, table.string());
    }
  } catch (const Error& error) {
    spdlog::warn("report: {}", error.what());
  }
  return said;
}

std::string changed_settings(const Options& options) {
  std::string out;
  for (const Options::Entry& entry : options.entries()) {
    if (entry.key == "train.seed" || entry.get() == entry.initial) continue;
    out += fmt::format("{}{}={}", out.empty() ? "" : " ", entry.key, entry.get());
  }
  return out;
}

}  // namespace sinv
