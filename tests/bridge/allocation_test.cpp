// A step of a MameMachine takes no memory once everything has been used for the first time.
#include <gtest/gtest.h>

#include "tests/bridge/farm_fixture.h"
#include "tests/support/allocations.h"

namespace sinv::mame {
namespace {

class BridgeAllocation : public FarmTest {
 protected:
  void expect_none() {
    const auto farm = open();
    const auto machine = farm->machine();
    const RamTest tests[]{{.group = 0, .mask = 0xFF, .address = 0x20E9, .value = 4}};
    const RamRule rule{1, tests};
    const FrameButtons buttons[2]{{kLeft, kFire}, {kRight, 0}};
    const std::uint8_t masks[3]{kLeft, 0, kFire};
    struct Sum final : FrameSink {
      void frame(const Ram& ram) override { sum += ram[7]; }
      unsigned sum = 0;
    } sink;
    const auto round = [&] {
      machine->run(masks);
      for (const std::uint32_t frames : {1U, 4U, 64U}) {
        machine->run_stretch({.frames = frames, .buttons = buttons, .press = &rule, .stop = &rule}, sink);
        machine->run_stretch({.frames = frames, .buttons = buttons, .press = &rule}, sink);
      }
    };
    for (int i = 0; i < 5; ++i) round();
    const std::size_t before = allocations();
    for (int i = 0; i < 50; ++i) round();
    EXPECT_EQ(allocations() - before, 0U);
  }
};

TEST_F(BridgeAllocation, AStepTakesNoMemoryAfterWarmUp) { expect_none(); }

TEST_F(BridgeAllocation, APackedStepTakesNoMemoryAfterWarmUp) {
  settings_.compress = true;
  expect_none();
}

}  // namespace
}  // namespace sinv::mame
