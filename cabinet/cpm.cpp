#include "cabinet/cpm.h"

#include <algorithm>
#include <vector>

#include "base/error.h"
#include "cabinet/flat_bus.h"
#include "cabinet/i8080_run.h"

namespace sinv {

namespace {

constexpr std::uint16_t kProgramAddress = 0x0100;
constexpr std::size_t kMemoryBytes = 0x10000;
constexpr std::uint16_t kBdosAddress = 0x0005;
constexpr std::uint8_t kHlt = 0x76;
constexpr std::uint8_t kRet = 0xC9;
constexpr int kOutCycles = 10;
constexpr std::int64_t kSliceCycles = std::int64_t{1} << 22;

struct CpmBus : FlatBus {
  int* port_used;  // -1: none

  U32 in(U32 port, std::int64_t) const {
    *port_used = static_cast<int>(port);
    return 0xFF;
  }
  void out(U32 port, U32, std::int64_t) const { *port_used = static_cast<int>(port); }
};

std::string hex4(std::uint32_t value) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string digits = "$0000";
  for (std::size_t i = 0; i < 4; ++i) digits[4 - i] = kDigits[(value >> (4 * i)) & 0xF];
  return digits;
}

void call_bdos(const I8080& cpu, const std::vector<std::uint8_t>& memory, std::ostream& out) {
  const int function = cpu.bc & 0xFF;
  if (function == 2) {
    out.put(static_cast<char>(cpu.de & 0xFF));
    return;
  }
  if (function == 9) {
    for (std::size_t i = 0; i < kMemoryBytes; ++i) {
      const std::uint8_t letter = memory[(cpu.de + i) % kMemoryBytes];
      if (letter == '$') return;
      out.put(static_cast<char>(letter));
    }
    throw UserError(text("exec: BDOS 9 was given a text at ", hex4(cpu.de), " without its end \"$\""));
  }
  throw UserError(text("exec: the program calls BDOS function ", function,
                       "; known: 2 (print a character), 9 (print a text); this program needs a real CP/M"));
}

}  // namespace

CpmTotals run_cpm_program(std::span<const std::byte> program, std::ostream& out) {
  if (program.size() > kMemoryBytes - kProgramAddress) {
    throw UserError(text("exec: the program has ", program.size(), " bytes, at most ", kMemoryBytes - kProgramAddress,
                         " fit in memory; give a .COM file"));
  }
  std::vector<std::uint8_t> memory(kMemoryBytes);
  std::transform(program.begin(), program.end(), memory.begin() + kProgramAddress,
                 [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  // The traps stand for OUT 0 at 0 and OUT 1; RET at 5. They are HLT, so that the run stops there with all registers;
  // the byte behind is OUT's, because programs take the word at 6 for the top of memory.
  memory[0] = kHlt;
  memory[kBdosAddress] = kHlt;
  memory[kBdosAddress + 1] = 0x01;
  memory[kBdosAddress + 2] = kRet;
  I8080 cpu;
  cpu.pc = kProgramAddress;
  cpu.sp = 0xFFFE;
  int port_used = -1;
  const CpmBus bus{{memory.data()}, &port_used};
  CpmTotals totals;
  for (;;) {
    Slice slice{kSliceCycles, 0, 0};
    run_instructions(cpu, bus, slice, 0);
    totals.instructions += slice.instructions;
    totals.cycles += static_cast<std::uint64_t>(kSliceCycles - slice.left);
    if (port_used >= 0) throw UserError(text("exec: the program uses port ", port_used, "; the bare CPU has none"));
    if (cpu.halted == 0) continue;
    cpu.halted = 0;
    totals.cycles += kOutCycles - kHaltCycles;
    if (cpu.pc == 0) return totals;
    if (cpu.pc != kBdosAddress) {
      throw UserError(text("exec: the program halts at ", hex4(cpu.pc), "; nothing would wake it"));
    }
    call_bdos(cpu, memory, out);
    cpu.pc += 2;  // behind OUT, on the RET
  }
}

}  // namespace sinv
