// The program: picks the command, and turns every error into one sentence and an exit status.
#include <algorithm>
#include <csignal>
#include <exception>
#include <fmt/core.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <string>
#include <vector>

#include "base/error.h"
#include "tools/command.h"

namespace sinv {
namespace {

constexpr int kFailed = 1;
constexpr int kMisused = 2;

void print_help() {
  fmt::print("sinv_engine teaches agents to play the 1978 arcade game and plays it.\n\nCommands:\n");
  for (const Command& command : commands()) fmt::print("  {:<13} {}\n", command.name, command.summary);
  fmt::print("\nsinv_engine COMMAND --help lists the words of a command.\n");
}

int run(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    print_help();
    return 0;
  }
  const auto known = commands();
  const auto command =
      std::find_if(known.begin(), known.end(), [&](const Command& one) { return words[0] == one.name; });
  if (command == known.end()) {
    std::vector<std::string> names;
    for (const Command& one : known) names.emplace_back(one.name);
    throw UserError(unknown_name("command", words[0], names));
  }
  return command->run(Words(words).subspan(1));
}

}  // namespace
}  // namespace sinv

int main(int count, char** letters) {
  // A reader that went away and a full disk are errors of a write, not the end of the program.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Output is the command's answer alone. `train` logs into its run folder.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("sinv_engine"));
  spdlog::set_level(spdlog::level::warn);
  try {
    return sinv::run(std::vector<std::string>(letters + 1, letters + count));
  } catch (const sinv::UserError& error) {
    fmt::print(stderr, "sinv_engine: {}\n", error.what());
    return sinv::kMisused;
  } catch (const std::exception& error) {
    fmt::print(stderr, "sinv_engine: {}\n", error.what());
    return sinv::kFailed;
  }
}
