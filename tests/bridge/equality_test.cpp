// The cabinet against MAME, all 8 KiB of RAM after every frame: on programs made to show a difference of one cycle (the
// handlers write down where they interrupted a loop of instructions of all lengths, or when a HLT was left), and on the
// engine's own game.
#include <gtest/gtest.h>

#include "base/random.h"
#include "cabinet/cabinet.h"
#include "cabinet/lockstep.h"
#include "game/rom_set.h"
#include "tests/bridge/real_mame.h"
#include "tests/cabinet/program.h"

namespace sinv::mame {
namespace {

class CabinetInMame : public RealMame {
 protected:
  void expect_equal(const Rom& rom, const LockstepSettings& lockstep) {
    write_mame_set(rom, run() / "roms");
    settings_.rompath = (run() / "roms").string();
    const auto mame = MameFarm::open(settings_, run())->machine();
    Cabinet cabinet(rom);
    const LockstepResult result = run_lockstep(cabinet, *mame, lockstep);
    EXPECT_EQ(result.frames, lockstep.frames);
    EXPECT_FALSE(result.difference.has_value()) << to_text(result) << "\n" << told();
  }
  // Past two resets by the watchdog.
  void expect_equal(const Rom& rom) {
    expect_equal(rom, {.seed = 1, .frames = 600, .power_on_period_frames = 0, .restore_period_frames = 0});
  }
};

/// Both handlers append the return address and a mark to a table at $2400.. (pointer at $2000).
Program recording_handlers() {
  Program program;
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01});
  program.at(0x0008, {0xC3, 0x40, 0x00}).at(0x0010, {0xC3, 0x80, 0x00});
  for (const int handler : {0x40, 0x80}) {
    program.at(static_cast<std::size_t>(handler),
               {0xF5, 0xE5, 0xD5, 0x21, 0x06, 0x00, 0x39, 0x5E, 0x23,    0x56,  // return address to DE
                0x2A, 0x00, 0x20, 0x73, 0x23, 0x72, 0x23, 0x36, handler, 0x23,  // append
                0x7C, 0xE6, 0x1F, 0xF6, 0x24, 0x67, 0x22, 0x00, 0x20,           // keep within $2400-$3FFF
                0xD1, 0xE1, 0xF1, 0xFB, 0xC9});
  }
  return program;
}

Program busy_program() {
  Program program = recording_handlers();
  program.at(0x0100, {0x21, 0x00, 0x24, 0x22, 0x00, 0x20, 0xFB});
  Random random(5, 0);
  constexpr int kOpcodes[] = {0x78, 0x04, 0x80, 0xA8, 0x0D, 0x23, 0x09, 0x7E,
                              0xEB, 0x1F, 0xE3, 0xE3, 0xC5, 0x3A, 0x22, 0x21};
  std::size_t at = 0x0107;
  for (int i = 0; i < 400; ++i) {
    const int opcode = kOpcodes[random.below(static_cast<std::uint32_t>(std::size(kOpcodes)))];
    switch (opcode) {
      case 0x3A:
      case 0x22:
      case 0x21:
        program.at(at, {opcode, 0x50, 0x20});
        at += 3;
        break;
      case 0xC5:
        program.at(at, {0xC5, 0xC1});
        at += 2;
        break;
      default:
        program.at(at, {opcode});
        ++at;
        break;
    }
  }
  program.at(at, {0xD3, 0x06, 0xC3, 0x07, 0x01});
  return program;
}

/// EI; HLT; then polls until the next interrupt has come, and feeds the watchdog.
Program halting_program() {
  Program program = recording_handlers();
  program.at(0x0100, {0x21, 0x00, 0x24, 0x22, 0x00, 0x20, 0xFB, 0x76, 0x3A, 0x00, 0x20, 0x47, 0x3A,
                      0x00, 0x20, 0xB8, 0x00, 0xCA, 0x0C, 0x01, 0xD3, 0x06, 0xC3, 0x06, 0x01});
  return program;
}

/// The first EI comes late, so the interrupts before it are lost but for the last.
Program late_program() {
  Program program = busy_program();
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x1F});
  // 3 frames of delay, IN 3 before any OUT 2, then the busy program
  program.at(0x1F00, {0x3E, 0xA5, 0xD3, 0x04, 0xDB, 0x03, 0x32, 0x10, 0x20, 0x01, 0x00,
                      0x10, 0x0B, 0x78, 0xB1, 0xC2, 0x0C, 0x1F, 0xC3, 0x00, 0x01});
  return program;
}

/// Never feeds the watchdog: it resets after 255 frames, in the instant of an interrupt.
Program hungry_program() {
  Program program = counting_handlers();
  // EI; LHLD $2100; INX H; SHLD $2100; JMP behind the EI
  program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01});
  program.at(0x0100, {0xFB, 0x2A, 0x00, 0x21, 0x23, 0x22, 0x00, 0x21, 0xC3, 0x01, 0x01});
  return program;
}

Program random_program(std::uint64_t seed) {
  Random random(seed, 0);
  Program program;
  for (std::size_t at = 0; at < kRomBytes; ++at) program.at(at, {static_cast<int>(random.below(256))});
  return program;
}

TEST_F(CabinetInMame, ABusyLoopIsInterruptedAtTheSameInstructionsInEveryFrame) { expect_equal(busy_program().rom()); }
TEST_F(CabinetInMame, AHaltIsLeftInTheSameCycleInEveryFrame) { expect_equal(halting_program().rom()); }
TEST_F(CabinetInMame, TheFirstEiAnswersAnInterruptFromBeforeAndTheShifterBeginsAt7) {
  expect_equal(late_program().rom());
}

TEST_F(CabinetInMame, TheWatchdogResetsInTheInstantOfAnInterrupt) { expect_equal(hungry_program().rom()); }

TEST_F(CabinetInMame, RandomBytesRunTheSame) {
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    SCOPED_TRACE(seed);
    expect_equal(random_program(seed).rom());
  }
}

TEST_F(CabinetInMame, TheOwnGameIsTheSameThroughPowerOnsAndRestoredStates) {
  const RomSet own = load_rom_set(SINV_BINARY_DIR "/roms");
  expect_equal(own.image->bytes,
               {.seed = 11, .frames = 3000, .power_on_period_frames = 1000, .restore_period_frames = 200});
}

}  // namespace
}  // namespace sinv::mame
