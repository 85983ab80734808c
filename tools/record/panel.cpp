#include "tools/record/panel.h"

#include <algorithm>
#include <cstring>
#include <fmt/core.h>

#include "game/action.h"
#include "tools/drawing.h"
#include "tools/picture.h"
#include "tools/terminal.h"

namespace sinv {
namespace {

constexpr int kWidth = PanelPicture::kScale * kPictureWidth + PanelPicture::kPanelWidth;
constexpr int kHeight = PanelPicture::kScale * kPictureHeight;
constexpr double kPanelLeft = PanelPicture::kScale * kPictureWidth + 16;
constexpr double kPanelRight = kWidth - 16;
constexpr std::uint32_t kPaper = 0x14161A;
constexpr std::uint32_t kInk = 0xE8E8E4;
constexpr std::uint32_t kFaint = 0x9A9A94;
constexpr std::uint32_t kBar = 0x56B4E9;     // of the palette in report/chart.cpp
constexpr std::uint32_t kChosen = 0xE69F00;  // likewise
constexpr double kBarTop = 214;
constexpr double kBarStep = 46;

}  // namespace

struct PanelPicture::Canvas {
  CairoSurface surface{cairo_image_surface_create(CAIRO_FORMAT_RGB24, kWidth, kHeight)};
  CairoContext context{cairo_create(surface.get())};
};

PanelPicture::PanelPicture() : canvas_(std::make_unique<Canvas>()), rgb_(std::size_t{kWidth} * kHeight * 3) {
  check_drawn(canvas_->context.get());
}
PanelPicture::~PanelPicture() = default;

VideoShape PanelPicture::shape() {
  return {.width = kWidth, .height = kHeight, .pictures_per_s = kFramesPerSecond, .scale = 1};
}

std::span<const unsigned char> PanelPicture::draw(const Ram& ram, const PlayStatus& status) {
  draw_panel(status);
  draw_picture(ram);
  const unsigned char* const bytes = cairo_image_surface_get_data(canvas_->surface.get());
  const int stride = cairo_image_surface_get_stride(canvas_->surface.get());
  std::size_t at = 0;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) {
      std::uint32_t colour = 0;
      std::memcpy(&colour, bytes + std::ptrdiff_t{y} * stride + 4 * x, sizeof colour);
      rgb_[at++] = static_cast<unsigned char>(colour >> 16);
      rgb_[at++] = static_cast<unsigned char>(colour >> 8);
      rgb_[at++] = static_cast<unsigned char>(colour);
    }
  }
  return rgb_;
}

void PanelPicture::draw_picture(const Ram& ram) {
  cairo_surface_flush(canvas_->surface.get());
  unsigned char* const bytes = cairo_image_surface_get_data(canvas_->surface.get());
  const int stride = cairo_image_surface_get_stride(canvas_->surface.get());
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kScale * kPictureWidth; ++x) {
      const std::uint32_t colour = lit(ram, x / kScale, y / kScale) ? overlay_colour(x / kScale, y / kScale) : 0;
      std::memcpy(bytes + std::ptrdiff_t{y} * stride + 4 * x, &colour, sizeof colour);
    }
  }
  cairo_surface_mark_dirty(canvas_->surface.get());
}

void PanelPicture::draw_panel(const PlayStatus& status) {
  cairo_t* const to = canvas_->context.get();
  set_colour(to, kPaper);
  cairo_rectangle(to, kScale * kPictureWidth, 0, kPanelWidth, kHeight);
  cairo_fill(to);
  set_colour(to, kFaint);
  font(to, 14);
  draw_text(to, kPanelLeft, 40, "score");
  draw_text(to, kPanelLeft, 124, "ships");
  draw_text(to, kPanelLeft + 74, 124, "rack");
  draw_text(to, kPanelLeft + 148, 124, "game");
  set_colour(to, kInk);
  font(to, 38, true);
  draw_text(to, kPanelLeft, 84, thousands(status.score));
  font(to, 22, true);
  draw_text(to, kPanelLeft, 152, fmt::format("{}", status.ships));
  draw_text(to, kPanelLeft + 74, 152, fmt::format("{}", status.racks + 1));
  draw_text(to, kPanelLeft + 148, 152, fmt::format("{}", status.game));
  if (!status.q.empty()) {
    set_colour(to, kFaint);
    font(to, 14);
    draw_text(to, kPanelLeft, 194, "what each action is worth (Q)");
  }
  const bool has_q = status.q.size() >= kActions;
  const auto [low, high] = std::minmax_element(status.q.begin(), status.q.end());
  for (std::size_t i = 0; i < kActions; ++i) {
    const bool chosen = i == static_cast<std::size_t>(status.action);
    const double y = kBarTop + kBarStep * static_cast<double>(i);
    set_colour(to, chosen ? kChosen : kInk);
    font(to, 15, chosen);
    draw_text(to, kPanelLeft, y + 14, std::string(kActionNames[i]));
    if (!has_q) continue;
    draw_text(to, kPanelRight, y + 14, fmt::format("{:.2f}", status.q[i]), Anchor::kEnd);
    const double share = *high > *low ? static_cast<double>((status.q[i] - *low) / (*high - *low)) : 1;
    set_colour(to, chosen ? kChosen : kBar);
    cairo_rectangle(to, kPanelLeft, y + 20, (0.03 + 0.97 * share) * (kPanelRight - kPanelLeft), 9);
    cairo_fill(to);
  }
  check_drawn(to);
}

}  // namespace sinv
