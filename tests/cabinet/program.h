#pragma once

#include <algorithm>
#include <initializer_list>

#include "cabinet/cabinet.h"

namespace sinv {

/// A ROM image built up from hand-assembled pieces; the rest is NOP.
class Program {
 public:
  Program& at(std::size_t address, std::initializer_list<int> bytes) {
    for (const int byte : bytes) rom_.at(address++) = static_cast<std::uint8_t>(byte);
    return *this;
  }
  const Rom& rom() const { return rom_; }

 private:
  Rom rom_{};
};

/// Both interrupt handlers count in RAM: RST 1 at $2010, RST 2 at $2011. They save nothing but HL, A and flags.
inline Program counting_handlers() {
  Program program;
  // PUSH PSW; LXI H,$20xx (behind PUSH H); INR M; POP H; POP PSW; EI; RET, at $0040 and $0060
  program.at(0x0008, {0xC3, 0x40, 0x00}).at(0x0010, {0xC3, 0x60, 0x00});
  program.at(0x0040, {0xF5, 0xE5, 0x21, 0x10, 0x20, 0x34, 0xE1, 0xF1, 0xFB, 0xC9});
  program.at(0x0060, {0xF5, 0xE5, 0x21, 0x11, 0x20, 0x34, 0xE1, 0xF1, 0xFB, 0xC9});
  return program;
}

/// Runs `frames` frames with the same buttons.
inline void run_frames(Machine& machine, int frames, std::uint8_t buttons = 0) {
  for (int i = 0; i < frames; ++i) machine.run(std::span(&buttons, 1));
}

}  // namespace sinv
