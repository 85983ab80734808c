#include "tools/drawing.h"

#include "base/error.h"

namespace sinv {

void set_colour(cairo_t* to, std::uint32_t colour) {
  const auto part = [&](int shift) { return static_cast<double>((colour >> shift) & 0xFF) / 255; };
  cairo_set_source_rgb(to, part(16), part(8), part(0));
}

void font(cairo_t* to, double size, bool bold) {
  cairo_select_font_face(to, "sans-serif", CAIRO_FONT_SLANT_NORMAL,
                         bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size(to, size);
}

double letters_width(cairo_t* to, const std::string& letters) {
  cairo_text_extents_t size;
  cairo_text_extents(to, letters.c_str(), &size);
  return size.x_advance;
}

void draw_text(cairo_t* to, double x, double y, const std::string& letters, Anchor anchor) {
  const double share = anchor == Anchor::kStart ? 0 : anchor == Anchor::kMiddle ? 0.5 : 1;
  cairo_move_to(to, x - share * letters_width(to, letters), y);
  cairo_show_text(to, letters.c_str());
}

void check_drawn(cairo_t* to) {
  SINV_CHECK(cairo_status(to) == CAIRO_STATUS_SUCCESS, "cairo: ", cairo_status_to_string(cairo_status(to)));
}

}  // namespace sinv
