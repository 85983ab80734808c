#include "tools/report/chart.h"

#include <algorithm>
#include <array>
#include <cairo-svg.h>
#include <cmath>
#include <cstdint>
#include <fmt/core.h>
#include <limits>
#include <memory>
#include <span>

#include "base/error.h"
#include "base/file.h"
#include "tools/drawing.h"

namespace sinv {

namespace {

// Okabe and Ito, "Color Universal Design" (2008): told apart by colour-blind people too.
constexpr std::array<std::uint32_t, 7> kPalette{0x0072B2, 0xD55E00, 0x009E73, 0xCC79A7, 0xE69F00, 0x56B4E9, 0x444444};
constexpr std::uint32_t kInk = 0x222222;
constexpr std::uint32_t kGrid = 0xE2E2E2;
constexpr double kChartWidth = 560;
constexpr double kChartHeight = 330;
constexpr double kHead = 56;  // title and small print
constexpr double kLeft = 58;
constexpr double kRight = 58;
constexpr double kTop = 34;
constexpr double kBottom = 44;

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void take(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
  // A little air, and never empty.
  Range rounded(bool from_zero) const {
    if (!(low <= high)) return {0, 1};
    Range out = *this;
    if (from_zero && low > 0 && low < 0.6 * high) out.low = 0;
    const double air = out.high > out.low ? 0.04 * (out.high - out.low) : std::max(0.5, std::abs(out.high) * 0.1);
    out.high += air;
    if (out.low != 0) out.low -= air;
    return out;
  }
};

/// One chart at a place of the figure.
class Drawing {
 public:
  Drawing(cairo_t* to, const Chart& chart, double x, double y)
      : to_(to),
        chart_(chart),
        x0_(x + kLeft),
        x1_(x + kChartWidth - kRight),
        y0_(y + kChartHeight - kBottom),
        y1_(y + kTop) {
    for (const Series& series : chart.series) {
      SINV_CHECK(series.x.size() == series.y.size(), "write_figure: series ", series.name, " has ", series.x.size(),
                 " x and ", series.y.size(), " y");
      for (std::size_t i = 0; i < series.x.size(); ++i) {
        if (!std::isfinite(series.y[i])) continue;
        x_.take(series.x[i]);
        (series.right ? right_ : left_).take(series.y[i]);
      }
      has_right_ = has_right_ || series.right;
    }
    x_ = x_.low <= x_.high ? Range{std::min(0.0, x_.low), x_.high > x_.low || x_.high > 0 ? x_.high : 1} : Range{0, 1};
    left_ = left_.rounded(true);
    right_ = right_.rounded(true);
  }

  void draw() {
    axes();
    cairo_save(to_);
    cairo_rectangle(to_, x0_, y1_, x1_ - x0_, y0_ - y1_);
    cairo_clip(to_);
    for (const Series& series : chart_.series) draw_series(series);
    cairo_restore(to_);
    legend();
  }

 private:
  double at_x(double x) const { return x0_ + (x - x_.low) / (x_.high - x_.low) * (x1_ - x0_); }
  double at_y(double y, bool right) const {
    const Range& range = right ? right_ : left_;
    return y0_ - (y - range.low) / (range.high - range.low) * (y0_ - y1_);
  }

  void axes() {
    font(to_, 13, true);
    set_colour(to_, kInk);
    draw_text(to_, x0_, y1_ - 14, chart_.title);
    font(to_, 10.5);
    cairo_set_line_width(to_, 1);
    for (const double tick : ticks(left_.low, left_.high, 6)) {
      set_colour(to_, kGrid);
      const double y = std::round(at_y(tick, false)) + 0.5;
      cairo_move_to(to_, x0_, y);
      cairo_line_to(to_, x1_, y);
      cairo_stroke(to_);
      set_colour(to_, kInk);
      draw_text(to_, x0_ - 6, y + 3.5, tick_text(tick), Anchor::kEnd);
    }
    for (const double tick : ticks(x_.low, x_.high, 7)) {
      set_colour(to_, kGrid);
      const double x = std::round(at_x(tick)) + 0.5;
      cairo_move_to(to_, x, y0_);
      cairo_line_to(to_, x, y1_);
      cairo_stroke(to_);
      set_colour(to_, kInk);
      draw_text(to_, x, y0_ + 15, tick_text(tick), Anchor::kMiddle);
    }
    if (has_right_) {
      for (const double tick : ticks(right_.low, right_.high, 6)) {
        draw_text(to_, x1_ + 6, at_y(tick, true) + 3.5, tick_text(tick));
      }
      draw_text(to_, x1_ + kRight - 4, y1_ - 14, chart_.right_label, Anchor::kEnd);
    }
    draw_text(to_, (x0_ + x1_) / 2, y0_ + 32, chart_.x_label, Anchor::kMiddle);
    cairo_rectangle(to_, x0_ + 0.5, y1_ + 0.5, x1_ - x0_, y0_ - y1_);
    cairo_stroke(to_);
  }

  void draw_series(const Series& series) {
    set_colour(to_, colour_of(series));
    cairo_set_line_width(to_, series.width);
    cairo_set_line_join(to_, CAIRO_LINE_JOIN_ROUND);
    static constexpr double kDashes[] = {6, 4};
    cairo_set_dash(to_, kDashes, series.dashed ? 2 : 0, 0);
    bool pen_down = false;
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      const double x = at_x(series.x[i]);
      const double y = at_y(series.y[i], series.right);
      if (!std::isfinite(y)) {
        pen_down = false;
        continue;
      }
      if (series.dots) {
        dot(series, i, x, y);
      } else if (pen_down) {
        cairo_line_to(to_, x, y);
      } else {
        cairo_move_to(to_, x, y);
      }
      pen_down = true;
    }
    cairo_stroke(to_);
    cairo_set_dash(to_, nullptr, 0, 0);
  }

  void dot(const Series& series, std::size_t i, double x, double y) {
    if (i < series.error.size() && series.error[i] > 0) {
      cairo_move_to(to_, x, at_y(series.y[i] - series.error[i], series.right));
      cairo_line_to(to_, x, at_y(series.y[i] + series.error[i], series.right));
      cairo_stroke(to_);
    }
    cairo_arc(to_, x, y, 2.6, 0, 6.2832);
    cairo_fill(to_);
  }

  void legend() {
    font(to_, 10.5);
    double width = 0;
    int lines = 0;
    for (const Series& series : chart_.series) {
      if (series.name.empty()) continue;
      width = std::max(width, letters_width(to_, series.name));
      ++lines;
    }
    if (lines == 0) return;
    const double x = x0_ + 8;
    double y = y1_ + 8;
    cairo_set_source_rgba(to_, 1, 1, 1, 0.75);
    cairo_rectangle(to_, x - 4, y - 3, width + 34, 15.0 * lines + 4);
    cairo_fill(to_);
    for (const Series& series : chart_.series) {
      if (series.name.empty()) continue;
      set_colour(to_, colour_of(series));
      cairo_rectangle(to_, x, y + 4, 18, series.dots ? 5 : 3);
      cairo_fill(to_);
      set_colour(to_, kInk);
      draw_text(to_, x + 24, y + 10, series.name);
      y += 15;
    }
  }

  static std::uint32_t colour_of(const Series& series) {
    return kPalette[static_cast<std::size_t>(series.colour) % kPalette.size()];
  }

  cairo_t* to_;
  const Chart& chart_;
  double x0_, x1_, y0_, y1_;
  Range x_;
  Range left_;
  Range right_;
  bool has_right_ = false;
};

cairo_status_t append(void* to, const unsigned char* bytes, unsigned int count) {
  auto* file = static_cast<std::vector<std::byte>*>(to);
  const auto* first = reinterpret_cast<const std::byte*>(bytes);
  file->insert(file->end(), first, first + count);
  return CAIRO_STATUS_SUCCESS;
}

void draw_figure(cairo_surface_t* surface, const Figure& figure, double width, double height) {
  const CairoContext context(cairo_create(surface));
  cairo_t* to = context.get();
  cairo_set_source_rgb(to, 1, 1, 1);
  cairo_rectangle(to, 0, 0, width, height);
  cairo_fill(to);
  set_colour(to, kInk);
  font(to, 17, true);
  draw_text(to, 16, 26, figure.title);
  font(to, 11);
  draw_text(to, 16, 46, figure.small_print);
  for (std::size_t i = 0; i < figure.charts.size(); ++i) {
    const std::size_t column = i % static_cast<std::size_t>(figure.columns);
    const std::size_t row = i / static_cast<std::size_t>(figure.columns);
    const double x = static_cast<double>(column) * kChartWidth;
    const double y = kHead + static_cast<double>(row) * kChartHeight;
    Drawing(to, figure.charts[i], x, y).draw();
  }
  check_drawn(to);
}

}  // namespace

std::vector<double> ticks(double low, double high, int wanted) {
  const double raw = (high - low) / std::max(1, wanted);
  if (!(raw > 0) || !std::isfinite(raw)) return {};
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= raw) {
      step = factor * power;
      break;
    }
  }
  std::vector<double> out;
  for (double at = std::ceil(low / step); at * step <= high + 1e-9 * step; ++at) out.push_back(at * step);
  return out;
}

std::string tick_text(double value) {
  const double size = std::abs(value);
  if (size == 0) return "0";
  if (size < 0.001) return fmt::format("{:.0e}", value);
  if (size >= 1e6) return fmt::format("{:.4g}M", value / 1e6);
  if (size >= 1e4) return fmt::format("{:.4g}k", value / 1e3);
  return fmt::format("{:.4g}", value);
}

void write_figure(const std::filesystem::path& path, const Figure& figure) {
  SINV_CHECK(figure.columns >= 1 && !figure.charts.empty(), "write_figure: a figure without charts");
  const auto columns = std::min(figure.charts.size(), static_cast<std::size_t>(figure.columns));
  const std::size_t rows = (figure.charts.size() + columns - 1) / columns;
  const double width = static_cast<double>(columns) * kChartWidth;
  const double height = kHead + static_cast<double>(rows) * kChartHeight;
  std::vector<std::byte> file;
  if (path.extension() == ".svg") {
    const CairoSurface surface(cairo_svg_surface_create_for_stream(&append, &file, width, height));
    draw_figure(surface.get(), figure, width, height);
    cairo_surface_finish(surface.get());
  } else if (path.extension() == ".png") {
    const CairoSurface surface(
        cairo_image_surface_create(CAIRO_FORMAT_RGB24, static_cast<int>(width), static_cast<int>(height)));
    draw_figure(surface.get(), figure, width, height);
    cairo_surface_write_to_png_stream(surface.get(), &append, &file);
  } else {
    throw UserError(text(path.string(), ": a figure ends in .png or .svg"));
  }
  write_file(path, file);
}

}  // namespace sinv
