#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace sinv {

/// A curve or, with `dots`, its points alone. x and y have the same length; points that are not finite break a curve.
struct Series {
  std::string name{};  // of the legend; empty: not listed
  std::vector<double> x{};
  std::vector<double> y{};
  std::vector<double> error{};  // empty, or half the length of a bar at each point
  int colour = 0;               // of the palette, taken round
  double width = 1.6;
  bool dots = false;
  bool dashed = false;
  bool right = false;  // measured on the right axis
};

/// One diagram of a figure.
struct Chart {
  std::string title{};
  std::string x_label{};
  std::string right_label{};  // of the right axis, when a series stands on it
  std::vector<Series> series{};
};

/// Diagrams in rows of `columns`, under one title and a line of small print.
struct Figure {
  std::string title{};
  std::string small_print{};
  int columns = 2;
  std::vector<Chart> charts{};
};

/// Writes the figure as PNG or SVG, by the ending of the path. Drawn with cairo.
/// Errors: UserError (ending, disk); Error when a series has not as many x as y.
void write_figure(const std::filesystem::path& path, const Figure& figure);

/// Ticks of an axis from `low` to `high`: multiples of 1, 2 or 5 times a power of ten, about `wanted` of them.
std::vector<double> ticks(double low, double high, int wanted);
/// "0", "250", "1.5k", "20M", "2e-04".
std::string tick_text(double value);

}  // namespace sinv
