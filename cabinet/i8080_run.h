#pragma once

#include <cstdint>

#include "cabinet/i8080.h"

/// The loop that runs an 8080 on any bus. Compiles for the host and, with a switch in place of threaded jumps, for the
/// device. The bus is a small value (pointers only) with
///   kXchgCycles                         5 as MAME 0.251 counts, 4 as the data sheet does
///   fetch(a) fetch16(a)                 bytes of the program at a and the byte behind it
///   read(a) write(a, v)                 one byte; a < 65536, v < 256
///   read16(a) write16(a, v)             low byte at a, high byte at a + 1, both modulo 65536
///   in(port, left) out(port, v, left)   `left` = cycles of the budget left when the instruction is over
///   interrupts_enabled()                EI was executed
///   acknowledge(left)                   the interrupt is taken: returns the address its RST jumps to
///   run_translated(slice)               optional, see run_cpu

#if defined(__GNUC__) && !defined(__CUDACC__)
#define SINV_THREADED 1
#else
#define SINV_THREADED 0
#endif

namespace sinv {

/// What is left of a run, and what it did.
struct Slice {
  std::int64_t left;  // cycles; 0 or less: over
  std::uint64_t instructions;
  std::uint64_t halted_cycles;  // waited; the HLT itself is an instruction
};

// The two forms are different functions for the linker when a program has both.
#if SINV_THREADED
inline namespace threaded {
#else
inline namespace switched {
#endif

inline constexpr int kHaltCycles = 7;
inline constexpr int kRstCycles = 11;

/// Cycles and instructions in one 64-bit count, so that an instruction costs one subtraction and one test of the sign.
/// Bits 24-63: cycles left - 1 (negative: used up). Bits 0-23: instructions.
class CycleBudget {
 public:
  static constexpr std::int64_t kMax = std::int64_t{1} << 24;  // cycles; 4 a piece at least, so the count has room

  SINV_HD explicit constexpr CycleBudget(std::int64_t cycles) : count_((cycles - 1) * kUnit) {}
  SINV_HD constexpr void spend(int cycles) { count_ -= cycles * kUnit - 1; }
  SINV_HD constexpr bool is_spent() const { return count_ < 0; }
  SINV_HD constexpr std::int64_t left() const { return (count_ >> 24) + 1; }
  SINV_HD constexpr std::int64_t instructions() const { return count_ & (kUnit - 1); }

 private:
  static constexpr std::int64_t kUnit = std::int64_t{1} << 24;
  std::int64_t count_;
};

/// Runs at least one instruction, then on until at most `reserve` cycles are left, EI was executed or HLT was reached.
template <class Bus>
SINV_HD void run_instructions(I8080& cpu, Bus bus, Slice& slice, std::int64_t reserve) {
  using U32 = std::uint32_t;
  U32 pc = cpu.pc;
  U32 sp = cpu.sp;
  U32 a = cpu.a;
  U32 bc = cpu.bc;
  U32 de = cpu.de;
  U32 hl = cpu.hl;
  U32 inte = cpu.inte;
  auto [result, carry, aux] = unpack_flags(cpu.f);
  CycleBudget budget(slice.left - reserve);
  constexpr int kXchgCycles = Bus::kXchgCycles;

#define IMM8 bus.fetch((pc + 1) & 0xFFFFU)
#define IMM16 bus.fetch16((pc + 1) & 0xFFFFU)
#define RD(at) bus.read(at)
#define WR(at, v) bus.write(at, v)
#define RD16(at) bus.read16(at)
#define WR16(at, v) bus.write16(at, v)
#define INPUT(port, to) to = bus.in(port, budget.left() + reserve - 10);
#define OUTPUT(port, v) bus.out(port, v, budget.left() + reserve - 10);
#define HALT                   \
  {                            \
    cpu.halted = 1;            \
    budget.spend(kHaltCycles); \
    goto stop;                 \
  }
#define ENABLE_INTERRUPTS     \
  {                           \
    bus.interrupts_enabled(); \
    inte = 1;                 \
    cpu.ei_delay = 2;         \
    pc = (pc + 1) & 0xFFFFU;  \
    budget.spend(4);          \
    goto stop;                \
  }

#if SINV_THREADED
#define ROW(h)                                                                                                         \
  &&op_##h##0, &&op_##h##1, &&op_##h##2, &&op_##h##3, &&op_##h##4, &&op_##h##5, &&op_##h##6, &&op_##h##7, &&op_##h##8, \
      &&op_##h##9, &&op_##h##A, &&op_##h##B, &&op_##h##C, &&op_##h##D, &&op_##h##E, &&op_##h##F
  static const void* const kOps[256] = {ROW(0), ROW(1), ROW(2), ROW(3), ROW(4), ROW(5), ROW(6), ROW(7),
                                        ROW(8), ROW(9), ROW(A), ROW(B), ROW(C), ROW(D), ROW(E), ROW(F)};
#undef ROW
#define OP(n) op_##n:
#define END(length, cycles)                        \
  {                                                \
    if (length != 0) pc = (pc + length) & 0xFFFFU; \
    budget.spend(cycles);                          \
    if (budget.is_spent()) [[unlikely]]            \
      goto stop;                                   \
    goto* kOps[bus.fetch(pc)];                     \
  }
  goto* kOps[bus.fetch(pc)];
#include "cabinet/i8080_ops.inc"
#else
#define OP(n) case 0x##n:
#define END(length, cycles)                        \
  {                                                \
    if (length != 0) pc = (pc + length) & 0xFFFFU; \
    budget.spend(cycles);                          \
    break;                                         \
  }
  do {
    switch (bus.fetch(pc)) {
#include "cabinet/i8080_ops.inc"
      default:
        break;
    }
  } while (!budget.is_spent());
#endif
#undef OP
#undef END
#undef IMM8
#undef IMM16
#undef RD
#undef WR
#undef RD16
#undef WR16
#undef INPUT
#undef OUTPUT
#undef HALT
#undef ENABLE_INTERRUPTS

stop:
  cpu.pc = static_cast<std::uint16_t>(pc);
  cpu.sp = static_cast<std::uint16_t>(sp);
  cpu.a = static_cast<std::uint8_t>(a);
  cpu.bc = static_cast<std::uint16_t>(bc);
  cpu.de = static_cast<std::uint16_t>(de);
  cpu.hl = static_cast<std::uint16_t>(hl);
  cpu.inte = static_cast<std::uint8_t>(inte);
  cpu.f = pack_flags({result, carry, aux});
  slice.left = budget.left() + reserve;
  slice.instructions += static_cast<std::uint64_t>(budget.instructions());
}

/// Takes a pending interrupt, if there is one and it is allowed.
template <class Bus>
SINV_HD void take_interrupt(I8080& cpu, Bus bus, Slice& slice) {
  if (cpu.irq == 0 || cpu.inte == 0) return;
  if (cpu.halted != 0) {
    cpu.halted = 0;
    ++cpu.pc;
  }
  const std::uint16_t vector = bus.acknowledge(slice.left);
  cpu.irq = 0;
  cpu.inte = 0;
  cpu.sp = static_cast<std::uint16_t>(cpu.sp - 2);
  bus.write16(cpu.sp, cpu.pc);
  cpu.pc = vector;
  slice.left -= kRstCycles;
  ++slice.instructions;
}

/// Runs for `cycles`; an instruction that straddles the end completes, so slice.left ends at 0 or below. Does nothing
/// if `cycles` <= 0.
/// Order of checks as in MAME's i8085 device: a pending interrupt is looked for when a run starts and when the delay of
/// EI is over, and then one instruction follows at once.
/// A halted CPU repeats HLT, 7 cycles each, until an interrupt; that is one step here and no further instruction.
/// A bus with run_translated(slice) may run any number of instructions there, ending at an instruction boundary; it
/// returns how many cycles the interpreter is to leave for its next turn (less than slice.left).
template <class Bus>
SINV_HD Slice run_cpu(I8080& cpu, Bus bus, std::int64_t cycles) {
  Slice slice{cycles, 0, 0};
  if (cycles <= 0) return slice;
  if (cpu.ei_delay == 0) take_interrupt(cpu, bus, slice);
  do {
    if (cpu.ei_delay != 0 && --cpu.ei_delay == 0) take_interrupt(cpu, bus, slice);
    if (cpu.halted != 0) {
      std::int64_t wait = cpu.ei_delay != 0 || slice.left <= 0 ? 1 : slice.left;
      wait = (wait + kHaltCycles - 1) / kHaltCycles * kHaltCycles;
      slice.left -= wait;
      slice.halted_cycles += static_cast<std::uint64_t>(wait);
      continue;
    }
    std::int64_t reserve = 0;
    if (cpu.ei_delay != 0) {
      reserve = slice.left - 1;
    } else if constexpr (requires { bus.run_translated(slice); }) {
      if (slice.left > 0) {  // an interrupt may have used it up, and yet an instruction follows
        reserve = bus.run_translated(slice);
        if (slice.left <= 0) break;
      }
    } else if (slice.left > CycleBudget::kMax) {
      reserve = slice.left - CycleBudget::kMax;
    }
    run_instructions(cpu, bus, slice, reserve);
  } while (slice.left > 0);
  return slice;
}

}  // namespace threaded or switched
}  // namespace sinv
