// trace: the cabinet on an inputs file; checksums of its memory after each frame, to compare machines and versions.
#include "cabinet/trace.h"

#include <cstdint>
#include <iostream>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "tools/command_line.h"
#include "tools/rom_choice.h"

namespace sinv {

int trace_command(Words words) {
  CommandLine line("trace",
                   "Runs the cabinet from power-on and prints a line for each frame: frames done, CRC-32 of work RAM "
                   "($2000-$23FF), CRC-32 of picture RAM ($2400-$3FFF).");
  CabinetSettings cabinet;
  std::string inputs;
  std::uint64_t frames = 600;
  line.app.add_option("--rom", cabinet.rom, "game ROM: folder or zip; without it the engine's own game");
  line.app.add_option(
      "--inputs", inputs,
      "file of lines \"frame mask\": from that many frames done the buttons are mask (1 coin, 2 start 1, "
      "4 fire, 8 left, 16 right, 32 start 2, added up)");
  line.app.add_option("--frames", frames, "frames to run")->capture_default_str();
  if (!line.parse(words)) return 0;
  std::vector<InputChange> changes;
  if (!inputs.empty()) {
    const std::vector<std::byte> bytes = read_file(inputs);
    changes = parse_inputs({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, inputs);
  }
  const RomSet rom = choose_rom(cabinet.rom);
  if (!rom.warning.empty()) std::cerr << rom.warning << "\n";
  trace_frames(*cabinet_factory(rom, cabinet)(), changes, frames, std::cout);
  return 0;
}

}  // namespace sinv
