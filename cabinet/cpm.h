#pragma once

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <span>

namespace sinv {

/// What a CP/M program took on the bare 8080. Both totals include the two traps: a call of BDOS counts OUT (10 cycles)
/// and RET (10), the end counts one OUT at address 0. This is how the published totals of CPU test programs count
/// (8080EXM.COM: 2,919,050,698 instructions and 23,803,381,171 cycles; superzazu/8080, i8080_tests.c).
struct CpmTotals {
  std::uint64_t instructions = 0;
  std::uint64_t cycles = 0;
};

/// Runs a .COM program on an 8080 with 64 KiB of RAM and nothing else: loaded at $0100, stack at the top of memory with
/// a return to 0, XCHG 4 cycles as in the data sheet. BDOS 2 (one character) and 9 (text up to "$") write to `out`; a
/// jump to 0 ends the run.
/// Errors: UserError when the program is too long, calls another BDOS function, uses a port, halts elsewhere, or prints
/// a text without end.
CpmTotals run_cpm_program(std::span<const std::byte> program, std::ostream& out);

}  // namespace sinv
