#include "tools/report/training_figure.h"

#include <algorithm>
#include <fmt/core.h>

#include "base/error.h"
#include "tools/terminal.h"

namespace sinv {

namespace {

constexpr double kMillion = 1e6;

std::vector<double> column(const std::vector<TrainRecord>& rows, double TrainRecord::*member) {
  std::vector<double> out;
  out.reserve(rows.size());
  for (const TrainRecord& row : rows) out.push_back(row.*member);
  return out;
}

Series evaluations_series(const RunHistory& run) {
  Series series{.name = "evaluations, without exploration", .colour = 1, .dots = true};
  for (const EvaluationRecord& one : run.evaluations) {
    series.x.push_back(static_cast<double>(one.frames) / kMillion);
    series.y.push_back(one.mean);
    series.error.push_back(one.standard_error);
  }
  return series;
}

}  // namespace

Line fit_line(const std::vector<double>& x, const std::vector<double>& y, std::size_t first, std::size_t last) {
  SINV_CHECK(first < last && last <= x.size() && last <= y.size(), "fit_line: points ", first, " to ", last, " of ",
             x.size());
  const auto n = static_cast<double>(last - first);
  double mean_x = 0;
  double mean_y = 0;
  for (std::size_t i = first; i < last; ++i) {
    mean_x += x[i] / n;
    mean_y += y[i] / n;
  }
  double products = 0;
  double squares = 0;
  for (std::size_t i = first; i < last; ++i) {
    products += (x[i] - mean_x) * (y[i] - mean_y);
    squares += (x[i] - mean_x) * (x[i] - mean_x);
  }
  const double slope = squares > 0 ? products / squares : 0;
  return {slope, mean_y - slope * mean_x};
}

std::vector<double> local_slopes(const std::vector<double>& x, const std::vector<double>& y, std::size_t reach) {
  std::vector<double> out(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    const std::size_t first = i < reach ? 0 : i - reach;
    out[i] = fit_line(x, y, first, std::min(x.size(), i + reach + 1)).slope;
  }
  return out;
}

Figure training_figure(const RunHistory& run) {
  const std::vector<TrainRecord>& rows = run.train;
  std::vector<double> frames;
  frames.reserve(rows.size());
  for (const TrainRecord& row : rows) frames.push_back(static_cast<double>(row.frames) / kMillion);
  const auto curve = [&](const char* name, double TrainRecord::*member, int colour, bool right = false) {
    return Series{.name = name, .x = frames, .y = column(rows, member), .colour = colour, .right = right};
  };
  const std::string x_label = "million frames";

  Chart score{"Score", x_label, "", {}};
  score.series.push_back(curve("best game so far", &TrainRecord::max_score, 6));
  score.series.push_back(evaluations_series(run));
  score.series.push_back(curve("mean of the last 100 games", &TrainRecord::mean_score_100, 0));
  score.series.back().width = 2.4;
  Chart slope{"Local slope of the mean score, points per million frames", x_label, "", {}};
  if (rows.size() >= 3) {
    const std::vector<double> mean = column(rows, &TrainRecord::mean_score_100);
    // The second half: what the run does now, not how it began.
    const Line trend = fit_line(frames, mean, rows.size() / 2, rows.size());
    const double from = frames[rows.size() / 2];
    score.series.push_back({.name = fmt::format("trend {:+.0f} points per million frames", trend.slope),
                            .x = {from, frames.back()},
                            .y = {trend.start + trend.slope * from, trend.start + trend.slope * frames.back()},
                            .colour = 3,
                            .dashed = true});
    const std::size_t reach = std::max<std::size_t>(2, rows.size() / 20);
    slope.series.push_back({.name = "", .x = frames, .y = local_slopes(frames, mean, reach), .colour = 3});
    slope.series.push_back({.name = "", .x = {0, frames.back()}, .y = {0, 0}, .colour = 6, .width = 0.8});
  }

  const bool noisy = std::any_of(rows.begin(), rows.end(), [](const TrainRecord& row) { return row.sigma > 0; });
  Chart exploration{"Exploration", x_label, noisy ? "sigma" : "", {curve("epsilon", &TrainRecord::epsilon, 4)}};
  if (noisy) exploration.series.push_back(curve("sigma of the noise, right", &TrainRecord::sigma, 2, true));
  Chart steps{"Steps and updates", x_label, "updates", {}};
  steps.series.push_back(curve("steps", &TrainRecord::steps, 0));
  steps.series.push_back(curve("updates, right", &TrainRecord::updates, 1, true));
  Chart loss{"Loss and Q values", x_label, "Q", {}};
  loss.series.push_back(curve("loss", &TrainRecord::loss, 1));
  loss.series.push_back(curve("mean Q, right", &TrainRecord::mean_q, 0, true));
  Chart speed{"Speed", x_label, "updates/s", {}};
  speed.series.push_back(curve("frames/s", &TrainRecord::frames_per_s, 2));
  speed.series.push_back(curve("updates/s, right", &TrainRecord::updates_per_s, 5, true));

  Figure figure{.title = fmt::format("{}, seed {}", run.agent, run.seed),
                .small_print = run.name,
                .columns = 2,
                .charts = {score, slope, exploration, steps, loss, speed}};
  if (!rows.empty()) {
    const TrainRecord& now = rows.back();
    figure.small_print = fmt::format("{}: {} frames, {} games, {} of training, best game {}", run.name,
                                     thousands(now.frames), thousands(static_cast<long long>(now.games)),
                                     clock_text(now.elapsed_s), thousands(static_cast<long long>(now.max_score)));
  }
  if (run.final) {
    figure.small_print +=
        fmt::format("; best.bin on fresh games: {:.0f} +- {:.0f}", run.final->mean, 1.96 * run.final->standard_error);
  }
  return figure;
}

void write_training_figure(const std::filesystem::path& folder) {
  const RunHistory run = read_run(folder);
  if (run.train.empty()) return;
  const Figure figure = training_figure(run);
  write_figure(folder / "training.png", figure);
  write_figure(folder / "training.svg", figure);
}

}  // namespace sinv
