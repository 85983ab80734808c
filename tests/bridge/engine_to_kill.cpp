// engine_to_kill FAKE_MAME FOLDER: an engine with one MAME; prints its own process number and its child's, and waits to
// be killed.
#include <cstdio>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include "bridge/mame/mame_machine.h"

int main(int count, char** words) {
  if (count != 3) return 2;
  ::alarm(60);  // if nobody kills it
  spdlog::set_level(spdlog::level::off);
  const std::string folder = words[2];
  const auto farm = sinv::mame::MameFarm::open(
      {.program = words[1], .rompath = folder + "/roms", .plugin = folder + "/plugin"}, folder + "/run");
  const auto machine = farm->machine();
  std::printf("%d %d\n", static_cast<int>(::getpid()), machine->pid());
  static_cast<void>(std::fflush(stdout));
  while (true) ::pause();
}
