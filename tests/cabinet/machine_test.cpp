#include "cabinet/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <vector>

#include "base/random.h"

namespace sinv {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Counts frames at $2000, keeps the buttons of each frame, and shows the last at $2001.
class CountingMachine final : public Machine {
 public:
  void power_on() override { ram_ = Ram{}; }
  void run(std::span<const std::uint8_t> buttons) override {
    for (const std::uint8_t mask : buttons) {
      masks.push_back(mask);
      ++ram_[0];
      ram_[1] = mask;
    }
  }
  const Ram& ram() const override { return ram_; }
  const Ram& ram_before() const override { return ram_; }
  std::uint64_t frame() const override { return masks.size(); }
  std::size_t state_bytes() const override { return 0; }
  void save(std::span<std::byte>) const override {}
  void restore(std::span<const std::byte>) override {}

  std::vector<std::uint8_t> masks;

 private:
  Ram ram_{};
};

struct Seen final : FrameSink {
  void frame(const Ram& ram) override { counts.push_back(ram[0]); }
  std::vector<int> counts;
};

TEST(RamRule, GroupsAreJoinedByOrTheirTestsByAnd) {
  const std::array<RamTest, 3> tests{RamTest{.group = 0, .mask = 0x0F, .address = 0x2000, .value = 5},
                                     RamTest{.group = 0, .mask = 0xFF, .address = 0x2001, .value = 0, .equal = 0},
                                     RamTest{.group = 1, .mask = 0x80, .address = 0x23FF, .value = 0x80}};
  const RamRule rule{1, tests};
  Ram ram{};
  EXPECT_FALSE(rule.holds(ram));
  ram[0] = 0x15;
  EXPECT_FALSE(rule.holds(ram));  // half of group 0
  ram[1] = 9;
  EXPECT_TRUE(rule.holds(ram));
  ram[0] = 6;
  EXPECT_FALSE(rule.holds(ram));
  ram[0x3FF] = 0xC0;
  EXPECT_TRUE(rule.holds(ram));
}

TEST(RamRule, WithoutTestsNeverHolds) { EXPECT_FALSE((RamRule{1, {}}.holds(Ram{}))); }

TEST(Machine, AStretchEndsWithTheFrameAfterWhichItsRuleHolds) {
  const std::array<RamTest, 1> tests{RamTest{.group = 0, .mask = 0xFF, .address = 0x2000, .value = 3}};
  const RamRule stop{1, tests};
  CountingMachine machine;
  Seen seen;
  const std::array<FrameButtons, 1> none{};
  EXPECT_EQ(machine.run_stretch({.frames = 8, .buttons = none, .stop = &stop}, seen), 3U);
  EXPECT_THAT(seen.counts, ElementsAre(1, 2, 3));
  EXPECT_EQ(machine.run_stretch({.frames = 4, .buttons = none, .stop = &stop}, seen), 4U);
}

TEST(Machine, ReadyButtonsArePressedWhenTheRuleHeldBeforeTheFrame) {
  const std::array<RamTest, 1> tests{RamTest{.group = 0, .mask = 1, .address = 0x2000, .value = 0}};
  const RamRule press{1, tests};  // in every other frame
  CountingMachine machine;
  Seen seen;
  const std::array<FrameButtons, 2> buttons{FrameButtons{.held = 8, .ready = 4}, FrameButtons{.held = 16, .ready = 4}};
  machine.run_stretch({.frames = 4, .buttons = buttons, .press = &press}, seen);
  EXPECT_THAT(machine.masks, ElementsAre(12, 16, 20, 16));  // the last pair stands for all behind it
  machine.masks.clear();
  machine.run_stretch({.frames = 2, .buttons = buttons}, seen);
  EXPECT_THAT(machine.masks, ElementsAre(8, 16));  // no rule: never
}

TEST(Machine, RefusesAStretchOutOfRange) {
  CountingMachine machine;
  Seen seen;
  const std::array<FrameButtons, 1> none{};
  const auto message = [&](const Stretch& stretch) -> std::string {
    try {
      machine.run_stretch(stretch, seen);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message({.frames = 0, .buttons = none}), HasSubstr("a stretch of 0 frames, wanted 1 to 64"));
  EXPECT_THAT(message({.frames = 65, .buttons = none}), HasSubstr("a stretch of 65 frames"));
  EXPECT_THAT(message({.frames = 1, .buttons = {}}), HasSubstr("without buttons"));
}

}  // namespace
}  // namespace sinv
