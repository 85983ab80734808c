// bench cabinet: the machine alone, no environment around it.
#include "cabinet/speed.h"
#include "tools/bench.h"
#include "tools/rom_choice.h"

namespace sinv {

namespace {

void put(std::map<std::string, double>& figures, const std::string& prefix, const CabinetSpeed& speed) {
  figures[prefix + "frames_per_s"] = speed.frames_per_s;
  figures[prefix + "cycles_per_s"] = speed.cycles_per_s;
  figures[prefix + "instructions_per_s"] = speed.instructions_per_s;
  figures[prefix + "ns_per_instruction"] = 1e9 / speed.instructions_per_s;
  figures[prefix + "cycles_per_instruction"] = speed.cycles_per_instruction;
  figures[prefix + "halted_share"] = speed.halted_share;
}

}  // namespace

BenchResult bench_cabinet(const BenchSettings& settings) {
  const RomSet rom = choose_rom(settings.rom);
  BenchResult result;
  result.name = "cabinet";
  result.settings = {
      {"rom", rom.description}, {"seconds", settings.seconds}, {"repeats", settings.repeats}, {"threads", 1}};
  put(result.figures, "game_", measure_game_speed(rom.image, settings.seconds, settings.repeats));
  put(result.figures, "cpu_", measure_cpu_speed(settings.seconds, settings.repeats));
  return result;
}

}  // namespace sinv
