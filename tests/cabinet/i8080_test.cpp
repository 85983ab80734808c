#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"
#include "cabinet/flat_bus.h"
#include "cabinet/i8080_run.h"
#include "tests/cabinet/reference.h"

namespace sinv {
namespace {

/// 64 KiB of plain memory for the reference, with the same ports as RecordingBus.
class ReferenceFlat final : public ReferenceBus {
 public:
  explicit ReferenceFlat(std::vector<std::uint8_t>& memory) : memory_(memory) {}
  int read(int address) override { return memory_[static_cast<std::size_t>(address)]; }
  void write(int address, int value) override {
    memory_[static_cast<std::size_t>(address)] = static_cast<std::uint8_t>(value);
  }
  int in(int port) override { return port ^ 0x5A; }
  void out(int port, int value) override { last_out = port * 256 + value; }
  int last_out = -1;

 private:
  std::vector<std::uint8_t>& memory_;
};

struct Flat : FlatBus {
  int* last_out;
  U32 in(U32 port, std::int64_t) const { return port ^ 0x5AU; }
  void out(U32 port, U32 value, std::int64_t) const { *last_out = static_cast<int>(port * 256 + value); }
};

struct Ran {
  std::int64_t cycles;
  std::uint64_t instructions;
};

Ran run(I8080& cpu, const Flat& bus, std::int64_t cycles) {
  const Slice slice = run_cpu(cpu, bus, cycles);
  return {cycles - slice.left, slice.instructions};
}

I8080 engine_registers(const Reference8080& from) {
  I8080 cpu;
  cpu.pc = static_cast<std::uint16_t>(from.pc);
  cpu.sp = static_cast<std::uint16_t>(from.sp);
  cpu.bc = static_cast<std::uint16_t>(from.pair(0));
  cpu.de = static_cast<std::uint16_t>(from.pair(1));
  cpu.hl = static_cast<std::uint16_t>(from.pair(2));
  cpu.a = static_cast<std::uint8_t>(from.psw() / 256);
  cpu.f = static_cast<std::uint8_t>(from.psw() % 256);
  cpu.inte = from.inte;
  cpu.irq = from.irq;
  cpu.halted = from.halted;
  cpu.ei_delay = static_cast<std::uint8_t>(from.ei_delay);
  return cpu;
}

std::string show(const I8080& cpu) {
  char line[120];
  std::snprintf(line, sizeof line, "pc %04X sp %04X bc %04X de %04X hl %04X a %02X f %02X inte %d delay %d halt %d",
                cpu.pc, cpu.sp, cpu.bc, cpu.de, cpu.hl, cpu.a, cpu.f, cpu.inte, cpu.ei_delay, cpu.halted);
  return line;
}

/// Memory and both CPUs; step() runs one instruction on each and compares everything.
class I8080Step : public testing::Test {
 protected:
  void step() {
    cpu_ = engine_registers(reference_);
    engine_memory_ = memory_;
    int out = -1;
    Flat bus{{engine_memory_.data()}, &out};
    const auto [cycles, instructions] = run(cpu_, bus, 1);
    ReferenceFlat reference_bus(memory_);
    if (reference_.ei_delay > 0) --reference_.ei_delay;
    const int opcode = memory_[static_cast<std::size_t>(reference_.pc)];
    const int wanted = execute_one(reference_, reference_bus, Flat::kXchgCycles);
    ASSERT_EQ(show(cpu_), show(engine_registers(reference_))) << std::hex << "opcode " << opcode;
    ASSERT_EQ(cycles, wanted) << std::hex << "opcode " << opcode;
    ASSERT_EQ(instructions, 1U);
    ASSERT_EQ(out, reference_bus.last_out);
    if (engine_memory_ != memory_) FAIL() << std::hex << "memory differs behind opcode " << opcode;
  }

  void randomise(Random& random) {
    for (int& r : reference_.reg) r = static_cast<int>(random.below(256));
    reference_.reg[6] = 0;
    reference_.set_psw(static_cast<int>(random.below(65536)));
    reference_.sp = static_cast<int>(random.below(65536));
    reference_.pc = static_cast<int>(random.below(65536));
    reference_.halted = false;
    reference_.ei_delay = 0;
  }

  std::vector<std::uint8_t> memory_ = std::vector<std::uint8_t>(65536);
  std::vector<std::uint8_t> engine_memory_;
  Reference8080 reference_;
  I8080 cpu_;
};

/// Runs one ALU opcode on the engine alone: cheap enough for every operand pair.
struct AluResult {
  int a, flags;
  bool operator==(const AluResult&) const = default;
};

AluResult engine_alu(std::uint8_t* memory, int opcode, int a, int x, int flags) {
  I8080 cpu;
  cpu.a = static_cast<std::uint8_t>(a);
  cpu.f = static_cast<std::uint8_t>(flags | 2);
  cpu.bc = static_cast<std::uint16_t>(x * 256);
  memory[0] = static_cast<std::uint8_t>(opcode);
  int out = -1;
  run(cpu, Flat{{memory}, &out}, 1);
  return {cpu.a, cpu.f};
}

AluResult reference_alu(ReferenceFlat& bus, int opcode, int a, int x, int flags) {
  Reference8080 cpu;
  cpu.set_psw(a * 256 + flags);
  cpu.reg[0] = x;
  bus.write(0, opcode);
  execute_one(cpu, bus, 5);
  return {cpu.psw() / 256, cpu.psw() % 256};
}

class EveryAlu : public testing::TestWithParam<int> {};

// ADD ADC SUB SBB ANA XRA ORA CMP with B: every pair of operands, both carries.
TEST_P(EveryAlu, GivesTheValueAndTheFlagsOfARippleAdderForEveryOperandPair) {
  std::vector<std::uint8_t> memory(65536);
  ReferenceFlat bus(memory);
  const int opcode = 0x80 + 8 * GetParam();
  for (int a = 0; a < 256; ++a) {
    for (int x = 0; x < 256; ++x) {
      for (const int flags : {0x00, 0x01, 0xD5}) {
        const AluResult wanted = reference_alu(bus, opcode, a, x, flags);
        ASSERT_EQ(engine_alu(memory.data(), opcode, a, x, flags), wanted) << a << " " << x << " flags " << flags;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(I8080, EveryAlu, testing::Range(0, 8));

// For two decimal numbers, ADD or ADC and then DAA is decimal addition: the oracle counts in tens.
TEST(I8080, DaaBehindAnAdditionIsDecimalAddition) {
  std::vector<std::uint8_t> memory(65536);
  for (int x = 0; x < 100; ++x) {
    for (int y = 0; y < 100; ++y) {
      for (int carry = 0; carry < 2; ++carry) {
        const auto bcd = [](int n) { return n / 10 * 16 + n % 10; };
        const AluResult sum = engine_alu(memory.data(), 0x88, bcd(x), bcd(y), carry);
        const AluResult adjusted = engine_alu(memory.data(), 0x27, sum.a, 0, sum.flags);
        const int wanted = x + y + carry;
        ASSERT_EQ(adjusted.a, bcd(wanted % 100)) << x << " + " << y << " + " << carry;
        ASSERT_EQ(adjusted.flags & kCarryFlag, wanted / 100);
      }
    }
  }
}

TEST(I8080, DaaEqualsTheManualsTwoStepsForEveryAccumulatorAndFlagByte) {
  std::vector<std::uint8_t> memory(65536);
  ReferenceFlat bus(memory);
  for (int a = 0; a < 256; ++a) {
    for (int flags = 0; flags < 256; ++flags) {
      const AluResult wanted = reference_alu(bus, 0x27, a, 0, flags & 0xD5);
      ASSERT_EQ(engine_alu(memory.data(), 0x27, a, 0, flags & 0xD5), wanted) << a << " flags " << flags;
    }
  }
}

TEST(I8080, IncrementsDecrementsAndRotatesEqualTheReferenceForEveryValueAndFlagByte) {
  std::vector<std::uint8_t> memory(65536);
  ReferenceFlat bus(memory);
  for (const int opcode : {0x3C, 0x3D, 0x07, 0x0F, 0x17, 0x1F, 0x2F, 0x37, 0x3F, 0xA7, 0xB7, 0xAF, 0x97, 0x9F}) {
    for (int a = 0; a < 256; ++a) {
      for (int flags = 0; flags < 256; ++flags) {
        const AluResult wanted = reference_alu(bus, opcode, a, 0, flags & 0xD5);
        ASSERT_EQ(engine_alu(memory.data(), opcode, a, 0, flags & 0xD5), wanted) << opcode << " " << a << " " << flags;
      }
    }
  }
}

TEST(I8080, EveryPswSurvivesPopAndPushButForBits1And3And5) {
  std::vector<std::uint8_t> memory(65536);
  for (int psw = 0; psw < 65536; ++psw) {
    I8080 cpu;
    cpu.sp = 0x1000;
    memory[0] = 0xF1;  // POP PSW
    memory[1] = 0xF5;  // PUSH PSW
    memory[0x1000] = static_cast<std::uint8_t>(psw);
    memory[0x1001] = static_cast<std::uint8_t>(psw >> 8);
    int out = -1;
    ASSERT_EQ(run(cpu, Flat{{memory.data()}, &out}, 11).instructions, 2U);
    ASSERT_EQ(memory[0x1000] | (memory[0x1001] << 8), (psw & 0xFFD5) | 2);
  }
}

TEST_F(I8080Step, EveryOpcodeEqualsTheReferenceOnRandomRegistersAndMemory) {
  Random random(7, 0);
  for (std::uint8_t& byte : memory_) byte = static_cast<std::uint8_t>(random.bits());
  for (int opcode = 0; opcode < 256; ++opcode) {
    for (int i = 0; i < 40; ++i) {
      randomise(random);
      memory_[static_cast<std::size_t>(reference_.pc)] = static_cast<std::uint8_t>(opcode);
      ASSERT_NO_FATAL_FAILURE(step());
    }
  }
}

TEST_F(I8080Step, EveryOpcodeWrapsItsOperandsAndItsStackAtTheEndOfMemory) {
  Random random(8, 0);
  for (std::uint8_t& byte : memory_) byte = static_cast<std::uint8_t>(random.bits());
  for (int opcode = 0; opcode < 256; ++opcode) {
    for (const int pc : {0xFFFD, 0xFFFE, 0xFFFF}) {
      for (const int sp : {0x0000, 0x0001, 0xFFFF}) {
        randomise(random);
        reference_.pc = pc;
        reference_.sp = sp;
        reference_.set_pair(2, 0xFFFF);
        memory_[static_cast<std::size_t>(pc)] = static_cast<std::uint8_t>(opcode);
        ASSERT_NO_FATAL_FAILURE(step());
      }
    }
  }
}

TEST_F(I8080Step, RandomCodeThatOverwritesItselfRunsAsTheReferenceInSlicesOfAnyLength) {
  Random random(9, 0);
  for (int program = 0; program < 20; ++program) {
    for (std::uint8_t& byte : memory_) byte = static_cast<std::uint8_t>(random.bits());
    randomise(random);
    reference_.inte = false;
    I8080 cpu = engine_registers(reference_);
    engine_memory_ = memory_;
    int out = -1;
    Flat bus{{engine_memory_.data()}, &out};
    ReferenceFlat reference_bus(memory_);
    // A budget at a time, of any length: the engine runs several instructions where the reference runs one.
    for (int slice = 0; slice < 2000; ++slice) {
      const auto budget = static_cast<std::int64_t>(1 + random.below(200));
      const std::int64_t cycles = run(cpu, bus, budget).cycles;
      std::int64_t wanted = 0;
      while (wanted < budget) {
        if (reference_.ei_delay > 0) --reference_.ei_delay;
        wanted += reference_.halted ? 7 : execute_one(reference_, reference_bus, Flat::kXchgCycles);
      }
      ASSERT_EQ(cycles, wanted) << "program " << program << " slice " << slice;
      ASSERT_EQ(show(cpu), show(engine_registers(reference_))) << "program " << program << " slice " << slice;
      if (reference_.halted) {  // go on behind the HLT
        reference_.halted = false;
        reference_.pc = (reference_.pc + 1) & 0xFFFF;
        cpu = engine_registers(reference_);
      }
    }
    ASSERT_EQ(engine_memory_ == memory_, true) << "program " << program;
  }
}

TEST(I8080, AHaltedCpuWaitsInStepsOf7CyclesWithoutInstructions) {
  std::vector<std::uint8_t> memory(65536);
  memory[0] = 0x76;
  I8080 cpu;
  int out = -1;
  const Ran ran = run(cpu, Flat{{memory.data()}, &out}, 1'000'000);
  EXPECT_EQ(ran.cycles, (1'000'000 + 6) / 7 * 7);
  EXPECT_EQ(ran.instructions, 1U);
  EXPECT_EQ(cpu.pc, 0);
  EXPECT_EQ(cpu.halted, 1);
}

TEST(I8080, ABudgetOfManyMillionCyclesIsCountedExactly) {
  std::vector<std::uint8_t> memory(65536);  // NOPs
  I8080 cpu;
  int out = -1;
  const Ran ran = run(cpu, Flat{{memory.data()}, &out}, 100'000'001);
  EXPECT_EQ(ran.cycles, 100'000'004);
  EXPECT_EQ(ran.instructions, 25'000'001U);
  EXPECT_EQ(cpu.pc, 25'000'001 % 65536);
}

}  // namespace
}  // namespace sinv
