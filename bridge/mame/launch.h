#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "bridge/mame/mame_settings.h"

namespace sinv::mame {

/// What a MAME is started with; nothing of it points outside `folder` but the program, its ROMs and its plugins.
struct Launch {
  std::vector<std::string> arguments;    // the first is the program
  std::vector<std::string> environment;  // "NAME=value", complete
  std::filesystem::path folder;          // where it runs, and all that it writes
  std::filesystem::path log;             // its output
};

/// How the plugin finds the engine.
struct Meeting {
  std::string address;  // "domain./path" or "socket.1.2.3.4:5678"
  std::string token;
  std::string doorbell;  // path of a FIFO, or empty
  int processor = -1;    // the one on which MAME and the thread that steps it take turns; -1: any
};

/// A program by name from PATH, or by path; empty when it is not there.
std::string find_program(const std::string& name);

/// MAME's program. Errors: UserError saying where it was looked for and what to type.
std::string find_mame(const MameSettings& settings);
/// Errors: UserError saying where the set was looked for, and how to use the engine's own game.
void check_rom_set(const MameSettings& settings);
/// Errors: UserError when the plugin's files are not there.
void check_plugin(const MameSettings& settings);

/// The start of machine `instance` of a run whose MAMEs keep their things in `mame_folder`.
Launch launch_of(const MameSettings& settings, const std::string& program, const std::filesystem::path& mame_folder,
                 int instance, const Meeting& meeting);

}  // namespace sinv::mame
