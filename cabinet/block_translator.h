#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "cabinet/board.h"
#include "cabinet/translator.h"
#include "cabinet/x64_assembler.h"

namespace sinv {

// Registers of translated code. The flags are in ah, in the 8080's own layout: LAHF was made for it.
//   al A   ah flags   ebx BC   edx DE   ecx HL   ebp SP   (words zero-extended)
//   rdi RAM of the board; the board's other fields lie at fixed distances from it
//   r9 budget: cycles left << 20 | instructions   r12 TranslatedContext   r13 its entries
//   rsi, r8 scratch
inline constexpr int kBudgetShift = 20;
inline constexpr std::int64_t kMaxRunCycles = 1 << kBudgetShift;  // 4 an instruction at least: the count has room

/// What translated code reads through r12.
struct TranslatedContext {
  std::array<const std::uint8_t*, 8> page;        // by address / 8192, moved so that page[a >> 13] + a is the byte
  const void* const* entries;                     // of the block at each ROM address
  const std::uint16_t* daa;                       // the new ax by (ax & $11FF): A, carry and auxiliary carry
  std::array<std::uint32_t, 8> shift_multiplier;  // 1 << amount
  std::array<std::uint8_t, 4> in_port;            // IN 0-2; buttons stand still within a run
};

/// The code of a whole ROM. It begins with the entry: a function of (RAM, context, budget, block) that returns the
/// budget when a block leaves to the interpreter.
struct TranslatedRom {
  std::vector<std::uint8_t> code;
  std::array<std::size_t, kRomBytes> start;  // of the block at each address, in `code`
};

/// Translates a ROM: every address as the start of a block. See translator.h for the rules.
class BlockTranslator {
 public:
  explicit BlockTranslator(const std::uint8_t* rom) : rom_(rom) {}

  TranslatedRom translate();

 private:
  struct Instruction {
    int pc;
    int opcode;
    int operand;
    int length;
    int cycles;
    bool carry_lives = true;  // behind it, the carry is read before it is written
    bool other_lives = true;  // the other flags
  };
  struct ColdExit {  // leave at `pc`, giving `refund` back
    std::size_t from;
    int pc;
    std::int64_t refund;
  };

  static constexpr std::int64_t charge(std::int64_t cycles, std::int64_t instructions) {
    return (cycles << kBudgetShift) - instructions;
  }

  // In block_translator.cpp:
  bool is_left_to_interpreter(const Instruction& it) const;
  std::vector<Instruction> decode_block(int pc) const;
  static void find_live_flags(std::vector<Instruction>& block);
  void entry_and_exit();
  int block(int pc);
  void leave_to_interpreter_if(x64::Cond condition);
  void leave_at(int pc);
  void go_to(int pc);
  void go_to_if(x64::Cond condition, int pc);
  void go_to_esi();

  // In instruction_translator.cpp:
  void instruction(const Instruction& it);
  void low_group(const Instruction& it);
  void high_group(const Instruction& it);
  void end_of_block(const Instruction& it);
  x64::Mem read_address(x64::Reg pair);
  void store_byte(x64::Reg pair, x64::Reg8 value);
  void alu(int operation, const Instruction& it, int source);
  void keep_alu_flags(int operation, const Instruction& it);
  void increment(const Instruction& it, bool down);
  void stack_address(int offset);
  void push(x64::Reg pair);
  void in_port(int port);
  void out_port(int port);
  void load_word(x64::Reg to, int address);
  x64::Cond test_condition(int opcode);

  const std::uint8_t* rom_;
  x64::Assembler out_;
  std::array<std::size_t, kRomBytes> start_{};      // of the block at each address; 0: not yet
  std::vector<std::pair<std::size_t, int>> jumps_;  // place, target
  std::vector<ColdExit> cold_;
  std::size_t exit_ = 0;
  // Of the instruction being translated:
  int pc_ = 0;
  std::int64_t refund_ = 0;
};

}  // namespace sinv
