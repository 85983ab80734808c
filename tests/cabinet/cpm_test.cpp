#include "cabinet/cpm.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <vector>

#include "base/error.h"

namespace sinv {
namespace {

using testing::HasSubstr;

struct Ran {
  std::string printed;
  CpmTotals totals;
  std::string error;
};

Ran run(std::initializer_list<int> bytes) {
  std::vector<std::byte> program;
  for (const int byte : bytes) program.push_back(static_cast<std::byte>(byte));
  Ran ran;
  std::ostringstream out;
  try {
    ran.totals = run_cpm_program(program, out);
  } catch (const UserError& error) {
    ran.error = error.what();
  }
  ran.printed = out.str();
  return ran;
}

TEST(Cpm, PrintsCharactersAndTextsAndCountsByTheDataSheet) {
  const Ran ran = run({0x0E, 2,    0x1E, 'H',  0xCD, 5,    0,     // MVI C,2; MVI E,'H'; CALL 5: 7+7+17, trap 10+10
                       0x0E, 9,    0x11, 0x11, 0x01, 0xCD, 5, 0,  // MVI C,9; LXI D,$0111; CALL 5: 7+10+17+20
                       0xEB, 0xC7,                                // XCHG 4; RST 0 11; trap 10
                       'i',  '!',  '\n', '$'});
  EXPECT_EQ(ran.error, "");
  EXPECT_EQ(ran.printed, "Hi!\n");
  EXPECT_EQ(ran.totals.instructions, 5U + 5 + 2 + 1);
  EXPECT_EQ(ran.totals.cycles, 51U + 54 + 4 + 11 + 10);
}

TEST(Cpm, AReturnFromTheProgramEndsIt) {
  const Ran ran = run({0xC9});
  EXPECT_EQ(ran.error, "");
  EXPECT_EQ(ran.totals.cycles, 20U);
  EXPECT_EQ(ran.totals.instructions, 2U);
}

TEST(Cpm, TotalsStayExactOverManySlices) {
  // LXI B,0; LXI D,20; loop: DCX B; MOV A,B; ORA C; JNZ; DCX D; MOV A,D; ORA E; JNZ; JMP 0
  const Ran ran =
      run({0x01, 0, 0, 0x11, 20, 0, 0x0B, 0x78, 0xB1, 0xC2, 6, 1, 0x1B, 0x7A, 0xB3, 0xC2, 6, 1, 0xC3, 0, 0});
  EXPECT_EQ(ran.error, "");
  EXPECT_EQ(ran.totals.cycles, 10U + 10 + 20 * (65536 * 24 + 24) + 10 + 10);
  EXPECT_EQ(ran.totals.instructions, 2U + 20 * (65536 * 4 + 4) + 1 + 1);
}

TEST(Cpm, ProgramsThatChangeTheirOwnCodeRun) {
  // MVI A,'x'; STA $0109; MVI C,2; MVI E,'?' (its operand at $0109 becomes 'x'); CALL 5; RST 0
  const Ran ran = run({0x3E, 'x', 0x32, 0x08, 0x01, 0x0E, 2, 0x1E, '?', 0xCD, 5, 0, 0xC7});
  EXPECT_EQ(ran.printed, "x");
}

TEST(Cpm, TheWordAt6IsATopOfMemoryThatLeavesRoom) {
  // LHLD 6; SPHL; MVI C,2; MOV E,H; CALL 5; RST 0
  EXPECT_EQ(run({0x2A, 6, 0, 0xF9, 0x0E, 2, 0x5C, 0xCD, 5, 0, 0xC7}).printed, "\xC9");
}

TEST(Cpm, WhatABareCpuCannotDoIsAnError) {
  EXPECT_THAT(run({0x0E, 1, 0xCD, 5, 0}).error, HasSubstr("calls BDOS function 1; known: 2"));
  EXPECT_THAT(run({0xD3, 7, 0xC7}).error, HasSubstr("uses port 7"));
  EXPECT_THAT(run({0xDB, 9, 0xC7}).error, HasSubstr("uses port 9"));
  EXPECT_THAT(run({0x00, 0x76}).error, HasSubstr("halts at $0101"));
  EXPECT_THAT(run({0x0E, 9, 0xCD, 5, 0}).error, HasSubstr("without its end"));
  std::ostringstream out;
  EXPECT_THROW(run_cpm_program(std::vector<std::byte>(65281), out), UserError);
}

}  // namespace
}  // namespace sinv
