#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "cabinet/board.h"

namespace sinv {

/// The program ROM as x86-64 code: ROM never changes, so every address of it is translated once, as the start of a
/// block that runs to the next jump or for kBlockCycles. A block is entered only if its whole cost is left of the
/// budget, so cycles, instructions, interrupts and frame ends fall exactly where the interpreter has them.
/// What it does not translate (EI, HLT, DAA's like are few) or cannot (code in RAM, a stack outside RAM, the last
/// cycles of a budget) it leaves to the interpreter, at an instruction boundary. Thread: any number may run it. Memory:
/// about 1 MB, written once, then read and executed only.
class Translation {
 public:
  /// The most that one block takes; with less than this left, run() does nothing.
  static constexpr int kBlockCycles = 96;

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

  void* memory_ = nullptr;
  std::size_t bytes_ = 0;
  const std::uint8_t* rom_ = nullptr;
  std::array<const void*, kRomBytes> entries_{};
};

}  // namespace sinv
