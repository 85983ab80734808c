// What every program for this board owes the engine: initial values, phases, interrupt times, watchdog.
#include <algorithm>
#include <gtest/gtest.h>
#include <utility>

#include "cabinet/timing.h"
#include "tests/rom/play.h"

namespace sinv {
namespace {

TEST(RomContract, RackStartsFromTheKnownValues) {
  Play play;
  play.start();
  const std::pair<int, int> wanted[] = {
      {0x2000, 0x01}, {0x2002, 0x00}, {0x2003, 0x10}, {0x2005, 0x00}, {0x2006, 0x00}, {0x2007, 0x00}, {0x2008, 0x02},
      {0x2009, 0x78}, {0x200A, 0x38}, {0x200B, 0x78}, {0x200C, 0x38}, {0x200D, 0x00}, {0x200E, 0xF8}, {0x2010, 0x00},
      {0x2011, 0x80}, {0x2015, 0xFF}, {0x2016, 0x05}, {0x2017, 0x0C}, {0x201A, 0x20}, {0x201B, 0x30}, {0x2025, 0x00},
      {0x2026, 0x10}, {0x2029, 0x28}, {0x202A, 0x30}, {0x202D, 0x00}, {0x2032, 0x02}, {0x2035, 0x00}, {0x2036, 0x00},
      {0x203A, 0x04}, {0x203D, 0x00}, {0x203E, 0x00}, {0x203F, 0x03}, {0x2045, 0x00}, {0x2047, 0x01}, {0x2055, 0x00},
      {0x2057, 0x01}, {0x2060, 0xFF}, {0x2067, 0x21}, {0x2068, 0x01}, {0x2069, 0x00}, {0x206A, 0x30}, {0x206D, 0x00},
      {0x206E, 0x00}, {0x207E, 0xFC}, {0x2082, 0xFF}, {0x2083, 0x00}, {0x2084, 0x00}, {0x2085, 0x00}, {0x2086, 0x20},
      {0x2089, 0xD0}, {0x208A, 0x29}, {0x208C, 0x02}, {0x208F, 0x00}, {0x2091, 0x00}, {0x2092, 0x06}, {0x2093, 0x00},
      {0x20C1, 0x00}, {0x20CE, 0x00}, {0x20E5, 0x01}, {0x20E6, 0x01}, {0x20E7, 0x01}, {0x20E8, 0x01}, {0x20E9, 0x01},
      {0x20EA, 0x01}, {0x20EB, 0x00}, {0x20EF, 0x01}, {0x20F8, 0x00}, {0x20F9, 0x00}, {0x20FC, 0x00}, {0x20FD, 0x00},
      {0x21FB, 0x02}, {0x21FC, 0x78}, {0x21FD, 0x38}, {0x21FE, 0x00}, {0x21FF, 0x02}};
  for (const auto& [address, value] : wanted) EXPECT_EQ(play.at(address), value) << std::hex << address;
  EXPECT_EQ(play.live_aliens(), 55);
  play.run(1);
  EXPECT_EQ(play.at(0x2082), 55);
}

TEST(RomContract, PhasesFollowEachOtherFromPowerOn) {
  Play play;
  play.run_until([&] { return play.at(0x20E9) == 1; });
  EXPECT_EQ(play.at(0x20EF), 0);
  EXPECT_EQ(play.at(0x2093), 0);
  EXPECT_EQ(play.at(0x20EA), 1) << "the coin switch is high at rest";
  play.insert_coin();
  EXPECT_EQ(play.at(0x20EB), 0x01);
  play.run_until([&] { return play.at(0x2093) == 1; }, 0, 30);
  EXPECT_EQ(play.at(0x20EF), 0);
  EXPECT_EQ(play.at(0x20E9), 0);
  play.run_until([&] { return play.at(0x20EF) == 1; }, kStart1, 5);
  EXPECT_EQ(play.at(0x20E9), 0);
  EXPECT_EQ(play.at(0x2093), 0);
  play.run_until([&] { return play.at(0x20C0) == 0xB0; }, 0, 10);
  EXPECT_EQ(play.run_until([&] { return play.at(0x20C0) == 0; }), 176);
  play.run_until([&] { return play.at(0x20E9) == 1; }, 0, 10);
  EXPECT_EQ(play.wait_controllable(), 128);
}

TEST(RomContract, NoInterruptIsLostAndTheFrameIsNotFull) {
  // An interrupt that comes while a handler still runs is lost: every one of them must leave its mark. And all the work
  // of a frame, two handlers and two passes of the main loop, leaves the CPU asleep for a good part of its 33,536
  // cycles.
  Play play;
  play.start_controllable();
  play.set(0x2009, 0x70);
  play.set(0x2091, 0x80);  // an early saucer, to have every object running
  play.set(0x2092, 0x00);
  std::uint64_t worst = 0;
  for (int frame = 0; frame < 6000; ++frame) {
    const std::uint64_t halted = play.cabinet.board().halted_cycles;
    const int delay = play.at(0x20C0);
    const int aliens = play.live_aliens();
    play.run(1,
             static_cast<std::uint8_t>(((frame / 3) % 2 != 0 ? kFire : 0) | ((frame / 90) % 2 != 0 ? kLeft : kRight)));
    play.immortal();
    if (play.at(0x206D) == 1) play.set(0x2009, 0x70);
    play.set(0x206D, 0);
    if (aliens == 0 || play.live_aliens() == 0 || play.at(0x20E9) == 0) continue;  // a new rack is drawn
    ASSERT_EQ(play.at(0x20C0), (delay + 255) % 256) << "a vblank interrupt was lost";
    ASSERT_EQ(play.at(0x2072), 0) << "a mid-screen interrupt was lost";
    worst = std::max(worst, kFrameCycles - (play.cabinet.board().halted_cycles - halted));
  }
  EXPECT_GT(worst, 5000U);
  EXPECT_LT(worst, 20000U);
  RecordProperty("worst_frame_cycles", static_cast<int>(worst));
}

TEST(RomContract, WatchdogNeverBites) {
  Play play;
  play.run(8000);  // attract mode and its demo
  play.start_controllable();
  for (int i = 0; i < 400; ++i) {
    play.run(20, static_cast<std::uint8_t>(i % 2 == 0 ? kRight | kFire : kLeft));
  }
  EXPECT_EQ(play.cabinet.board().resets, 0U);
}

TEST(RomContract, RunsOnAfterAWatchdogReset) {
  Play play;
  play.run(500);
  play.set(0x0000, 0);     // ROM: has no effect
  play.set(0x23F0, 0x5A);  // noise in the stack
  EXPECT_EQ(play.cabinet.peek(0), load_own_rom()[0]);
  play.run(100);
  EXPECT_EQ(play.at(0x20EF), 0);
}

TEST(RomContract, NoOtherMemoryThanTheContractIsNeededToReplay) {
  Play play;
  play.start();
  Play other;
  other.start();
  for (int i = 0; i < 3000; ++i) {
    const auto buttons = static_cast<std::uint8_t>((i * 7 / 5) & (kFire | kLeft | kRight));
    play.run(1, buttons);
    other.run(1, buttons);
  }
  EXPECT_EQ(play.cabinet.ram(), other.cabinet.ram());
}

}  // namespace
}  // namespace sinv
