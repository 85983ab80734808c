#include "cabinet/translator.h"

#include <cstddef>
#include <cstring>
#include <utility>
#include <vector>

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/mman.h>

#include "cabinet/x64_assembler.h"
#endif

namespace sinv {

#if defined(__x86_64__) && defined(__linux__)

namespace {

using namespace x64;

// Registers of translated code. The flags are in ah, in the 8080's own layout: LAHF was made for it.
//   al A   ah flags   ebx BC   edx DE   ecx HL   ebp SP   (words zero-extended)
//   rdi RAM of the board; the board's other fields lie at fixed distances from it
//   r9 budget: cycles left << 20 | instructions   r12 Context   r13 entries
//   rsi, r8 scratch
constexpr Reg kBudget = r9;
constexpr int kBudgetShift = 20;
constexpr std::int64_t kMaxRunCycles = std::int64_t{1} << kBudgetShift;  // 4 a piece at least: the count has room

constexpr std::array<Reg8, 8> kReg8{bh, bl, dh, dl, ch, cl, al, al};  // B C D E H L M A; M is none
constexpr std::array<Reg, 4> kPair{rbx, rdx, rcx, rbp};               // BC DE HL SP
constexpr int kM = 6;

constexpr std::uint32_t kCarryInAx = 0x0100;
constexpr std::uint32_t kAuxInAx = 0x1000;

constexpr std::int32_t at(std::size_t offset) { return static_cast<std::int32_t>(offset); }
constexpr std::int32_t from_ram(std::size_t offset) {
  return static_cast<std::int32_t>(offset) - static_cast<std::int32_t>(offsetof(Board, ram));
}
Mem cpu_field(std::size_t offset) { return {rdi, -1, 0, from_ram(offsetof(Board, cpu) + offset)}; }
Mem board_field(std::size_t offset) { return {rdi, -1, 0, from_ram(offset)}; }

/// DAA for every A, carry and auxiliary carry: word [ax & 0x11FF] is the new ax.
const std::uint16_t* daa_table() {
  static const std::vector<std::uint16_t> kTable = [] {
    std::vector<std::uint16_t> table(0x1200);
    for (std::uint32_t ax = 0; ax < table.size(); ++ax) {
      const std::uint32_t a = ax & 0xFF;
      const std::uint32_t low = (a & 0xF) > 9 || (ax & kAuxInAx) != 0 ? 6 : 0;
      const std::uint32_t carry = a > 0x99 || (ax & kCarryInAx) != 0 ? 1 : 0;
      const std::uint32_t sum = (a + low + carry * 0x60) & 0xFF;
      table[ax] = static_cast<std::uint16_t>(sum | pack_flags({sign_extend(sum), carry, a}) << 8);
    }
    return table;
  }();
  return kTable.data();
}

int length_of(int opcode) {
  if (opcode >= 0xC0) {
    switch (opcode & 7) {
      case 2:
      case 4:
        return 3;
      case 3:
        return opcode == 0xC3 || opcode == 0xCB ? 3 : opcode == 0xD3 || opcode == 0xDB ? 2 : 1;
      case 5:
        return (opcode & 8) != 0 ? 3 : 1;
      case 6:
        return 2;
      default:
        return 1;
    }
  }
  if (opcode >= 0x40) return 1;
  if ((opcode & 0xF) == 1 || (opcode & 0xE7) == 0x22) return 3;
  return (opcode & 7) == 6 ? 2 : 1;
}

/// Cycles; of conditional calls and returns those when taken.
int cycles_of(int opcode) {
  const int low = opcode & 7;
  if (opcode < 0x40) {
    switch (low) {
      case 0:
      case 7:
        return 4;
      case 1:
        return 10;
      case 2:
        return opcode < 0x20 ? 7 : opcode < 0x30 ? 16 : 13;
      case 6:
        return opcode == 0x36 ? 10 : 7;
      default:
        return (opcode & 0x38) == 0x30 && low != 3 ? 10 : 5;
    }
  }
  if (opcode < 0x80) return opcode == 0x76 || low == kM || (opcode & 0x38) == 0x30 ? 7 : 5;
  if (opcode < 0xC0) return low == kM ? 7 : 4;
  switch (low) {
    case 0:
    case 7:
      return 11;
    case 1:
      return opcode == 0xE9 || opcode == 0xF9 ? 5 : 10;
    case 2:
      return 10;
    case 3:
      return opcode == 0xE3 ? 18 : opcode == 0xEB ? 5 : opcode >= 0xF0 ? 4 : 10;
    case 4:
      return 17;
    case 5:
      return (opcode & 8) != 0 ? 17 : 11;
    default:
      return 7;
  }
}

/// What does not always go on behind itself.
bool ends_block(int opcode) {
  if (opcode < 0xC0) return false;
  switch (opcode & 7) {
    case 0:
    case 2:
    case 4:
    case 7:
      return true;
    case 1:
      return opcode == 0xC9 || opcode == 0xD9 || opcode == 0xE9;
    case 3:
      return opcode == 0xC3 || opcode == 0xCB;
    case 5:
      return (opcode & 8) != 0;
    default:
      return false;
  }
}

/// Conditional ones may go on behind themselves.
bool falls_through(int opcode) { return !ends_block(opcode) || ((opcode & 1) == 0 && (opcode & 7) != 6); }

}  // namespace

/// Makes one Translation.
class Translator {
 public:
  explicit Translator(const std::uint8_t* rom) : rom_(rom) {}

  std::unique_ptr<Translation> translate();

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

  bool is_left_to_interpreter(const Instruction& it) const;
  std::vector<Instruction> decode_block(int pc) const;
  static void find_live_flags(std::vector<Instruction>& block);

  void entry_and_exit();
  int block(int pc);
  void instruction(const Instruction& it);
  void low_group(const Instruction& it);
  void high_group(const Instruction& it);
  void end_of_block(const Instruction& it);

  Mem read_address(Reg pair);
  void store_byte(Reg pair, Reg8 value);
  void alu(int operation, const Instruction& it, int source);
  void keep_alu_flags(int operation, const Instruction& it);
  void increment(const Instruction& it, bool down);
  void stack_address(int offset);
  void push(Reg pair);
  void in_port(int port);
  void out_port(int port);
  void load_word(Reg to, int address);

  void leave_to_interpreter_if(Cond condition);
  void go_to(int pc);
  void go_to_if(Cond condition, int pc);
  void go_to_esi();
  void leave_at(int pc);
  Cond test_condition(int opcode);

  const std::uint8_t* rom_;
  Assembler out_;
  std::array<std::size_t, kRomBytes> start_{};      // of the block at each address; 0: not yet
  std::vector<std::pair<std::size_t, int>> jumps_;  // place, target
  std::vector<ColdExit> cold_;
  std::size_t exit_ = 0;
  // Of the instruction being translated:
  int pc_ = 0;
  std::int64_t refund_ = 0;
};

bool Translator::is_left_to_interpreter(const Instruction& it) const {
  switch (it.opcode) {
    case 0x76:  // HLT
    case 0xFB:  // EI
      return true;
    case 0xD3: {  // sound and watchdog want the time
      const int port = it.operand & 7;
      return port == 3 || port == 5 || port == 6;
    }
    case 0x22:
    case 0x2A:
      return (it.operand & 0x1FFF) == 0x1FFF;  // a word across two chips
    default:
      return it.pc + it.length > static_cast<int>(kRomBytes);
  }
}

std::vector<Translator::Instruction> Translator::decode_block(int pc) const {
  std::vector<Instruction> block;
  int cycles = 0;
  while (pc < static_cast<int>(kRomBytes)) {
    const auto byte = [&](int at) { return at < static_cast<int>(kRomBytes) ? int{rom_[at]} : 0; };
    Instruction it{};
    it.pc = pc;
    it.opcode = byte(pc);
    it.length = length_of(it.opcode);
    it.operand = it.length == 1 ? 0 : it.length == 2 ? byte(pc + 1) : byte(pc + 1) | byte(pc + 2) << 8;
    it.cycles = cycles_of(it.opcode);
    it.carry_lives = it.other_lives = true;
    if (is_left_to_interpreter(it) || cycles + it.cycles > Translation::kMaxBlockCycles) break;
    block.push_back(it);
    cycles += it.cycles;
    pc += it.length;
    if (ends_block(it.opcode)) break;
  }
  find_live_flags(block);
  return block;
}

void Translator::find_live_flags(std::vector<Instruction>& block) {
  // An interrupt may come at the end of a block and save the flags: there all live.
  bool carry = true;
  bool other = true;
  for (auto it = block.rbegin(); it != block.rend(); ++it) {
    it->carry_lives = carry;
    it->other_lives = other;
    const int opcode = it->opcode;
    const bool is_alu = (opcode >= 0x80 && opcode < 0xC0) || (opcode >= 0xC0 && (opcode & 7) == 6);
    if (is_alu) {
      const int operation = (opcode >> 3) & 7;
      other = false;
      carry = operation == 1 || operation == 3;
    } else if (opcode == 0x34 || opcode == 0x35 || opcode >= 0xC0) {
      carry = other = true;  // may leave to the interpreter, or reads them
    } else if (opcode < 0x40 && ((opcode & 7) == 4 || (opcode & 7) == 5)) {
      other = false;
    } else if (opcode == 0x27) {
      carry = other = true;
    } else if (opcode == 0x17 || opcode == 0x1F || opcode == 0x3F) {
      carry = true;
    } else if (opcode == 0x07 || opcode == 0x0F || opcode == 0x37 || (opcode & 0xCF) == 0x09) {
      carry = false;
    }
  }
}

/// Entry: rdi RAM, rsi Context, rdx budget, rcx the block. Exit: esi the program counter; returns the budget.
void Translator::entry_and_exit() {
  out_.bytes({0x53, 0x55, 0x41, 0x54, 0x41, 0x55});  // push rbx, rbp, r12, r13
  out_.op(kLoad64, r12, rsi);
  out_.op(kLoad64, kBudget, rdx);
  out_.op(kLoad64, r8, rcx);
  out_.op(kLoad64, r13, Mem{r12, -1, 0, at(offsetof(Translation::Context, entries))});
  out_.op(kLoadZeroWord, rbx, cpu_field(offsetof(I8080, bc)));
  out_.op(kLoadZeroWord, rdx, cpu_field(offsetof(I8080, de)));
  out_.op(kLoadZeroWord, rcx, cpu_field(offsetof(I8080, hl)));
  out_.op(kLoadZeroWord, rbp, cpu_field(offsetof(I8080, sp)));
  out_.op(kLoadZeroByte, rax, cpu_field(offsetof(I8080, a)));
  out_.op(kLoadByte, ah, cpu_field(offsetof(I8080, f)));
  out_.bytes({0x41, 0xFF, 0xE0});  // jmp r8
  exit_ = out_.size();
  out_.op(kStoreWord, rsi, cpu_field(offsetof(I8080, pc)));
  out_.op(kStoreWord, rbp, cpu_field(offsetof(I8080, sp)));
  out_.op(kStoreWord, rbx, cpu_field(offsetof(I8080, bc)));
  out_.op(kStoreWord, rdx, cpu_field(offsetof(I8080, de)));
  out_.op(kStoreWord, rcx, cpu_field(offsetof(I8080, hl)));
  out_.op(kStoreByte, al, cpu_field(offsetof(I8080, a)));
  out_.op(kStoreByte, ah, cpu_field(offsetof(I8080, f)));
  out_.op(kLoad64, rax, kBudget);
  out_.bytes({0x41, 0x5D, 0x41, 0x5C, 0x5D, 0x5B, 0xC3});  // pop r13, r12, rbp, rbx; ret
}

void Translator::leave_to_interpreter_if(Cond condition) { cold_.push_back({out_.jump_if(condition), pc_, refund_}); }

void Translator::leave_at(int pc) {
  out_.load_constant(rsi, static_cast<std::uint32_t>(pc));
  out_.patch(out_.jump(), exit_);
}

void Translator::go_to(int pc) {
  if (pc >= static_cast<int>(kRomBytes)) {
    leave_at(pc);
  } else {
    jumps_.emplace_back(out_.jump(), pc);
  }
}

void Translator::go_to_if(Cond condition, int pc) {
  const std::size_t place = out_.jump_if(condition);
  if (pc >= static_cast<int>(kRomBytes)) {
    cold_.push_back({place, pc, 0});
  } else {
    jumps_.emplace_back(place, pc);
  }
}

void Translator::go_to_esi() {
  out_.immediate(7, rsi, kRomBytes);
  out_.patch(out_.jump_if(kNotBelow), exit_);
  out_.op({0xFF}, 4, Mem{r13, rsi, 3, 0});  // jmp [r13 + rsi * 8]
}

/// Where a byte at the address in `pair` is read.
Mem Translator::read_address(Reg pair) {
  out_.op(kLoad, rsi, pair);
  out_.shift(5, rsi, 13);
  out_.op(kLoad64, rsi, Mem{r12, rsi, 3, at(offsetof(Translation::Context, page))});
  return {rsi, pair, 0, 0};
}

void Translator::store_byte(Reg pair, Reg8 value) {
  const int high = pair == rbx ? bh : pair == rdx ? dh : ch;
  out_.bytes({0xF6, 0xC0 | high, 0x20});  // test high, $20: RAM?
  const std::size_t skip = out_.short_jump_if(kEqual);
  out_.op(kLoad, rsi, pair);
  out_.immediate(4, rsi, 0x1FFF);
  out_.op(kStoreByte, value, Mem{rdi, rsi, 0, 0});
  out_.land(skip);
}

void Translator::keep_alu_flags(int operation, const Instruction& it) {
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
void Translator::alu(int operation, const Instruction& it, int source) {
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

void Translator::increment(const Instruction& it, bool down) {
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
void Translator::stack_address(int offset) {
  out_.op(kLea, rsi, Mem{rbp, -1, 0, offset - static_cast<int>(kRamAddress)});
  out_.immediate(7, rsi, 0x1FFE);
  leave_to_interpreter_if(kAbove);
}

void Translator::push(Reg pair) {
  stack_address(-2);
  out_.op(kStoreWord, pair, Mem{rdi, rsi, 0, 0});
  out_.immediate(5, rbp, 2);
}

void Translator::in_port(int port) {
  if ((port & 3) < 3) {
    out_.op(kLoadByte, al, Mem{r12, -1, 0, at(offsetof(Translation::Context, in_port)) + (port & 3)});
    return;
  }
  out_.op(kLoadZeroByte, rsi, board_field(offsetof(Board, shift_amount)));
  out_.op(kLoadZeroWord, r8, board_field(offsetof(Board, shift_register)));
  out_.op(kMultiply, r8, Mem{r12, rsi, 2, at(offsetof(Translation::Context, shift_multiplier))});
  out_.shift(5, r8, 8);
  out_.op(kStoreLowByte, r8, static_cast<int>(rax));  // mov al, r8b
}

void Translator::out_port(int port) {
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

void Translator::load_word(Reg to, int address) {
  if ((address & 0x2000) != 0) {
    out_.op(kLoadZeroWord, to, Mem{rdi, -1, 0, address & 0x1FFF});
  } else if ((address & 0x4000) != 0) {
    out_.load_constant(to, 0);
  } else {
    out_.load_constant(to, static_cast<std::uint32_t>(rom_[address & 0x1FFF] | rom_[(address & 0x1FFF) + 1] << 8));
  }
}

/// Opcodes 00-3F.
void Translator::low_group(const Instruction& it) {
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
          out_.op(kLoad64, r8, Mem{r12, -1, 0, at(offsetof(Translation::Context, daa))});
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
void Translator::high_group(const Instruction& it) {
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

void Translator::instruction(const Instruction& it) {
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
Cond Translator::test_condition(int opcode) {
  constexpr std::array<std::uint32_t, 4> kMask{kZeroFlag, kCarryFlag, kParityFlag, kSignFlag};
  const auto y = static_cast<std::size_t>((opcode >> 3) & 7);
  out_.bytes({0xA9});  // test eax, imm32
  out_.word32(kMask[y / 2] << 8);
  return y % 2 == 1 ? kNotEqual : kEqual;
}

void Translator::end_of_block(const Instruction& it) {
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

/// Translates the block at `pc`; returns where control falls out of its end, or -1.
int Translator::block(int pc) {
  start_[static_cast<std::size_t>(pc)] = out_.size();
  const std::vector<Instruction> instructions = decode_block(pc);
  if (instructions.empty()) {
    leave_at(pc);
    return -1;
  }
  std::int64_t cycles = 0;
  for (const Instruction& it : instructions) cycles += it.cycles;
  refund_ = charge(cycles, static_cast<std::int64_t>(instructions.size()));
  pc_ = pc;
  out_.immediate64(5, kBudget, refund_);
  leave_to_interpreter_if(kLess);
  for (const Instruction& it : instructions) {
    pc_ = it.pc;
    instruction(it);
    refund_ -= charge(it.cycles, 1);
  }
  const Instruction& last = instructions.back();
  return falls_through(last.opcode) ? last.pc + last.length : -1;
}

std::unique_ptr<Translation> Translator::translate() {
  entry_and_exit();
  for (int pc = 0; pc < static_cast<int>(kRomBytes); ++pc) {
    // On from block to block while they follow each other, so that no jump is needed between them.
    int next = pc;
    while (next >= 0 && next < static_cast<int>(kRomBytes) && start_[static_cast<std::size_t>(next)] == 0) {
      next = block(next);
    }
    if (next >= 0 && next != pc) go_to(next);
    for (const ColdExit& cold : std::exchange(cold_, {})) {
      out_.patch(cold.from, out_.size());
      if (cold.refund != 0) out_.immediate64(0, kBudget, cold.refund);
      leave_at(cold.pc);
    }
  }
  for (const auto& [place, target] : jumps_) out_.patch(place, start_[static_cast<std::size_t>(target)]);

  void* memory = ::mmap(nullptr, out_.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  std::memcpy(memory, out_.code().data(), out_.size());
  if (::mprotect(memory, out_.size(), PROT_READ | PROT_EXEC) != 0) {
    ::munmap(memory, out_.size());
    return nullptr;
  }
  std::unique_ptr<Translation> translation(new Translation);
  translation->memory_ = memory;
  translation->bytes_ = out_.size();
  translation->rom_ = rom_;
  for (std::size_t i = 0; i < kRomBytes; ++i) {
    translation->entries_[i] = static_cast<const std::uint8_t*>(memory) + start_[i];
  }
  return translation;
}

std::unique_ptr<const Translation> Translation::make(const std::uint8_t* rom) {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  const bool has_lahf = __get_cpuid(0x80000001U, &a, &b, &c, &d) != 0 && (c & 1U) != 0;
  return has_lahf ? Translator(rom).translate() : nullptr;
}

Translation::~Translation() {
  if (memory_ != nullptr) ::munmap(memory_, bytes_);
}

void Translation::run(Board& board, Slice& slice) const {
  if (board.cpu.pc >= kRomBytes || slice.left < kMaxBlockCycles) return;
  static constexpr std::array<std::uint8_t, 0x2000> kEmpty{};
  std::uint8_t* ram = ram_of(board);
  Context context;
  for (std::size_t i = 0; i < context.page.size(); ++i) {
    const std::uint8_t* base = (i & 1) != 0 ? ram : (i & 2) != 0 ? kEmpty.data() : rom_;
    // As numbers: the moved pointer itself points at nothing.
    context.page[i] = reinterpret_cast<const std::uint8_t*>(reinterpret_cast<std::uintptr_t>(base) - i * 0x2000);
  }
  context.entries = entries_.data();
  context.daa = daa_table();
  for (std::uint32_t i = 0; i < 8; ++i) context.shift_multiplier[i] = 1U << i;
  for (std::uint32_t i = 0; i < 3; ++i) context.in_port[i] = read_port(board, i);

  using Entry = std::int64_t (*)(std::uint8_t*, const Context*, std::int64_t, const void*);
  const auto entry = reinterpret_cast<Entry>(memory_);
  const std::int64_t cycles = slice.left < kMaxRunCycles ? slice.left : kMaxRunCycles;
  const std::int64_t budget = entry(ram, &context, cycles << kBudgetShift, entries_[board.cpu.pc]);
  slice.left -= cycles - (budget >> kBudgetShift);
  slice.instructions += static_cast<std::uint64_t>(budget & (kMaxRunCycles - 1));
}

#else

std::unique_ptr<const Translation> Translation::make(const std::uint8_t*) { return nullptr; }
Translation::~Translation() = default;
void Translation::run(Board&, Slice&) const {}

#endif

}  // namespace sinv
