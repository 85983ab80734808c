// The player and the player's shot: rules 10.2 and 10.5.
#include <gtest/gtest.h>

#include "tests/rom/play.h"

namespace sinv {
namespace {

class RomPlayer : public testing::Test {
 protected:
  RomPlayer() { play.start_controllable(); }
  // Fires and returns the frames from the press to the free slot.
  int miss_cycle() {
    play.run(1, kFire);
    EXPECT_NE(play.at(0x2025), 0);
    return 1 + play.run_until([&] { return play.at(0x2025) == 0; }, 0, 200);
  }
  Play play;
};

TEST_F(RomPlayer, MovesOnePixelAFrame) {
  EXPECT_EQ(play.at(0x201B), 0x30);
  play.run(1, kRight);
  const int x = play.at(0x201B);
  play.run(20, kRight);
  EXPECT_EQ(play.at(0x201B), x + 20);
  play.run(7, kLeft);
  EXPECT_EQ(play.at(0x201B), x + 13);
  play.run(9);
  EXPECT_EQ(play.at(0x201B), x + 13);
}

TEST_F(RomPlayer, StaysBetween30AndD9) {
  play.run(400, kLeft);
  EXPECT_EQ(play.at(0x201B), 0x30);
  play.immortal();
  for (int i = 0; i < 400; ++i) {
    play.run(1, kRight);
    play.immortal();
  }
  EXPECT_EQ(play.at(0x201B), 0xD9);
}

TEST_F(RomPlayer, RightWinsOverLeft) {
  const int x = play.at(0x201B);
  play.run(5, kRight | kLeft);
  EXPECT_EQ(play.at(0x201B), x + 5);
}

TEST_F(RomPlayer, IsThirteenColumnsWideAndStandsOnRow32) {
  play.run(30, kRight);
  const int column = play.at(0x201B) - 0x20;
  EXPECT_EQ(play.lit_in(column, 32, 2, 8), 0);
  for (int c = 2; c <= 14; ++c) EXPECT_GT(play.lit_in(column + c, 32, 1, 8), 0) << c;
  EXPECT_EQ(play.lit_in(column + 15, 32, 4, 8), 0);
  EXPECT_TRUE(play.lit(column + 8, 39)) << "the gun";
  EXPECT_EQ(play.lit_in(column, 40, 16, 8), 0);
}

TEST_F(RomPlayer, ShotStartsAtTheGunAndClimbsFourPixelsAFrame) {
  for (const int goal : {0x40, 0xA0}) {  // both halves of the screen
    play.run_until([&] { return play.at(0x201B) == goal; }, kRight);
    play.keep_aliens({54});
    play.blank(0, 40, 224, 180);
    play.run(1, kFire);
    EXPECT_EQ(play.at(0x2025), 2) << "asked for and launched within the frame";
    EXPECT_EQ(play.at(0x202A), goal + 8);
    EXPECT_EQ(play.at(0x2029), 0x28);
    for (int frame = 1; frame <= 20; ++frame) {
      play.run(1);
      ASSERT_EQ(play.at(0x2029), 0x28 + 4 * frame);
      ASSERT_EQ(play.lit_in(goal + 8 - 0x20, play.at(0x2029), 1, 4), 4);
      ASSERT_EQ(play.lit_in(goal + 8 - 0x20, play.at(0x2029) - 4, 1, 4), 0) << "erased behind it";
    }
    play.run_until([&] { return play.at(0x2025) == 0; });
    play.run(2);
  }
}

TEST_F(RomPlayer, MissTakes61To62Frames) {
  play.keep_aliens({54});
  play.blank(0, 40, 224, 180);
  const int low = miss_cycle();
  EXPECT_GE(low, 61);
  EXPECT_LE(low, 62);
  play.run_until([&] { return play.at(0x201B) == 0xA0; }, kRight);
  const int high = miss_cycle();
  EXPECT_GE(high, 61);
  EXPECT_LE(high, 62);
}

TEST_F(RomPlayer, MissExplodesAtD8ForSixteenFramesShiftedByThreeAndTwo) {
  play.keep_aliens({54});
  play.blank(0, 40, 224, 180);
  play.run(1, kFire);
  const int x = play.at(0x202A);
  play.run_until([&] { return play.at(0x2025) == 3; });
  EXPECT_EQ(play.at(0x2029), 0xD8);
  play.run(1);
  EXPECT_EQ(play.at(0x2029), 0xD6);
  EXPECT_EQ(play.at(0x202A), x - 3);
  EXPECT_GT(play.lit_in(x - 3 - 0x20, 0xD6, 8, 8), 20);
  EXPECT_EQ(play.run_until([&] { return play.at(0x2025) == 0; }), 15);
  EXPECT_EQ(play.lit_in(x - 3 - 0x20, 0xD6, 8, 8), 0);
  EXPECT_EQ(play.at(0x208F), 1) << "finished shots";
}

TEST_F(RomPlayer, ButtonHeldDownFiresOnce) {
  play.keep_aliens({54});
  for (int i = 0; i < 300; ++i) {
    play.run(1, kFire);
    play.immortal();
  }
  EXPECT_EQ(play.at(0x208F), 1);
  play.run(1);
  play.run(1, kFire);
  EXPECT_EQ(play.at(0x2025), 2);
}

TEST_F(RomPlayer, ReleaseDuringTheFlightIsNotSeen) {
  play.keep_aliens({54});
  play.blank(0, 40, 224, 180);
  play.run(1, kFire);
  play.run(30);
  play.run_until([&] { return play.at(0x2025) == 0; }, kFire);
  play.run(10, kFire);
  EXPECT_EQ(play.at(0x2025), 0) << "pressed before the slot was free, never released while it was";
}

TEST_F(RomPlayer, CannotFireBeforeTheShipIsThere) {
  Play early;
  early.start();
  early.run(60, kFire);
  early.run(60);
  EXPECT_EQ(early.at(0x208F), 0);
  EXPECT_EQ(early.at(0x2025), 0);
  EXPECT_EQ(early.at(0x202D), 0);
}

TEST_F(RomPlayer, ShieldStopsTheShotAndLosesPixels) {
  play.run_until([&] { return play.at(0x201B) == 0x40; }, kRight);  // gun at column 40, inside the first shield
  const int before = play.lit_in(32, 48, 22, 16);
  play.run(1, kFire);
  play.run_until([&] { return play.at(0x2025) == 3; }, 0, 20);
  EXPECT_LT(play.at(0x2029), 64);
  EXPECT_EQ(play.at(0x2002), 0);
  EXPECT_EQ(play.live_aliens(), 55);
  play.run_until([&] { return play.at(0x2025) == 0; });
  EXPECT_LT(play.lit_in(32, 48, 22, 16), before);
}

TEST_F(RomPlayer, HitAlienDiesScoresAndHoldsRackAndShotForSixteenFrames) {
  const int points[] = {0x10, 0x10, 0x20, 0x20, 0x30};
  for (int row = 0; row < 5; ++row) {
    Play game;
    game.start_controllable();
    game.run_until([&] { return game.at(0x2006) == 20; });
    const int x = game.at(0x200A) + 16 * 3 + 8;
    const int y = game.at(0x2009) + 16 * row;
    game.put_shot(x, (y & ~3) - 4);  // the next move ends in the middle of alien 3 of the row
    game.run_until([&] { return game.at(0x2025) == 5; }, 0, 3);
    EXPECT_EQ(game.at(0x2100 + 11 * row + 3), 0);
    EXPECT_EQ(game.at(0x2082), 54);
    EXPECT_EQ(game.at(0x20F8), points[row]);
    EXPECT_EQ(game.at(0x2064), y);
    EXPECT_EQ(game.at(0x2065), game.at(0x200A) + 48);
    const int frozen_y = game.at(0x200B);
    const int frozen_x = game.at(0x200C);
    const int frames = game.run_until([&] { return game.at(0x2002) == 0; }, 0, 30);
    EXPECT_GE(frames, 15);
    EXPECT_LE(frames, 16);
    EXPECT_EQ(game.lit_in(game.at(0x2065) - 0x20, y, 16, 8), 0) << "explosion erased";
    EXPECT_LE(std::abs(game.at(0x200C) - frozen_x) + std::abs(game.at(0x200B) - frozen_y), 192);
    game.run_until([&] { return game.at(0x2025) == 0; }, 0, 2);
    EXPECT_EQ(game.at(0x208F), 1);
  }
}

TEST_F(RomPlayer, WhatIsHitJustBelowAnAlienCountsAsTheAlien) {
  // Row and column come from Y + 6: four pixels under the rack still is the bottom row, eight pixels is not.
  for (const int below : {4, 8}) {
    Play game;
    game.start_controllable();
    game.run_until([&] { return game.at(0x2006) == 20; });
    const int x = game.at(0x200A) + 16 * 3 + 8;
    const int y = game.at(0x2009) - below;
    game.set(0x2400 + 32 * (x - 0x20) + y / 8, 0xFF);  // as an alien shot there would be
    game.put_shot(x, y - 4);
    game.run(1);
    EXPECT_EQ(game.at(0x2025), below == 4 ? 5 : 3);
    EXPECT_EQ(game.at(0x2103), below == 4 ? 0 : 1);
  }
}

TEST_F(RomPlayer, RackStandsStillWhileAnAlienExplodes) {
  play.run_until([&] { return play.at(0x2006) == 20; }, 0, 60);
  play.put_shot(play.at(0x200A) + 16 * 5 + 8, (play.at(0x2009) & ~3) - 4);
  play.run_until([&] { return play.at(0x2002) != 0 && play.at(0x2025) == 5; }, 0, 3);
  play.run(1);
  const int cursor = play.at(0x2006);
  for (int i = 0; i < 14; ++i) {
    play.run(1);
    ASSERT_EQ(play.at(0x2006), cursor);
  }
  play.run(4);
  EXPECT_NE(play.at(0x2006), cursor);
}

TEST_F(RomPlayer, TwelfthColumnTakesTheNextRowsFirstAlien) {
  // No bounds check on the column: right of column 11 counts as column 1 of the row above.
  play.run_until([&] { return play.at(0x2006) == 54; });
  const int x = play.at(0x200A) + 16 * 11 + 8;
  const int y = play.at(0x2009);
  play.set(0x2400 + 32 * (x - 0x20) + y / 8, 0xFF);  // something to hit
  play.put_shot(x, (y & ~3) - 4);
  play.run(2);
  EXPECT_EQ(play.at(0x2100 + 11), 0);
  EXPECT_EQ(play.live_aliens(), 54);
}

TEST_F(RomPlayer, HitExplodesFor60FramesAndReturnsAfter128) {
  play.run_until([&] { return play.at(0x201B) == 0x60; }, kRight);
  play.set(0x2015, 0);  // hit
  const int ships = play.at(0x21FF);
  play.run(4);
  EXPECT_EQ(play.at(0x2068), 1);
  play.run(1);
  EXPECT_EQ(play.at(0x2068), 0) << "from the fifth frame the rack is frozen";
  EXPECT_EQ(play.at(0x2069), 0);
  EXPECT_EQ(play.at(0x206A), 0x30);
  const int cursor = play.at(0x2006);
  EXPECT_EQ(5 + play.run_until([&] { return play.at(0x2015) == 0xFF; }), 60);
  EXPECT_EQ(play.at(0x21FF), ships - 1);
  EXPECT_EQ(play.at(0x2011), 0x80);
  EXPECT_EQ(play.at(0x201B), 0x30);
  EXPECT_EQ(play.at(0x2006), cursor);
  EXPECT_EQ(play.wait_controllable(), 128);
  EXPECT_EQ(play.at(0x2068), 0);
  play.run(1);
  EXPECT_EQ(play.at(0x2068), 1);
  play.run(46);
  EXPECT_EQ(play.at(0x2069), 0);
  play.run(1);
  EXPECT_EQ(play.at(0x2069), 1) << "aliens fire 48 frames after the ship came";
}

TEST_F(RomPlayer, ExplosionAlternatesEveryFiveFrames) {
  play.set(0x2015, 0);
  int last = 0;
  int changes = 0;
  for (int frame = 1; frame < 60; ++frame) {
    play.run(1);
    if (play.at(0x2015) == last) continue;
    EXPECT_EQ(frame % 5, 0);
    last = play.at(0x2015);
    ++changes;
  }
  EXPECT_EQ(changes, 11);
}

}  // namespace
}  // namespace sinv
