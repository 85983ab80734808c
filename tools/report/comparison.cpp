#include "tools/report/comparison.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/core.h>
#include <map>
#include <numeric>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "tools/terminal.h"

namespace sinv {

namespace {

constexpr int kResamples = 10'000;
constexpr std::uint64_t kBootstrapStream = 0x626F6F74;

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double interquartile_mean_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto cut = static_cast<std::ptrdiff_t>(values.size() / 4);
  return mean_of({values.begin() + cut, values.end() - cut});
}

Estimate estimate(const std::vector<double>& values, std::uint64_t seed, double (*figure)(std::vector<double> values)) {
  Estimate out;
  out.value = out.low = out.high = figure(values);
  if (values.size() < 2) return out;
  Random random(seed, kBootstrapStream);
  std::vector<double> figures(kResamples);
  std::vector<double> drawn(values.size());
  for (double& one : figures) {
    for (double& value : drawn) value = values[random.below(static_cast<std::uint32_t>(values.size()))];
    one = figure(drawn);
  }
  std::sort(figures.begin(), figures.end());
  out.low = figures[kResamples * 25 / 1000];
  out.high = figures[kResamples * 975 / 1000 - 1];
  return out;
}

// `now` of a record is what `at` is compared with.
template <class Now>
std::optional<double> score_at(const RunHistory& run, double at, Now&& now) {
  const std::vector<TrainRecord>& rows = run.train;
  const auto behind = std::find_if(rows.begin(), rows.end(), [&](const TrainRecord& row) { return now(row) >= at; });
  if (behind == rows.end()) return std::nullopt;
  if (behind == rows.begin()) return now(*behind) == at ? std::optional(behind->mean_score_100) : std::nullopt;
  const TrainRecord& before = *(behind - 1);
  const double share = (at - now(before)) / (now(*behind) - now(before));
  return before.mean_score_100 + share * (behind->mean_score_100 - before.mean_score_100);
}

// What does not decide what is learnt: the seed, where it ends, and what is only looked at.
bool counts(const std::string& key) {
  static const std::set<std::string> kApart{"train.seed",        "train.minutes",       "train.frames",
                                            "train.final_games", "train.save_period_s", "train.record_period_frames"};
  return kApart.count(key) == 0;
}

using Settings = std::map<std::string, std::string>;

Settings settings_that_count(const RunHistory& run) {
  Settings out;
  for (const auto& [key, value] : run.settings) {
    if (counts(key)) out[key] = value;
  }
  return out;
}

// Names groups by their agents, and by the settings that are not the same in all of them.
void name_groups(std::vector<RunGroup>& groups) {
  std::set<std::string> differ;
  std::vector<Settings> all;
  all.reserve(groups.size());
  for (const RunGroup& group : groups) all.push_back(settings_that_count(*group.runs[0]));
  for (const Settings& one : all) {
    for (const auto& [key, value] : one) {
      for (const Settings& other : all) {
        const auto found = other.find(key);
        if (found == other.end() || found->second != value) differ.insert(key);
      }
    }
  }
  std::map<std::string, int> named;
  for (const RunGroup& group : groups) ++named[group.name];
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (named[groups[i].name] == 1) continue;  // the agent alone tells it apart
    for (const std::string& key : differ) {
      const auto found = all[i].find(key);
      if (key != "agent") groups[i].name += fmt::format(" {}={}", key, found == all[i].end() ? "?" : found->second);
    }
  }
}

std::string estimate_text(const Estimate& one) {
  const auto whole = [](double value) { return thousands(std::llround(value)); };
  if (one.low == one.high) return whole(one.value);
  return fmt::format("{} [{}, {}]", whole(one.value), whole(one.low), whole(one.high));
}

std::string cell(const SeedFigure& figure) {
  if (figure.count == 0) return "-";
  std::string out = estimate_text(figure.mean);
  if (figure.count >= 4) out += "; IQM " + estimate_text(figure.interquartile_mean);  // else it is the mean
  return out;
}

std::string columns_table(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) line += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

std::string markdown_table(const std::vector<std::vector<std::string>>& rows) {
  std::string out;
  for (std::size_t row = 0; row < rows.size(); ++row) {
    out += "|";
    for (const std::string& letters : rows[row]) out += " " + letters + " |";
    out += "\n";
    if (row > 0) continue;
    out += "|";
    for (std::size_t i = 0; i < rows[0].size(); ++i) out += "---|";
    out += "\n";
  }
  return out;
}

}  // namespace

SeedFigure over_seeds(const std::vector<double>& values, std::uint64_t seed) {
  SeedFigure out;
  out.count = static_cast<int>(values.size());
  if (values.empty()) return out;
  out.mean = estimate(values, seed, [](std::vector<double> drawn) { return mean_of(drawn); });
  out.interquartile_mean =
      estimate(values, seed, [](std::vector<double> drawn) { return interquartile_mean_of(std::move(drawn)); });
  return out;
}

std::optional<double> score_at_frames(const RunHistory& run, double frames) {
  return score_at(run, frames, [](const TrainRecord& row) { return static_cast<double>(row.frames); });
}

std::optional<double> score_at_seconds(const RunHistory& run, double seconds) {
  return score_at(run, seconds, [](const TrainRecord& row) { return row.elapsed_s; });
}

Comparison compare_runs(const std::vector<RunHistory>& runs) {
  if (runs.empty()) throw UserError("compare: no runs were named");
  Comparison out;
  double seconds = 0;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const RunHistory& run = runs[i];
    if (run.train.empty()) throw UserError(text(run.path.string(), ": holds no records of training yet"));
    const TrainRecord& last = run.train.back();
    out.frames = i == 0 ? static_cast<double>(last.frames) : std::min(out.frames, static_cast<double>(last.frames));
    seconds = i == 0 ? last.elapsed_s : std::min(seconds, last.elapsed_s);
    const auto same = std::find_if(out.groups.begin(), out.groups.end(), [&](const RunGroup& group) {
      return settings_that_count(*group.runs[0]) == settings_that_count(run);
    });
    if (same == out.groups.end()) {
      out.groups.push_back({});
      out.groups.back().name = run.agent;
      out.groups.back().runs.push_back(&run);
    } else {
      same->runs.push_back(&run);
    }
  }
  out.minutes = seconds / 60;
  name_groups(out.groups);
  for (RunGroup& group : out.groups) {
    std::array<std::vector<double>, 6> values;
    for (const RunHistory* run : group.runs) {
      group.parameters = std::max(group.parameters, run->parameters);
      if (const auto score = score_at_frames(*run, out.frames)) values[0].push_back(*score);
      if (const auto score = score_at_seconds(*run, seconds)) values[1].push_back(*score);
      if (!run->confirmations.empty()) values[2].push_back(run->best_mean());
      if (run->final) values[3].push_back(run->final->mean);
      const TrainRecord& last = run->train.back();
      if (last.elapsed_s > 0) {
        values[4].push_back(static_cast<double>(last.frames) / last.elapsed_s);
        values[5].push_back(last.updates / last.elapsed_s);
      }
    }
    group.at_frames = over_seeds(values[0]);
    group.at_minutes = over_seeds(values[1]);
    group.best = over_seeds(values[2]);
    group.final = over_seeds(values[3]);
    group.frames_per_s = over_seeds(values[4]);
    group.updates_per_s = over_seeds(values[5]);
  }
  return out;
}

std::string comparison_table(const Comparison& comparison, bool markdown) {
  std::vector<std::vector<std::string>> rows;
  rows.push_back({"settings", "seeds", "parameters", fmt::format("at {:.1f} M frames", comparison.frames / 1e6),
                  fmt::format("after {:.1f} min", comparison.minutes), "best evaluation", "best.bin, fresh games",
                  "frames/s", "updates/s"});
  for (const RunGroup& group : comparison.groups) {
    rows.push_back({group.name, std::to_string(group.runs.size()),
                    group.parameters > 0 ? thousands(group.parameters) : "-", cell(group.at_frames),
                    cell(group.at_minutes), cell(group.best), cell(group.final), cell(group.frames_per_s),
                    cell(group.updates_per_s)});
  }
  const std::string about =
      "Mean over seeds [95 % interval, bootstrap over the seeds]; from 4 seeds on with the inter-quartile mean (IQM). "
      "Scores at equal frames\nand minutes are means of the last 100 training games, exploration included.\n";
  return about + "\n" + (markdown ? markdown_table(rows) : columns_table(rows));
}

Figure comparison_figure(const Comparison& comparison) {
  Chart by_frames{"Mean score of the last 100 games", "million frames", "", {}};
  Chart by_minutes{"Mean score of the last 100 games", "minutes", "", {}};
  Chart evaluations{"Evaluations, without exploration", "million frames", "", {}};
  int colour = 0;
  for (const RunGroup& group : comparison.groups) {
    std::string name = group.name;  // of the group's first curve
    for (const RunHistory* run : group.runs) {
      Series frames{.name = name, .colour = colour};
      Series minutes{.name = name, .colour = colour};
      for (const TrainRecord& row : run->train) {
        frames.x.push_back(static_cast<double>(row.frames) / 1e6);
        minutes.x.push_back(row.elapsed_s / 60);
        frames.y.push_back(row.mean_score_100);
      }
      minutes.y = frames.y;
      Series judged{.name = name, .colour = colour, .dots = true};
      for (const EvaluationRecord& one : run->evaluations) {
        judged.x.push_back(static_cast<double>(one.frames) / 1e6);
        judged.y.push_back(one.mean);
        judged.error.push_back(one.standard_error);
      }
      by_frames.series.push_back(std::move(frames));
      by_minutes.series.push_back(std::move(minutes));
      evaluations.series.push_back(std::move(judged));
      name.clear();
    }
    ++colour;
  }
  return {.title = "Comparison", .small_print = "", .columns = 3, .charts = {by_frames, by_minutes, evaluations}};
}

}  // namespace sinv
