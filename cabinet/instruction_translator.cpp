// What each instruction becomes.
#include "cabinet/block_translator.h"
#include "cabinet/opcode.h"

namespace sinv {

namespace {

using namespace x64;

constexpr Reg kBudget = r9;
constexpr std::array<Reg8, 8> kReg8{bh, bl, dh, dl, ch, cl, al, al};  // B C D E H L M A; M is none
constexpr std::array<Reg, 4> kPair{rbx, rdx, rcx, rbp};               // BC DE HL SP
constexpr int kM = 6;

constexpr std::uint32_t kCarryInAx = 0x0100;
constexpr std::uint32_t kAuxInAx = 0x1000;

constexpr std::int32_t at(std::size_t offset) { return static_cast<std::int32_t>(offset); }
Mem board_field(std::size_t offset) { return {rdi, -1, 0, at(offset) - at(offsetof(Board, ram))}; }
Mem cpu_field(std::size_t offset) { return board_field(offsetof(Board, cpu) + offset); }

}  // namespace

/// Where a byte at the address in `pair` is read.
Mem BlockTranslator::read_address(Reg pair) {
  out_.op(kLoad, rsi, pair);
  out_.shift(5, rsi, 13);
  out_.op(kLoad64, rsi, Mem{r12, rsi, 3, at(offsetof(TranslatedContext, page))});
  return {rsi, pair, 0, 0};
}

void BlockTranslator::store_byte(Reg pair, Reg8 value) {
  const int high = pair == rbx ? bh : pair == rdx ? dh : ch;
  out_.bytes({0xF6, 0xC0 | high, 0x20});  // test high, $20: RAM?
  const std::size_t skip = out_.short_jump_if(kEqual);
  out_.op(kLoad, rsi, pair);
  out_.immediate(4, rsi, 0x1FFF);
  out_.op(kStoreByte, value, Mem{rdi, rsi, 0, 0});
  out_.land(skip);
}

void BlockTranslator::keep_alu_flags(int operation, const Instruction& it) {
  if (!it.carry_lives && !it.other_lives) return;
  out_.bytes({0x9F});  // lahf
  switch (operation) {
    case 2:
    case 3:
    case 7:  // the 8080 has the carry of the added complement, x86 the borrow
      out_.immediate(6, rax, kAuxInAx);
      break;
    case 4:
    case 5:
    case 6:  // x86 leaves it undefined
      out_.immediate(4, rax, ~kAuxInAx);
      break;
    default:
      break;
  }
}

/// al op= source: a register of kReg8, M (read_address) or, if `source` < 0, the immediate operand.
void BlockTranslator::alu(int operation, const Instruction& it, int source) {
  constexpr std::array<int, 8> kOpcode{0x02, 0x12, 0x2A, 0x1A, 0x22, 0x32, 0x0A, 0x3A};
  const int opcode = kOpcode[static_cast<std::size_t>(operation)];
  const Op op{static_cast<std::uint16_t>(opcode)};
  const Mem from = source == kM ? read_address(rcx) : Mem{rdi};
  const bool is_and = operation == 4 && it.other_lives;
  if (is_and) {  // bit 3 of either operand becomes the auxiliary carry; built in r8
    if (source < 0) {
      out_.load_constant(r8, static_cast<std::uint32_t>(it.operand));
    } else if (source == kM) {
      out_.op(kLoadZeroByte, r8, from);
    } else {
      // A high byte register cannot stand beside r8.
      const int pair = source == 7 ? rax : kPair[static_cast<std::size_t>(source / 2)];
      out_.op(kLoad, r8, pair);
      if (source != 7 && source % 2 == 0) out_.shift(5, r8, 8);
    }
    out_.op(kOr, r8, rax);
    out_.immediate(4, r8, 0x08);
    out_.shift(4, r8, 9);
  }
  if (operation == 1 || operation == 3) out_.bytes({0x0F, 0xBA, 0xE0, 0x08});  // bt eax, 8: carry in
  if (source < 0) {
    out_.bytes({opcode + 2, it.operand});
  } else if (source == kM) {
    out_.op(op, al, from);
  } else {
    out_.op(op, al, static_cast<int>(kReg8[static_cast<std::size_t>(source)]));
  }
  keep_alu_flags(operation, it);
  if (is_and) out_.op(kOr, rax, r8);
}

void BlockTranslator::increment(const Instruction& it, bool down) {
  const int r = (it.opcode >> 3) & 7;
  const int group = down ? 1 : 0;
  if (r == kM) {
    out_.bytes({0xF6, 0xC0 | ch, 0x20});  // not RAM: the interpreter's
    leave_to_interpreter_if(kEqual);
    out_.op(kLoad, rsi, rcx);
    out_.immediate(4, rsi, 0x1FFF);
  }
  if (it.other_lives) out_.bytes({0x0F, 0xBA, 0xE0, 0x08});  // bt eax, 8: the carry stays as it is
  if (r == kM) {
    out_.op({0xFE}, group, Mem{rdi, rsi, 0, 0});
  } else {
    out_.op({0xFE}, group, static_cast<int>(kReg8[static_cast<std::size_t>(r)]));
  }
  if (!it.other_lives) return;
  out_.bytes({0x9F});  // lahf
  if (down) out_.immediate(6, rax, kAuxInAx);
}

/// esi = SP + offset - $2000; leaves to the interpreter unless the word there lies in RAM at $2000-$3FFF.
void BlockTranslator::stack_address(int offset) {
  out_.op(kLea, rsi, Mem{rbp, -1, 0, offset - static_cast<int>(kRamAddress)});
  out_.immediate(7, rsi, 0x1FFE);
  leave_to_interpreter_if(kAbove);
}

void BlockTranslator::push(Reg pair) {
  stack_address(-2);
  out_.op(kStoreWord, pair, Mem{rdi, rsi, 0, 0});
  out_.immediate(5, rbp, 2);
}

void BlockTranslator::in_port(int port) {
  if ((port & 3) < 3) {
    out_.op(kLoadByte, al, Mem{r12, -1, 0, at(offsetof(TranslatedContext, in_port)) + (port & 3)});
    return;
  }
  out_.op(kLoadZeroByte, rsi, board_field(offsetof(Board, shift_amount)));
  out_.op(kLoadZeroWord, r8, board_field(offsetof(Board, shift_register)));
  out_.op(kMultiply, r8, Mem{r12, rsi, 2, at(offsetof(TranslatedContext, shift_multiplier))});
  out_.shift(5, r8, 8);
  out_.op(kStoreLowByte, r8, static_cast<int>(rax));  // mov al, r8b
}

void BlockTranslator::out_port(int port) {
  if ((port & 7) == 2) {
    out_.op(kLoad, rsi, rax);
    out_.immediate(4, rsi, 7);
    out_.op(kStoreLowByte, rsi, board_field(offsetof(Board, shift_amount)));
  } else if ((port & 7) == 4) {
    out_.op(kLoadZeroByte, rsi, board_field(offsetof(Board, shift_register) + 1));
    out_.op(kLoadZeroByte, r8, static_cast<int>(al));
    out_.shift(4, r8, 8);
    out_.op(kOr, rsi, r8);
    out_.op(kStoreWord, rsi, board_field(offsetof(Board, shift_register)));
  }
}

void BlockTranslator::load_word(Reg to, int address) {
  if ((address & 0x2000) != 0) {
    out_.op(kLoadZeroWord, to, Mem{rdi, -1, 0, address & 0x1FFF});
  } else if ((address & 0x4000) != 0) {
    out_.load_constant(to, 0);
  } else {
    out_.load_constant(to, static_cast<std::uint32_t>(rom_[address & 0x1FFF] | rom_[(address & 0x1FFF) + 1] << 8));
  }
}

/// Opcodes 00-3F.
void BlockTranslator::low_group(const Instruction& it) {
  const int y = (it.opcode >> 3) & 7;
  const Reg pair = kPair[static_cast<std::size_t>(y / 2)];
  switch (it.opcode & 7) {
    case 1:
      if (y % 2 == 0) {
        out_.load_constant(pair, static_cast<std::uint32_t>(it.operand));
      } else {  // DAD
        out_.op(kAddWord, rcx, pair);
        if (!it.carry_lives) break;
        out_.op(kSbb, rsi, rsi);
        out_.immediate(4, rsi, kCarryInAx);
        out_.immediate(4, rax, ~kCarryInAx);
        out_.op(kOr, rax, rsi);
      }
      break;
    case 2:
      if (y < 4) {
        if (y % 2 == 0) {
          store_byte(pair, al);
        } else {
          const Mem from = read_address(pair);
          out_.op(kLoadByte, al, from);
        }
      } else if (it.opcode == 0x22) {
        if ((it.operand & 0x2000) != 0) out_.op(kStoreWord, rcx, Mem{rdi, -1, 0, it.operand & 0x1FFF});
      } else if (it.opcode == 0x2A) {
        load_word(rcx, it.operand);
      } else if (it.opcode == 0x32) {
        if ((it.operand & 0x2000) != 0) out_.op(kStoreByte, al, Mem{rdi, -1, 0, it.operand & 0x1FFF});
      } else if ((it.operand & 0x2000) != 0) {
        out_.op(kLoadByte, al, Mem{rdi, -1, 0, it.operand & 0x1FFF});
      } else {
        out_.bytes({0xB0, (it.operand & 0x4000) != 0 ? 0 : rom_[it.operand & 0x1FFF]});
      }
      break;
    case 3:
      out_.op({0xFF, false, true}, y % 2, static_cast<int>(pair));  // inc or dec, 16 bits
      break;
    case 4:
    case 5:
      increment(it, (it.opcode & 7) == 5);
      break;
    case 6:
      if (y == kM) {
        out_.bytes({0xF6, 0xC0 | ch, 0x20});
        const std::size_t skip = out_.short_jump_if(kEqual);
        out_.op(kLoad, rsi, rcx);
        out_.immediate(4, rsi, 0x1FFF);
        out_.op({0xC6}, 0, Mem{rdi, rsi, 0, 0});
        out_.bytes({it.operand});
        out_.land(skip);
      } else {
        out_.bytes({0xB0 | kReg8[static_cast<std::size_t>(y)], it.operand});
      }
      break;
    case 7:
      switch (y) {
        case 4:  // DAA
          out_.op(kLoad, rsi, rax);
          out_.immediate(4, rsi, 0x11FF);
          out_.op(kLoad64, r8, Mem{r12, -1, 0, at(offsetof(TranslatedContext, daa))});
          out_.op(kLoadZeroWord, rax, Mem{r8, rsi, 1, 0});
          break;
        case 5:
          out_.bytes({0x34, 0xFF});  // xor al, $FF
          break;
        case 6:
          out_.immediate(1, rax, kCarryInAx);
          break;
        case 7:
          out_.immediate(6, rax, kCarryInAx);
          break;
        default:                                             // rol ror rcl rcr change nothing but the carry
          if (it.carry_lives || y >= 2) out_.bytes({0x9E});  // sahf
          out_.bytes({0xD0, 0xC0 | y << 3});
          if (it.carry_lives) out_.bytes({0x9F});  // lahf
          break;
      }
      break;
    default:
      break;  // NOP
  }
}

/// Opcodes C0-FF that do not end a block.
void BlockTranslator::high_group(const Instruction& it) {
  const int y = (it.opcode >> 3) & 7;
  const Reg pair = kPair[static_cast<std::size_t>(y / 2)];
  switch (it.opcode) {
    case 0xD3:
      out_port(it.operand);
      return;
    case 0xDB:
      in_port(it.operand);
      return;
    case 0xE3:  // XTHL
      stack_address(0);
      out_.op(kLoadZeroWord, r8, Mem{rdi, rsi, 0, 0});
      out_.op(kStoreWord, rcx, Mem{rdi, rsi, 0, 0});
      out_.op(kLoad, rcx, r8);
      return;
    case 0xEB:
      out_.op(kExchange, rcx, rdx);
      return;
    case 0xF3:  // DI
      out_.op({0xC6}, 0, cpu_field(offsetof(I8080, inte)));
      out_.bytes({0});
      return;
    case 0xF9:
      out_.op(kLoad, rbp, rcx);
      return;
    case 0xF1:  // POP PSW: memory has the flags first, ax the accumulator
      stack_address(0);
      out_.op(kLoadZeroWord, rax, Mem{rdi, rsi, 0, 0});
      out_.shift(0, rax, 8, true);
      out_.immediate(4, rax, 0xD5FF);
      out_.immediate(1, rax, 0x0200);
      out_.immediate(0, rbp, 2);
      return;
    case 0xF5:
      out_.op(kLoad, r8, rax);
      out_.shift(0, r8, 8, true);
      push(r8);
      return;
    default:
      break;
  }
  switch (it.opcode & 7) {
    case 1:  // POP
      stack_address(0);
      out_.op(kLoadZeroWord, pair, Mem{rdi, rsi, 0, 0});
      out_.immediate(0, rbp, 2);
      return;
    case 5:
      push(pair);
      return;
    case 6:
      alu(y, it, -1);
      return;
    default:
      return;
  }
}

void BlockTranslator::instruction(const Instruction& it) {
  const int y = (it.opcode >> 3) & 7;
  const int z = it.opcode & 7;
  if (it.opcode < 0x40) {
    low_group(it);
  } else if (it.opcode < 0x80) {
    if (y == kM) {
      store_byte(rcx, kReg8[static_cast<std::size_t>(z)]);
    } else if (z == kM) {
      const Mem from = read_address(rcx);
      out_.op(kLoadByte, kReg8[static_cast<std::size_t>(y)], from);
    } else if (y != z) {
      out_.op(kLoadByte, kReg8[static_cast<std::size_t>(y)], static_cast<int>(kReg8[static_cast<std::size_t>(z)]));
    }
  } else if (it.opcode < 0xC0) {
    alu(y, it, z);
  } else if (ends_block(it.opcode)) {
    end_of_block(it);
  } else {
    high_group(it);
  }
}

/// Emits the test of a conditional jump, call or return; the condition holds if the returned one does.
Cond BlockTranslator::test_condition(int opcode) {
  constexpr std::array<std::uint32_t, 4> kMask{kZeroFlag, kCarryFlag, kParityFlag, kSignFlag};
  const auto y = static_cast<std::size_t>((opcode >> 3) & 7);
  out_.bytes({0xA9});  // test eax, imm32
  out_.word32(kMask[y / 2] << 8);
  return y % 2 == 1 ? kNotEqual : kEqual;
}

void BlockTranslator::end_of_block(const Instruction& it) {
  const int next = it.pc + it.length;
  const auto invert = [](Cond condition) { return condition == kEqual ? kNotEqual : kEqual; };
  const auto put_return_address = [&] {
    out_.op({0xC7, false, true}, 0, Mem{rdi, rsi, 0, 0});
    out_.word16(static_cast<std::uint32_t>(next));
    out_.immediate(5, rbp, 2);
  };
  const auto pop_esi = [&] {
    out_.op(kLoadZeroWord, rsi, Mem{rdi, rsi, 0, 0});
    out_.immediate(0, rbp, 2);
  };
  constexpr std::int64_t kNotTaken = std::int64_t{6} << kBudgetShift;
  switch (it.opcode & 7) {
    case 0: {  // Rcc
      stack_address(0);
      const Cond taken = test_condition(it.opcode);
      const std::size_t skip = out_.short_jump_if(invert(taken));
      pop_esi();
      go_to_esi();
      out_.land(skip);
      out_.immediate64(0, kBudget, kNotTaken);
      return;
    }
    case 2:
      go_to_if(test_condition(it.opcode), it.operand);
      return;
    case 4: {  // Ccc
      stack_address(-2);
      const Cond taken = test_condition(it.opcode);
      const std::size_t skip = out_.short_jump_if(invert(taken));
      put_return_address();
      go_to(it.operand);
      out_.land(skip);
      out_.immediate64(0, kBudget, kNotTaken);
      return;
    }
    case 7:
      stack_address(-2);
      put_return_address();
      go_to(it.opcode & 0x38);
      return;
    case 5:
      stack_address(-2);
      put_return_address();
      go_to(it.operand);
      return;
    case 3:
      go_to(it.operand);
      return;
    default:
      if (it.opcode == 0xE9) {
        out_.op(kLoad, rsi, rcx);
      } else {
        stack_address(0);
        pop_esi();
      }
      go_to_esi();
      return;
  }
}

}  // namespace sinv
