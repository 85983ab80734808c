#pragma once

#include <cstdint>

#include "base/hd.h"

namespace sinv {

/// Registers of an Intel 8080, between two instructions. Flat and without padding, so that a copy is the state.
/// PSW byte `f`: S Z 0 A 0 P 1 C, from bit 7 down (Intel 8080 Assembly Language Programming Manual, PUSH PSW).
struct I8080 {
  std::uint16_t pc = 0;
  std::uint16_t sp = 0;
  std::uint16_t bc = 0;
  std::uint16_t de = 0;
  std::uint16_t hl = 0;
  std::uint8_t a = 0;
  std::uint8_t f = 0x02;
  std::uint8_t inte = 0;      // interrupt enable
  std::uint8_t ei_delay = 0;  // 2 right after EI, 1 after the instruction behind it; an interrupt is taken at 0
  std::uint8_t halted = 0;    // pc stays on the HLT
  std::uint8_t irq = 0;       // level of the INT input

  bool operator==(const I8080&) const = default;
};
static_assert(sizeof(I8080) == 16);

inline constexpr std::uint8_t kCarryFlag = 0x01;
inline constexpr std::uint8_t kParityFlag = 0x04;
inline constexpr std::uint8_t kAuxFlag = 0x10;
inline constexpr std::uint8_t kZeroFlag = 0x40;
inline constexpr std::uint8_t kSignFlag = 0x80;

/// What RESET does: only the program counter and the interrupt logic; the other registers keep their values.
SINV_HD constexpr void reset(I8080& cpu) {
  cpu.pc = 0;
  cpu.inte = 0;
  cpu.ei_delay = 0;
  cpu.halted = 0;
}

/// Flags as the interpreter carries them between instructions: the last result instead of the bits made from it.
/// Z: the low byte of `result` is 0. S: `result` is negative. P: bits 0-7 and 8-15 together hold an even number of
/// ones; a result is sign extended, so bits 8-15 are 8 equal bits and change nothing. A: bit 4 of aux ^ result.
struct LazyFlags {
  std::uint32_t result;
  std::uint32_t carry;  // 0 or 1
  std::uint32_t aux;
};

SINV_HD constexpr std::uint32_t sign_extend(std::uint32_t byte) {
  return static_cast<std::uint32_t>(static_cast<std::int32_t>(static_cast<std::int8_t>(byte)));
}

SINV_HD constexpr bool is_parity_even(std::uint32_t result) {
  std::uint32_t x = (result ^ (result >> 8)) & 0xFF;
  x ^= x >> 4;
  return ((0x9669U >> (x & 0xF)) & 1U) != 0;
}

SINV_HD constexpr std::uint8_t pack_flags(const LazyFlags& flags) {
  return static_cast<std::uint8_t>(((flags.result >> 24) & kSignFlag) | ((flags.result & 0xFF) == 0 ? kZeroFlag : 0U) |
                                   ((flags.aux ^ flags.result) & kAuxFlag) |
                                   (is_parity_even(flags.result) ? kParityFlag : 0U) | 0x02U | flags.carry);
}

SINV_HD constexpr LazyFlags unpack_flags(std::uint32_t f) {
  // POP PSW may load sets that no result has (zero and negative), so each flag gets its own bits.
  const std::uint32_t low = (f & kZeroFlag) != 0 ? 0U : 1U;
  const std::uint32_t odd = (f & kParityFlag) != 0 ? 0U : 1U;
  return {low | ((low ^ odd) << 8) | ((f & kSignFlag) << 24), f & kCarryFlag, f & kAuxFlag};
}

}  // namespace sinv
