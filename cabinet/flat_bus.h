#pragma once

#include <cstdint>

#include "base/hd.h"

namespace sinv {

/// A bare CPU's bus: 64 KiB of RAM and nothing else. A bus type adds in() and out(); see i8080_run.h.
struct FlatBus {
  static constexpr int kXchgCycles = 4;  // Intel data sheet; published totals of CPU test programs count so

  using U32 = std::uint32_t;
  std::uint8_t* memory;  // 65536 bytes

  SINV_HD U32 read(U32 at) const { return memory[at]; }
  SINV_HD U32 fetch(U32 at) const { return memory[at]; }
  SINV_HD U32 fetch16(U32 at) const { return read16(at); }
  SINV_HD U32 read16(U32 at) const { return memory[at] | (U32{memory[(at + 1) & 0xFFFFU]} << 8); }
  SINV_HD void write(U32 at, U32 value) const { memory[at] = static_cast<std::uint8_t>(value); }
  SINV_HD void write16(U32 at, U32 value) const {
    memory[(at + 1) & 0xFFFFU] = static_cast<std::uint8_t>(value >> 8);
    memory[at] = static_cast<std::uint8_t>(value);
  }
  SINV_HD void interrupts_enabled() const {}
  SINV_HD std::uint16_t acknowledge(std::int64_t) const { return 0x38; }
};

}  // namespace sinv
