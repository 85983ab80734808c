#pragma once

#include <cstdint>
#include <memory>

#include "cabinet/cabinet.h"

namespace sinv {

/// Speed of the cabinet on one core, by the CPU time of its thread: other programs on the machine hardly count.
struct CabinetSpeed {
  double frames_per_s;        // of 33,536 cycles
  double cycles_per_s;        // emulated
  double instructions_per_s;  // emulated and executed: a halted CPU executes none
  double cycles_per_instruction;
  double halted_share;  // of the cycles: waited in HLT, so skipped at no cost
};

/// A cabinet with `rom` under random play: coins, starts and a random stick. Median of `repeats` runs of about
/// `seconds` each, after one that does not count.
CabinetSpeed measure_game_speed(const std::shared_ptr<const RomImage>& rom, double seconds, int repeats);

/// The CPU alone: cpu_load.asm on the cabinet, no HLT and no interrupts.
CabinetSpeed measure_cpu_speed(double seconds, int repeats);

/// The program of measure_cpu_speed.
Rom cpu_load();

}  // namespace sinv
