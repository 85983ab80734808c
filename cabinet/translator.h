#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "cabinet/board.h"

namespace sinv {

/// The program ROM as x86-64 code: ROM never changes, so every address of it is translated once, as the start of a
/// block that runs to the next jump or to kMaxBlockCycles. A block is entered only if its whole cost is left of the
/// budget, so cycles, instructions, interrupts and frame ends fall exactly where the interpreter has them.
/// What it does not translate (EI, HLT, DAA's like are few) or cannot (code in RAM, a stack outside RAM, the last
/// cycles of a budget) it leaves to the interpreter, at an instruction boundary. Thread: any number may run it. Memory:
/// about 1 MB, written once, then read and executed only.
class Translation {
 public:
  static constexpr int kMaxBlockCycles = 96;

  /// Null where it does not apply: another processor or system, or one that refuses executable memory.
  static std::unique_ptr<const Translation> make(const std::uint8_t* rom);
  ~Translation();
  Translation(const Translation&) = delete;
  Translation& operator=(const Translation&) = delete;

  /// Runs blocks from board.cpu.pc on while they fit into slice.left. REQUIRES: the CPU is not halted and no EI is
  /// pending. May return having done nothing.
  void run(Board& board, Slice& slice) const;

  std::size_t code_bytes() const { return bytes_; }

 private:
  Translation() = default;

  /// What translated code reads through r12.
  struct Context {
    std::array<const std::uint8_t*, 8> page;  // by address / 8192, moved so that page[a >> 13] + a is the byte
    const void* const* entries;
    const std::uint16_t* daa;                       // see daa_table()
    std::array<std::uint32_t, 8> shift_multiplier;  // 1 << amount
    std::array<std::uint8_t, 4> in_port;            // IN 0-2; buttons stand still within a run
  };
  friend class Translator;

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  const std::uint8_t* rom_ = nullptr;
  std::array<const void*, kRomBytes> entries_{};
};

}  // namespace sinv
