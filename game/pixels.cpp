#include "game/pixels.h"

#include <array>
#include <cstring>

#include "base/error.h"
#include "base/text.h"
#include "game/pixels_loops.h"

namespace sinv {
namespace {

constexpr std::array kPresets{
    PixelPreset{"deepmind", kAreaSize, kAreaSize, false, PixelView::kDeepmind},
    PixelPreset{"play-field", kPlayFieldWidth, 4 * kPlayFieldBytes, true, PixelView::kPlayField},
    PixelPreset{"full", kFullWidth, 8 * kFullBytes, true, PixelView::kFull},
    PixelPreset{"field-64", kFullWidth / 3, 8 * kFullBytes / 3, true, PixelView::kField64},
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

// Bits 0, 3, 6, .. of 64, moved together.
std::uint64_t every_third(std::uint64_t bits) {
  bits &= 0x9249249249249249ULL;
  bits = (bits | bits >> 2) & 0x30C30C30C30C30C3ULL;
  bits = (bits | bits >> 4) & 0xF00F00F00F00F00FULL;
  bits = (bits | bits >> 8) & 0x00FF0000FF0000FFULL;
  bits = (bits | bits >> 16) & 0xFFFF00000000FFFFULL;
  return (bits | bits >> 32) & 0x00000000003FFFFFULL;
}

// Of the packed full picture: a row is three words of 64 columns, and 3 x 3 pixels are three rows of them.
void field_64_packed(const PixelLoops& with, const Ram& newest, const Ram& before, std::uint8_t* out) {
  constexpr std::size_t kRowWords = kFullWidth / 64;
  std::array<std::uint64_t, kRowWords * 8 * kFullBytes> full;
  with.full_packed(newest, before, reinterpret_cast<std::uint8_t*>(full.data()));
  for (std::size_t y = 0; y < full.size() / kRowWords / 3; ++y) {
    const std::uint64_t* const rows = full.data() + 3 * kRowWords * y;
    std::array<std::uint64_t, kRowWords + 1> word{};  // one of zeros behind the last
    for (std::size_t i = 0; i < kRowWords; ++i) word[i] = rows[i] | rows[kRowWords + i] | rows[2 * kRowWords + i];
    std::array<std::uint64_t, kRowWords> any;  // bit i: column i or one of the two to its right
    for (std::size_t i = 0; i < kRowWords; ++i) {
      any[i] = word[i] | (word[i] >> 1 | word[i + 1] << 63) | (word[i] >> 2 | word[i + 1] << 62);
    }
    // Columns 0, 3, .. 63; 66, .. 126; 129, .. 189.
    const std::uint64_t row = every_third(any[0]) | every_third(any[1] >> 2) << 22 | every_third(any[2] >> 1) << 43;
    std::memcpy(out + 8 * y, &row, sizeof row);
  }
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
    case PixelView::kField64: {
      std::array<std::uint8_t, 512> packed;
      field_64_packed(with, newest, before, packed.data());
      return with.unpack(packed.data(), packed.size(), out.data());
    }
  }
}

void render_packed(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before,
                   std::span<std::uint8_t> out) {
  SINV_CHECK(preset.binary, "render_packed: ", preset.name, " has shades, one bit cannot hold them");
  SINV_CHECK(out.size() == preset.packed_bytes(), "render_packed: room for ", out.size(), " bytes, ", preset.name,
             " has ", preset.packed_bytes());
  const PixelLoops& with = loops(code);
  if (preset.view == PixelView::kField64) return field_64_packed(with, newest, before, out.data());
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
