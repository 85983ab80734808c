#include "tests/cabinet/reference.h"

namespace sinv {

namespace {

// Intel 8080 data sheet; conditional calls and returns as when not taken. XCHG (EB) stands apart.
constexpr int kCycles[256] = {
    //  0   1   2   3   4   5   6   7   8   9   A   B   C   D   E   F
    4, 10, 7,  5,  5,  5,  7,  4,  4, 10, 7,  5,  5,  5,  7, 4,   // 0
    4, 10, 7,  5,  5,  5,  7,  4,  4, 10, 7,  5,  5,  5,  7, 4,   // 1
    4, 10, 16, 5,  5,  5,  7,  4,  4, 10, 16, 5,  5,  5,  7, 4,   // 2
    4, 10, 13, 5,  10, 10, 10, 4,  4, 10, 13, 5,  5,  5,  7, 4,   // 3
    5, 5,  5,  5,  5,  5,  7,  5,  5, 5,  5,  5,  5,  5,  7, 5,   // 4
    5, 5,  5,  5,  5,  5,  7,  5,  5, 5,  5,  5,  5,  5,  7, 5,   // 5
    5, 5,  5,  5,  5,  5,  7,  5,  5, 5,  5,  5,  5,  5,  7, 5,   // 6
    7, 7,  7,  7,  7,  7,  7,  7,  5, 5,  5,  5,  5,  5,  7, 5,   // 7
    4, 4,  4,  4,  4,  4,  7,  4,  4, 4,  4,  4,  4,  4,  7, 4,   // 8
    4, 4,  4,  4,  4,  4,  7,  4,  4, 4,  4,  4,  4,  4,  7, 4,   // 9
    4, 4,  4,  4,  4,  4,  7,  4,  4, 4,  4,  4,  4,  4,  7, 4,   // A
    4, 4,  4,  4,  4,  4,  7,  4,  4, 4,  4,  4,  4,  4,  7, 4,   // B
    5, 10, 10, 10, 11, 11, 7,  11, 5, 10, 10, 10, 11, 17, 7, 11,  // C
    5, 10, 10, 10, 11, 11, 7,  11, 5, 10, 10, 10, 11, 17, 7, 11,  // D
    5, 10, 10, 18, 11, 11, 7,  11, 5, 5,  10, 0,  11, 17, 7, 11,  // E
    5, 10, 10, 4,  11, 11, 7,  11, 5, 5,  10, 4,  11, 17, 7, 11,  // F
};

struct Sum {
  int value;
  bool carry;  // out of bit 7
  bool aux;    // out of bit 3
};

// A ripple-carry adder.
Sum add_bits(int x, int y, bool carry) {
  Sum sum{0, carry, false};
  for (int bit = 0; bit < 8; ++bit) {
    const int ones = ((x >> bit) & 1) + ((y >> bit) & 1) + (sum.carry ? 1 : 0);
    if ((ones & 1) != 0) sum.value |= 1 << bit;
    sum.carry = ones >= 2;
    if (bit == 3) sum.aux = sum.carry;
  }
  return sum;
}

void set_result_flags(Reference8080& cpu, int value) {
  int ones = 0;
  for (int bit = 0; bit < 8; ++bit) ones += (value >> bit) & 1;
  cpu.sign = value >= 128;
  cpu.zero = ones == 0;
  cpu.parity = ones % 2 == 0;
}

bool holds(const Reference8080& cpu, int condition) {
  const std::array<bool, 4> flag{cpu.zero, cpu.carry, cpu.parity, cpu.sign};
  return flag[static_cast<std::size_t>(condition / 2)] == (condition % 2 == 1);
}

void alu(Reference8080& cpu, int operation, int x) {
  int& a = cpu.reg[7];
  const int before = a;
  switch (operation) {
    case 0:
    case 1: {
      const Sum sum = add_bits(a, x, operation == 1 && cpu.carry);
      a = sum.value;
      cpu.carry = sum.carry;
      cpu.aux = sum.aux;
      break;
    }
    case 2:
    case 3:
    case 7: {  // the 8080 subtracts by adding the complement and inverts the carry, not the auxiliary carry
      const Sum sum = add_bits(a, 255 - x, !(operation == 3 && cpu.carry));
      a = sum.value;
      cpu.carry = !sum.carry;
      cpu.aux = sum.aux;
      break;
    }
    case 4:
      cpu.aux = ((a / 8) % 2 + (x / 8) % 2) > 0;
      a &= x;
      cpu.carry = false;
      break;
    case 5:
    case 6:
      a = operation == 5 ? a ^ x : a | x;
      cpu.carry = false;
      cpu.aux = false;
      break;
    default:
      break;
  }
  set_result_flags(cpu, a);
  if (operation == 7) a = before;
}

}  // namespace

int Reference8080::pair(int index) const {
  if (index == 3) return sp;
  const auto high = static_cast<std::size_t>(2 * index);
  return reg[high] * 256 + reg[high + 1];
}

void Reference8080::set_pair(int index, int value) {
  value &= 0xFFFF;
  if (index == 3) {
    sp = value;
    return;
  }
  const auto high = static_cast<std::size_t>(2 * index);
  reg[high] = value / 256;
  reg[high + 1] = value % 256;
}

int Reference8080::psw() const {
  return reg[7] * 256 + (sign ? 128 : 0) + (zero ? 64 : 0) + (aux ? 16 : 0) + (parity ? 4 : 0) + 2 + (carry ? 1 : 0);
}

void Reference8080::set_psw(int value) {
  reg[7] = value / 256;
  sign = (value & 128) != 0;
  zero = (value & 64) != 0;
  aux = (value & 16) != 0;
  parity = (value & 4) != 0;
  carry = (value & 1) != 0;
}

int execute_one(Reference8080& cpu, ReferenceBus& bus, int xchg_cycles) {
  const auto next = [&] {
    const int byte = bus.read(cpu.pc);
    cpu.pc = (cpu.pc + 1) & 0xFFFF;
    return byte;
  };
  const auto next_word = [&] {
    const int low = next();
    return low + 256 * next();
  };
  const auto get = [&](int r) { return r == 6 ? bus.read(cpu.pair(2)) : cpu.reg[static_cast<std::size_t>(r)]; };
  const auto set = [&](int r, int value) {
    if (r == 6) {
      bus.write(cpu.pair(2), value);
    } else {
      cpu.reg[static_cast<std::size_t>(r)] = value;
    }
  };
  const auto push = [&](int word) {
    cpu.sp = (cpu.sp + 0xFFFF) & 0xFFFF;
    bus.write(cpu.sp, word / 256);
    cpu.sp = (cpu.sp + 0xFFFF) & 0xFFFF;
    bus.write(cpu.sp, word % 256);
  };
  const auto pop = [&] {
    const int low = bus.read(cpu.sp);
    cpu.sp = (cpu.sp + 1) & 0xFFFF;
    const int word = low + 256 * bus.read(cpu.sp);
    cpu.sp = (cpu.sp + 1) & 0xFFFF;
    return word;
  };

  const int opcode = next();
  ++cpu.instructions;
  const int group = opcode / 64;
  const int y = (opcode / 8) % 8;
  const int z = opcode % 8;
  const int p = y / 2;
  const bool odd = y % 2 == 1;
  int cycles = opcode == 0xEB ? xchg_cycles : kCycles[opcode];
  int& a = cpu.reg[7];

  if (group == 1) {
    if (opcode == 0x76) {
      cpu.halted = true;
      cpu.pc = (cpu.pc + 0xFFFF) & 0xFFFF;
    } else {
      set(y, get(z));
    }
  } else if (group == 2) {
    alu(cpu, y, get(z));
  } else if (group == 0) {
    switch (z) {
      case 0:
        break;
      case 1:
        if (odd) {
          cpu.carry = cpu.pair(2) + cpu.pair(p) > 0xFFFF;
          cpu.set_pair(2, cpu.pair(2) + cpu.pair(p));
        } else {
          cpu.set_pair(p, next_word());
        }
        break;
      case 2: {
        const int at = p < 2 ? cpu.pair(p) : next_word();
        if (p == 2 && odd) {
          const int low = bus.read(at);
          cpu.set_pair(2, low + 256 * bus.read((at + 1) & 0xFFFF));
        } else if (p == 2) {
          bus.write(at, cpu.reg[5]);
          bus.write((at + 1) & 0xFFFF, cpu.reg[4]);
        } else if (odd) {
          a = bus.read(at);
        } else {
          bus.write(at, a);
        }
        break;
      }
      case 3:
        cpu.set_pair(p, cpu.pair(p) + (odd ? 0xFFFF : 1));
        break;
      case 4:
      case 5: {
        const Sum sum = add_bits(get(y), z == 4 ? 1 : 255, false);  // DCR adds -1
        cpu.aux = sum.aux;
        set_result_flags(cpu, sum.value);
        set(y, sum.value);
        break;
      }
      case 6:
        set(y, next());
        break;
      default:
        switch (y) {
          case 0:  // RLC
            cpu.carry = a >= 128;
            a = (a * 2) % 256 + (cpu.carry ? 1 : 0);
            break;
          case 1:  // RRC
            cpu.carry = a % 2 == 1;
            a = a / 2 + (cpu.carry ? 128 : 0);
            break;
          case 2: {  // RAL
            const int wide = a * 2 + (cpu.carry ? 1 : 0);
            cpu.carry = wide >= 256;
            a = wide % 256;
            break;
          }
          case 3: {  // RAR
            const int wide = a + (cpu.carry ? 256 : 0);
            cpu.carry = wide % 2 == 1;
            a = wide / 2;
            break;
          }
          case 4: {  // DAA: first the low digit, then the high one, as the manual has it
            bool carry = cpu.carry;
            int value = a;
            if (value % 16 > 9 || cpu.aux) {
              const Sum sum = add_bits(value, 6, false);
              cpu.aux = sum.aux;
              carry = carry || sum.carry;
              value = sum.value;
            } else {
              cpu.aux = false;
            }
            if (value / 16 > 9 || carry) {
              const Sum sum = add_bits(value, 0x60, false);
              carry = carry || sum.carry;
              value = sum.value;
            }
            a = value;
            cpu.carry = carry;
            set_result_flags(cpu, a);
            break;
          }
          case 5:
            a = 255 - a;
            break;
          case 6:
            cpu.carry = true;
            break;
          default:
            cpu.carry = !cpu.carry;
            break;
        }
    }
  } else {
    switch (z) {
      case 0:
        if (holds(cpu, y)) {
          cpu.pc = pop();
          cycles += 6;
        }
        break;
      case 1:
        if (!odd && p == 3) {
          cpu.set_psw(pop());
        } else if (!odd) {
          cpu.set_pair(p, pop());
        } else if (p < 2) {
          cpu.pc = pop();
        } else if (p == 2) {
          cpu.pc = cpu.pair(2);
        } else {
          cpu.sp = cpu.pair(2);
        }
        break;
      case 2: {
        const int to = next_word();
        if (holds(cpu, y)) cpu.pc = to;
        break;
      }
      case 3:
        switch (y) {
          case 0:
          case 1:
            cpu.pc = next_word();
            break;
          case 2:
            bus.out(next(), a);
            break;
          case 3:
            a = bus.in(next());
            break;
          case 4: {
            const int word = pop();
            push(cpu.pair(2));
            cpu.set_pair(2, word);
            break;
          }
          case 5: {
            const int word = cpu.pair(1);
            cpu.set_pair(1, cpu.pair(2));
            cpu.set_pair(2, word);
            break;
          }
          case 6:
            cpu.inte = false;
            break;
          default:
            cpu.inte = true;
            cpu.ei_delay = 2;
            break;
        }
        break;
      case 4: {
        const int to = next_word();
        if (holds(cpu, y)) {
          push(cpu.pc);
          cpu.pc = to;
          cycles += 6;
        }
        break;
      }
      case 5:
        if (odd) {
          const int to = next_word();
          push(cpu.pc);
          cpu.pc = to;
        } else {
          push(p == 3 ? cpu.psw() : cpu.pair(p));
        }
        break;
      case 6:
        alu(cpu, y, next());
        break;
      default:
        push(cpu.pc);
        cpu.pc = 8 * y;
        break;
    }
  }
  return cycles;
}

int ReferenceCabinet::read(int address) {
  address %= 0x8000;
  if (address < 0x2000) return rom_[static_cast<std::size_t>(address)];
  if (address < 0x4000) return ram[static_cast<std::size_t>(address - 0x2000)];
  if (address < 0x6000) return 0;
  return ram[static_cast<std::size_t>(address - 0x6000)];
}

void ReferenceCabinet::write(int address, int value) {
  address %= 0x8000;
  if (address >= 0x6000) address -= 0x4000;
  if (address >= 0x2000 && address < 0x4000) {
    ram[static_cast<std::size_t>(address - 0x2000)] = static_cast<std::uint8_t>(value);
  }
}

int ReferenceCabinet::in(int port) {
  const auto pressed = [&](int button) { return (buttons_ & button) != 0; };
  int value = 0;
  if (pressed(kFire)) value += 0x10;
  if (pressed(kLeft)) value += 0x20;
  if (pressed(kRight)) value += 0x40;
  switch (port % 4) {
    case 0:
      return value + 8;
    case 1:
      value += 8;
      if (!pressed(kCoin)) value += 1;
      if (pressed(kStart2)) value += 2;
      if (pressed(kStart1)) value += 4;
      return value;
    case 2:
      return value;
    default:
      return (shift_ >> (8 - amount_)) & 0xFF;
  }
}

void ReferenceCabinet::out(int port, int value) {
  const auto sound = [&](int& last) {
    if (value != last) sounds.push_back({cycle + 10, port % 8, value});
    last = value;
  };
  switch (port % 8) {
    case 2:
      amount_ = value % 8;
      break;
    case 3:
      sound(last3_);
      break;
    case 4:
      shift_ = value * 256 + shift_ / 256;
      break;
    case 5:
      sound(last5_);
      break;
    case 6:
      last_feed_ = cycle + 10;
      break;
    default:
      break;
  }
}

void ReferenceCabinet::take_interrupt() {
  if (!cpu.irq || !cpu.inte) return;
  if (cpu.halted) cpu.pc = (cpu.pc + 1) & 0xFFFF;
  cpu.halted = false;
  cpu.irq = false;
  cpu.inte = false;
  ++cpu.instructions;
  // Line 224 is where a frame starts; the counter runs from $DA there and from $20 on line 0.
  const std::int64_t phase = (cycle + 1) % 33536;
  const std::int64_t line = (phase == 0 || phase == 17152 ? phase : cycle % 33536) / 128;
  const std::int64_t counter = line < 38 ? 0xDA + line : 0x20 + line - 38;
  cpu.sp = (cpu.sp + 0xFFFE) & 0xFFFF;
  write((cpu.sp + 1) & 0xFFFF, cpu.pc / 256);
  write(cpu.sp, cpu.pc % 256);
  cpu.pc = (counter / 64) % 2 == 0 ? 0x08 : 0x10;
  cycle += 11;
}

void ReferenceCabinet::watchdog_reset(std::int64_t at) {
  ++resets;
  skip_vblank_ = at % 33536 >= 17152;
  cpu.pc = 0;
  cpu.inte = false;
  cpu.halted = false;
  cpu.ei_delay = 0;
  shift_ = 0;
  amount_ = 7;
  last_feed_ = at;
}

void ReferenceCabinet::run_until(std::int64_t event) {
  const std::int64_t target = event > 33536 ? event - 1 : event;  // stop_cycle(), for the first 15 million frames
  if (cycle < target && cpu.ei_delay == 0) take_interrupt();
  while (cycle < target) {
    if (cpu.ei_delay > 0 && --cpu.ei_delay == 0) take_interrupt();
    cycle += cpu.halted ? 7 : execute_one(cpu, *this, 5);
    enabled_once_ = enabled_once_ || cpu.inte;
    const std::int64_t deadline = last_feed_ + std::int64_t{255} * 33536;
    if (cycle >= deadline && deadline < event) watchdog_reset(deadline);
  }
}

void ReferenceCabinet::run_frame(std::uint8_t buttons) {
  buttons_ = buttons;
  // The interrupt first, then the watchdog, when both are due.
  const auto due = [this](std::int64_t event) {
    if (last_feed_ + std::int64_t{255} * 33536 == event) watchdog_reset(event);
  };
  if (frame != 0 && !skip_vblank_) cpu.irq = cpu.inte || !enabled_once_;
  skip_vblank_ = false;
  due(frame * 33536);
  run_until(frame * 33536 + 17152);
  cpu.irq = cpu.inte || !enabled_once_;
  due(frame * 33536 + 17152);
  run_until(frame * 33536 + 33536);
  ++frame;
}

}  // namespace sinv
