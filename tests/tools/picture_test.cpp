#include "tools/picture.h"

#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>
#include <png.h>
#include <vector>

#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

Ram dark() {
  Ram ram;
  ram.fill(0);
  return ram;
}

// Addresses from the pixel map of the board: $2400 bit 0 is the lowest pixel of the leftmost column, $3FFF bit 7 the
// highest of the rightmost.
TEST(Picture, CornersLieWhereTheBoardHasThem) {
  Ram ram = dark();
  ram[0x0400] = 0x01;
  EXPECT_TRUE(lit(ram, 0, 255));
  ram = dark();
  ram[0x1FFF] = 0x80;
  EXPECT_TRUE(lit(ram, 223, 0));
  ram = dark();
  ram[0x0420] = 0x80;  // $2420 bit 7: column 1, row 7
  EXPECT_TRUE(lit(ram, 1, 248));
  EXPECT_FALSE(lit(ram, 0, 248));
}

TEST(Picture, OverlayHasItsThreeColours) {
  EXPECT_EQ(overlay_colour(100, 40), 0xFF2020U);   // saucer band
  EXPECT_EQ(overlay_colour(100, 200), 0x20FF20U);  // shields and player
  EXPECT_EQ(overlay_colour(20, 250), 0x20FF20U);   // ships
  EXPECT_EQ(overlay_colour(200, 250), 0xFFFFFFU);  // credit
  EXPECT_EQ(overlay_colour(100, 100), 0xFFFFFFU);
}

// Decoded with libpng's simplified reader, which shares nothing with the writing side here.
TEST(Picture, PngShowsTheSamePixels) {
  TestFolder folder;
  Ram ram = dark();
  for (std::size_t i = 0x400; i < ram.size(); ++i) ram[i] = static_cast<std::uint8_t>((i * 2654435761U) >> 13);
  write_png(folder / "a.png", ram, 2);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  ASSERT_NE(png_image_begin_read_from_file(&image, (folder / "a.png").c_str()), 0);
  image.format = PNG_FORMAT_RGB;
  std::vector<std::uint8_t> rgb(PNG_IMAGE_SIZE(image));
  ASSERT_NE(png_image_finish_read(&image, nullptr, rgb.data(), 0, nullptr), 0);
  ASSERT_EQ(image.width, 448U);
  ASSERT_EQ(image.height, 512U);
  for (int y = 0; y < 512; ++y) {
    for (int x = 0; x < 448; ++x) {
      const std::uint8_t* pixel = &rgb[static_cast<std::size_t>((y * 448 + x) * 3)];
      const std::uint32_t seen = (std::uint32_t{pixel[0]} << 16) | (std::uint32_t{pixel[1]} << 8) | pixel[2];
      const std::uint32_t want = lit(ram, x / 2, y / 2) ? overlay_colour(x / 2, y / 2) : 0;
      ASSERT_EQ(seen, want) << x << "," << y;
    }
  }
}

TEST(Picture, BrailleHasTheSizeItPromises) {
  const auto lines = [](const std::string& out) { return std::count(out.begin(), out.end(), '\n'); };
  const std::string full = braille_picture(dark(), false, false);
  EXPECT_EQ(lines(full), 64);
  EXPECT_EQ(full.size(), 64U * (112 * 3 + 1));  // a Braille letter is three bytes of UTF-8
  EXPECT_EQ(lines(braille_picture(dark(), true, false)), 32);
}

// One pixel at a time: exactly the Braille dot of the Unicode chart must appear.
TEST(Picture, BrailleDotsFollowTheUnicodeChart) {
  const char* const want[4][2] = {{"⠁", "⠈"}, {"⠂", "⠐"}, {"⠄", "⠠"}, {"⡀", "⢀"}};
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 2; ++x) {
      Ram ram = dark();
      const int row = 255 - y;
      ram[static_cast<std::size_t>(0x400 + 32 * x + row / 8)] = static_cast<std::uint8_t>(1 << (row % 8));
      EXPECT_EQ(braille_picture(ram, false, false).substr(0, 3), want[y][x]);
    }
  }
}

}  // namespace
}  // namespace sinv
