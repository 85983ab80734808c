#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "cabinet/i8080_run.h"
#include "cabinet/machine.h"
#include "cabinet/timing.h"

namespace sinv {

inline constexpr std::size_t kRomBytes = 0x2000;

/// DIP switches as the bits they are on IN 2 (MAME names; 0 everywhere is MAME's default).
inline constexpr std::uint8_t kDipLives = 0x03;         // 3 + value ships
inline constexpr std::uint8_t kDipBonusAt1000 = 0x08;   // extra ship at 1000, else 1500
inline constexpr std::uint8_t kDipHideCoinInfo = 0x80;  // "Display Coinage" off
inline constexpr std::uint8_t kDipMask = kDipLives | kDipBonusAt1000 | kDipHideCoinInfo;

/// A write that changed the bits of a sound port. Port 3: saucer, shot, explosion, hit, extra ship, amplifier on;
/// port 5: fleet tones 1-4, saucer hit, flip (bits 0 up).
struct SoundEvent {
  std::uint64_t cycle;  // since power-on, end of the OUT
  std::uint8_t port;
  std::uint8_t bits;     // now
  std::uint8_t changed;  // bits that differ from before
  std::uint8_t unused[5];
};

/// Everything that decides the future of a cabinet, but for the ROM. Flat, without padding: a copy is a snapshot.
struct Board {
  static constexpr std::uint32_t kSoundEvents = 32;

  I8080 cpu;
  std::uint64_t cycle;              // since power-on, at the end of the last instruction
  std::uint64_t instructions;       // since power-on; a halted CPU executes none
  std::uint64_t frame;              // frames done
  std::uint64_t halted_cycles;      // since power-on, spent in HLT
  std::uint64_t watchdog_deadline;  // the cycle at which the watchdog resets the CPU
  std::uint64_t slice_end;          // only within a run: the cycle at which its budget ends
  std::uint32_t resets;             // by the watchdog
  std::uint32_t sound_event_count;  // since power-on; event i is in sound_events[i % kSoundEvents]
  std::uint16_t shift_register;
  std::uint8_t shift_amount;
  std::uint8_t buttons;  // machine.h bits
  std::uint8_t dips;
  std::uint8_t sound3;          // last value of OUT 3
  std::uint8_t sound5;          // last value of OUT 5
  std::uint8_t vblank_irq_off;  // a reset put off the interrupt timer to the next line 96
  std::uint8_t inte_was_set;    // EI was executed since power-on
  std::uint8_t unused[7];
  SoundEvent sound_events[kSoundEvents];
  Ram ram;
};
static_assert(std::is_trivially_copyable_v<Board> && std::has_unique_object_representations_v<Board>);

/// std::array's members are host functions for nvcc; its bytes are not.
SINV_HD inline std::uint8_t* ram_of(Board& board) { return reinterpret_cast<std::uint8_t*>(&board.ram); }
SINV_HD inline const std::uint8_t* ram_of(const Board& board) {
  return reinterpret_cast<const std::uint8_t*>(&board.ram);
}

/// IN: ports repeat every 4. Bits as MAME's `invaders`, upright: both players' controls are the one stick.
SINV_HD inline std::uint8_t read_port(const Board& board, std::uint32_t port) {
  const std::uint32_t b = board.buttons;
  // Fire, left and right are neighbours in the button mask and, in the same order, bits 4-6 of all three ports.
  const std::uint32_t stick = ((b / kFire) & 7U) << 4;
  switch (port & 3U) {
    case 0:
      return static_cast<std::uint8_t>(0x08U | stick);
    case 1:
      return static_cast<std::uint8_t>(0x08U | stick | ((b & kCoin) != 0 ? 0U : 1U) | ((b & kStart2) != 0 ? 2U : 0U) |
                                       ((b & kStart1) != 0 ? 4U : 0U));
    case 2:
      return static_cast<std::uint8_t>((board.dips & kDipMask) | stick);
    default:
      return static_cast<std::uint8_t>((std::uint32_t{board.shift_register} << board.shift_amount) >> 8);
  }
}
static_assert(kFire == 4 && kLeft == 8 && kRight == 16);

/// What the CPU reads at any address: ROM $0000-$1FFF, RAM $2000-$3FFF and $6000-$7FFF, $4000-$5FFF reads 0 (ROM space
/// that this game leaves empty); A15 is not decoded.
SINV_HD inline std::uint8_t peek(const Board& board, const std::uint8_t* rom, std::uint32_t address) {
  if ((address & 0x2000U) != 0) return ram_of(board)[address & 0x1FFFU];
  return (address & 0x4000U) != 0 ? std::uint8_t{0} : rom[address & 0x1FFFU];
}

}  // namespace sinv
