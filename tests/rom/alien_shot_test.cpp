// Alien shots: rules 10.4.
#include <array>
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "tests/rom/play.h"

namespace sinv {
namespace {

constexpr int kRolling = 0x2030;
constexpr int kPlunger = 0x2040;
constexpr int kSquiggly = 0x2050;

class RomAlienShot : public testing::Test {
 protected:
  RomAlienShot() { play.start_controllable(); }

  void run_immortal(int frames, std::uint8_t buttons = 0) {
    for (int i = 0; i < frames; ++i) {
      play.run(1, buttons);
      play.immortal();
    }
  }
  // An alien explosion that does not end.
  static void freeze_rack(Play& game) {
    game.set(0x2002, 1);
    game.set(0x2003, 100);
  }
  // Columns (1..11) of the next `count` launches of a record, with a rack that neither moves nor shrinks.
  std::vector<int> launches(int record, int count) {
    std::vector<int> columns;
    int steps = play.at(record + 6);
    for (int frame = 0; frame < 60000 && static_cast<int>(columns.size()) < count; ++frame) {
      freeze_rack(play);
      play.set(0x2091, 0);
      play.set(0x2092, 6);  // no saucer
      play.run(1);
      play.immortal();
      const int now = play.at(record + 6);
      if (now != 0 && (steps == 0 || now < steps)) {
        columns.push_back((play.at(record + 14) - 7 - play.at(0x200A)) / 16 + 1);
        lowest_.push_back(play.at(record + 13));
      }
      steps = now;
    }
    return columns;
  }
  Play play;
  std::vector<int> lowest_;
};

TEST_F(RomAlienShot, FireStarts48FramesAfterTheShipCame) {
  EXPECT_EQ(play.at(0x206A), 0x30);
  play.run(47);
  EXPECT_EQ(play.at(0x2069), 0);
  EXPECT_EQ(play.at(0x206A), 1);
  EXPECT_EQ(play.at(kRolling + 5) | play.at(kPlunger + 5) | play.at(kSquiggly + 5), 0);
  play.run(1);
  EXPECT_EQ(play.at(0x2069), 1);
}

TEST_F(RomAlienShot, PhasesFollowInThreeFrames) {
  std::map<int, int> next;
  int last = play.at(0x2080);
  for (int i = 0; i < 60; ++i) {
    play.run(1);
    const int now = play.at(0x2080);
    if (next.count(last) != 0) {
      EXPECT_EQ(next[last], now);
    }
    next[last] = now;
    last = now;
  }
  EXPECT_EQ(next.size(), 3U);
}

TEST_F(RomAlienShot, EachShotMovesFourPixelsEveryThirdFrameOnBothHalves) {
  for (const int record : {kRolling, kPlunger, kSquiggly}) {
    for (const int x : {0x58, 0xB0}) {
      Play game;
      game.start_controllable();
      game.blank(0, 40, 224, 60);
      game.run(3);
      game.put_alien_shot(record, x, 0x6C);
      int y = 0x6C;
      std::vector<int> moved;
      for (int frame = 0; frame < 24; ++frame) {
        game.run(1);
        ASSERT_EQ(game.at(record + 14), x);
        if (game.at(record + 13) == y) continue;
        ASSERT_EQ(game.at(record + 13), y - 4);
        y -= 4;
        moved.push_back(frame);
      }
      ASSERT_EQ(moved.size(), 8U);
      for (std::size_t i = 1; i < moved.size(); ++i) EXPECT_EQ(moved[i] - moved[i - 1], 3);
    }
  }
}

TEST_F(RomAlienShot, MovesFivePixelsOnceEightAliensAreLeft) {
  play.keep_aliens({0, 1, 2, 3, 4, 5, 6, 7, 8});
  play.run(1);
  EXPECT_EQ(play.signed_at(0x207E), -4);
  play.set(0x2108, 0);
  play.set(0x2082, 0xFF);
  play.run(1);
  EXPECT_EQ(play.at(0x2082), 8);
  EXPECT_EQ(play.signed_at(0x207E), -5);
  play.blank(0, 40, 224, 60);
  play.put_alien_shot(kPlunger, 0x60, 0x6C);
  play.run(6);
  EXPECT_EQ(play.at(kPlunger + 13), 0x6C - 10);
}

TEST_F(RomAlienShot, StartsSevenRightAndTenBelowTheLowestAlienOfItsColumn) {
  run_immortal(48);
  for (int i = 0; i < 11; ++i) play.set(0x2100 + i, 0);  // bottom row gone
  play.set(0x2082, 0xFF);
  const auto columns = launches(kPlunger, 6);
  ASSERT_EQ(columns.size(), 6U);
  for (const int y : lowest_) EXPECT_EQ(y, play.at(0x2009) + 16 - 10);
}

TEST_F(RomAlienShot, PlungerColumnsRepeatAfterSixteenWithTheKnownFrequencies) {
  run_immortal(48);
  const auto columns = launches(kPlunger, 48);
  ASSERT_EQ(columns.size(), 48U);
  std::map<int, int> often;
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_EQ(columns[i], columns[i + 16]);
    EXPECT_EQ(columns[i], columns[i + 32]);
    ++often[columns[i]];
  }
  EXPECT_EQ(often, (std::map<int, int>{{1, 7}, {2, 1}, {3, 1}, {4, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {11, 2}}));
}

TEST_F(RomAlienShot, SquigglyColumnsRepeatAfterFifteenAndShareThePlungersLastTen) {
  run_immortal(48);
  Play twin = play;
  const auto squiggly = launches(kSquiggly, 45);
  play = twin;
  const auto plunger = launches(kPlunger, 16);
  ASSERT_EQ(squiggly.size(), 45U);
  std::map<int, int> often;
  for (std::size_t i = 0; i < 15; ++i) {
    EXPECT_EQ(squiggly[i], squiggly[i + 15]);
    ++often[squiggly[i]];
  }
  EXPECT_EQ(often,
            (std::map<int, int>{{1, 3}, {2, 2}, {3, 1}, {4, 1}, {6, 1}, {7, 1}, {8, 1}, {9, 1}, {10, 1}, {11, 3}}));
  EXPECT_EQ((std::vector<int>(squiggly.begin(), squiggly.begin() + 4)), (std::vector<int>{11, 1, 6, 3}));
  for (std::size_t i = 0; i < 10; ++i) EXPECT_EQ(squiggly[i], plunger[i + 6]);
}

TEST_F(RomAlienShot, ColumnWithoutAliensIsSkippedButItsTurnIsOver) {
  run_immortal(48);
  Play twin = play;
  const auto all = launches(kPlunger, 16);
  play = twin;
  for (int row = 0; row < 5; ++row) play.set(0x2100 + 11 * row, 0);  // column 1
  play.set(0x2082, 0xFF);
  const auto some = launches(kPlunger, 9);
  std::vector<int> wanted;
  for (const int column : all) {
    if (column != 1) wanted.push_back(column);
  }
  EXPECT_EQ(some, wanted);
}

TEST_F(RomAlienShot, RollingShotAimsAtThePlayer) {
  for (const int x : {0x40, 0x58, 0x6F, 0x70, 0x71, 0xA8, 0xD9}) {
    Play game;
    game.start_controllable();
    game.run_until([&] { return game.at(0x201B) == x; }, kRight);
    const int bracket = x + 8 - game.at(0x200A);
    const int column = std::min((bracket + 15) / 16, 11);
    game.run_until([&] {
      freeze_rack(game);
      game.immortal();
      return game.at(0x2036) == 1;
    });
    EXPECT_EQ(game.at(0x203E), game.at(0x200A) + 16 * (column - 1) + 7) << std::hex << x;
  }
}

TEST_F(RomAlienShot, RollingShotLetsOneChancePassAfterEachReset) {
  run_immortal(48);
  for (int shot = 0; shot < 3; ++shot) {
    play.run_until([&] {
      play.immortal();
      return play.at(0x2036) != 0;
    });
    EXPECT_EQ(play.word(0x2038), 0xFFFF);
    play.set(0x203D, 0x18);  // next to the ground
    play.run_until([&] {
      play.immortal();
      return play.at(0x2035) == 0;
    });
    EXPECT_EQ(play.word(0x2038), 0);
    for (const int other : {kPlunger, kSquiggly}) {  // both far on: nothing else stands in its way
      play.put_alien_shot(other, 0x60, 0x70);
      play.set(other + 6, 0x70);
    }
    play.run_until([&] { return play.word(0x2038) == 0xFFFF; }, 0, 2);
    EXPECT_EQ(play.at(0x2036), 0);
  }
}

TEST_F(RomAlienShot, RollingShotAtAPlayerLeftOfTheRack) {
  for (const int reference : {0x50, 0x6E, 0x80}) {
    Play game;
    game.start_controllable();
    game.set(0x200A, reference);
    game.run_until([&] {
      freeze_rack(game);
      game.immortal();
      return game.at(0x2036) == 1;
    });
    // Player at $30: column 1, or (with the rack far right) the last one by the wrap of the count.
    const int column = reference < 0x70 ? 1 : std::min((0x38 + 256 - reference + 15) / 16, 11);
    EXPECT_EQ(game.at(0x203E), (reference + 16 * (column - 1) + 7) & 0xFF);
  }
}

TEST_F(RomAlienShot, ReloadRateFollowsTheScore) {
  const std::pair<int, int> table[] = {{0x00, 0x30}, {0x02, 0x30}, {0x03, 0x10}, {0x10, 0x10}, {0x11, 0x0B},
                                       {0x20, 0x0B}, {0x21, 0x08}, {0x30, 0x08}, {0x31, 0x07}, {0x99, 0x07}};
  for (const auto& [score, rate] : table) {
    play.set(0x20F9, score);
    play.run(1);
    EXPECT_EQ(play.at(0x20CF), rate) << std::hex << score;
  }
}

TEST_F(RomAlienShot, FiresOnlyWhenBothOthersAreFarEnough) {
  // For every launch: each of the two other shots is at rest or more moves along than the reload rate.
  play.set(0x20F9, 0x15);  // rate 11
  run_immortal(48);
  int launched = 0;
  std::array<int, 3> steps{};
  for (int frame = 0; frame < 4000; ++frame) {
    play.run(1);
    play.immortal();
    for (int i = 0; i < 3; ++i) {
      const int now = play.at(kRolling + 16 * i + 6);
      if (now == 1 && steps[static_cast<std::size_t>(i)] == 0) {
        ++launched;
        for (int other = 0; other < 3; ++other) {
          if (other == i) continue;
          const int count = play.at(kRolling + 16 * other + 6);
          // The other may have moved once more, or ended, later in the same frame.
          EXPECT_TRUE(count == 0 || count > 11 || (count == 1 && frame == 0)) << count;
        }
      }
      steps[static_cast<std::size_t>(i)] = now;
    }
  }
  EXPECT_GT(launched, 40);
}

TEST_F(RomAlienShot, KillsThePlayerFrom1ETo26) {
  // The move that ends at Y tests the pixels there; the player fills rows 32..39.
  for (int y = 0x16; y <= 0x2B; ++y) {
    Play game;
    game.start_controllable();
    game.run(3);
    game.put_alien_shot(kPlunger, 0x30 + 7, y + 4);  // the rod in the gun's column
    game.run(3);
    ASSERT_EQ(game.at(kPlunger + 13), y);
    const bool killed = game.at(0x2015) != 0xFF;
    const bool touches = y <= 39;
    EXPECT_EQ(killed, y >= 0x1E && y < 0x27 && touches) << std::hex << y;
    const bool explodes = (game.at(kPlunger + 5) & 1) != 0;
    EXPECT_EQ(explodes, touches && y + 6 >= 32) << std::hex << y;
  }
}

TEST_F(RomAlienShot, LowestRowCannotKill) {
  // An alien at height $28 fires from $1E; the first move is below the line.
  play.run(3);
  play.put_alien_shot(kPlunger, 0x38, 0x1E);
  play.run(12);
  EXPECT_EQ(play.at(0x2015), 0xFF);
}

TEST_F(RomAlienShot, ExplodesBelow15) {
  play.run(3);
  play.put_alien_shot(kPlunger, 0xC0, 0x1D);
  play.run_until([&] { return play.at(kPlunger + 5) == 0x81; }, 0, 20);
  EXPECT_EQ(play.at(kPlunger + 13), 0x11);
}

TEST_F(RomAlienShot, ExplosionIsDrawnOneTickLaterAndGoneAfterTwelveFrames) {
  play.run(3);
  play.put_alien_shot(kPlunger, 0x50, 0x44);  // falls on the first shield? no: beside it, X $50 is column 48
  play.run_until([&] { return play.at(kPlunger + 5) == 0x81; }, 0, 60);
  const int x = play.at(kPlunger + 14);
  const int y = play.at(kPlunger + 13);
  play.run(3);
  EXPECT_EQ(play.at(kPlunger + 14), x - 2);
  EXPECT_EQ(play.at(kPlunger + 13), y - 2);
  EXPECT_EQ(play.at(kPlunger + 15), 6);
  EXPECT_GT(play.lit_in(x - 2 - 0x20, y - 2, 6, 8), 15);
  EXPECT_EQ(3 + play.run_until([&] { return play.at(kPlunger + 5) == 0; }), 12);
  EXPECT_EQ(play.at(kPlunger + 6), 0);
  EXPECT_EQ(play.at(kPlunger + 13), 0);
  EXPECT_EQ(play.at(kPlunger + 14), 0);
  EXPECT_EQ(play.at(kPlunger + 15), 3);
  EXPECT_EQ(play.at(kPlunger + 10), 4);
}

TEST_F(RomAlienShot, ShieldLosesPixelsToAShot) {
  const int before = play.lit_in(32, 48, 22, 16);
  play.run(3);
  play.put_alien_shot(kSquiggly, 0x20 + 40, 0x50);
  play.run_until([&] { return play.at(kSquiggly + 5) == 0x81; }, 0, 60);
  EXPECT_GE(play.at(kSquiggly + 13), 0x38);
  play.run(12);
  EXPECT_LT(play.lit_in(32, 48, 22, 16), before);
}

TEST_F(RomAlienShot, PlungerIsNotUsedAgainWithOneAlienLeft) {
  play.keep_aliens({54});
  play.run(2);
  play.put_alien_shot(kPlunger, 0xC0, 0x20);
  play.run_until([&] { return play.at(kPlunger + 5) == 0; });
  EXPECT_EQ(play.at(0x206E), 1);
  for (int i = 0; i < 400; ++i) {
    play.run(1);
    play.immortal();
    ASSERT_EQ(play.at(kPlunger + 5), 0);
  }
}

TEST_F(RomAlienShot, ColumnPointersSurviveALifeButNotARack) {
  run_immortal(400);
  const int plunger = play.word(0x2048);
  const int squiggly = play.word(0x2058);
  Play fresh;
  fresh.start();
  ASSERT_NE(plunger, fresh.word(0x2048));
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x2015) == 0xFF; });
  EXPECT_EQ(play.word(0x2048), plunger);
  EXPECT_EQ(play.word(0x2058), squiggly);
  play.wait_controllable();
  play.kill_all_aliens();
  play.run_until([&] { return play.at(0x21FE) == 1 && play.at(0x20E9) == 1; });
  EXPECT_EQ(play.word(0x2048), fresh.word(0x2048));
  EXPECT_EQ(play.word(0x2058), fresh.word(0x2058));
}

}  // namespace
}  // namespace sinv
