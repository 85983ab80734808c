#include "game/pixels.h"

#include <array>

#include "base/error.h"
#include "base/text.h"
#include "game/pixels_loops.h"

namespace sinv {
namespace {

constexpr std::array kPresets{
    PixelPreset{"deepmind", kAreaSize, kAreaSize, false, PixelView::kDeepmind},
    PixelPreset{"play-field", kPlayFieldWidth, 4 * kPlayFieldBytes, true, PixelView::kPlayField},
    PixelPreset{"full", kFullWidth, 8 * kFullBytes, true, PixelView::kFull},
};

PixelCode best_code() {
  static const PixelCode code = pixel_codes().back();
  return code;
}

const PixelLoops& loops(PixelCode code) {
#if defined(__x86_64__)
  if (code == PixelCode::kAvx2) return kPixelLoopsAvx2;
#endif
  SINV_CHECK(code == PixelCode::kPortable, "pixels: implementation ", static_cast<int>(code),
             " is not in this program");
  return kPixelLoopsPortable;
}

}  // namespace

std::span<const PixelPreset> pixel_presets() { return kPresets; }

const PixelPreset& pixel_preset_of(std::string_view name) {
  std::vector<std::string> names;
  for (const PixelPreset& preset : kPresets) {
    if (name == preset.name) return preset;
    names.emplace_back(preset.name);
  }
  throw UserError(unknown_name("env.pixels", name, names));
}

std::vector<PixelCode> pixel_codes() {
  std::vector<PixelCode> codes{PixelCode::kPortable};
#if defined(__x86_64__)
  if (__builtin_cpu_supports("avx2")) codes.push_back(PixelCode::kAvx2);
#endif
  return codes;
}

void render_pixels(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before,
                   std::span<std::uint8_t> out) {
  SINV_CHECK(out.size() == preset.pixels(), "render_pixels: room for ", out.size(), " bytes, ", preset.name, " has ",
             preset.pixels());
  const PixelLoops& with = loops(code);
  switch (preset.view) {
    case PixelView::kDeepmind:
      return with.deepmind(newest, before, out.data());
    case PixelView::kPlayField:
      return with.play_field(newest, before, out.data());
    case PixelView::kFull:
      return with.full(newest, before, out.data());
  }
}

void render_packed(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before,
                   std::span<std::uint8_t> out) {
  SINV_CHECK(preset.binary, "render_packed: ", preset.name, " has shades, one bit cannot hold them");
  SINV_CHECK(out.size() == preset.packed_bytes(), "render_packed: room for ", out.size(), " bytes, ", preset.name,
             " has ", preset.packed_bytes());
  const PixelLoops& with = loops(code);
  (preset.view == PixelView::kFull ? with.full_packed : with.play_field_packed)(newest, before, out.data());
}

void unpack_pixels(PixelCode code, std::span<const std::uint8_t> packed, std::span<std::uint8_t> out) {
  SINV_CHECK(out.size() == 8 * packed.size(), "unpack_pixels: room for ", out.size(), " bytes, ", packed.size(),
             " packed bytes hold ", 8 * packed.size(), " pixels");
  loops(code).unpack(packed.data(), packed.size(), out.data());
}

void render_pixels(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out) {
  render_pixels(best_code(), preset, newest, before, out);
}
void render_packed(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out) {
  render_packed(best_code(), preset, newest, before, out);
}
void render_stored(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out) {
  if (preset.binary) return render_packed(preset, newest, before, out);
  render_pixels(preset, newest, before, out);
}
void unpack_pixels(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out) {
  unpack_pixels(best_code(), packed, out);
}

}  // namespace sinv
