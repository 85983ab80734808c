#include "game/pixels.h"

#include <array>
#include <bit>
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
    PixelPreset{"ship-64", kFullWidth / 3, 8 * kFullBytes / 3, true, PixelView::kShip64},
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

// A row of the packed full picture: bit i of word w is column 64 w + i.
constexpr int kRowWords = kFullWidth / 64;
constexpr int kFullHeight = 8 * kFullBytes;
using FullRow = std::array<std::uint64_t, kRowWords>;

// Column i becomes column i - columns; what comes in from outside is lit or not.
FullRow moved_left(const FullRow& row, int columns, bool lit) {
  const auto word = [&](int i) { return i >= 0 && i < kRowWords ? row[static_cast<std::size_t>(i)] : lit ? ~0ULL : 0; };
  const int words = columns >> 6;
  const int bits = columns & 63;
  FullRow out;
  for (int i = 0; i < kRowWords; ++i) {
    out[static_cast<std::size_t>(i)] = word(i + words) >> bits | (bits == 0 ? 0 : word(i + words + 1) << (64 - bits));
  }
  return out;
}

FullRow both(const FullRow& a, const FullRow& b) { return {a[0] & b[0], a[1] & b[1], a[2] & b[2]}; }
FullRow either(const FullRow& a, const FullRow& b) { return {a[0] | b[0], a[1] | b[1], a[2] | b[2]}; }

// The middle of the first place where kShipColumns neighbours are lit in the ship's rows; without one, of the field.
int ship_column(std::span<const FullRow> full) {
  constexpr int kLowest = kFullHeight - 1 - (kShipRow - kFieldLowestRow);
  FullRow row{};
  for (int y = kLowest - kShipRows + 1; y <= kLowest; ++y) row = either(row, full[static_cast<std::size_t>(y)]);
  // Lit from here on: 2, 4, 8, kShipColumns columns.
  for (const int further : {1, 2, 4, kShipColumns - 8}) row = both(row, moved_left(row, further, false));
  int first = 0;
  for (const std::uint64_t word : row) {
    if (word != 0) {
      first += std::countr_zero(word);
      const int lit = kShipColumns - 1 + std::countr_one(moved_left(row, first, false)[0]);
      return first + (lit - 1) / 2;
    }
    first += 64;
  }
  return kFullWidth / 2;
}

void write_thirds(std::span<const FullRow> full, int move, std::uint8_t* out) {
  for (std::size_t y = 0; y < full.size(); y += 3, out += 8) {
    const FullRow lit = moved_left(either(either(full[y], full[y + 1]), full[y + 2]), move, true);
    // Bit i: column i or one of the two to its right.
    const FullRow any = either(either(lit, moved_left(lit, 1, false)), moved_left(lit, 2, false));
    // Columns 0, 3, .. 63; 66, .. 126; 129, .. 189.
    const std::uint64_t row = every_third(any[0]) | every_third(any[1] >> 2) << 22 | every_third(any[2] >> 1) << 43;
    std::memcpy(out, &row, sizeof row);
  }
}

// kField64 and kShip64, packed.
void thirds_packed(const PixelLoops& with, PixelView view, const Ram& newest, const Ram& before, std::uint8_t* out) {
  std::array<FullRow, kFullHeight> full;
  with.full_packed(newest, before, reinterpret_cast<std::uint8_t*>(full.data()));
  // The ship stands in the middle of the three columns that become column 32.
  write_thirds(full, view == PixelView::kShip64 ? ship_column(full) - 3 * 32 - 1 : 0, out);
}

bool is_of_thirds(PixelView view) { return view == PixelView::kField64 || view == PixelView::kShip64; }

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
    case PixelView::kField64:
    case PixelView::kShip64: {
      std::array<std::uint8_t, 512> packed;
      thirds_packed(with, preset.view, newest, before, packed.data());
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
  if (is_of_thirds(preset.view)) return thirds_packed(with, preset.view, newest, before, out.data());
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
