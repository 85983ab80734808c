// MameMachine over fake_mame, a real process that speaks the protocol over a simulated machine: the same simulated
// machine, in this process, is the oracle.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "bridge/mame/mame_machine.h"
#include "tests/bridge/farm_fixture.h"
#include "tests/bridge/simulated_machine.h"

namespace sinv::mame {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using MachinePointer = std::unique_ptr<MameMachine>;

class MameMachineTest : public FarmTest {};

std::vector<std::uint8_t> random_buttons(Random& random, std::size_t count) {
  std::vector<std::uint8_t> buttons(count);
  for (std::uint8_t& mask : buttons) mask = static_cast<std::uint8_t>(random.below(64));
  return buttons;
}

void expect_equal(const MameMachine& machine, const Machine& oracle) {
  ASSERT_EQ(machine.frame(), oracle.frame());
  ASSERT_EQ(machine.ram(), oracle.ram());
  ASSERT_EQ(machine.ram_before(), oracle.ram_before());
}

TEST_F(MameMachineTest, FramesGiveTheRamOfTheMachineBehindIt) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  SimulatedMachine oracle;
  expect_equal(*machine, oracle);
  Random random(1, 0);
  for (const std::size_t count : {1, 1, 2, 0, 3, 63, 64, 65, 200, 1}) {
    const auto buttons = random_buttons(random, count);
    machine->run(buttons);
    oracle.run(buttons);
    expect_equal(*machine, oracle);
  }
  machine->power_on();
  oracle.power_on();
  expect_equal(*machine, oracle);
  EXPECT_EQ(machine->hello().mame_version, "0.0");
  EXPECT_EQ(machine->hello().rom_crc, 0x1978U);
}

struct Recorder final : FrameSink {
  void frame(const Ram& ram) override { frames.push_back(ram); }
  std::vector<Ram> frames;
};

/// Rules over the bytes that take few values; ids 1 to 20, each always the same.
struct Rules {
  explicit Rules(Random& random) {
    for (std::size_t id = 1; id <= 20; ++id) {
      std::vector<RamTest>& of = tests[id];
      const std::uint32_t count = random.below(4);
      for (std::uint32_t i = 0; i < count; ++i) {
        constexpr std::uint16_t kAddresses[] = {0x2025, 0x202D, 0x20E9, 0x2111};
        of.push_back({.group = static_cast<std::uint8_t>(i / 2),
                      .mask = static_cast<std::uint8_t>(random.below(2) == 0 ? 0xFF : 3),
                      .address = kAddresses[random.below(4)],
                      .value = static_cast<std::uint8_t>(random.below(4)),
                      .equal = static_cast<std::uint8_t>(random.below(2))});
      }
      rules[id] = {static_cast<std::uint8_t>(id), of};
    }
  }
  std::vector<RamTest> tests[21];
  RamRule rules[21]{};
};

void run_random_stretches(MameMachine& machine, SimulatedMachine& oracle, Random& random, const Rules& rules,
                          int count) {
  for (int i = 0; i < count; ++i) {
    const std::uint32_t frames = 1 + random.below(random.below(3) == 0 ? 64 : 4);
    std::vector<FrameButtons> buttons(1 + random.below(70));
    for (FrameButtons& pair : buttons) {
      pair = {static_cast<std::uint8_t>(random.below(64)), static_cast<std::uint8_t>(random.below(64))};
    }
    Stretch stretch{.frames = frames, .buttons = buttons};
    if (random.below(2) == 0) stretch.press = &rules.rules[1 + random.below(20)];
    if (random.below(2) == 0) stretch.stop = &rules.rules[1 + random.below(20)];
    Recorder got;
    Recorder wanted;
    ASSERT_EQ(machine.run_stretch(stretch, got), oracle.run_stretch(stretch, wanted));
    expect_equal(machine, oracle);
    ASSERT_EQ(got.frames.size(), wanted.frames.size());
    for (std::size_t f = 0; f < got.frames.size(); ++f) {
      ASSERT_TRUE(std::equal(got.frames[f].begin(), got.frames[f].begin() + kWorkRamBytes, wanted.frames[f].begin()))
          << f;
    }
    ASSERT_EQ(got.frames.back(), wanted.frames.back());
  }
}

TEST_F(MameMachineTest, StretchesAreThoseOfTheSeamOverRandomRulesAndButtons) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  SimulatedMachine oracle;
  Random random(2, 0);
  const Rules rules(random);
  run_random_stretches(*machine, oracle, random, rules, 1500);
}

TEST_F(MameMachineTest, PackedMessagesGiveTheSame) {
  settings_.compress = true;
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  SimulatedMachine oracle;
  Random random(3, 0);
  const Rules rules(random);
  run_random_stretches(*machine, oracle, random, rules, 100);
  std::vector<std::byte> state(machine->state_bytes());
  machine->save(state);
  machine->power_on();
  machine->restore(state);
  run_random_stretches(*machine, oracle, random, rules, 100);
}

TEST_F(MameMachineTest, WithoutPicturesWorkRamIsCurrentAndThePictureStays) {
  settings_.pictures = false;
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  SimulatedMachine oracle;
  Random random(4, 0);
  for (const std::size_t count : {1, 4, 64}) {
    const auto buttons = random_buttons(random, count);
    machine->run(buttons);
    oracle.run(buttons);
    EXPECT_TRUE(std::equal(machine->ram().begin(), machine->ram().begin() + kWorkRamBytes, oracle.ram().begin()));
    EXPECT_TRUE(std::equal(machine->ram_before().begin(), machine->ram_before().begin() + kWorkRamBytes,
                           oracle.ram_before().begin()));
    EXPECT_TRUE(
        std::all_of(machine->ram().begin() + kWorkRamBytes, machine->ram().end(), [](auto b) { return b == 0; }));
  }
  machine->set_pictures(true);
  const auto buttons = random_buttons(random, 2);
  machine->run(buttons);
  oracle.run(buttons);
  expect_equal(*machine, oracle);
}

TEST_F(MameMachineTest, WhatIsRestoredGoesOnAsItWas) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  const MachinePointer other = farm->machine();
  Random random(5, 0);
  std::vector<std::byte> begin(machine->state_bytes());
  machine->save(begin);
  machine->run(random_buttons(random, 100));
  std::vector<std::byte> state(machine->state_bytes());
  machine->save(state);
  const auto future = random_buttons(random, 77);
  machine->run(future);
  const Ram ram = machine->ram();
  const Ram before = machine->ram_before();
  for (MameMachine* again : {machine.get(), other.get()}) {
    again->restore(state);
    EXPECT_EQ(again->frame(), 100U);
    std::vector<std::byte> saved(again->state_bytes());
    again->save(saved);
    EXPECT_EQ(saved, state);
    again->run(future);
    EXPECT_EQ(again->frame(), 177U);
    EXPECT_EQ(again->ram(), ram);
    EXPECT_EQ(again->ram_before(), before);
  }
  machine->restore(begin);
  expect_equal(*machine, SimulatedMachine());
}

TEST_F(MameMachineTest, AStateOfAnotherSizeFormatOrRomIsRefused) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  std::vector<std::byte> state(machine->state_bytes());
  machine->save(state);
  EXPECT_THAT(error_of<Error>([&] { machine->restore(std::span(state).first(99)); }),
              HasSubstr("a state of 99 bytes, wanted"));
  EXPECT_THAT(error_of<Error>([&] { machine->save(std::span(state).first(99)); }), HasSubstr("room of 99 bytes"));
  auto changed = state;
  changed[0] = std::byte{0};
  EXPECT_THAT(error_of<Error>([&] { machine->restore(changed); }), HasSubstr("not a state of a MAME machine"));
  changed = state;
  changed[16] = std::byte{1};
  EXPECT_THAT(error_of<Error>([&] { machine->restore(changed); }), HasSubstr("the state belongs to ROM"));
}

TEST_F(MameMachineTest, BrokenContractsAreErrors) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  Recorder sink;
  const FrameButtons none[1]{};
  EXPECT_THAT(error_of<Error>([&] { machine->run_stretch({.frames = 65, .buttons = none}, sink); }),
              HasSubstr("a stretch of 65 frames"));
  EXPECT_THAT(error_of<Error>([&] { machine->run_stretch({.frames = 1, .buttons = {}}, sink); }),
              HasSubstr("without buttons"));
  EXPECT_THAT(error_of<Error>([&] { machine->throttle(true, 0); }), HasSubstr("rate 0, wanted"));
  EXPECT_THAT(error_of<Error>([&] {
                std::vector<std::uint8_t> bytes(65536);
                machine->read(0, bytes);
              }),
              HasSubstr("at most 65535"));
  const RamTest outside[]{{.group = 0, .mask = 1, .address = 0x3000, .value = 0}};
  const RamRule rule{1, outside};
  EXPECT_THAT(error_of<Error>([&] { machine->run_stretch({.frames = 1, .buttons = none, .stop = &rule}, sink); }),
              HasSubstr("must be 8192 to 9215"));
  machine->run(std::array<std::uint8_t, 1>{});  // it still works
  EXPECT_EQ(machine->frame(), 1U);
}

TEST_F(MameMachineTest, MemoryScreenTextThrottleDebugAndConsole) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  machine->run(std::vector<std::uint8_t>(10, kLeft));
  const std::uint8_t bytes[]{1, 2, 3};
  machine->write(0x20F0, bytes);
  EXPECT_EQ(machine->ram()[0xF1], 2);
  std::uint8_t back[3];
  machine->read(0x20F0, back);
  EXPECT_EQ(back[2], 3);
  machine->draw_text({{.x = 3, .y = -4, .colour = 0xFF00FF00, .words = "score 1890"}});
  machine->throttle(true, 0.5);
  machine->debug(true);
  machine->soft_reset();
  EXPECT_EQ(machine->statistics().frames, 10U);
  EXPECT_EQ(machine->console("run 3"), "ACK");
  EXPECT_EQ(machine->frame(), 13U);
  EXPECT_EQ(machine->ram()[0x2D], 0) << "no button was pressed in the frames of the console";
  EXPECT_EQ(machine->console("dance"), "ERR unknown command dance");
  EXPECT_THAT(read(run() / "mame/0.log"),
              AllOf(HasSubstr("text 3 -4 ff00ff00 score 1890"), HasSubstr("throttle 1 500"), HasSubstr("debug 1")));
}

TEST_F(MameMachineTest, ASleepingPluginIsRungOnceForEachSleeping) {
  behave("sleeps");
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  SimulatedMachine oracle;
  Random random(6, 0);
  for (int i = 0; i < 50; ++i) {
    const auto buttons = random_buttons(random, 1);
    machine->run(buttons);
    oracle.run(buttons);
  }
  expect_equal(*machine, oracle);
  EXPECT_EQ(machine->losses(), 0U);
}

TEST_F(MameMachineTest, AliveIsNoAnswer) {
  behave("alive");
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  for (int i = 0; i < 20; ++i) machine->run(std::array<std::uint8_t, 1>{});
  EXPECT_EQ(machine->frame(), 20U);
}

TEST_F(MameMachineTest, LatencyIsFromAnAnswerToTheNextStep) {
  const auto farm = open();
  const MachinePointer machine = farm->machine();
  for (int i = 0; i < 11; ++i) machine->run(std::array<std::uint8_t, 1>{});
  const auto summary = machine->latency().summary();
  EXPECT_EQ(summary.count, 10U);
  EXPECT_GT(summary.p50_us, 0);
  machine->statistics();  // what comes between does not count
  machine->run(std::array<std::uint8_t, 1>{});
  EXPECT_EQ(machine->latency().summary().count, 10U);
}

TEST_F(MameMachineTest, ManyMachinesShareOneFarmAndEachHasItsOwnFolder) {
  const auto farm = open();
  farm->prepare(3);
  std::vector<MachinePointer> machines;
  for (int i = 0; i < 4; ++i) machines.push_back(farm->machine());
  SimulatedMachine oracle;
  Random random(7, 0);
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(machines[static_cast<std::size_t>(i)]->instance(), i);
    machines[static_cast<std::size_t>(i)]->run(std::vector<std::uint8_t>(static_cast<std::size_t>(i), kFire));
    EXPECT_EQ(machines[static_cast<std::size_t>(i)]->frame(), static_cast<std::uint64_t>(i));
    const std::string log = read(run() / "mame" / (std::to_string(i) + ".log"));
    EXPECT_THAT(log, HasSubstr("home " + (run() / "mame" / std::to_string(i) / "home").string()));
    EXPECT_TRUE(std::filesystem::exists(run() / "mame" / std::to_string(i) / "doorbell"));
  }
  machines.clear();
}

}  // namespace
}  // namespace sinv::mame
