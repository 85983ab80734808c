#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/report/chart.h"
#include "tools/report/run_history.h"

namespace sinv {

/// A figure over the seeds of one setting: mean and inter-quartile mean, each with the 95 % interval of a percentile
/// bootstrap over the seeds. Source: Agarwal et al., "Deep Reinforcement Learning at the Edge of the Statistical
/// Precipice", arXiv:2108.13264. One value has no interval: low = high = the value.
struct Estimate {
  double value = 0;
  double low = 0;
  double high = 0;
};
struct SeedFigure {
  int count = 0;  // values it rests on; 0: none of the runs has one
  Estimate mean;
  Estimate interquartile_mean;  // of what is left when a quarter of the values, rounded down, is cut off at either end
};

/// The same values and seed give the same intervals.
SeedFigure over_seeds(const std::vector<double>& values, std::uint64_t seed = 1);

/// Mean score of the last 100 games when the run had come to so many frames, or to so many seconds: between two
/// records, a straight line. Nothing outside of the run's records.
std::optional<double> score_at_frames(const RunHistory& run, double frames);
std::optional<double> score_at_seconds(const RunHistory& run, double seconds);

/// Runs of equal settings but for the seed.
struct RunGroup {
  std::string name;  // the agent, and the settings in which groups differ
  std::vector<const RunHistory*> runs;
  std::int64_t parameters = 0;  // 0: unknown
  SeedFigure at_frames;
  SeedFigure at_minutes;
  SeedFigure best;   // highest confirmed evaluation
  SeedFigure final;  // best.bin on fresh games
  SeedFigure frames_per_s;
  SeedFigure updates_per_s;
};

struct Comparison {
  double frames = 0;  // the most that every run has reached
  double minutes = 0;
  std::vector<RunGroup> groups;  // in the order of their first run
};

/// `runs` must outlive the result. Errors: UserError when a run has no records yet.
Comparison compare_runs(const std::vector<RunHistory>& runs);
/// The table, with a line of explanation above. In Markdown, or in columns for a terminal.
std::string comparison_table(const Comparison& comparison, bool markdown);
/// All curves by frames and by minutes, and the evaluations; a colour for each group.
Figure comparison_figure(const Comparison& comparison);

}  // namespace sinv
