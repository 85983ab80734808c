#include "cabinet/block_translator.h"

#include "cabinet/opcode.h"

namespace sinv {

namespace {

using namespace x64;

constexpr Reg kBudget = r9;

constexpr std::int32_t at(std::size_t offset) { return static_cast<std::int32_t>(offset); }
Mem cpu_field(std::size_t offset) { return {rdi, -1, 0, at(offsetof(Board, cpu) + offset) - at(offsetof(Board, ram))}; }

}  // namespace

bool BlockTranslator::is_left_to_interpreter(const Instruction& it) const {
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

std::vector<BlockTranslator::Instruction> BlockTranslator::decode_block(int pc) const {
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
    if (is_left_to_interpreter(it) || cycles + it.cycles > Translation::kBlockCycles) break;
    block.push_back(it);
    cycles += it.cycles;
    pc += it.length;
    if (ends_block(it.opcode)) break;
  }
  find_live_flags(block);
  return block;
}

void BlockTranslator::find_live_flags(std::vector<Instruction>& block) {
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
    } else if (opcode == 0x34 || opcode == 0x35 || opcode == 0x27 || opcode >= 0xC0) {
      carry = other = true;  // may leave to the interpreter, or reads them
    } else if (opcode < 0x40 && ((opcode & 7) == 4 || (opcode & 7) == 5)) {
      other = false;
    } else if (opcode == 0x17 || opcode == 0x1F || opcode == 0x3F) {
      carry = true;
    } else if (opcode == 0x07 || opcode == 0x0F || opcode == 0x37 || (opcode & 0xCF) == 0x09) {
      carry = false;
    }
  }
}

/// Entry: rdi RAM, rsi Context, rdx budget, rcx the block. Exit: esi the program counter; returns the budget.
void BlockTranslator::entry_and_exit() {
  out_.bytes({0x53, 0x55, 0x41, 0x54, 0x41, 0x55});  // push rbx, rbp, r12, r13
  out_.op(kLoad64, r12, rsi);
  out_.op(kLoad64, kBudget, rdx);
  out_.op(kLoad64, r8, rcx);
  out_.op(kLoad64, r13, Mem{r12, -1, 0, at(offsetof(TranslatedContext, entries))});
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

void BlockTranslator::leave_to_interpreter_if(Cond condition) {
  cold_.push_back({out_.jump_if(condition), pc_, refund_});
}

void BlockTranslator::leave_at(int pc) {
  out_.load_constant(rsi, static_cast<std::uint32_t>(pc));
  out_.patch(out_.jump(), exit_);
}

void BlockTranslator::go_to(int pc) {
  if (pc >= static_cast<int>(kRomBytes)) {
    leave_at(pc);
  } else {
    jumps_.emplace_back(out_.jump(), pc);
  }
}

void BlockTranslator::go_to_if(Cond condition, int pc) {
  const std::size_t place = out_.jump_if(condition);
  if (pc >= static_cast<int>(kRomBytes)) {
    cold_.push_back({place, pc, 0});
  } else {
    jumps_.emplace_back(place, pc);
  }
}

void BlockTranslator::go_to_esi() {
  out_.immediate(7, rsi, kRomBytes);
  out_.patch(out_.jump_if(kNotBelow), exit_);
  out_.op({0xFF}, 4, Mem{r13, rsi, 3, 0});  // jmp [r13 + rsi * 8]
}

/// Translates the block at `pc`; returns where control falls out of its end, or -1.
int BlockTranslator::block(int pc) {
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

TranslatedRom BlockTranslator::translate() {
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
  return {out_.code(), start_};
}

}  // namespace sinv
