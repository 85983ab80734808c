// What goes wrong with a MAME once it works: each fault ends in MachineLost with a reason, and in another MAME.
#include <array>
#include <chrono>
#include <csignal>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/random.h"
#include "tests/bridge/farm_fixture.h"
#include "tests/bridge/simulated_machine.h"

namespace sinv::mame {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class BridgeFaults : public FarmTest {
 protected:
  BridgeFaults() { settings_.hang_timeout_s = 0.3; }

  /// The first MAME does this at its third step. What the failed call says.
  std::string lose_by(const std::string& how) {
    behave_once(how, 3);
    const auto farm = open();
    const auto machine = farm->machine();
    run_one(*machine, 2);
    const std::string said = error_of<MachineLost>([&] { machine->run(std::array<std::uint8_t, 1>{}); });
    EXPECT_EQ(machine->losses(), 1U);
    EXPECT_EQ(machine->frame(), 0U) << "as after power-on";
    EXPECT_EQ(machine->ram(), SimulatedMachine().ram());
    EXPECT_THAT(log_.text(), HasSubstr("it is replaced"));
    run_one(*machine, 5);
    SimulatedMachine oracle;
    oracle.run(std::array<std::uint8_t, 5>{});
    EXPECT_EQ(machine->ram(), oracle.ram());
    return said;
  }
  static void run_one(MameMachine& machine, int times) {
    for (int i = 0; i < times; ++i) machine.run(std::array<std::uint8_t, 1>{});
  }
};

bool ends_within(int pid, int milliseconds) {
  const int fd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (fd < 0) return true;  // gone already
  pollfd wanted{.fd = fd, .events = POLLIN, .revents = 0};
  const bool ended = ::poll(&wanted, 1, milliseconds) == 1;
  ::close(fd);
  return ended;
}

TEST_F(BridgeFaults, OneThatDiesIsReplacedAndItsLastLinesAreTold) {
  EXPECT_THAT(lose_by("dies"), AllOf(HasSubstr("MAME 0, frame 2: it has closed the connection"),
                                     HasSubstr("it ended with signal 9"), HasSubstr("fake mame: out of coins"),
                                     HasSubstr("another one stands in its place"), Not(HasSubstr("ALSA"))));
}
TEST_F(BridgeFaults, OneThatHangsIsReplaced) {
  EXPECT_THAT(lose_by("hangs"), HasSubstr("it did not answer within 0.3 s"));
}
TEST_F(BridgeFaults, OneThatSomebodyHasPausedIsWaitedFor) {
  settings_.hang_timeout_s = 1;  // the pause takes 1.6 s
  behave("paused", 3);
  const auto farm = open();
  const auto machine = farm->machine();
  run_one(*machine, 4);
  EXPECT_EQ(machine->frame(), 4U);
  EXPECT_EQ(machine->losses(), 0U);
}
TEST_F(BridgeFaults, OneThatClosesTheConnectionIsReplaced) {
  EXPECT_THAT(lose_by("closes"), HasSubstr("it has closed the connection"));
}
TEST_F(BridgeFaults, OneThatSendsAMebibyteOfGarbageIsReplaced) {
  EXPECT_THAT(lose_by("garbage"), HasSubstr("it sent a frame of 2779096485 bytes, at most 1048576"));
}
TEST_F(BridgeFaults, HalfAnAnswerIsNone) { EXPECT_THAT(lose_by("half_answer"), HasSubstr("did not answer within")); }
TEST_F(BridgeFaults, AnAnswerToAnotherRequestEndsTheConnection) {
  EXPECT_THAT(lose_by("sequence"), HasSubstr("where the answer to STEP, sequence 4, was due"));
}
TEST_F(BridgeFaults, AFrameCounterThatIsOffEndsTheConnection) {
  EXPECT_THAT(lose_by("counter"),
              HasSubstr("it was asked for 1 frames from 2 with 1 pictures, and answered with 1 to 4"));
}

TEST_F(BridgeFaults, WhatThePluginCannotDoIsAnErrorAndTheMachineGoesOn) {
  behave("fails", 2);
  const auto farm = open();
  const auto machine = farm->machine();
  run_one(*machine, 1);
  EXPECT_THAT(error_of<Error>([&] { run_one(*machine, 1); }), HasSubstr("MAME 0: STEP: rule 7 is not known"));
  run_one(*machine, 1);
  EXPECT_EQ(machine->frame(), 2U);
  EXPECT_EQ(machine->losses(), 0U);
}

TEST_F(BridgeFaults, WishesAndRulesReachTheReplacement) {
  behave_once("dies", 3);
  const auto farm = open();
  const auto machine = farm->machine();
  machine->throttle(true, 2);
  machine->debug(true);
  const RamTest test[]{{.group = 0, .mask = 0xFF, .address = 0x20E9, .value = 4}};
  const RamRule stop{9, test};
  const FrameButtons none[1]{};
  struct Deaf final : FrameSink {
    void frame(const Ram&) override {}
  } sink;
  const Stretch stretch{.frames = 64, .buttons = none, .stop = &stop};
  EXPECT_EQ(machine->run_stretch(stretch, sink), 4U);
  EXPECT_EQ(machine->run_stretch(stretch, sink), 5U);
  EXPECT_THROW(machine->run_stretch(stretch, sink), MachineLost);
  EXPECT_EQ(machine->run_stretch(stretch, sink), 4U);
  const std::string log = read(run() / "mame/0.log");
  const std::string second = log.substr(log.rfind("argument invaders"));
  EXPECT_THAT(second, AllOf(HasSubstr("throttle 1 2000"), HasSubstr("debug 1")));
}

TEST_F(BridgeFaults, ADeathWhileAStateIsSavedIsSeen) {
  const auto farm = open();
  const auto machine = farm->machine();
  run_one(*machine, 3);
  std::vector<std::byte> state(machine->state_bytes());
  machine->save(state);
  ::kill(machine->pid(), SIGKILL);
  std::vector<std::byte> other(machine->state_bytes());
  EXPECT_THROW(machine->save(other), MachineLost);
  machine->restore(state);
  EXPECT_EQ(machine->frame(), 3U);
}

TEST_F(BridgeFaults, WhenNoOtherCanBeStartedTheLastLinesAreTold) {
  const auto farm = open();
  const auto machine = farm->machine();
  behave("exits");
  ::kill(machine->pid(), SIGKILL);
  EXPECT_THAT(error_of<UserError>([&] { run_one(*machine, 1); }),
              AllOf(HasSubstr("no other could be started in 3 tries"), HasSubstr("it ended with status 3"),
                    HasSubstr("trouble 19")));
  EXPECT_THAT(error_of<UserError>([&] { run_one(*machine, 1); }), HasSubstr("is gone, and could not be replaced"));
}

TEST_F(BridgeFaults, AHundredKillsAtRandomMomentsAreAHundredReplacements) {
  const auto farm = open();
  const auto machine = farm->machine();
  SimulatedMachine oracle;
  Random random(8, 0);
  std::uint64_t steps = 0;
  int kills = 0;
  std::chrono::steady_clock::duration longest{};
  while (kills < 100) {
    // The kernel carries the signal out at some moment of the steps that follow.
    ::kill(machine->pid(), SIGKILL);
    ++kills;
    const auto from = std::chrono::steady_clock::now();
    while (machine->losses() < static_cast<std::uint64_t>(kills)) {
      const std::array<std::uint8_t, 4> buttons{static_cast<std::uint8_t>(random.below(64))};
      try {
        machine->run(buttons);
        oracle.run(buttons);
        ++steps;
      } catch (const MachineLost&) {
        oracle.power_on();
      }
      ASSERT_EQ(machine->ram(), oracle.ram());
    }
    longest = std::max(longest, std::chrono::steady_clock::now() - from);
    for (std::uint32_t i = random.below(10); i > 0; --i) {
      const std::array<std::uint8_t, 2> buttons{static_cast<std::uint8_t>(random.below(64))};
      machine->run(buttons);
      oracle.run(buttons);
      ASSERT_EQ(machine->ram(), oracle.ram());
    }
  }
  EXPECT_EQ(machine->losses(), 100U);
  EXPECT_LT(std::chrono::duration<double>(longest).count(), 5.0);
  RecordProperty("longest_s", std::to_string(std::chrono::duration<double>(longest).count()));
}

TEST_F(BridgeFaults, EveryChildHasEndedWhenTheFarmIsGone) {
  behave("stubborn");
  std::vector<int> children;
  {
    const auto farm = open();
    farm->prepare(3);  // the last is never taken
    const auto first = farm->machine();
    const auto second = farm->machine();
    children = {first->pid(), second->pid()};
    ::kill(second->pid(), SIGSTOP);
  }
  for (const int pid : children) EXPECT_TRUE(ends_within(pid, 0)) << pid;
}

TEST_F(BridgeFaults, WhenTheEngineIsKilledItsChildrenEnd) {
  behave("stubborn");
  const std::string command = std::string("exec '") + SINV_BINARY_DIR "/tests/bin/engine_to_kill' '" +
                              settings_.program + "' '" + folder_.path().string() + "'";
  FILE* engine = ::popen(command.c_str(), "r");
  ASSERT_NE(engine, nullptr);
  int own = 0;
  int child = 0;
  ASSERT_EQ(std::fscanf(engine, "%d %d", &own, &child), 2);
  ASSERT_GT(child, 0);
  EXPECT_FALSE(ends_within(child, 0));
  ::kill(own, SIGKILL);
  EXPECT_TRUE(ends_within(child, 5000));
  ::pclose(engine);
}

}  // namespace
}  // namespace sinv::mame
