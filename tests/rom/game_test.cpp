// Coins, players, switches, scores and the course of a game: sections 5, 9 and 10.
#include <gtest/gtest.h>
#include <vector>

#include "tests/rom/play.h"

namespace sinv {
namespace {

int score(const Play& play, int address) {
  const int word = play.word(address);
  return 1000 * (word >> 12) + 100 * (word >> 8 & 15) + 10 * (word >> 4 & 15) + (word & 15);
}

TEST(RomGame, CoinCountsOnTheFallingEdgeOnly) {
  Play play;
  play.run(60);
  play.run(1, kCoin);
  play.run(1, kCoin);
  EXPECT_EQ(play.at(0x20EB), 0x01);
  EXPECT_EQ(play.at(0x20EA), 0);
  play.run(100, kCoin);
  EXPECT_EQ(play.at(0x20EB), 0x01);
  play.run(2);
  EXPECT_EQ(play.at(0x20EB), 0x01);
  EXPECT_EQ(play.at(0x20EA), 1);
  play.insert_coin();
  EXPECT_EQ(play.at(0x20EB), 0x02);
}

TEST(RomGame, CreditsAreDecimalAndEndAt99) {
  Play play;
  play.run(60);
  for (int i = 1; i <= 110; ++i) {
    play.insert_coin();
    const int shown = std::min(i, 99);
    ASSERT_EQ(play.at(0x20EB), shown / 10 * 16 + shown % 10);
  }
}

TEST(RomGame, CoinIsTakenDuringAGameAndKept) {
  Play play;
  play.start_controllable();
  play.insert_coin();
  EXPECT_EQ(play.at(0x20EB), 1);
  EXPECT_EQ(play.at(0x20EF), 1);
}

TEST(RomGame, OnePlayerCostsOneTwoCostTwo) {
  Play play;
  play.run(60);
  for (int i = 0; i < 10; ++i) play.insert_coin();
  play.run_until([&] { return play.at(0x2093) == 1; });
  Play twin = play;
  play.run_until([&] { return play.at(0x20EF) == 1; }, kStart1, 10);
  EXPECT_EQ(play.at(0x20EB), 0x09);
  EXPECT_EQ(play.at(0x20CE), 0);
  twin.run_until([&] { return twin.at(0x20EF) == 1; }, kStart2, 10);
  EXPECT_EQ(twin.at(0x20EB), 0x08);
  EXPECT_EQ(twin.at(0x20CE), 1);
}

TEST(RomGame, OneCreditDoesNotStartTwoPlayers) {
  Play play;
  play.run(60);
  play.insert_coin();
  play.run_until([&] { return play.at(0x2093) == 1; });
  play.run(120, kStart2);
  EXPECT_EQ(play.at(0x20EF), 0);
  EXPECT_EQ(play.at(0x20EB), 1);
}

TEST(RomGame, NoCoinNoGame) {
  Play play;
  play.run(400, kStart1);
  EXPECT_EQ(play.at(0x20EF), 0);
  EXPECT_EQ(play.at(0x2093), 0);
}

TEST(RomGame, ShipsFollowTheSwitches) {
  for (int dip = 0; dip < 4; ++dip) {
    Play play(static_cast<std::uint8_t>(dip));
    play.start();
    EXPECT_EQ(play.at(0x21FF), dip + 2);
    EXPECT_EQ(play.at(0x22FF), dip + 2);
  }
}

TEST(RomGame, ExtraShipOnceAt1500OrAt1000) {
  for (const bool early : {false, true}) {
    Play play(early ? kDipBonusAt1000 : 0);
    play.start_controllable();
    const int limit = early ? 0x10 : 0x15;
    play.set(0x20F9, limit - 1);
    play.set(0x20F8, 0x90);
    play.run(3);
    EXPECT_EQ(play.at(0x21FF), 2);
    EXPECT_EQ(play.at(0x20E5), 1);
    play.set(0x20F9, limit);
    play.set(0x20F8, 0);
    play.run(1);
    EXPECT_EQ(play.at(0x21FF), 3);
    EXPECT_EQ(play.at(0x20E5), 0);
    EXPECT_EQ(play.at(0x20E6), 1);
    EXPECT_EQ(play.cabinet.board().sound3 & 0x10, 0x10);
    play.set(0x20F9, 0x30);
    play.run(200);
    EXPECT_EQ(play.at(0x21FF), 3) << "once per game";
    EXPECT_EQ(play.cabinet.board().sound3 & 0x10, 0);
  }
}

TEST(RomGame, ScoreWrapsAtTenThousand) {
  Play play;
  play.start_controllable();
  play.set(0x20F9, 0x99);
  play.set(0x20F8, 0x90);
  play.set(0x20F2, 0x20);
  play.set(0x20F3, 0x00);
  play.set(0x20F1, 1);
  play.run(1);
  EXPECT_EQ(score(play, 0x20F8), 10);
}

TEST(RomGame, GameOverAfterTheLastShip) {
  Play play;
  play.start_controllable();
  play.set(0x20F9, 0x12);
  play.set(0x20F8, 0x30);
  for (int ship = 0; ship < 3; ++ship) {
    EXPECT_EQ(play.at(0x21FF), 2 - ship);
    play.wait_controllable();
    EXPECT_EQ(play.word(0x20F4), 0) << "the high score waits for the end of the game";
    play.set(0x2015, 0);
    play.run(60);
  }
  EXPECT_EQ(play.at(0x20E7), 0);
  EXPECT_EQ(play.at(0x20E8), 1);
  EXPECT_EQ(play.at(0x20EF), 1);
  EXPECT_EQ(play.at(0x21FF), 0);
  EXPECT_EQ(play.word(0x20F4), 0x1230);
  const int frames = play.run_until([&] { return play.at(0x20EF) == 0; });
  EXPECT_GE(frames, 186);
  EXPECT_LE(frames, 192);
  EXPECT_EQ(play.word(0x20F8), 0x1230) << "stays until the next game";
  play.run_until([&] { return play.at(0x20C1) == 1; }, 0, 2000);
  EXPECT_EQ(play.at(0x21FF), 2) << "the demo loads the switches' number";
  EXPECT_EQ(play.word(0x20F8), 0x1230);
}

TEST(RomGame, LowerScoreLeavesTheHighScore) {
  Play play;
  play.run(60);
  play.set(0x20F5, 0x20);
  play.set(0x20F4, 0x10);
  play.start_controllable();
  play.set(0x20F9, 0x20);
  play.set(0x20F8, 0x00);
  play.set(0x21FF, 0);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x20EF) == 0; });
  EXPECT_EQ(play.word(0x20F4), 0x2010);
}

TEST(RomGame, SecondGameStartsFromNothing) {
  Play play;
  play.start_controllable();
  play.run(300, kFire);
  play.set(0x20F9, 0x15);
  play.run(2);
  play.set(0x21FF, 0);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x20EF) == 0; });
  play.start();
  EXPECT_EQ(play.word(0x20F8), 0);
  EXPECT_EQ(play.at(0x21FF), 2);
  EXPECT_EQ(play.at(0x20E5), 1);
  EXPECT_EQ(play.at(0x21FE), 0);
  EXPECT_EQ(play.live_aliens(), 55);
  play.run(1);
  EXPECT_EQ(play.at(0x20CF), 0x30);
}

TEST(RomGame, PlayersTakeTurnsAndEachKeepsRackShieldsAndShips) {
  Play play;
  play.start_controllable(2);
  EXPECT_EQ(play.at(0x2067), 0x21);
  play.set(0x2100 + 7, 0);
  play.set(0x2100 + 30, 0);
  play.set(0x2082, 0xFF);
  play.blank(32, 56, 11, 8);  // a bite out of the first shield
  int bitten = 0;
  const int whole = play.lit_in(77, 48, 22, 16);
  play.run_until([&] {
    play.immortal();
    return play.at(0x200D) == 1 && play.at(0x2009) == 0x70;
  });
  const int x = play.at(0x200A);
  play.set(0x2015, 0);
  play.run_until(
      [&] {
        if (play.at(0x20E9) == 1) bitten = play.lit_in(32, 48, 22, 16);
        return play.at(0x2067) == 0x22;
      },
      0, 200);
  EXPECT_LT(bitten, whole - 70);
  EXPECT_EQ(play.at(0x20E9), 0);
  EXPECT_EQ(play.at(0x21FF), 1);
  play.run_until([&] { return play.at(0x20E9) == 1; });
  EXPECT_EQ(play.live_aliens(), 55);
  EXPECT_EQ(play.at(0x2009), 0x78);
  EXPECT_EQ(play.at(0x200A), 0x38);
  EXPECT_EQ(play.lit_in(32, 48, 22, 16), whole);
  EXPECT_EQ(play.cabinet.board().sound5 & 0x20, 0x20) << "flip, for a cocktail table";
  play.wait_controllable();
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x2067) == 0x21 && play.at(0x20E9) == 1; }, 0, 600);
  EXPECT_EQ(play.live_aliens(), 53);
  EXPECT_EQ(play.at(0x2107), 0);
  EXPECT_EQ(play.at(0x2009), 0x70);
  EXPECT_NEAR(play.at(0x200A), x, 4);
  EXPECT_EQ(play.at(0x200D), 1);
  EXPECT_EQ(play.at(0x2008), 0xFE);
  EXPECT_EQ(play.lit_in(32, 48, 22, 16), bitten);
  EXPECT_EQ(play.at(0x21FF), 1);
  EXPECT_EQ(play.at(0x22FF), 1);
  EXPECT_EQ(play.cabinet.board().sound5 & 0x20, 0);
}

TEST(RomGame, OnePlayersEndLeavesTheGameToTheOther) {
  Play play;
  play.start_controllable(2);
  play.set(0x21FF, 0);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x20E7) == 0; }, 0, 100);
  EXPECT_EQ(play.at(0x20EF), 1);
  play.run_until([&] { return play.at(0x2067) == 0x22 && play.controllable(); }, 0, 1200);
  EXPECT_EQ(play.at(0x20EF), 1);
  play.set(0x2015, 0);
  play.run(61);
  EXPECT_EQ(play.at(0x2067), 0x22) << "no switch back";
  EXPECT_EQ(play.at(0x22FF), 1);
  play.wait_controllable();
  play.set(0x22FF, 0);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x20E8) == 0; }, 0, 100);
  play.run_until([&] { return play.at(0x20EF) == 0; }, 0, 400);
}

TEST(RomGame, PlayersScoresAreSeparate) {
  Play play;
  play.start_controllable(2);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x2067) == 0x22 && play.controllable(); }, 0, 1200);
  play.set(0x20F2, 0x30);
  play.set(0x20F3, 0x01);
  play.set(0x20F1, 1);
  play.run(1);
  EXPECT_EQ(score(play, 0x20F8), 0);
  EXPECT_EQ(score(play, 0x20FC), 130);
}

TEST(RomGame, DeathOnTheLastAlienCountsAndTheNextRackComes) {
  Play play;
  play.start_controllable();
  play.kill_all_aliens();
  play.run_until([&] { return play.at(0x2082) == 0; }, 0, 3);
  play.run(10);
  play.set(0x2015, 0);
  play.run_until([&] { return play.at(0x21FE) == 1 && play.at(0x20E9) == 1; }, 0, 400);
  EXPECT_EQ(play.at(0x21FF), 1);
  EXPECT_EQ(play.live_aliens(), 55);
  EXPECT_EQ(play.at(0x20EF), 1);
}

TEST(RomGame, DemoPlaysByItselfForNothing) {
  Play play;
  play.run_until([&] { return play.at(0x20C1) == 1 && play.at(0x20E9) == 1; }, 0, 3000);
  EXPECT_EQ(play.at(0x20EF), 0);
  int left = 255;
  int right = 0;
  const int frames = play.run_until(
      [&] {
        left = std::min<int>(left, play.at(0x201B));
        right = std::max<int>(right, play.at(0x201B));
        return play.at(0x20C1) == 0;
      },
      kFire | kLeft, 30000);
  EXPECT_GT(frames, 600);
  EXPECT_GT(right - left, 40) << "buttons do not steer it";
  EXPECT_EQ(play.word(0x20F8), 0);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x20, 0) << "the amplifier is off";
}

TEST(RomGame, DemoHitsAliens) {
  Play play;
  play.run_until([&] { return play.at(0x20C1) == 1 && play.at(0x20E9) == 1; }, 0, 3000);
  play.run(900);
  EXPECT_LT(play.live_aliens(), 52);
}

TEST(RomGame, CoinEndsTheDemo) {
  Play play;
  play.run_until([&] { return play.at(0x20C1) == 1 && play.at(0x20E9) == 1; }, 0, 3000);
  play.run(300);
  play.insert_coin();
  play.run_until([&] { return play.at(0x2093) == 1; }, 0, 20);
  EXPECT_EQ(play.at(0x20C1), 0);
  EXPECT_EQ(play.at(0x20E9), 0);
}

TEST(RomGame, CoinPageHidesItsPricesByTheSwitch) {
  const auto lit_prices = [](std::uint8_t dips) {
    Play play(dips);
    play.run_until([&] { return play.at(0x20C1) == 1 && play.at(0x20E9) == 1; }, 0, 3000);
    play.set(0x2010, 0);
    play.set(0x2011, 0);
    play.set(0x2015, 0);
    play.run_until([&] { return play.at(0x20C1) == 0; }, 0, 100);
    int most = 0;
    for (int i = 0; i < 330; ++i) {
      play.run(1);
      if (play.at(0x20EC) == 1) most = std::max(most, play.lit_in(0, 112, 224, 24));
    }
    return most;
  };
  EXPECT_GT(lit_prices(0), 200);
  EXPECT_EQ(lit_prices(kDipHideCoinInfo), 0);
}

TEST(RomGame, SoundBitsFollowTheGame) {
  Play play;
  play.start_controllable();
  EXPECT_EQ(play.cabinet.board().sound3, 0x20);
  play.run(2, kFire);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x02, 0x02);
  play.put_shot(play.at(0x200A) + 16 * 5 + 8, play.at(0x2009) - 4);
  play.run_until([&] { return play.at(0x2025) == 5; }, 0, 5);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x08, 0x08);
  play.run(20);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x0A, 0);
  play.set(0x2009, 0x70);
  play.set(0x2091, 1);
  play.set(0x2092, 0);
  play.run_until([&] { return play.at(0x2084) == 1; }, 0, 20);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x01, 0x01);
  play.put_shot(play.at(0x208A) + 12, 0xCC);
  play.run(8);
  EXPECT_EQ(play.at(0x2085), 1);
  EXPECT_EQ(play.cabinet.board().sound5 & 0x10, 0x10);
  EXPECT_EQ(play.cabinet.board().sound3 & 0x01, 0);
}

TEST(RomGame, FleetTonesRotateAtThePaceOfTheAlienCount) {
  const std::pair<int, int> table[] = {{55, 52}, {50, 52}, {49, 46}, {43, 46}, {36, 39}, {28, 34},
                                       {22, 28}, {17, 24}, {13, 21}, {10, 19}, {8, 16},  {7, 14},
                                       {6, 13},  {5, 12},  {4, 11},  {3, 9},   {2, 7},   {1, 5}};
  Play base;
  base.start_controllable();
  for (const auto& [aliens, period] : table) {
    Play play = base;
    for (int i = 0; i < 55 - aliens; ++i) play.set(0x2100 + i, 0);
    play.set(0x2082, 0xFF);
    std::vector<int> starts;
    std::vector<int> tones;
    int held = 0;
    int last = 0;
    for (int frame = 0; frame < 400; ++frame) {
      play.run(1);
      play.immortal();
      play.set(0x2069, 0);
      const int tone = play.cabinet.board().sound5 & 0x0F;
      if (tone != 0 && tone != last) {
        starts.push_back(frame);
        tones.push_back(tone);
        held = 0;
      }
      if (tone != 0) ++held;
      if (tone == 0 && last != 0) {
        EXPECT_EQ(held, 4);
      }
      last = tone;
    }
    ASSERT_GE(starts.size(), 4U);
    EXPECT_EQ(starts[3] - starts[2], period) << aliens;
    EXPECT_EQ(tones[3], tones[2] == 8 ? 1 : 2 * tones[2]);
  }
}

}  // namespace
}  // namespace sinv
