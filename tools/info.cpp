// info: this build, this machine, the pieces it finds.
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/device_module.h"
#include "rl/model_file.h"
#include "tools/command_line.h"
#include "tools/machine_facts.h"
#include "tools/model_choice.h"
#include "tools/rom_choice.h"

namespace sinv {

namespace {

void print_rom(const std::string& name, const std::string& path) {
  try {
    const RomSet rom = choose_rom(path);
    fmt::print("{:<10} {}\n{:<10} {}, CRC-32 {:08x}\n", name, rom.description, "", rom.where, rom.image->crc);
    if (!rom.warning.empty()) fmt::print("{:<10} {}\n", "", rom.warning);
  } catch (const UserError& error) {
    fmt::print("{:<10} {}\n", name, error.what());
  }
}

}  // namespace

int info_command(Words words) {
  CommandLine line("info", "Prints what this build is, what it runs on, and the game ROMs it finds.");
  std::vector<std::string> roms;
  line.app.add_option("--rom", roms, "look at this game ROM too: folder or zip; may be repeated");
  if (!line.parse(words)) return 0;
  const nlohmann::json machine = machine_facts();
  fmt::print("{:<10} sinv_engine {}, {}\n", "build", SINV_VERSION, machine["compiler"].get<std::string>());
  fmt::print("{:<10} {}, {} cores, {}, {} MiB\n", "machine", machine["processor"].get<std::string>(),
             machine["cores"].get<int>(), machine["vector_unit"].get<std::string>(), machine["memory_mib"].get<long>());
  fmt::print("{:<10} {}\n", "devices", describe_cpu());
  for (const std::string& line : describe_devices()) fmt::print("{:<10} {}\n", "", line);
  print_rom("own game", "");
  for (const std::string& rom : roms) print_rom("rom", rom);
  for (const char* agent : shipped_agents()) {
    const std::string model = shipped_model(agent);
    if (model.empty()) {
      fmt::print("{:<10} of {}: none ships with this build\n", "model", agent);
      continue;
    }
    const ModelFile file = load_model(model);
    fmt::print("{:<10} {}: {}, {} frames, seed {}\n", "model", model, file.agent, file.frames, file.seed);
  }
  return 0;
}

}  // namespace sinv
