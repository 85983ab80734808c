#pragma once

#include <filesystem>
#include <vector>

#include "tools/report/chart.h"
#include "tools/report/run_history.h"

namespace sinv {

/// Straight line through points, by least squares.
struct Line {
  double slope = 0;
  double start = 0;  // at x = 0
};
/// Of the points [first, last). Level when x does not vary. REQUIRES: first < last <= size of both.
Line fit_line(const std::vector<double>& x, const std::vector<double>& y, std::size_t first, std::size_t last);
/// Slope at each point, of the line through the points at most `reach` before and behind it.
std::vector<double> local_slopes(const std::vector<double>& x, const std::vector<double>& y, std::size_t reach);

/// Score, its trend and local slope, exploration, steps, loss, Q values and speed of one run.
Figure training_figure(const RunHistory& run);
/// training.png and training.svg in the run folder, from what its files say now. Nothing before the first record.
/// Errors: UserError.
void write_training_figure(const std::filesystem::path& folder);

}  // namespace sinv
