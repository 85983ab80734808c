#include "game/pixels.h"

#include <algorithm>
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
    PixelPreset{"grey-64", kFullWidth / 3, 8 * kFullBytes / 3, false, PixelView::kGrey64},
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
FullRow odd(const FullRow& a, const FullRow& b) { return {a[0] ^ b[0], a[1] ^ b[1], a[2] ^ b[2]}; }
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

// Columns 0, 3, .. 63; 66, .. 126; 129, .. 189.
std::uint64_t thirds(const FullRow& row) {
  return every_third(row[0]) | every_third(row[1] >> 2) << 22 | every_third(row[2] >> 1) << 43;
}

void write_thirds(std::span<const FullRow> full, int move, std::uint8_t* out) {
  for (std::size_t y = 0; y < full.size(); y += 3, out += 8) {
    const FullRow lit = moved_left(either(either(full[y], full[y + 1]), full[y + 2]), move, true);
    // Bit i: column i or one of the two to its right.
    const std::uint64_t row = thirds(either(either(lit, moved_left(lit, 1, false)), moved_left(lit, 2, false)));
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

// Two bits of each column's sum of three.
struct Sum {
  FullRow ones;
  FullRow twos;
};
Sum sum_of(const FullRow& a, const FullRow& b, const FullRow& c) {
  return {odd(odd(a, b), c), either(both(a, b), both(c, odd(a, b)))};
}
Sum sum_of_neighbours(const FullRow& row) { return sum_of(row, moved_left(row, 1, false), moved_left(row, 2, false)); }

// kGrey64: the number of lit pixels as four bits, each a picture of its own, and a fifth where it is not 0.
void thirds_grey(const PixelLoops& with, const Ram& newest, const Ram& before, std::uint8_t* out) {
  std::array<FullRow, kFullHeight> full;
  with.full_packed(newest, before, reinterpret_cast<std::uint8_t*>(full.data()));
  constexpr std::size_t kPictures = 5;
  std::array<std::array<std::uint64_t, kFullHeight / 3>, kPictures> bits;
  for (std::size_t row = 0; row < kFullHeight / 3; ++row) {
    const Sum down = sum_of(full[3 * row], full[3 * row + 1], full[3 * row + 2]);
    const Sum low = sum_of_neighbours(down.ones);
    const Sum high = sum_of_neighbours(down.twos);
    // low.ones + 2 (low.twos + high.ones) + 4 high.twos.
    const FullRow carry = both(low.twos, high.ones);
    const std::array sum{low.ones, odd(low.twos, high.ones), odd(high.twos, carry), both(high.twos, carry)};
    std::uint64_t any = 0;
    for (std::size_t bit = 0; bit < sum.size(); ++bit) any |= bits[bit][row] = thirds(sum[bit]);
    bits[kPictures - 1][row] = any;
  }
  constexpr std::size_t kPixels = std::size_t{kFullWidth / 3} * (kFullHeight / 3);
  constexpr std::array<std::uint8_t, kPictures> kWorth{15, 30, 60, 120, 120};
  std::array<std::uint8_t, kPixels> lit;
  for (std::size_t picture = 0; picture < kPictures; ++picture) {
    with.unpack(reinterpret_cast<const std::uint8_t*>(bits[picture].data()), kPixels / 8, lit.data());
    for (std::size_t i = 0; i < kPixels; ++i) {
      const int sofar = picture == 0 ? 0 : out[i];
      out[i] = static_cast<std::uint8_t>(sofar + (lit[i] & kWorth[picture]));
    }
  }
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
    case PixelView::kGrey64:
      return thirds_grey(with, newest, before, out.data());
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
void unpack_stored(const FrameShape& shape, std::span<const std::uint8_t> stored, std::span<std::uint8_t> out) {
  if (shape.packed) return unpack_pixels(stored, out);
  SINV_CHECK(out.size() == stored.size(), "unpack_stored: room for ", out.size(), " bytes, ", stored.size(), " stored");
  std::ranges::copy(stored, out.begin());
}

}  // namespace sinv
