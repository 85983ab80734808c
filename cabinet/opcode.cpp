#include "cabinet/opcode.h"

namespace sinv {

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
  if (opcode < 0x80) return opcode == 0x76 || low == 6 || (opcode & 0x38) == 0x30 ? 7 : 5;
  if (opcode < 0xC0) return low == 6 ? 7 : 4;
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

bool falls_through(int opcode) { return !ends_block(opcode) || ((opcode & 1) == 0 && (opcode & 7) != 6); }

}  // namespace sinv
