#include "rl/dreamer/camera.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include "base/error.h"
#include "base/random.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Picture = std::vector<std::uint8_t>;

constexpr FrameShape kShape{.width = 64, .height = 64};
constexpr int kShipsRow = 60;

std::uint8_t& at(Picture& picture, int row, int column) { return picture[static_cast<std::size_t>(row * 64 + column)]; }

// Shades everywhere but in the ship's row, where a thing of `width` columns stands.
Picture with_a_thing(int column, int width, std::uint64_t seed) {
  Picture picture(64 * 64);
  Random random(seed, 0);
  for (std::uint8_t& pixel : picture) pixel = static_cast<std::uint8_t>(random.below(256));
  for (int i = 0; i < 64; ++i) at(picture, kShipsRow, i) = i >= column && i < column + width ? 200 : 0;
  return picture;
}

TEST(Camera, AimsAtTheWidestThingInTheShipsRow) {
  const Camera camera(kShape, true);
  for (int column = 0; column <= 60; ++column) EXPECT_EQ(camera.aim(with_a_thing(column, 4, 1)), column + 2 - 32);
  EXPECT_EQ(camera.aim(with_a_thing(59, 5, 1)), 59 + 2 - 32);
  EXPECT_EQ(camera.aim(with_a_thing(20, 3, 1)), 0) << "as wide as shots are";
  EXPECT_EQ(camera.aim(Picture(64 * 64)), 0);
  Picture picture = with_a_thing(40, 5, 1);
  for (int i = 10; i < 14; ++i) at(picture, kShipsRow, i) = 1;
  EXPECT_EQ(camera.aim(picture), 42 - 32);
  EXPECT_EQ(Camera(kShape, false).aim(picture), 0) << "it stands still";
}

TEST(Camera, MovesAPictureByColumns) {
  const Camera camera(kShape, true);
  const Picture picture = with_a_thing(0, 5, 3);
  for (const int columns : {0, 1, 31, -1, -32}) {
    Picture moved = picture;
    camera.move(moved, columns);
    for (int row = 0; row < 64; ++row) {
      for (int i = 0; i < 64; ++i) {
        const int from = i + columns;
        const auto place = static_cast<std::size_t>(row * 64 + from);
        ASSERT_EQ(at(moved, row, i), from < 0 || from >= 64 ? Camera::kBeyond : picture[place]) << columns;
      }
    }
  }
}

// Older pictures by as many columns as the newest, whatever stands in them; bits become bytes.
TEST(Camera, LooksAtAHistoryAsItsNewestPictureWantsIt) {
  for (const bool packed : {false, true}) {
    const FrameShape shape{.width = 64, .height = 64, .packed = packed};
    const Camera camera(shape, true);
    std::vector<Picture> pictures{with_a_thing(10, 4, 1), with_a_thing(50, 4, 2)};
    Picture stored;
    for (Picture& picture : pictures) {
      if (!packed) {
        stored.insert(stored.end(), picture.begin(), picture.end());
        continue;
      }
      for (std::size_t i = 0; i < picture.size(); i += 8) {
        std::uint8_t byte = 0;
        for (std::size_t bit = 0; bit < 8; ++bit) {
          const bool lit = picture[i + bit] >= 128;
          picture[i + bit] = lit ? 255 : 0;
          byte = static_cast<std::uint8_t>(byte | (lit ? 1U : 0U) << bit);
        }
        stored.push_back(byte);
      }
    }
    Picture seen(2 * 64 * 64);
    camera.look(stored, seen);
    for (std::size_t i = 0; i < 2; ++i) {
      camera.move(pictures[i], 52 - 32);
      EXPECT_TRUE(std::ranges::equal(pictures[i], std::span(seen).subspan(i * 64 * 64, 64 * 64))) << packed << i;
    }
  }
}

TEST(Camera, WhatDoesNotFitIsNamed) {
  const auto refusal = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([] { Camera({.width = 84, .height = 84}, true); }),
              HasSubstr("dreamer.follow_ship wants env.pixels to be field-64 or grey-64, these pictures are 84 x 84"));
  const Camera camera(kShape, false);
  Picture picture(64 * 64);
  EXPECT_THAT(refusal([&] { camera.unpack(std::span(picture).first(9), picture); }), HasSubstr("9 bytes for 4096"));
  EXPECT_THAT(refusal([&] { camera.look(picture, std::span(picture).first(9)); }), HasSubstr("4096 bytes of pictures"));
}

}  // namespace
}  // namespace sinv
