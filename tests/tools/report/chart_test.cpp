#include "tools/report/chart.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <png.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using testing::DoubleEq;
using testing::ElementsAre;

struct Picture {
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::vector<std::uint8_t> rgb;
  std::uint32_t at(std::uint32_t x, std::uint32_t y) const {
    const std::size_t i = (std::size_t{y} * width + x) * 3;
    return (std::uint32_t{rgb[i]} << 16) | (std::uint32_t{rgb[i + 1]} << 8) | rgb[i + 2];
  }
};

Picture read_png(const std::filesystem::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_NE(png_image_begin_read_from_file(&image, path.c_str()), 0) << image.message;
  image.format = PNG_FORMAT_RGB;
  Picture out{image.width, image.height, std::vector<std::uint8_t>(PNG_IMAGE_SIZE(image))};
  EXPECT_NE(png_image_finish_read(&image, nullptr, out.rgb.data(), 0, nullptr), 0) << image.message;
  return out;
}

Figure one_chart(std::vector<double> y) {
  std::vector<double> x(y.size());
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<double>(i);
  Chart chart{"Score", "frames", "", {}};
  chart.series.push_back({.name = "", .x = x, .y = std::move(y), .colour = 1, .width = 5});
  return {.title = "a figure", .columns = 1, .charts = {chart}};
}

TEST(Chart, TicksAreRoundNumbersInsideTheRange) {
  EXPECT_THAT(ticks(0, 10, 5), ElementsAre(0, 2, 4, 6, 8, 10));
  EXPECT_THAT(ticks(-0.3, 1.1, 3), ElementsAre(DoubleEq(0), DoubleEq(0.5), DoubleEq(1)));
  EXPECT_THAT(ticks(1300, 4400, 4), ElementsAre(2000, 3000, 4000));
  EXPECT_TRUE(ticks(1, 1, 4).empty());
  EXPECT_EQ(tick_text(0), "0");
  EXPECT_EQ(tick_text(0.25), "0.25");
  EXPECT_EQ(tick_text(0.0002), "2e-04");
  EXPECT_EQ(tick_text(2500), "2500");
  EXPECT_EQ(tick_text(25000), "25k");
  EXPECT_EQ(tick_text(20e6), "20M");
}

// The line rises from the left bottom to the right top: its colour stands in two corners and not in the others.
TEST(Chart, ARisingCurveIsDrawnRising) {
  TestFolder folder;
  const auto path = folder / "a.png";
  write_figure(path, one_chart({0, 1, 2, 3}));
  const Picture picture = read_png(path);
  ASSERT_EQ(picture.width, 560U);
  ASSERT_EQ(picture.height, 386U);
  const auto count = [&](std::uint32_t x0, std::uint32_t x1, std::uint32_t y0, std::uint32_t y1) {
    int found = 0;
    for (std::uint32_t y = y0; y < y1; ++y) {
      for (std::uint32_t x = x0; x < x1; ++x) found += picture.at(x, y) == 0xD55E00 ? 1 : 0;
    }
    return found;
  };
  EXPECT_GT(count(0, 280, 193, 386), 100);
  EXPECT_GT(count(280, 560, 0, 193), 100);
  EXPECT_LT(count(0, 260, 0, 180), 5);
  EXPECT_LT(count(300, 560, 215, 386), 5);
}

TEST(Chart, SvgHoldsTheCurveInItsColour) {
  TestFolder folder;
  const auto path = folder / "a.svg";
  write_figure(path, one_chart({0, 1, 2, 3}));
  const std::vector<std::byte> bytes = read_file(path);
  const std::string svg(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  EXPECT_NE(svg.find("<svg"), std::string::npos);
  EXPECT_NE(svg.find("</svg>"), std::string::npos);
  EXPECT_NE(svg.find("rgb(83.5"), std::string::npos);  // 0xD5 / 255 = 0.8353
}

TEST(Chart, NumbersThatAreNoneAndFlatCurvesAreDrawnToo) {
  TestFolder folder;
  const auto path = folder / "a.png";
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::vector<double>& y : {std::vector<double>{}, std::vector<double>{5}, std::vector<double>{0, 0, 0},
                                       std::vector<double>{nan, 1, nan}}) {
    write_figure(path, one_chart(y));
    EXPECT_EQ(read_png(path).width, 560U);
  }
}

TEST(Chart, WrongEndingsAndLengthsAreRefused) {
  TestFolder folder;
  try {
    write_figure(folder / "a.gif", one_chart({1}));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("a.gif: a figure ends in .png or .svg"), std::string::npos);
  }
  Figure figure = one_chart({1, 2});
  figure.charts[0].series[0].x.pop_back();
  EXPECT_THROW(write_figure(folder / "a.png", figure), Error);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.png"));
}

}  // namespace
}  // namespace sinv
