#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sinv {

/// Writes x86-64 machine code into a byte vector; only what translator.cpp needs. Registers are the processor's own
/// numbers. Source: AMD64 Architecture Programmer's Manual, volume 3 (prefixes, ModRM, SIB, opcodes).
namespace x64 {

// NOLINTBEGIN(readability-identifier-naming): registers have the names of the manual.
enum Reg : int { rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi, r8, r9, r10, r11, r12, r13, r14, r15 };
// Byte registers 4-7 are the high bytes of the first four unless the instruction has a REX prefix.
enum Reg8 : int { al, cl, dl, bl, ah, ch, dh, bh };
// NOLINTEND(readability-identifier-naming)

struct Mem {
  Reg base;
  int index = -1;  // a Reg, or none
  int scale = 0;   // log2
  std::int32_t disp = 0;
};

/// What stands around the opcode of one instruction.
struct Op {
  std::uint16_t code;     // one byte, or 0x0F00 + second byte
  bool wide = false;      // 64 bits
  bool half = false;      // 16 bits
  bool low_byte = false;  // byte operands above 3 are sil, dil, bpl, not ah..bh
};

inline constexpr Op kLoad{0x8B};
inline constexpr Op kLoad64{0x8B, true};
inline constexpr Op kLoadByte{0x8A};
inline constexpr Op kLoadZeroByte{0x0FB6};
inline constexpr Op kLoadZeroWord{0x0FB7};
inline constexpr Op kStore64{0x89, true};
inline constexpr Op kStoreWord{0x89, false, true};
inline constexpr Op kStoreByte{0x88};
inline constexpr Op kStoreLowByte{0x88, false, false, true};
inline constexpr Op kAdd{0x03};
inline constexpr Op kAddWord{0x03, false, true};
inline constexpr Op kOr{0x0B};
inline constexpr Op kSbb{0x1B};
inline constexpr Op kMultiply{0x0FAF};
inline constexpr Op kLea{0x8D};
inline constexpr Op kExchange{0x87};

/// Conditions, as in Jcc.
enum Cond : int { kBelow = 2, kNotBelow = 3, kEqual = 4, kNotEqual = 5, kAbove = 7, kLess = 12 };

class Assembler {
 public:
  std::size_t size() const { return code_.size(); }
  const std::vector<std::uint8_t>& code() const { return code_; }

  void bytes(std::initializer_list<int> values) {
    for (const int value : values) code_.push_back(static_cast<std::uint8_t>(value));
  }
  void word16(std::uint32_t value) { append(&value, 2); }
  void word32(std::uint32_t value) { append(&value, 4); }

  /// reg op= rm, or a store of reg to rm.
  void op(Op what, int reg, int rm) {
    prefixes(what, reg, 0, rm);
    bytes({0xC0 | (reg & 7) << 3 | (rm & 7)});
  }
  void op(Op what, int reg, const Mem& mem) {
    const bool has_index = mem.index >= 0;
    prefixes(what, reg, has_index ? mem.index : 0, mem.base);
    const bool needs_sib = has_index || (mem.base & 7) == rsp;
    const bool has_disp = mem.disp != 0 || (mem.base & 7) == rbp;
    bytes({(has_disp ? 0x80 : 0) | (reg & 7) << 3 | (needs_sib ? 4 : mem.base & 7)});
    if (needs_sib) bytes({mem.scale << 6 | (has_index ? mem.index & 7 : 4) << 3 | (mem.base & 7)});
    if (has_disp) word32(static_cast<std::uint32_t>(mem.disp));
  }
  /// The group 81 /n on a 32-bit register: 0 add, 1 or, 4 and, 5 sub, 6 xor, 7 cmp.
  void immediate(int group, Reg reg, std::uint32_t value) {
    prefixes({0x81}, 0, 0, reg);
    bytes({0xC0 | group << 3 | (reg & 7)});
    word32(value);
  }
  void immediate64(int group, Reg reg, std::int64_t value) {
    prefixes({0x81, true}, 0, 0, reg);
    bytes({0xC0 | group << 3 | (reg & 7)});
    word32(static_cast<std::uint32_t>(value));
  }
  void load_constant(Reg reg, std::uint32_t value) {
    if (reg >= r8) bytes({0x41});
    bytes({0xB8 | (reg & 7)});
    word32(value);
  }
  /// shl (4) or shr (5) of a 32-bit register; rol (0) of a 16-bit one.
  void shift(int group, Reg reg, int count, bool half = false) {
    prefixes({0xC1, false, half}, 0, 0, reg);
    bytes({0xC0 | group << 3 | (reg & 7), count});
  }
  /// Jumps with a 32-bit distance, to be set by patch(). Return the place to patch.
  std::size_t jump() {
    bytes({0xE9});
    word32(0);
    return size() - 4;
  }
  std::size_t jump_if(Cond condition) {
    bytes({0x0F, 0x80 | condition});
    word32(0);
    return size() - 4;
  }
  /// A short forward jump: returns the place for land().
  std::size_t short_jump_if(Cond condition) {
    bytes({0x70 | condition, 0});
    return size() - 1;
  }
  void land(std::size_t place) { code_[place] = static_cast<std::uint8_t>(size() - place - 1); }
  void patch(std::size_t place, std::size_t target) {
    const auto distance = static_cast<std::uint32_t>(target - (place + 4));
    std::memcpy(code_.data() + place, &distance, 4);
  }

 private:
  void prefixes(Op what, int reg, int index, int rm) {
    if (what.half) bytes({0x66});
    const int rex = (what.wide ? 8 : 0) | (reg >= 8 ? 4 : 0) | (index >= 8 ? 2 : 0) | (rm >= 8 ? 1 : 0);
    if (rex != 0 || what.low_byte) bytes({0x40 | rex});
    if (what.code > 0xFF) bytes({what.code >> 8});
    bytes({what.code & 0xFF});
  }
  void append(const void* from, std::size_t count) {
    const auto* first = static_cast<const std::uint8_t*>(from);
    code_.insert(code_.end(), first, first + count);
  }

  std::vector<std::uint8_t> code_;
};

}  // namespace x64
}  // namespace sinv
