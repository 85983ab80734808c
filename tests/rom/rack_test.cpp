// The rack: rules 10.3.
#include <gtest/gtest.h>
#include <set>
#include <vector>

#include "tests/rom/play.h"

namespace sinv {
namespace {

class RomRack : public testing::Test {
 protected:
  RomRack() { play.start(); }
  void until_step() {
    const int anim = play.at(0x2005);
    play.run_until([&] { return play.at(0x2005) != anim; }, 0, 200);
  }
  Play play;
};

TEST_F(RomRack, DrawsOneAlienAFrameInIndexOrder) {
  for (int index = 0; index < 55; ++index) {
    ASSERT_EQ(play.at(0x2006), index);
    const int column = 0x38 - 0x20 + 16 * (index % 11);
    const int row = 0x78 + 16 * (index / 11);
    ASSERT_EQ(play.lit_in(column, row, 16, 8), 0);
    play.run(1);
    ASSERT_GT(play.lit_in(column, row, 16, 8), 20);
  }
  EXPECT_EQ(play.at(0x2005), 1);
}

TEST_F(RomRack, StepOfTwoPixelsTakesOneFramePerLiveAlien) {
  until_step();
  int x = play.at(0x200A);
  EXPECT_EQ(x, 0x3A);
  const int anim = play.at(0x2005);
  play.run(55);
  EXPECT_EQ(play.at(0x200A), x + 2);
  EXPECT_NE(play.at(0x2005), anim);
  EXPECT_EQ(play.at(0x2009), 0x78);
  play.wait_controllable();
  play.keep_aliens({3, 17, 18, 30, 44, 50, 54});
  until_step();
  x = play.at(0x200A);
  play.run(7);
  EXPECT_EQ(play.at(0x200A), x + 2);
  play.run(7);
  EXPECT_EQ(play.at(0x200A), x + 4);
}

TEST_F(RomRack, PicturesAre12And11And8Wide) {
  play.run(60);
  const int widths[] = {12, 12, 11, 11, 8};
  const int margins[] = {2, 2, 3, 3, 4};
  for (int step = 0; step < 2; ++step) {
    play.run_until([&] { return play.at(0x2006) == 54; });
    for (int row = 0; row < 5; ++row) {
      const int column = play.at(0x200A) - 0x20 + 16 * 4;
      const int y = play.at(0x2009) + 16 * row;
      for (int c = 0; c < 16; ++c) {
        const bool wanted = c >= margins[row] && c < margins[row] + widths[row];
        EXPECT_EQ(play.lit_in(column + c, y, 1, 8) > 0, wanted) << "row " << row << " column " << c;
      }
      EXPECT_EQ(play.lit_in(column, y + 8, 16, 8), 0);
    }
    play.run(30);
  }
}

TEST_F(RomRack, TurnsAtColumn213AndDropsEightWithTheNextStep) {
  play.wait_controllable();
  int before = 0;
  while (play.at(0x200D) == 0) {
    before = play.at(0x200A);
    play.run(1);
    play.immortal();
    ASSERT_LE(play.at(0x200A), 0x48);
  }
  // Bottom row: 12 wide from cell column 2, so column 213 is lit at X = 213 - 13 - 160 + 32.
  EXPECT_EQ(before, 0x48);
  EXPECT_EQ(play.at(0x2006), 11) << "alien 10, the first of the last column, has just been drawn";
  EXPECT_EQ(play.at(0x2008), 0xFE);
  EXPECT_EQ(play.at(0x2007), 0xF8);
  EXPECT_EQ(play.at(0x2009), 0x78) << "not before the step is over";
  while (play.at(0x2007) != 0) {
    play.run(1);
    play.immortal();
  }
  EXPECT_EQ(play.at(0x2009), 0x70);
  EXPECT_EQ(play.at(0x200A), 0x46);
  while (play.at(0x200D) == 1) {
    before = play.at(0x200A);
    play.run(1);
    play.immortal();
  }
  // 8..19 is lit from X = $26 on, 10..21 from $28.
  EXPECT_EQ(before, 0x26);
  EXPECT_EQ(play.at(0x2008), 0x02);
  EXPECT_EQ(play.at(0x2007), 0xF8);
}

TEST_F(RomRack, EveryBumpDropsOnce) {
  play.wait_controllable();
  play.keep_aliens({0, 10, 24});
  int drops = 0;
  int y = play.at(0x2009);
  int direction = play.at(0x200D);
  int turns = 0;
  for (int i = 0; i < 1500 && play.at(0x2009) > 0x50; ++i) {
    play.run(1);
    play.immortal();
    if (play.at(0x200D) != direction) ++turns;
    direction = play.at(0x200D);
    if (play.at(0x2009) != y) {
      ASSERT_EQ(play.at(0x2009), y - 8);
      ++drops;
    }
    y = play.at(0x2009);
  }
  EXPECT_EQ(drops, 5);
  EXPECT_EQ(turns, drops);
}

TEST_F(RomRack, LastAlienRunsThreeToTheRightTwoToTheLeft) {
  play.wait_controllable();
  play.keep_aliens({54});
  play.run_until([&] { return play.at(0x200D) == 1; });
  EXPECT_EQ(play.signed_at(0x2008), -2);
  until_step();
  int x = play.at(0x200A);
  play.run(1);
  EXPECT_EQ(play.at(0x200A), x - 2) << "a step a frame";
  play.run_until([&] { return play.at(0x200D) == 0; });
  EXPECT_EQ(play.at(0x2008), 3);
  until_step();
  x = play.at(0x200A);
  play.run(1);
  EXPECT_EQ(play.at(0x200A), x + 3);
}

TEST_F(RomRack, LoneFastWideAlienLeavesATrail) {
  play.wait_controllable();
  play.keep_aliens({5});
  play.run_until([&] { return play.at(0x2008) == 3; }, 0, 4000);
  play.run(30);
  const int column = play.at(0x200A) - 0x20 + 16 * 5;
  const int y = play.at(0x2009);
  EXPECT_GT(play.lit_in(column - 30, y, 30, 8), 0);
}

TEST_F(RomRack, StandsStillWhileThePlayerIsAway) {
  play.wait_controllable();
  play.set(0x2015, 0);
  play.run(6);
  const int cursor = play.at(0x2006);
  play.run_until([&] {
    EXPECT_EQ(play.at(0x2006), cursor);
    return play.controllable();
  });
  play.run(3);
  EXPECT_NE(play.at(0x2006), cursor);
}

TEST_F(RomRack, AlienOnAShieldWipesItsCell) {
  play.wait_controllable();
  play.set(0x2009, 0x30);
  play.run_until([&] { return play.at(0x2006) == 54; });
  play.set(0x2009, 0x38);  // pictures in rows 56..63, blank above
  for (int step = 0; step < 2; ++step) {
    until_step();
    play.run_until([&] { return play.at(0x2006) == 54; });
  }
  const int column = play.at(0x200A) - 0x20;
  EXPECT_EQ(play.lit_in(std::max(column, 32), 64, 22, 8), 0);
  for (int c = 0; c < 2; ++c) EXPECT_EQ(play.lit_in(column + 16 + c, 56, 1, 8), 0) << "margin inside a shield";
}

TEST_F(RomRack, HeightsOfTheRacksAndTheCycleOfEight) {
  const int heights[] = {0x78, 0x60, 0x50, 0x48, 0x48, 0x48, 0x40, 0x40, 0x40, 0x60, 0x50};
  const int cleared[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 1, 2};
  for (int rack = 0; rack < 11; ++rack) {
    EXPECT_EQ(play.at(0x2009), heights[rack]) << rack;
    EXPECT_EQ(play.at(0x200A), 0x38);
    EXPECT_EQ(play.at(0x21FC), heights[rack]);
    EXPECT_EQ(play.at(0x21FE), cleared[rack]);
    EXPECT_EQ(play.live_aliens(), 55);
    play.wait_controllable();
    play.kill_all_aliens();
    play.run_until([&] { return play.at(0x2082) == 0; }, 0, 2);
    const int frames = play.run_until([&] { return play.at(0x2082) == 0xFF; }, 0, 100);
    EXPECT_GE(frames, 47);
    EXPECT_LE(frames, 56) << "48 and what the new screen takes";
  }
}

TEST_F(RomRack, NewRackResetsPlayerShotsSaucerClockAndShields) {
  play.wait_controllable();
  play.run(200, kRight | kFire);
  play.set(0x2091, 0x34);
  play.blank(32, 48, 22, 16);
  play.kill_all_aliens();
  play.run_until([&] { return play.at(0x21FE) == 1 && play.at(0x20E9) == 1; });
  EXPECT_EQ(play.at(0x201B), 0x30);
  EXPECT_EQ(play.at(0x2011), 0x80);
  EXPECT_EQ(play.at(0x2025), 0);
  EXPECT_EQ(play.at(0x208F), 0);
  EXPECT_EQ(play.word(0x2091), 0x600);
  EXPECT_EQ(play.at(0x2069), 0);
  const int pixels = play.lit_in(32, 48, 22, 16);
  EXPECT_GT(pixels, 200);
  for (int k = 1; k < 4; ++k) EXPECT_EQ(play.lit_in(32 + 45 * k, 48, 22, 16), pixels);
}

TEST_F(RomRack, ShieldsStandAtTheirPlaces) {
  for (int k = 0; k < 4; ++k) {
    const int left = 32 + 45 * k;
    EXPECT_EQ(play.lit_in(left - 1, 48, 1, 16), 0);
    EXPECT_GT(play.lit_in(left, 48, 1, 16), 8);
    EXPECT_GT(play.lit_in(left + 21, 48, 1, 16), 8);
    EXPECT_EQ(play.lit_in(left + 22, 48, 1, 16), 0);
    EXPECT_EQ(play.lit_in(left, 40, 22, 8), 0);
    EXPECT_EQ(play.lit_in(left, 64, 22, 8), 0);
  }
}

TEST_F(RomRack, GroundLineCoversAllColumns) { EXPECT_EQ(play.lit_in(0, 16, 224, 1), 224); }

TEST_F(RomRack, EdgeColumnsBelongToAliensAlone) {
  play.wait_controllable();
  play.set(0x2091, 1);
  play.set(0x2092, 0);
  play.set(0x2009, 0x70);
  bool saucer = false;
  for (int i = 0; i < 700; ++i) {
    play.run(1, i % 3 == 0 ? kFire | kRight : kRight);
    play.immortal();
    saucer = saucer || play.at(0x2084) == 1;
    if (play.at(0x200A) == 0x38) {
      ASSERT_EQ(play.lit_in(213, 32, 1, 184), 0);
    }
    ASSERT_EQ(play.lit_in(9, 32, 1, 184), 0);
    ASSERT_EQ(play.lit_in(213, 200, 1, 16), 0);
  }
  EXPECT_TRUE(saucer);
}

TEST_F(RomRack, LandingEndsTheGameWhateverTheShips) {
  play.wait_controllable();
  play.set(0x2009, 0x28);
  play.set(0x2007, 0xF8);  // the drop that lands
  play.keep_aliens({4, 20});
  const int ships = play.at(0x21FF);
  play.run_until([&] { return play.at(0x206D) == 1; }, 0, 10);
  EXPECT_EQ(play.at(0x2015), 0xFF) << "seen one frame before the player goes";
  play.run(1);
  EXPECT_NE(play.at(0x2015), 0xFF);
  EXPECT_EQ(play.run_until([&] { return play.at(0x20E7) == 0; }), 59);
  EXPECT_EQ(play.at(0x20EF), 1);
  EXPECT_EQ(play.at(0x21FF), ships);
  const int text = play.run_until([&] { return play.at(0x20EF) == 0; });
  EXPECT_GE(text, 186);
  EXPECT_LE(text, 192);
}

TEST_F(RomRack, AlienAtHeight28DoesNotLand) {
  play.wait_controllable();
  play.set(0x2009, 0x28);
  play.keep_aliens({4, 20});
  for (int i = 0; i < 20; ++i) {
    play.run(1);
    play.immortal();
  }
  EXPECT_EQ(play.at(0x206D), 0);
}

}  // namespace
}  // namespace sinv
