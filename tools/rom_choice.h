#pragma once

#include <string>

#include "game/rom_set.h"
#include "game/vec_env.h"

namespace sinv {

class Options;  // base/option.h

/// The cabinet that a run plays on.
struct CabinetSettings {
  std::string rom;         // folder or zip; empty: the engine's own game
  int ships = 3;           // DIP switches 3 and 4
  int bonus_score = 1500;  // DIP switch 2: extra ship at 1500 or 1000
};

/// Adds every setting under "cabinet.".
void describe(Options& options, CabinetSettings& settings);

/// The set at `path`, or our own game when `path` is empty. Errors: UserError (nothing there, damaged, not built).
RomSet choose_rom(const std::string& path);

/// Makes cabinets that all share the one ROM. Errors: UserError (ROM, bonus_score).
MachineFactory cabinet_factory(const CabinetSettings& settings);
MachineFactory cabinet_factory(const RomSet& rom, const CabinetSettings& settings);

}  // namespace sinv
