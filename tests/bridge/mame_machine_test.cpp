// MameMachine over a real MAME and the plugin of this tree, with the engine's own game. Without MAME these are skipped.
#include "bridge/mame/mame_machine.h"

#include <array>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/bridge/real_mame.h"

namespace sinv::mame {
namespace {

using ::testing::HasSubstr;

/// Buttons that start a game and play it.
std::vector<FrameButtons> game_buttons(int frames) {
  Random random(1978, 0);
  std::vector<FrameButtons> all(static_cast<std::size_t>(frames));
  for (std::size_t f = 0; f < all.size(); ++f) {
    if (f >= 100 && f < 104) all[f].held = kCoin;
    if (f >= 140 && f < 146) all[f].held = kStart1;
    if (f > 300) all[f].held = static_cast<std::uint8_t>(random.below(2) == 0 ? kLeft | kFire : kRight);
  }
  return all;
}

std::vector<std::uint8_t> masks(std::span<const FrameButtons> buttons) {
  std::vector<std::uint8_t> all;
  for (const FrameButtons& pair : buttons) all.push_back(pair.held);
  return all;
}

struct Recorder final : FrameSink {
  void frame(const Ram& ram) override { frames.push_back(ram); }
  std::vector<Ram> frames;
};

TEST_F(RealMame, ConnectsAndRunsFrameByFrame) {
  const auto farm = open();
  const auto machine = farm->machine();
  EXPECT_EQ(machine->frame(), 0U);
  EXPECT_EQ(machine->ram(), Ram{}) << "memory is cleared at power-on";
  EXPECT_EQ(machine->hello().set, "invaders");
  EXPECT_THAT(machine->hello().mame_version, HasSubstr("0."));
  std::uint64_t wanted = 0;
  for (const std::size_t count : {1, 1, 2, 3, 64, 65, 1, 200}) {
    machine->run(std::vector<std::uint8_t>(count));
    wanted += count;
    ASSERT_EQ(machine->frame(), wanted) << told();
  }
  EXPECT_NE(machine->ram(), Ram{});
  const auto statistics = machine->statistics();
  EXPECT_GE(statistics.frames, wanted);
  EXPECT_EQ(machine->losses(), 0U) << told();
}

TEST_F(RealMame, TheSameButtonsGiveTheSameRamHoweverTheFramesAreAskedFor) {
  constexpr int kFrames = 900;
  const auto buttons = game_buttons(kFrames);
  const auto farm = open();
  farm->prepare(2);
  const auto one = farm->machine();
  const auto many = farm->machine();
  std::vector<Ram> rams;
  for (const std::uint8_t mask : masks(buttons)) {
    one->run(std::span(&mask, 1));
    rams.push_back(one->ram());
  }
  Random random(4, 0);
  Recorder sink;
  for (std::size_t done = 0; done < kFrames;) {
    const auto frames = static_cast<std::uint32_t>(std::min<std::size_t>(1 + random.below(64), kFrames - done));
    sink.frames.clear();
    ASSERT_EQ(many->run_stretch({.frames = frames, .buttons = std::span(buttons).subspan(done, frames)}, sink), frames);
    ASSERT_EQ(sink.frames.size(), frames);
    for (std::size_t i = 0; i < frames; ++i) {
      const Ram& wanted = rams[done + i];
      ASSERT_TRUE(std::equal(wanted.begin(), wanted.begin() + kWorkRamBytes, sink.frames[i].begin())) << done + i;
    }
    done += frames;
    ASSERT_EQ(many->ram(), rams[done - 1]) << done;
    ASSERT_EQ(many->ram_before(), done > 1 ? rams[done - 2] : Ram{}) << done;
  }
  EXPECT_EQ(one->ram()[0x20EF - kRamAddress], 1) << "the buttons should have started a game";
}

TEST_F(RealMame, RulesPressAndStopAsTheSeamSays) {
  // Credits: the stop rule; the press rule: an even low byte of something that counts, $20C0 of our game or not.
  const RamTest credit[]{{.group = 0, .mask = 0xFF, .address = 0x20EB, .value = 0, .equal = 0}};
  const RamTest odd[]{{.group = 0, .mask = 1, .address = 0x20C0, .value = 1},
                      {.group = 1, .mask = 1, .address = 0x2072, .value = 1}};
  const RamRule stop{1, credit};
  const RamRule press{2, odd};
  const auto farm = open();
  farm->prepare(2);
  const auto stretched = farm->machine();
  const auto plain = farm->machine();
  Random random(5, 0);
  for (int i = 0; i < 60; ++i) {
    std::vector<FrameButtons> buttons(1 + random.below(64));
    for (FrameButtons& pair : buttons) {
      pair = {static_cast<std::uint8_t>(random.below(64)), static_cast<std::uint8_t>(random.below(64))};
    }
    Stretch stretch{.frames = 1 + random.below(64), .buttons = buttons, .press = &press};
    if (i % 2 == 0) stretch.stop = &stop;
    Recorder got;
    Recorder wanted;
    ASSERT_EQ(stretched->run_stretch(stretch, got), plain->Machine::run_stretch(stretch, wanted)) << i;
    ASSERT_EQ(stretched->ram(), plain->ram()) << i;
    ASSERT_EQ(stretched->ram_before(), plain->ram_before()) << i;
    ASSERT_EQ(stretched->frame(), plain->frame()) << i;
  }
}

TEST_F(RealMame, WhatIsRestoredGoesOnAsItWasAlsoInAnotherMame) {
  const auto buttons = game_buttons(700);
  const auto farm = open();
  farm->prepare(2);
  const auto machine = farm->machine();
  const auto other = farm->machine();
  std::vector<std::byte> begin(machine->state_bytes());
  machine->save(begin);
  machine->run(masks(std::span(buttons).first(400)));
  std::vector<std::byte> state(machine->state_bytes());
  machine->save(state);
  const auto future = masks(std::span(buttons).subspan(400));
  std::vector<Ram> rams;
  for (const std::uint8_t mask : future) {
    machine->run(std::span(&mask, 1));
    rams.push_back(machine->ram());
  }
  for (MameMachine* again : {machine.get(), other.get()}) {
    again->restore(state);
    ASSERT_EQ(again->frame(), 400U);
    for (std::size_t i = 0; i < future.size(); ++i) {
      again->run(std::span(&future[i], 1));
      ASSERT_EQ(again->ram(), rams[i]) << i;
    }
  }
  machine->restore(begin);
  EXPECT_EQ(machine->frame(), 0U);
  machine->run(masks(std::span(buttons).first(400)));
  std::vector<std::byte> again(machine->state_bytes());
  machine->save(again);
  EXPECT_TRUE(std::equal(state.begin(), state.begin() + 16 + 2 * kRamBytes, again.begin()));
}

TEST_F(RealMame, MemoryTextThrottleConsoleAndReset) {
  const auto farm = open();
  const auto machine = farm->machine();
  machine->run(std::vector<std::uint8_t>(60));
  const std::uint8_t credits[]{0x07};
  machine->write(0x20EB, credits);
  std::uint8_t back[1]{};
  machine->read(0x20EB, back);
  EXPECT_EQ(back[0], 7);
  EXPECT_EQ(machine->console("read_memory 20EB"), "07");
  machine->draw_text({{.x = 10, .y = 20, .colour = 0xFFFFFFFF, .words = "score 1890"}});
  machine->throttle(true, 2);
  machine->run(std::vector<std::uint8_t>(4));
  machine->throttle(false);
  EXPECT_EQ(machine->console("run 5"), "ACK");
  EXPECT_EQ(machine->frame(), 69U);
  machine->debug(true);
  machine->debug(false);
  machine->soft_reset();
  machine->run(std::vector<std::uint8_t>(2));
  EXPECT_EQ(machine->frame(), 71U);
  EXPECT_EQ(machine->losses(), 0U) << told();
}

TEST_F(RealMame, OneThatIsKilledIsReplacedWithinFiveSeconds) {
  const auto farm = open();
  const auto machine = farm->machine();
  machine->run(std::vector<std::uint8_t>(50));
  const Ram ram = machine->ram();
  ::kill(machine->pid(), SIGKILL);
  const auto from = std::chrono::steady_clock::now();
  EXPECT_THAT(error_of<MachineLost>([&] { machine->run(std::array<std::uint8_t, 1>{}); }), HasSubstr("signal 9"));
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - from).count(), 5.0);
  machine->power_on();
  machine->run(std::vector<std::uint8_t>(50));
  EXPECT_EQ(machine->ram(), ram);
}

TEST_F(RealMame, NothingIsWrittenIntoTheHomeFolderAndMameEndsWhenAsked) {
  const char* variable = std::getenv("HOME");
  const std::string home = variable == nullptr ? "/" : variable;
  ::setenv("HOME", (folder_ / "home").c_str(), 1);
  {
    const auto farm = open();
    const auto machine = farm->machine();
    machine->run(std::vector<std::uint8_t>(10));
  }
  ::setenv("HOME", home.c_str(), 1);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "home"));
}

}  // namespace
}  // namespace sinv::mame
