#include "cabinet/lockstep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cabinet/cabinet.h"
#include "tests/cabinet/program.h"

namespace sinv {
namespace {

using testing::HasSubstr;

// Counts interrupts, and shows IN 1 and a byte of its own in every handler, so that buttons reach RAM.
Rom busy_program() {
  Program program = counting_handlers();
  program.at(0x0000, {0x31, 0x00, 0x24, 0xFB, 0xDB, 0x01, 0x32, 0x30, 0x20, 0xD3, 0x06, 0xC3, 0x04, 0x00});
  return program.rom();
}

TEST(Lockstep, TheTwoCoresOfTheCabinetAgree) {
  Cabinet a(busy_program(), 0, CpuCore::kTranslated);
  Cabinet b(busy_program(), 0, CpuCore::kInterpreted);
  const LockstepResult result =
      run_lockstep(a, b, {.seed = 3, .frames = 4000, .power_on_period_frames = 1000, .restore_period_frames = 300});
  EXPECT_FALSE(result.difference.has_value());
  EXPECT_EQ(result.frames, 4000U);
  EXPECT_GT(result.power_ons, 0U);
  EXPECT_GT(result.restores, 2U);
  EXPECT_GT(result.coins, 5U);
  EXPECT_THAT(to_text(result), HasSubstr("all 8,192 bytes equal after every frame"));
}

TEST(Lockstep, NamesTheFirstByteThatDiffers) {
  Program other = counting_handlers();
  other.at(0x0000, {0x31, 0x00, 0x24, 0xFB, 0xDB, 0x02, 0x32, 0x30, 0x20, 0xD3, 0x06, 0xC3, 0x04, 0x00});  // IN 2
  Cabinet a(busy_program());
  Cabinet b(other.rom());
  const LockstepResult result = run_lockstep(a, b, {.seed = 1, .frames = 100});
  ASSERT_TRUE(result.difference.has_value());
  EXPECT_EQ(result.difference->step, 1U);
  EXPECT_EQ(result.difference->address, 0x2030);
  EXPECT_EQ(result.difference->a ^ result.difference->b, 0x09);  // IN 1 idles at $09, IN 2 at 0; the stick is on both
  EXPECT_THAT(to_text(result), HasSubstr("$2030 differs, $"));
  EXPECT_THAT(to_text(result), HasSubstr("after 1 frames (frame 1 since power-on)"));
}

TEST(Lockstep, TheSameSeedPlaysTheSame) {
  Cabinet a(busy_program());
  Cabinet b(busy_program());
  run_lockstep(a, b, {.seed = 9, .frames = 500});
  const Ram first = a.ram();
  run_lockstep(a, b, {.seed = 9, .frames = 500});
  EXPECT_EQ(a.ram(), first);
}

}  // namespace
}  // namespace sinv
