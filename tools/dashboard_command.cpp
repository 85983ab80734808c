// dashboard: finished runs on the page, without a training.
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "tools/command_line.h"
#include "tools/dash/dashboard.h"
#include "tools/dash/run_shelf.h"
#include "tools/rom_choice.h"
#include "tools/terminal.h"

namespace sinv {

int dashboard_command(Words words) {
  CommandLine line("dashboard", "Shows runs in the browser, several laid over each other. Ctrl-C ends it.");
  std::vector<std::string> folders{"runs"};
  std::string address = "127.0.0.1:5000";
  std::string rom_path;
  line.app.add_option("FOLDER", folders, "run folders, or folders of them")->capture_default_str();
  line.app.add_option("--address", address, "port, or address:port; outside of this machine with a token")
      ->capture_default_str();
  line.app.add_option("--rom", rom_path,
                      "the game ROM that best games were played on; without it the engine's own game");
  if (!line.parse(words)) return 0;
  const std::vector<std::filesystem::path> places(folders.begin(), folders.end());
  if (shelved_runs(places).empty()) throw UserError(text("dashboard: there is no run in ", join(folders)));
  const std::optional<dash::PageSettings> settings = dashboard_settings(address);
  if (!settings) throw UserError("dashboard: --address off shows nothing");
  const RomSet rom = choose_rom(rom_path);
  const Dashboard dashboard(*settings, places, rom, std::nullopt);
  fmt::print("{}\n", dashboard.line());
  std::fflush(stdout);
  while (!stop_flag().load()) std::this_thread::sleep_for(std::chrono::milliseconds(100));
  return 0;
}

}  // namespace sinv
