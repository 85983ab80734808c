// The cabinet against the one-instruction-at-a-time reference, on random programs: random bytes as ROM, code that runs
// from RAM and overwrites itself, interrupts, HLT, ports and the watchdog.

#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "base/random.h"
#include "cabinet/cabinet.h"
#include "tests/cabinet/program.h"
#include "tests/cabinet/reference.h"

namespace sinv {
namespace {

enum class Mix { kBytes, kTame, kRam };

/// Random code. kBytes: any byte anywhere. kTame: mostly opcodes without absolute jumps or stack loads, so that
/// programs go on for long; jumps within a page. kRam: as kTame, but the ROM copies itself to RAM and runs there.
Rom random_rom(Random& random, Mix mix) {
  Rom rom{};
  for (std::uint8_t& byte : rom) byte = static_cast<std::uint8_t>(random.bits());
  if (mix == Mix::kBytes) return rom;
  std::size_t at = 0;
  const auto put = [&](std::uint32_t byte) {
    if (at < rom.size()) rom[at++] = static_cast<std::uint8_t>(byte);
  };
  while (at < rom.size()) {
    if (at <= 0x18 && at % 8 == 0) {
      // Reset and the handlers: jump into the random part.
      put(0xC3);
      put(random.below(256));
      put(1 + random.below(4));
      continue;
    }
    const std::uint32_t kind = random.below(100);
    if (kind < 50) {
      std::uint32_t opcode = 0x40 + random.below(0x80);
      if (opcode == 0x76 && random.below(4) != 0) opcode = 0x7E;
      put(opcode);
    } else if (kind < 62) {
      constexpr std::uint32_t kPlain[] = {0x07, 0x0F, 0x17, 0x1F, 0x27, 0x2F, 0x37, 0x3F, 0x09, 0x19, 0x29, 0x39, 0xEB,
                                          0x03, 0x13, 0x23, 0x0B, 0x1B, 0x2B, 0x34, 0x35, 0x3C, 0x3D, 0x04, 0x05};
      put(kPlain[random.below(static_cast<std::uint32_t>(std::size(kPlain)))]);
    } else if (kind < 72) {
      constexpr std::uint32_t kStack[] = {0xC5, 0xD5, 0xE5, 0xF5, 0xC1, 0xD1, 0xE1, 0xF1, 0xE3, 0xFB, 0xFB, 0xF3};
      put(kStack[random.below(static_cast<std::uint32_t>(std::size(kStack)))]);
    } else if (kind < 78) {
      put(0xC6 + 8 * random.below(8));
      put(random.bits() & 0xFF);
    } else if (kind < 86) {  // loads and stores, mostly in RAM
      constexpr std::uint32_t kLoads[] = {0x3A, 0x32, 0x22, 0x2A, 0x21, 0x11, 0x01};
      put(kLoads[random.below(static_cast<std::uint32_t>(std::size(kLoads)))]);
      put(random.bits() & 0xFF);
      put(random.below(4) == 0 ? random.bits() & 0xFF : 0x20 + random.below(0x20));
    } else if (kind < 90) {
      put(random.below(2) == 0 ? 0xD3 : 0xDB);
      put(random.below(8) == 0 ? random.bits() & 0xFF : random.below(7));
    } else if (kind < 98) {  // jumps, calls, returns
      constexpr std::uint32_t kJumps[] = {0xC2, 0xC4, 0xC2, 0xCA, 0xDA, 0xFA, 0xF2, 0xEA, 0xC3, 0xCD};
      const std::uint32_t which = random.below(12);
      if (which < 10) {
        put(kJumps[which] ^ (random.below(3) == 0 ? 0x10U : 0U));
        put(random.bits() & 0xFF);
        put(random.below(0x1F));
      } else {
        put(0xC0 + 8 * random.below(8));
      }
    } else {
      put(0x31);  // LXI SP into RAM
      put(random.bits() & 0xFF);
      put(0x20 + random.below(0x20));
    }
  }
  if (mix == Mix::kRam) {
    // Copies $0400-$07FF to $2400 and on, then runs it there: LXI H,$0400; LXI D,$2400; LXI SP,$2400;
    // loop: MOV A,M; STAX D; INX H; INX D; MOV A,D; CPI $28; JNZ loop; EI; JMP $2400
    std::size_t to = 0;
    for (const int byte : {0x21, 0x00, 0x04, 0x11, 0x00, 0x24, 0xC3, 0x20, 0x00})
      rom[to++] = static_cast<std::uint8_t>(byte);
    to = 0x20;
    for (const int byte :
         {0x31, 0x00, 0x24, 0x7E, 0x12, 0x23, 0x13, 0x7A, 0xFE, 0x28, 0xC2, 0x23, 0x00, 0xFB, 0xC3, 0x00, 0x24}) {
      rom[to++] = static_cast<std::uint8_t>(byte);
    }
  }
  return rom;
}

std::string summary(const Cabinet& cabinet) {
  const I8080& c = cabinet.cpu();
  char line[200];
  std::snprintf(
      line, sizeof line,
      "cycle %llu insn %llu pc %04X sp %04X bc %04X de %04X hl %04X a %02X f %02X ei %d %d irq %d halt %d resets %u",
      static_cast<unsigned long long>(cabinet.cycles()), static_cast<unsigned long long>(cabinet.instructions()), c.pc,
      c.sp, c.bc, c.de, c.hl, c.a, c.f, c.inte, c.ei_delay, c.irq, c.halted, cabinet.board().resets);
  return line;
}

std::string summary(const ReferenceCabinet& reference) {
  const Reference8080& c = reference.cpu;
  char line[200];
  std::snprintf(
      line, sizeof line,
      "cycle %llu insn %llu pc %04X sp %04X bc %04X de %04X hl %04X a %02X f %02X ei %d %d irq %d halt %d resets %u",
      static_cast<unsigned long long>(reference.cycle), static_cast<unsigned long long>(c.instructions),
      static_cast<unsigned>(c.pc), static_cast<unsigned>(c.sp), static_cast<unsigned>(c.pair(0)),
      static_cast<unsigned>(c.pair(1)), static_cast<unsigned>(c.pair(2)), static_cast<unsigned>(c.psw() / 256),
      static_cast<unsigned>(c.psw() % 256), c.inte, c.ei_delay, c.irq, c.halted,
      static_cast<unsigned>(reference.resets));
  return line;
}

struct Case {
  Mix mix;
  CpuCore core;
};

class RandomPrograms : public testing::TestWithParam<Case> {};

TEST_P(RandomPrograms, RunFrameByFrameAsTheReference) {
  Random random(11, static_cast<std::uint64_t>(GetParam().mix));
  std::uint64_t executed = 0;
  for (int program = 0; program < 60; ++program) {
    const Rom rom = random_rom(random, GetParam().mix);
    Cabinet cabinet(rom, 0, GetParam().core);
    ReferenceCabinet reference(rom);
    for (int frame = 0; frame < 12; ++frame) {
      const auto buttons = static_cast<std::uint8_t>(random.below(64));
      run_frames(cabinet, 1, buttons);
      reference.run_frame(buttons);
      ASSERT_EQ(summary(cabinet), summary(reference)) << "program " << program << " frame " << frame;
      ASSERT_EQ(cabinet.ram() == reference.ram, true) << "RAM differs: program " << program << " frame " << frame;
    }
    executed += cabinet.instructions();
    ASSERT_EQ(cabinet.board().sound_event_count, reference.sounds.size());
    for (std::size_t i = reference.sounds.size(); i-- > 0 && reference.sounds.size() - i <= Board::kSoundEvents;) {
      const SoundEvent& event = cabinet.board().sound_events[i % Board::kSoundEvents];
      const ReferenceCabinet::Sound got{static_cast<std::int64_t>(event.cycle), event.port, event.bits};
      ASSERT_EQ(got == reference.sounds[i], true) << "sound " << i << " of program " << program;
    }
  }
  EXPECT_GT(executed, 100'000U);  // the programs do run
}

TEST_P(RandomPrograms, ResetByTheWatchdogAsTheReference) {
  Random random(12, static_cast<std::uint64_t>(GetParam().mix));
  for (int program = 0; program < 2; ++program) {
    const Rom rom = random_rom(random, GetParam().mix);
    Cabinet cabinet(rom, 0, GetParam().core);
    ReferenceCabinet reference(rom);
    for (int frame = 0; frame < 600; ++frame) {
      run_frames(cabinet, 1);
      reference.run_frame(0);
      ASSERT_EQ(summary(cabinet), summary(reference)) << "program " << program << " frame " << frame;
    }
    ASSERT_EQ(cabinet.ram() == reference.ram, true);
  }
}

TEST_P(RandomPrograms, ContinueBitForBitAfterARestore) {
  Random random(13, static_cast<std::uint64_t>(GetParam().mix));
  for (int program = 0; program < 20; ++program) {
    const auto rom = std::make_shared<const RomImage>(random_rom(random, GetParam().mix), GetParam().core);
    Cabinet first(rom);
    Cabinet second(rom);
    run_frames(first, static_cast<int>(random.below(6)), kFire);
    run_frames(second, 3, kLeft);
    std::vector<std::byte> state(first.state_bytes());
    first.save(state);
    second.restore(state);
    EXPECT_EQ(second.ram_before(), first.ram_before());
    for (int frame = 0; frame < 6; ++frame) {
      const auto buttons = static_cast<std::uint8_t>(random.below(64));
      run_frames(first, 1, buttons);
      run_frames(second, 1, buttons);
      std::vector<std::byte> a(first.state_bytes());
      std::vector<std::byte> b(first.state_bytes());
      first.save(a);
      second.save(b);
      ASSERT_EQ(a == b, true) << "program " << program << " frame " << frame;
    }
  }
}

// A program that never feeds the watchdog is reset 255 frames after power-on: in the same cycle as an interrupt of
// vertical blanking, which is answered after the reset.
TEST_P(RandomPrograms, AnInterruptInTheCycleOfTheWatchdogIsAnsweredAsByTheReference) {
  for (const bool halting : {false, true}) {
    Program program = counting_handlers();
    program.at(0x0000, {0x31, 0x00, 0x24, 0xC3, 0x00, 0x01});
    if (halting) {
      program.at(0x0100, {0xFB, 0x76, 0xC3, 0x00, 0x01});
    } else {
      program.at(0x0100, {0xFB, 0x34, 0x23, 0x7C, 0xE6, 0x1F, 0xF6, 0x20, 0x67, 0xC3, 0x00, 0x01});
    }
    Cabinet cabinet(program.rom(), 0, GetParam().core);
    ReferenceCabinet reference(program.rom());
    for (int frame = 0; frame < 1200; ++frame) {
      run_frames(cabinet, 1);
      reference.run_frame(0);
      ASSERT_EQ(summary(cabinet), summary(reference)) << "frame " << frame;
    }
    EXPECT_EQ(cabinet.board().resets, 4U);
    ASSERT_EQ(cabinet.ram() == reference.ram, true);
  }
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  constexpr const char* kNames[] = {"AnyBytes", "Tame", "InRam"};
  return std::string(kNames[static_cast<int>(info.param.mix)]) +
         (info.param.core == CpuCore::kTranslated ? "Translated" : "Interpreted");
}
INSTANTIATE_TEST_SUITE_P(Mixes, RandomPrograms,
                         testing::Values(Case{Mix::kBytes, CpuCore::kTranslated},
                                         Case{Mix::kTame, CpuCore::kTranslated}, Case{Mix::kRam, CpuCore::kTranslated},
                                         Case{Mix::kBytes, CpuCore::kInterpreted},
                                         Case{Mix::kTame, CpuCore::kInterpreted},
                                         Case{Mix::kRam, CpuCore::kInterpreted}),
                         case_name);

}  // namespace
}  // namespace sinv
