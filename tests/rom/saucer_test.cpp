// The saucer: rules 10.6.
#include <algorithm>
#include <gtest/gtest.h>
#include <vector>

#include "tests/rom/play.h"

namespace sinv {
namespace {

class RomSaucer : public testing::Test {
 protected:
  RomSaucer() {
    play.start_controllable();
    play.set(0x2009, 0x70);
  }
  // Brings the saucer in; alien fire is off, the player cannot die.
  void call_saucer() {
    play.set(0x2091, 1);
    play.set(0x2092, 0);
    play.run_until(
        [&] {
          quiet();
          return play.at(0x2084) == 1;
        },
        0, 30);
  }
  void quiet() {
    play.set(0x2069, 0);
    play.set(0x206A, 0x30);
    play.immortal();
  }
  // Lets `count` shots end as misses.
  void finish_shots(int count) {
    for (int i = 0; i < count; ++i) {
      play.set(0x2025, 4);
      play.run(2);
      ASSERT_EQ(play.at(0x2025), 0);
    }
  }
  Play play;
};

TEST_F(RomSaucer, ClockRunsOnlyBelow78) {
  Play high;
  high.start_controllable();
  high.run(50);
  EXPECT_EQ(high.word(0x2091), 0x600);
  high.set(0x2009, 0x77);
  high.run(50);
  EXPECT_EQ(high.word(0x2091), 0x600 - 50);
}

TEST_F(RomSaucer, IsDueEvery1536Frames) {
  play.set(0x2091, 3);
  play.set(0x2092, 0);
  play.run(2);
  EXPECT_EQ(play.at(0x2083), 0);
  play.run(1);
  EXPECT_EQ(play.at(0x2083), 1);
  EXPECT_EQ(play.word(0x2091), 0x600);
}

TEST_F(RomSaucer, NeedsEightAliens) {
  play.keep_aliens({48, 49, 50, 51, 52, 53, 54});
  play.set(0x2091, 1);
  play.set(0x2092, 0);
  for (int i = 0; i < 60; ++i) {
    play.run(1);
    play.immortal();
    ASSERT_EQ(play.at(0x2084), 0);
  }
  EXPECT_EQ(play.at(0x2083), 1);
  int squiggly = 0;
  for (int i = 0; i < 400; ++i) {
    play.run(1);
    play.immortal();
    squiggly += play.at(0x2056) == 1 ? 1 : 0;
  }
  EXPECT_GT(squiggly, 0) << "the squiggly shot takes its turns meanwhile";
}

TEST_F(RomSaucer, WaitsForTheSquigglyShot) {
  play.blank(0, 40, 224, 60);
  play.run(2);
  play.put_alien_shot(0x2050, 0x60, 0x6C);
  play.set(0x2091, 1);
  play.set(0x2092, 0);
  while (play.at(0x2055) != 0) {
    ASSERT_EQ(play.at(0x2084), 0);
    play.run(1);
    play.immortal();
  }
  play.run(6);
  EXPECT_EQ(play.at(0x2084), 1);
}

TEST_F(RomSaucer, FirstPassComesFromTheLeftTwoPixelsEveryThirdFrame) {
  call_saucer();
  EXPECT_EQ(play.at(0x208C), 2);
  int frames = 0;
  std::vector<int> moved;
  int x = play.at(0x208A);
  EXPECT_LE(x, 0x2B);
  while (play.at(0x2084) == 1) {
    play.run(1);
    quiet();
    ++frames;
    if (play.at(0x2084) == 1 && play.at(0x208A) != x) {
      ASSERT_EQ(play.at(0x208A), x + 2);
      ASSERT_GT(play.lit_in(play.at(0x208A) - 0x20 + 4, 0xD0, 16, 7), 40);
      ASSERT_EQ(play.lit_in(play.at(0x208A) - 0x20, 0xD0, 4, 8), 0);
      ASSERT_EQ(play.lit_in(play.at(0x208A) - 0x20 + 20, 0xD0, 4, 8), 0);
      x = play.at(0x208A);
      moved.push_back(frames);
    }
    ASSERT_EQ(play.at(0x2055), 0) << "no squiggly shot while a saucer flies";
  }
  EXPECT_GE(frames, 273);
  EXPECT_LE(frames, 279);
  EXPECT_EQ(play.lit_in(0, 0xD0, 224, 8), 0);
  EXPECT_EQ(play.at(0x208A), 0x29);
  EXPECT_EQ(play.at(0x2083), 0);
  // The side of the screen decides the half-frame: one interval is off by one where it crosses.
  for (std::size_t i = 1; i < moved.size(); ++i) EXPECT_NEAR(moved[i] - moved[i - 1], 3, 1);
}

TEST_F(RomSaucer, ShotCountDecidesTheSideWith128OfEach) {
  int left = 0;
  std::vector<int> sides;
  for (int i = 0; i < 256; ++i) {
    quiet();
    finish_shots(1);
    const bool from_left = play.at(0x208C) == 2;
    EXPECT_EQ(play.at(0x208A), from_left ? 0x29 : 0xE0);
    EXPECT_EQ(play.signed_at(0x208C), from_left ? 2 : -2);
    left += from_left ? 1 : 0;
    sides.push_back(play.at(0x208C));
  }
  EXPECT_EQ(left, 128);
  EXPECT_EQ(play.at(0x208F), 0);
  finish_shots(1);
  EXPECT_EQ(play.at(0x208C), sides[0]) << "the count is taken modulo 256";
}

TEST_F(RomSaucer, PassFromTheRight) {
  quiet();
  for (int i = 0; i < 256 && play.at(0x208C) != 0xFE; ++i) finish_shots(1);
  ASSERT_EQ(play.at(0x208A), 0xE0);
  call_saucer();
  EXPECT_GE(play.at(0x208A), 0xDE);
  const int frames = play.run_until([&] {
    quiet();
    return play.at(0x2084) == 0;
  });
  EXPECT_GE(frames, 273);
  EXPECT_LE(frames, 279);
}

TEST_F(RomSaucer, ScoreFollowsTheFifteenStepCycle) {
  const int scores[15] = {100, 50, 50, 100, 150, 100, 100, 50, 300, 100, 100, 100, 50, 150, 100};
  for (int shots = 1; shots <= 31; ++shots) {
    Play game = play;
    std::swap(game, play);
    quiet();
    finish_shots(shots - 1);
    call_saucer();
    // Half way up to the saucer, where the next move meets its picture.
    play.put_shot(play.at(0x208A) + 12, 0xD0 - 4);
    play.set(0x208C, 0);
    play.run_until([&] { return play.at(0x2085) == 1; }, 0, 4);
    play.run(2);
    EXPECT_EQ(play.at(0x2025), 0) << "the slot is free at once";
    EXPECT_EQ(play.at(0x208F), shots);
    const int frames = play.run_until([&] {
      quiet();
      return play.at(0x2084) == 0;
    });
    EXPECT_GE(frames, 91);
    EXPECT_LE(frames, 96);
    const int wanted = scores[shots % 15];
    EXPECT_EQ(play.word(0x20F8), (wanted / 100) << 8 | (wanted % 100 / 10) << 4) << shots;
    std::swap(game, play);
  }
}

TEST_F(RomSaucer, PointsComeEightTicksAfterTheHit) {
  call_saucer();
  play.put_shot(play.at(0x208A) + 12, 0xD0 - 4);
  play.set(0x208C, 0);
  play.run_until([&] { return play.at(0x2085) == 1; }, 0, 4);
  const int frames = play.run_until([&] { return play.word(0x20F8) != 0; }, 0, 60);
  EXPECT_GE(frames, 22);
  EXPECT_LE(frames, 24);
  EXPECT_EQ(play.at(0x2086), 24);
}

}  // namespace
}  // namespace sinv
