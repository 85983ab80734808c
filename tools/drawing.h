#pragma once

#include <cairo.h>
#include <cstdint>
#include <memory>
#include <string>

/// Words and colours on cairo's surfaces.
namespace sinv {

struct FreeSurface {
  void operator()(cairo_surface_t* surface) const { cairo_surface_destroy(surface); }
};
struct FreeContext {
  void operator()(cairo_t* context) const { cairo_destroy(context); }
};
using CairoSurface = std::unique_ptr<cairo_surface_t, FreeSurface>;
using CairoContext = std::unique_ptr<cairo_t, FreeContext>;

/// 0xRRGGBB.
void set_colour(cairo_t* to, std::uint32_t colour);
void font(cairo_t* to, double size, bool bold = false);

enum class Anchor { kStart, kMiddle, kEnd };
/// x: where the anchor stands; y: the line that the letters stand on.
void draw_text(cairo_t* to, double x, double y, const std::string& letters, Anchor anchor = Anchor::kStart);
double letters_width(cairo_t* to, const std::string& letters);

/// Errors: Error when something that was drawn failed.
void check_drawn(cairo_t* to);

}  // namespace sinv
