#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "tools/command.h"

namespace sinv {

/// The words of one command. Declare them on `app`, then parse. What is not known is refused with the known ones.
class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& summary);

  CLI::App app;

  /// False when help was asked for and printed: the command is done. Errors: UserError.
  bool parse(Words words);

 private:
  std::vector<std::string> known() const;
};

}  // namespace sinv
