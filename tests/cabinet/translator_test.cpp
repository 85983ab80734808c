#include "cabinet/translator.h"

#include <cstdio>
#include <gtest/gtest.h>
#include <string>

#include "base/random.h"
#include "cabinet/speed.h"
#include "tests/cabinet/program.h"
#include "tests/cabinet/reference.h"

namespace sinv {
namespace {

TEST(Translation, IsThereOnX64Linux) {
#if defined(__x86_64__) && defined(__linux__)
  EXPECT_NE(RomImage(Rom{}).translation, nullptr);
#endif
  EXPECT_EQ(RomImage(Rom{}, CpuCore::kInterpreted).translation, nullptr);
}

class TranslatedAlu : public testing::TestWithParam<int> {};

// HL gathers A and the flags behind the operation for every A (in C), operand (in B) and carry; the reference is a
// ripple-carry adder.
TEST_P(TranslatedAlu, GivesTheReferencesValueAndFlagsForEveryOperandPair) {
  const int op = 0x80 + 8 * GetParam();
  const Rom rom =
      Program()
          .at(0, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01})
          .at(0x100, {0x79, 0xB7, op,   0xF5, 0xD1, 0x29, 0x19,  // MOV A,C; ORA A; OP B; PSW to DE; HL = 2 HL + DE
                      0x79, 0x37, op,   0xF5, 0xD1, 0x29, 0x19,  // the same behind STC
                      0x0C, 0xC2, 0x00, 0x01,                    // INR C; JNZ
                      0xD3, 0x06, 0x04, 0xC2, 0x00, 0x01,        // watchdog; INR B; JNZ
                      0x76})
          .rom();
  Cabinet cabinet(rom);
  ReferenceCabinet reference(rom);
  int frames = 0;
  while (cabinet.cpu().halted == 0 && frames < 400) {
    run_frames(cabinet, 1);
    reference.run_frame(0);
    ++frames;
    ASSERT_EQ(cabinet.cycles(), static_cast<std::uint64_t>(reference.cycle));
    ASSERT_EQ(cabinet.cpu().pc, reference.cpu.pc);
    ASSERT_EQ(cabinet.cpu().hl, reference.cpu.pair(2)) << "frame " << frames;
    ASSERT_EQ(cabinet.cpu().f, reference.cpu.psw() & 0xFF) << "frame " << frames;
  }
  EXPECT_EQ(cabinet.cpu().halted, 1);
}
INSTANTIATE_TEST_SUITE_P(Translation, TranslatedAlu, testing::Range(0, 8));

TEST(Translation, DaaEqualsTheReferenceForEveryAccumulatorAndFlagByte) {
  // C: accumulator, B: flags, through PUSH B; POP PSW. E.g. bit 1 of B is no flag and comes back as 1.
  const Rom rom = Program()
                      .at(0, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01})
                      .at(0x100, {0x51, 0x58,                                // MOV D,C; MOV E,B
                                  0xD5, 0xF1, 0x27, 0xF5, 0xD1, 0x29, 0x19,  // to PSW; DAA; PSW to DE; HL = 2 HL + DE
                                  0x0C, 0xC2, 0x00, 0x01, 0xD3, 0x06, 0x04, 0xC2, 0x00, 0x01, 0x76})
                      .rom();
  Cabinet cabinet(rom);
  ReferenceCabinet reference(rom);
  for (int frame = 0; frame < 200; ++frame) {
    run_frames(cabinet, 1);
    reference.run_frame(0);
    ASSERT_EQ(cabinet.cpu().hl, reference.cpu.pair(2)) << "frame " << frame;
  }
  EXPECT_EQ(cabinet.cpu().halted, 1);
}

TEST(Translation, TheLoadOfTheSpeedFigureRunsAsTheReference) {
  const Rom rom = cpu_load();
  Cabinet cabinet(rom);
  ReferenceCabinet reference(rom);
  for (int frame = 0; frame < 100; ++frame) {
    run_frames(cabinet, 1);
    reference.run_frame(0);
    ASSERT_EQ(cabinet.cycles(), static_cast<std::uint64_t>(reference.cycle));
    ASSERT_EQ(cabinet.instructions(), static_cast<std::uint64_t>(reference.cpu.instructions));
    ASSERT_EQ(cabinet.ram() == reference.ram, true) << "frame " << frame;
  }
  EXPECT_EQ(cabinet.board().halted_cycles, 0U);
  const double cycles_per_instruction =
      static_cast<double>(cabinet.cycles()) / static_cast<double>(cabinet.instructions());
  EXPECT_NEAR(cycles_per_instruction, 7.5, 0.2);
}

TEST(Timing, MameStopsACycleBeforeAnEventFromTheSecondFrameOn) {
  EXPECT_EQ(stop_cycle(17'152), 17'152U);
  EXPECT_EQ(stop_cycle(255 * 33'536), 255U * 33'536 - 1);
  EXPECT_EQ(stop_cycle(500'801'282'052), 500'801'282'052U - 2);
}

}  // namespace
}  // namespace sinv
