#include "game/ram_map.h"

#include <cstdio>
#include <gtest/gtest.h>

#include "game/score.h"
#include "game/start.h"

namespace sinv {
namespace {

std::uint8_t& at_of(Ram& ram, std::uint16_t address) { return ram[address - kRamAddress]; }

Ram playing() {
  Ram ram{};
  at_of(ram, 0x20EF) = 1;
  at_of(ram, 0x20E9) = 1;
  at_of(ram, 0x20E7) = 1;
  at_of(ram, 0x2015) = 0xFF;
  at_of(ram, 0x2082) = 55;
  return ram;
}

void show_score(Ram& ram, int score) {
  at_of(ram, 0x20F9) = static_cast<std::uint8_t>(score / 1000 * 16 + score / 100 % 10);
  at_of(ram, 0x20F8) = static_cast<std::uint8_t>(score / 10 % 10 * 16 + score % 10);
}

// Oracle: the byte printed in hexadecimal, read as decimal.
TEST(RamMap, EveryByteReadsAsTheDecimalItsHexDigitsSpell) {
  for (int byte = 0; byte < 256; ++byte) {
    char hex[8];
    std::snprintf(hex, sizeof hex, "%02X", static_cast<unsigned>(byte));
    const bool decimal = hex[0] <= '9' && hex[1] <= '9';
    EXPECT_EQ(from_bcd(static_cast<std::uint8_t>(byte)), decimal ? std::atoi(hex) : -1) << hex;
  }
}

TEST(RamMap, ScoreIsLowByteFirstAndABadDigitIsNoScore) {
  Ram ram{};
  at_of(ram, 0x20F8) = 0x90;
  at_of(ram, 0x20F9) = 0x12;
  EXPECT_EQ(shown_score(ram), 1290);
  at_of(ram, 0x20F8) = 0x9A;
  EXPECT_EQ(shown_score(ram), -1);
  at_of(ram, 0x20F8) = 0x90;
  at_of(ram, 0x20F9) = 0xA2;
  EXPECT_EQ(shown_score(ram), -1);
}

TEST(RamMap, PhasesFollowTheirFields) {
  Ram ram{};
  EXPECT_EQ(phase(ram), Phase::kAttract);
  at_of(ram, 0x20C1) = 1;
  EXPECT_EQ(phase(ram), Phase::kDemo);
  at_of(ram, 0x2093) = 1;
  EXPECT_EQ(phase(ram), Phase::kWaitingForStart);

  ram = playing();
  EXPECT_EQ(phase(ram), Phase::kPlaying);
  at_of(ram, 0x2082) = 0;
  EXPECT_EQ(phase(ram), Phase::kRackCleared);
  ram = playing();
  at_of(ram, 0x20E9) = 0;
  EXPECT_EQ(phase(ram), Phase::kPrompt);
  ram = playing();
  at_of(ram, 0x2011) = 1;
  EXPECT_EQ(phase(ram), Phase::kGettingReady);
  ram = playing();
  at_of(ram, 0x2015) = 1;
  EXPECT_EQ(phase(ram), Phase::kExploding);
  ram = playing();
  at_of(ram, 0x20E7) = 0;
  EXPECT_EQ(phase(ram), Phase::kGameOver);
  EXPECT_EQ(phase_name(Phase::kGameOver), "game over");
  EXPECT_EQ(phase_name(Phase::kAttract), "attract");
}

TEST(RamMap, ControlNeedsAGameTasksAPlayerAndNoDelay) {
  EXPECT_TRUE(controllable(playing()));
  for (const auto& [address, value] :
       {std::pair<int, int>{0x20EF, 0}, {0x20E9, 0}, {0x2015, 0}, {0x2010, 1}, {0x2011, 1}}) {
    Ram ram = playing();
    at_of(ram, static_cast<std::uint16_t>(address)) = static_cast<std::uint8_t>(value);
    EXPECT_FALSE(controllable(ram)) << std::hex << address;
  }
}

TEST(RamMap, AnAlienShotIsLiveWhenActiveAndNotExploding) {
  for (int status = 0; status < 256; ++status) {
    Ram ram{};
    at_of(ram, 0x2045) = static_cast<std::uint8_t>(status);
    EXPECT_EQ(alien_shot_live(ram, at::kPlunger), status >= 128 && status % 2 == 0) << status;
    EXPECT_FALSE(alien_shot_live(ram, at::kRolling));
  }
}

TEST(RamMap, AReferenceBelowOrLeftOfTheScreenIsNegative) {
  Ram ram{};
  at_of(ram, 0x2009) = 0xF8;
  at_of(ram, 0x200A) = 0xF0;
  EXPECT_EQ(reference_y(ram), -8);
  EXPECT_EQ(reference_x(ram), -16);
  at_of(ram, 0x2009) = 0x78;
  at_of(ram, 0x200A) = 0x38;
  EXPECT_EQ(reference_y(ram), 120);
  EXPECT_EQ(reference_x(ram), 56);
}

TEST(ScoreCounter, AddsWhatTheDisplayGained) {
  Ram ram{};
  show_score(ram, 120);
  ScoreCounter counter;
  counter.begin(ram);
  EXPECT_EQ(counter.total, 0);
  show_score(ram, 150);
  EXPECT_EQ(counter.update(ram), 30U);
  EXPECT_EQ(counter.update(ram), 0U);
  show_score(ram, 450);
  EXPECT_EQ(counter.update(ram), 300U);
  EXPECT_EQ(counter.total, 330);
}

TEST(ScoreCounter, GoesOnAcrossTheWrapOfTheDisplay) {
  Ram ram{};
  ScoreCounter counter;
  counter.begin(ram);
  std::int64_t truth = 0;
  for (int i = 0; i < 5000; ++i) {
    truth += 10 * (i % 4);
    show_score(ram, static_cast<int>(truth % 10000));
    counter.update(ram);
    ASSERT_EQ(counter.total, truth);
  }
  EXPECT_GT(truth, 70'000);
}

TEST(ScoreCounter, LeavesTornAndImpossibleReadingsOutAndCountsTheNextGoodOne) {
  Ram ram{};
  show_score(ram, 90);
  ScoreCounter counter;
  counter.begin(ram);
  show_score(ram, 10);  // 0090 + 20 with the high byte not yet stored
  EXPECT_EQ(counter.update(ram), 0U);
  show_score(ram, 110);
  EXPECT_EQ(counter.update(ram), 20U);
  at_of(ram, 0x20F8) = 0x1F;
  EXPECT_EQ(counter.update(ram), 0U);
  show_score(ram, 2110);
  EXPECT_EQ(counter.update(ram), 0U);
  show_score(ram, 120);
  EXPECT_EQ(counter.update(ram), 10U);
  EXPECT_EQ(counter.total, 30);
}

TEST(ScoreCounter, TakesAReadingThatStaysAsANewBaseWithoutPoints) {
  Ram ram{};
  ScoreCounter counter;
  counter.begin(ram);
  show_score(ram, 7000);
  for (std::uint32_t i = 0; i < ScoreCounter::kPatienceFrames; ++i) EXPECT_EQ(counter.update(ram), 0U);
  show_score(ram, 7030);
  EXPECT_EQ(counter.update(ram), 30U);
  EXPECT_EQ(counter.total, 30);
}

}  // namespace
}  // namespace sinv
