// lockstep: the cabinet and MAME on the same buttons; all 8 KiB compared after every frame.
#include "cabinet/lockstep.h"

#include <fmt/core.h>

#include "base/error.h"
#include "bridge/mame/mame_machine.h"
#include "tools/command_line.h"
#include "tools/machine_choice.h"

namespace sinv {

int lockstep_command(Words words) {
  CommandLine line("lockstep",
                   "Runs the cabinet and MAME on the same random buttons (coins, starts, stick, fire; power-ons and "
                   "restored states on the way) and compares all 8 KiB of RAM after every frame.");
  LockstepSettings settings;
  std::uint64_t seeds = 5;
  std::string rom;
  line.app.add_option("--rom", rom, "a game ROM, folder or zip; without it the engine's own game");
  line.app.add_option("--frames", settings.frames, "frames of each seed")->capture_default_str();
  line.app.add_option("--seed", settings.seed, "the first seed")->capture_default_str();
  line.app.add_option("--seeds", seeds, "so many seeds, one after the other")->capture_default_str();
  if (!line.parse(words)) return 0;

  RunConfig config;
  config.machine = "mame";
  config.cabinet.rom = rom;
  const Machines machines(config, choose_rom(rom));
  const auto mame = machines.mame();
  const auto cabinet = cabinet_factory(machines.rom(), config.cabinet)();
  bool equal = true;
  for (std::uint64_t i = 0; i < seeds; ++i) {
    const LockstepResult result = run_lockstep(*cabinet, *mame, settings);
    fmt::print("seed {}: {}\n", settings.seed, to_text(result));
    equal = equal && !result.difference;
    ++settings.seed;
  }
  return equal ? 0 : 1;
}

}  // namespace sinv
