#pragma once

#include "cabinet/board.h"

/// The bodies behind board.h, in a header so that nvcc can compile them for the device too.

namespace sinv {

/// The board's reset line: CPU, shifter and watchdog; RAM keeps its contents.
SINV_HD inline void reset_board(Board& board) {
  reset(board.cpu);
  board.shift_register = 0;
  board.shift_amount = 7;  // MAME clears the complement of the amount (mb14241.cpp)
  board.watchdog_deadline += static_cast<std::uint64_t>(kWatchdogCycles);
}

/// As after switching on; memory is cleared as MAME does, the real board's is arbitrary.
SINV_HD inline void power_on_board(Board& board, std::uint8_t dips) {
  board = Board{};
  board.cpu.f = 0x02;
  board.dips = dips;
  reset_board(board);
}

SINV_HD inline void note_sound(Board& board, std::uint8_t port, std::uint8_t& last, std::uint8_t value,
                               std::uint64_t cycle) {
  const auto changed = static_cast<std::uint8_t>(last ^ value);
  last = value;
  if (changed == 0) return;
  board.sound_events[board.sound_event_count++ % Board::kSoundEvents] = {cycle, port, value, changed, {}};
}

/// OUT at `cycle`. 2 shift amount, 3 and 5 sound, 4 shift data (MB14241), 6 watchdog; A0-A2 are decoded.
SINV_HD inline void write_board_port(Board& board, std::uint32_t port, std::uint8_t value, std::uint64_t cycle) {
  switch (port & 7U) {
    case 2:
      board.shift_amount = value & 7U;
      break;
    case 3:
      note_sound(board, 3, board.sound3, value, cycle);
      break;
    case 4:
      board.shift_register = static_cast<std::uint16_t>((board.shift_register >> 8) | (value << 8));
      break;
    case 5:
      note_sound(board, 5, board.sound5, value, cycle);
      break;
    case 6:
      board.watchdog_deadline = cycle + static_cast<std::uint64_t>(kWatchdogCycles);
      break;
    default:
      break;
  }
}

/// Raster line on which a cycle falls.
SINV_HD constexpr int line_at(std::uint64_t cycle) {
  const int in_frame = static_cast<int>(cycle % kFrameCycles);
  return (kVblankLine + in_frame / kLineCycles) % kFrameLines;
}

/// The RST that the board puts on the bus, from bit 6 of the vertical counter (MAME mw8080bw.cpp): the counter is $20
/// on line 0 and $DA on line 224. Normally line 96: RST 1, line 224: RST 2.
SINV_HD constexpr std::uint16_t vector_at(std::uint64_t cycle) {
  const int line = line_at(cycle);
  const int counter = line < kVblankLine ? line + 0x20 : line - kVblankLine + 0xDA;
  return (counter & 0x40) != 0 ? 0x10 : 0x08;
}

/// The board as the CPU sees it: pointers only.
struct BoardBus {
  static constexpr int kXchgCycles = 5;  // measured on MAME 0.251

  Board* board;
  std::uint8_t* ram;
  const std::uint8_t* rom;

  using U32 = std::uint32_t;

  SINV_HD BoardBus(Board& of, const std::uint8_t* rom_bytes) : board(&of), ram(ram_of(of)), rom(rom_bytes) {}

  SINV_HD U32 read(U32 at) const {
    if ((at & 0x2000U) != 0) return ram[at & 0x1FFFU];
    return (at & 0x4000U) != 0 ? 0U : U32{rom[at & 0x1FFFU]};
  }
  SINV_HD U32 fetch(U32 at) const { return read(at); }
  SINV_HD U32 fetch16(U32 at) const { return read16(at); }
  SINV_HD U32 read16(U32 at) const { return read(at) | (read((at + 1) & 0xFFFFU) << 8); }
  SINV_HD void write(U32 at, U32 value) const {
    if ((at & 0x2000U) != 0) ram[at & 0x1FFFU] = static_cast<std::uint8_t>(value);
  }
  SINV_HD void write16(U32 at, U32 value) const {
    write(at, value & 0xFFU);
    write((at + 1) & 0xFFFFU, value >> 8);
  }
  SINV_HD std::uint64_t cycle_at(std::int64_t left) const {
    return board->slice_end - static_cast<std::uint64_t>(left);
  }
  SINV_HD U32 in(U32 port, std::int64_t) const { return read_port(*board, port); }
  SINV_HD void out(U32 port, U32 value, std::int64_t left) const {
    write_board_port(*board, port, static_cast<std::uint8_t>(value), cycle_at(left));
  }
  SINV_HD void interrupts_enabled() const { board->inte_was_set = 1; }
  SINV_HD std::uint16_t acknowledge(std::int64_t left) const {
    // Right behind the trigger the CPU may be a cycle short of it (stop_cycle); the trigger's line counts then.
    const std::uint64_t cycle = cycle_at(left);
    const std::uint64_t next = (cycle + 1) % kFrameCycles;
    return vector_at(next == 0 || next == kMidScreenCycle ? cycle + 1 : cycle);
  }
};

/// `at`: the cycle of the reset. MAME sets the interrupt timer anew then, to line 96.
SINV_HD inline void reset_by_watchdog(Board& board, std::uint64_t at) {
  ++board.resets;
  reset_board(board);
  board.vblank_irq_off = at % kFrameCycles >= static_cast<std::uint64_t>(kMidScreenCycle) ? 1 : 0;
}

/// Runs to an event of the video, or not at all if an instruction has already run past it.
template <class Bus>
SINV_HD void run_board_until(Board& board, Bus bus, std::uint64_t event) {
  const std::uint64_t target = stop_cycle(event);
  while (board.cycle < target) {
    board.slice_end = target < board.watchdog_deadline ? target : board.watchdog_deadline;
    const auto budget = static_cast<std::int64_t>(board.slice_end - board.cycle);
    const Slice slice = run_cpu(board.cpu, bus, budget);
    board.cycle += static_cast<std::uint64_t>(budget - slice.left);
    board.instructions += slice.instructions;
    board.halted_cycles += slice.halted_cycles;
    if (board.cycle < board.watchdog_deadline || board.watchdog_deadline >= event) continue;
    reset_by_watchdog(board, board.slice_end);
  }
}

/// The trigger: the INT line follows INTE at this moment, so an interrupt while disabled is lost. But before the first
/// EI the line is raised all the same and stays, because MAME's driver hears only of changes of INTE and begins with it
/// on: the first EI is answered at once. Both measured on MAME 0.251.
SINV_HD inline void trigger_irq(Board& board) {
  board.cpu.irq = board.cpu.inte != 0 || board.inte_was_set == 0 ? 1 : 0;
}

/// An event of the video that may interrupt. In the same instant the interrupt comes before the watchdog: the line
/// stays raised through the reset, and the program's first EI after it is answered at once (measured on MAME 0.251).
SINV_HD inline void video_event(Board& board, std::uint64_t event, bool interrupts) {
  if (interrupts) trigger_irq(board);
  if (board.watchdog_deadline == event) reset_by_watchdog(board, event);
}

/// Runs one frame: from the start of vertical blanking to the next one. Within a frame the buttons stand still.
template <class Bus>
SINV_HD void run_board_frame(Board& board, Bus bus, std::uint8_t buttons) {
  const std::uint64_t start = board.frame * kFrameCycles;
  board.buttons = buttons;
  const bool interrupts = board.frame != 0 && board.vblank_irq_off == 0;
  board.vblank_irq_off = 0;
  video_event(board, start, interrupts);
  run_board_until(board, bus, start + kMidScreenCycle);
  video_event(board, start + kMidScreenCycle, true);
  run_board_until(board, bus, start + kFrameCycles);
  ++board.frame;
}

}  // namespace sinv
