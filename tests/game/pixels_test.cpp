#include "game/pixels.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/random.h"
#include "game/ram_map.h"

namespace sinv {
namespace {

using testing::HasSubstr;

constexpr int kWidth = 224;
constexpr int kHeight = 256;

// Hardware reference, section 3: byte 32 * column + row / 8, bit row % 8, rows from below.
bool lit_in(const Ram& ram, int x, int y_from_top) {
  const int row = kHeight - 1 - y_from_top;
  return (ram[static_cast<std::size_t>(at::kPicture - kRamAddress + 32 * x + row / 8)] >> (row % 8) & 1) != 0;
}

struct Screen {
  double of[kHeight][kWidth];  // 0 or 1, upright
};

Screen merged(const Ram& newest, const Ram& before) {
  Screen screen;
  for (int y = 0; y < kHeight; ++y) {
    for (int x = 0; x < kWidth; ++x) screen.of[y][x] = lit_in(newest, x, y) || lit_in(before, x, y) ? 1 : 0;
  }
  return screen;
}

// How much of pixel `i` of the screen, [i, i + 1), lies in [from, to).
double share(int i, double from, double to) { return std::max(0.0, std::min(i + 1.0, to) - std::max(i + 0.0, from)); }

// The column of the screen in which the ship stands.
int ship_in(const Screen& screen) {
  const auto lit = [&](int x) {
    bool any = false;
    for (int row = 32; row < 36; ++row) any = any || screen.of[kHeight - 1 - row][x] != 0;
    return any;
  };
  for (int x = 16; x < 208; ++x) {
    int end = x;
    while (end < 208 && lit(end)) ++end;
    if (end - x >= 11) return (x + end - 1) / 2;
  }
  return 16 + 96;
}

// The definition, slowly: the mean of the area that a pixel covers.
std::vector<std::uint8_t> by_definition(const PixelPreset& preset, const Screen& screen) {
  std::vector<std::uint8_t> out;
  for (int y = 0; y < preset.height; ++y) {
    for (int x = 0; x < preset.width; ++x) {
      if (preset.view == PixelView::kDeepmind) {
        const double left = x * 224.0 / 84, right = (x + 1) * 224.0 / 84;
        const double top = y * 256.0 / 84, bottom = (y + 1) * 256.0 / 84;
        double sum = 0;
        for (int v = static_cast<int>(top); v < std::min(kHeight, static_cast<int>(bottom) + 1); ++v) {
          for (int u = static_cast<int>(left); u < std::min(kWidth, static_cast<int>(right) + 1); ++u) {
            sum += screen.of[v][u] * share(u, left, right) * share(v, top, bottom);
          }
        }
        const double value = 255 * sum / (right - left) / (bottom - top);
        out.push_back(static_cast<std::uint8_t>(std::floor(value + 0.5 + 1e-9)));  // no value but 127.5 is a half
        continue;
      }
      const bool follows = preset.view == PixelView::kShip64;
      const int scale = preset.view == PixelView::kPlayField ? 2 : preset.view == PixelView::kFull ? 1 : 3;
      const int left = follows ? ship_in(screen) - 97 : 16;
      int lit = 0;
      for (int v = 0; v < scale; ++v) {
        // Rows 215 downwards from below are 40 and on from the top.
        for (int u = left + scale * x; u < left + scale * (x + 1); ++u) {
          lit += u < 16 || u >= 208 || screen.of[40 + scale * y + v][u] != 0 ? 1 : 0;
        }
      }
      const int shade = preset.view == PixelView::kGrey64 ? 120 + 15 * lit : 255;
      out.push_back(static_cast<std::uint8_t>(lit > 0 ? shade : 0));
    }
  }
  return out;
}

// One bit in `sparse` is lit.
Ram random_ram(Random& random, std::uint32_t sparse) {
  Ram ram;
  for (std::uint8_t& byte : ram) {
    byte = 0;
    for (int bit = 0; bit < 8; ++bit) byte = static_cast<std::uint8_t>(byte << 1 | (random.below(sparse) == 0 ? 1 : 0));
  }
  return ram;
}

std::vector<std::uint8_t> rendered(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before) {
  std::vector<std::uint8_t> guarded(preset.pixels() + 64, 77);
  render_pixels(code, preset, newest, before, std::span(guarded).subspan(32, preset.pixels()));
  EXPECT_EQ(std::count(guarded.begin(), guarded.begin() + 32, 77), 32) << preset.name;
  EXPECT_EQ(std::count(guarded.end() - 32, guarded.end(), 77), 32) << preset.name;
  return {guarded.begin() + 32, guarded.end() - 32};
}

std::vector<std::uint8_t> packed(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before) {
  std::vector<std::uint8_t> guarded(preset.packed_bytes() + 64, 77);
  render_packed(code, preset, newest, before, std::span(guarded).subspan(32, preset.packed_bytes()));
  EXPECT_EQ(std::count(guarded.begin(), guarded.begin() + 32, 77), 32) << preset.name;
  EXPECT_EQ(std::count(guarded.end() - 32, guarded.end(), 77), 32) << preset.name;
  return {guarded.begin() + 32, guarded.end() - 32};
}

TEST(Pixels, EveryCodeMakesThePictureOfTheDefinition) {
  Random random(7, 0);
  std::vector<int> shades(256);
  for (int round = 0; round < 60; ++round) {
    const std::uint32_t sparse = round < 2 ? 1 : 1U << (round % 6 + 1);
    const Ram newest = random_ram(random, sparse);
    const Ram before = round % 3 == 0 ? newest : random_ram(random, sparse);
    const Screen screen = merged(newest, before);
    for (const PixelPreset& preset : pixel_presets()) {
      const std::vector<std::uint8_t> want = by_definition(preset, screen);
      if (!preset.binary) {
        for (const std::uint8_t value : want) ++shades[value];
      }
      for (const PixelCode code : pixel_codes()) {
        ASSERT_EQ(rendered(code, preset, newest, before), want) << preset.name << " by code " << static_cast<int>(code);
      }
    }
  }
  EXPECT_EQ(std::count(shades.begin(), shades.end(), 0), 0);  // every shade was compared
}

// Thirteen columns wide, everywhere, whole and with an alien shot beside it; and none.
TEST(Pixels, TheShipStandsInTheMiddleWhereverItIs) {
  const PixelPreset& preset = pixel_preset_of("ship-64");
  for (int left = 16; left + 13 <= 208; ++left) {
    Ram ram{};
    for (int x = left; x < left + 13; ++x) {
      ram[static_cast<std::size_t>(at::kPicture - kRamAddress + 32 * x + 4)] = x % 2 == 0 ? 0b1010 : 0b0101;
    }
    for (const PixelCode code : pixel_codes()) {
      const std::vector<std::uint8_t> out = rendered(code, preset, ram, ram);
      ASSERT_EQ(out, by_definition(preset, merged(ram, ram))) << left;
      const std::span<const std::uint8_t> bottom = std::span(out).subspan(60 * 64, 64);
      for (int x = 0; x < 64; ++x) {
        const int first = left + 6 - 97 + 3 * x;  // column of the screen
        const bool outside = first < 16 || first + 2 >= 208;
        ASSERT_EQ(bottom[static_cast<std::size_t>(x)], outside || (x >= 30 && x <= 34) ? 255 : 0) << left << " " << x;
      }
    }
  }
  const Ram empty{};
  const std::vector<std::uint8_t> out = rendered(PixelCode::kPortable, preset, empty, empty);
  EXPECT_EQ(std::count(out.begin(), out.end(), 255), 64);  // the field's middle: a third of a pixel is cut off
}

// One lit pixel at a time, everywhere: where it lands and that it never vanishes.
TEST(Pixels, OnePixelIsSeenWhereverItIs) {
  for (int x = 0; x < kWidth; x += 5) {
    for (int y = x % 13; y < kHeight; y += 13) {
      Ram ram{};
      const int row = kHeight - 1 - y;
      ram[static_cast<std::size_t>(at::kPicture - kRamAddress + 32 * x + row / 8)] =
          static_cast<std::uint8_t>(1 << row % 8);
      const Ram empty{};
      const PixelPreset& preset = pixel_preset_of("deepmind");
      for (const PixelCode code : pixel_codes()) {
        const std::vector<std::uint8_t> out = rendered(code, preset, empty, ram);
        ASSERT_EQ(out, by_definition(preset, merged(empty, ram)));
        ASSERT_GE(*std::max_element(out.begin(), out.end()), 11) << x << " " << y;
      }
    }
  }
}

// All sets of lit pixels under one pixel of three columns (weights 3 3 2) and four rows (21 21 21 1, and 11 21 21 11).
TEST(Pixels, EveryWeightOfAnAreaIsRoundedToTheNearest) {
  const PixelPreset& preset = pixel_preset_of("deepmind");
  std::vector<bool> seen(513);
  for (const int y : {0, 10}) {  // from below
    for (int bits = 0; bits < 4096; ++bits) {
      Ram ram{};
      int s = 0;
      for (int k = 0; k < 12; ++k) {
        if ((bits >> k & 1) == 0) continue;
        const int column = k % 3;
        const int row = 3 * y + k / 3;
        ram[static_cast<std::size_t>(at::kPicture - kRamAddress + 32 * column + row / 8)] |=
            static_cast<std::uint8_t>(1 << row % 8);
        s += (column == 2 ? 2 : 3) * (k / 3 == 0 ? 21 - y : k / 3 == 3 ? 1 + y : 21);
      }
      seen[static_cast<std::size_t>(s)] = true;
      for (const PixelCode code : pixel_codes()) {
        ASSERT_EQ(rendered(code, preset, ram, ram)[static_cast<std::size_t>((83 - y) * 84)], (255 * s + 256) / 512)
            << s;
      }
    }
  }
  EXPECT_TRUE(seen[0] && seen[256] && seen[512]);  // 256 is the only half
}

TEST(Pixels, StoredPicturesAreReadInEitherForm) {
  const std::vector<std::uint8_t> stored{0x81, 0x02};
  std::vector<std::uint8_t> pixels(16);
  unpack_stored({.width = 8, .height = 1, .packed = true}, stored, pixels);
  EXPECT_THAT(pixels, testing::ElementsAre(255, 0, 0, 0, 0, 0, 0, 255, 0, 255, 0, 0, 0, 0, 0, 0));
  pixels.resize(2);
  unpack_stored({.width = 2, .height = 1, .packed = false}, stored, pixels);
  EXPECT_EQ(pixels, stored);
}

TEST(Pixels, PackedBitsAreThePictureInRowOrder) {
  Random random(8, 0);
  for (int round = 0; round < 12; ++round) {
    const Ram newest = random_ram(random, 3);
    const Ram before = random_ram(random, 5);
    for (const PixelPreset& preset : pixel_presets()) {
      if (!preset.binary) continue;
      const std::vector<std::uint8_t> want = by_definition(preset, merged(newest, before));
      for (const PixelCode code : pixel_codes()) {
        const std::vector<std::uint8_t> bits = packed(code, preset, newest, before);
        for (std::size_t i = 0; i < want.size(); ++i) {
          ASSERT_EQ((bits[i / 8] >> (i % 8) & 1) != 0, want[i] != 0) << preset.name << " pixel " << i;
        }
        std::vector<std::uint8_t> again(want.size());
        unpack_pixels(code, bits, again);
        ASSERT_EQ(again, want);
      }
    }
  }
}

TEST(Pixels, UnpackingTakesAnyNumberOfBytes) {
  Random random(9, 0);
  for (const std::size_t bytes : {0, 1, 3, 4, 5, 31, 32, 33, 100}) {
    std::vector<std::uint8_t> from(bytes);
    for (std::uint8_t& byte : from) byte = static_cast<std::uint8_t>(random.bits());
    for (const PixelCode code : pixel_codes()) {
      std::vector<std::uint8_t> guarded(8 * bytes + 2, 77);
      unpack_pixels(code, from, std::span(guarded).subspan(1, 8 * bytes));
      EXPECT_EQ(guarded.front(), 77);
      EXPECT_EQ(guarded.back(), 77);
      for (std::size_t i = 0; i < 8 * bytes; ++i) {
        ASSERT_EQ(guarded[i + 1], (from[i / 8] >> (i % 8) & 1) != 0 ? 255 : 0) << bytes << " " << i;
      }
    }
  }
}

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Pixels, RefusesAnUnknownNameAWrongRoomAndBitsOfShades) {
  EXPECT_STREQ(pixel_preset_of("full").name, "full");
  EXPECT_THAT(refusal([] { pixel_preset_of("fulll"); }),
              HasSubstr("\"fulll\" is not known; known: deepmind, play-field, full, field-64, ship-64, grey-64; did "
                        "you mean \"full\"?"));
  std::vector<std::uint8_t> room(9599);
  const Ram ram{};
  EXPECT_THAT(refusal([&] { render_pixels(pixel_preset_of("play-field"), ram, ram, room); }),
              HasSubstr("render_pixels: room for 9599 bytes, play-field has 9600"));
  EXPECT_THAT(refusal([&] { render_packed(pixel_preset_of("full"), ram, ram, room); }),
              HasSubstr("render_packed: room for 9599 bytes, full has 4608"));
  EXPECT_THAT(refusal([&] { render_packed(pixel_preset_of("deepmind"), ram, ram, room); }),
              HasSubstr("render_packed: deepmind has shades, one bit cannot hold them"));
  EXPECT_THAT(refusal([&] { unpack_pixels(std::span(room).first(2), std::span(room).first(15)); }),
              HasSubstr("unpack_pixels: room for 15 bytes, 2 packed bytes hold 16 pixels"));
  EXPECT_THAT(
      refusal([&] { unpack_stored({.packed = false}, std::span(room).first(3), std::span(room).subspan(3, 4)); }),
      HasSubstr("unpack_stored: room for 4 bytes, 3 stored"));
}

}  // namespace
}  // namespace sinv
