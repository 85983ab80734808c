#include "tools/rom_choice.h"

#include <memory>

#include "base/error.h"
#include "base/option.h"
#include "cabinet/cabinet.h"
#include "tools/machine_facts.h"

namespace sinv {

void describe(Options& options, CabinetSettings& settings) {
  options.add("cabinet.rom", settings.rom, "game ROM, a folder or a zip; empty: the engine's own game");
  options.add("cabinet.ships", settings.ships, "ships of a game (DIP switches 3 and 4)", 3, 6);
  options.add("cabinet.bonus_score", settings.bonus_score, "score of the extra ship, 1500 or 1000 (DIP switch 2)", 1000,
              1500);
}

RomSet choose_rom(const std::string& path) {
  if (!path.empty()) return load_rom_set(path);
  const std::string own = find_piece("roms/invaders.zip");
  if (own.empty()) {
    throw UserError(
        "the engine's own game, roms/invaders.zip, is neither beside the program nor installed; build it with "
        "./sinv, or name a game with --rom");
  }
  return load_rom_set(own);
}

MachineFactory cabinet_factory(const RomSet& rom, const CabinetSettings& settings) {
  if (settings.bonus_score != 1000 && settings.bonus_score != 1500) {
    throw UserError(text("cabinet.bonus_score is ", settings.bonus_score, ", wanted 1000 or 1500"));
  }
  // IN 2: bits 1,0 ships - 3; bit 3 set: extra ship at 1000.
  const auto dips = static_cast<std::uint8_t>((settings.ships - 3) | (settings.bonus_score == 1000 ? 0x08 : 0));
  return [image = rom.image, dips] { return std::make_unique<Cabinet>(image, dips); };
}

MachineFactory cabinet_factory(const CabinetSettings& settings) {
  return cabinet_factory(choose_rom(settings.rom), settings);
}

}  // namespace sinv
