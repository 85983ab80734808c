#include "cabinet/cabinet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include "base/error.h"
#include "tests/cabinet/program.h"

namespace sinv {
namespace {

/// LXI SP,$2400; JMP $0100; there: EI; JMP to itself.
Program idle_with_interrupts() {
  Program program = counting_handlers();
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01}).at(0x0100, {0xFB, 0xC3, 0x01, 0x01});
  return program;
}

TEST(Cabinet, AFrameIs33536CyclesAndOvershootShortensTheNext) {
  Cabinet cabinet(idle_with_interrupts().rom());
  for (std::uint64_t frame = 1; frame <= 500; ++frame) {
    run_frames(cabinet, 1);
    EXPECT_EQ(cabinet.frame(), frame);
    EXPECT_GE(cabinet.cycles(), frame * 33'536);
    EXPECT_LT(cabinet.cycles(), frame * 33'536 + 18);
  }
}

TEST(Cabinet, AtFrameDoneNThereWereNMidScreenAndNMinus1VblankInterrupts) {
  Cabinet cabinet(idle_with_interrupts().rom());
  for (int frame = 1; frame <= 200; ++frame) {
    run_frames(cabinet, 1);
    EXPECT_EQ(cabinet.peek(0x2010), frame);
    EXPECT_EQ(cabinet.peek(0x2011), frame - 1);
  }
}

}  // namespace
}  // namespace sinv
