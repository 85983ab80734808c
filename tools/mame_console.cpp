// mame-console: lines of the text protocol to a MAME of our own, and its answers.
#include <fmt/core.h>
#include <iostream>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/error.h"
#include "bridge/mame/mame_machine.h"
#include "tools/command_line.h"
#include "tools/machine_choice.h"

namespace sinv {

int mame_console_command(Words words) {
  CommandLine line("mame-console",
                   "Starts MAME and sends it commands, one a line, from the words or from standard input: read_memory "
                   "20F8, read_memory_range 2100(55), write_memory 20EB(1), execute P1_left(1), run 60, help, ...; "
                   "between two commands the emulation stands still.");
  RunConfig config;
  config.machine = "mame";
  std::vector<std::string> commands;
  std::vector<std::string> settings;
  bool window = false;
  line.app.add_option("commands", commands, "each in quotes; without any, lines of standard input until its end");
  line.app.add_option("--rom", config.cabinet.rom, "a game ROM, folder or zip; without it the engine's own game");
  line.app.add_flag("--window", window, "show MAME's window");
  line.app.add_option("--set", settings, "mame.key=value; may be repeated");
  if (!line.parse(words)) return 0;
  config.set_all(settings);
  config.mame.window = config.mame.window || window;
  config.check();

  const Machines machines(config, choose_rom(config.cabinet.rom));
  const auto machine = machines.mame();
  bool good = true;
  const auto send = [&](const std::string& command) {
    try {
      const std::string answer = machine->console(command);
      fmt::print("{}\n", answer);
      good = good && answer.rfind("ERR", 0) != 0;
    } catch (const MachineLost& error) {
      fmt::print(stderr, "sinv_engine: {}\n", error.what());
      good = false;
    }
  };
  for (const std::string& command : commands) send(command);
  if (!commands.empty()) return good ? 0 : 1;
  const bool prompt = ::isatty(STDIN_FILENO) != 0;
  if (prompt)
    fmt::print("MAME {} stands at frame 0. help lists the commands, Ctrl-D ends.\n", machine->hello().mame_version);
  for (std::string command; (prompt ? fmt::print("> ") : void()), std::getline(std::cin, command);) {
    if (!command.empty()) send(command);
  }
  if (prompt) fmt::print("\n");
  return good ? 0 : 1;
}

}  // namespace sinv
