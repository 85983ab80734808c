#include "tools/command_line.h"

#include <fmt/core.h>
#include <vector>

#include "base/error.h"

namespace sinv {

CommandLine::CommandLine(const std::string& name, const std::string& summary) : app(summary, "sinv_engine " + name) {}

std::vector<std::string> CommandLine::known() const {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) names.push_back(option->get_name());
  return names;
}

bool CommandLine::parse(Words words) {
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));  // CLI11 takes the words from the last one
  } catch (const CLI::CallForHelp&) {
    fmt::print("{}", app.help());
    return false;
  } catch (const CLI::ExtrasError&) {
    const std::vector<std::string> left = app.remaining();
    throw UserError(text(app.get_name(), ": ", unknown_name("word", left.empty() ? "" : left.front(), known())));
  } catch (const CLI::ParseError& error) {
    throw UserError(text(app.get_name(), ": ", error.what(), "; ", app.get_name(), " --help lists what is known"));
  }
  return true;
}

}  // namespace sinv
