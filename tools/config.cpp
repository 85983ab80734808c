#include "tools/config.h"

#include <algorithm>
#include <fmt/core.h>
#include <functional>
#include <toml++/toml.h>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

RunConfig::RunConfig() {
  describe(options, agent);
  describe(options, train);
  describe(options, env);
  options.add("machine", machine, "what is played on: cabinet (in this process) or mame");
  describe(options, cabinet);
  mame::describe(options, mame);
}

void RunConfig::check() const {
  if (machine != "cabinet" && machine != "mame") throw UserError(unknown_name("machine", machine, {"cabinet", "mame"}));
  sinv::check(train);
  sinv::check(env);
  mame::check(mame);
}

namespace {

std::string value_text(const toml::node& node, const std::string& key) {
  if (const auto* text_node = node.as_string()) return text_node->get();
  if (const auto* integer = node.as_integer()) return fmt::format("{}", integer->get());
  if (const auto* number = node.as_floating_point()) return fmt::format("{}", number->get());
  if (const auto* boolean = node.as_boolean()) return boolean->get() ? "true" : "false";
  if (const auto* list = node.as_array()) {
    std::string out;
    for (const toml::node& element : *list) out += value_text(element, key) + " ";
    return out;
  }
  throw UserError(text(key, ": a date or time is no value of any key"));
}

using TakeValue = std::function<void(const std::string& key, const std::string& value)>;

void take_table(const TakeValue& take, const toml::table& table, const std::string& prefix) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      take_table(take, *inner, key + ".");
    } else {
      take(key, value_text(node, key));
    }
  }
}

void take_file(const std::filesystem::path& path, const TakeValue& take) {
  const std::vector<std::byte> bytes = sinv::read_file(path);
  const std::string_view letters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  toml::table table;
  try {
    table = toml::parse(letters, path.string());
  } catch (const toml::parse_error& error) {
    throw UserError(text(path.string(), ":", error.source().begin.line, ": ", error.description()));
  }
  try {
    take_table(take, table, "");
  } catch (const UserError& error) {
    throw UserError(text(path.string(), ": ", error.what()));
  }
}

std::string quoted(const std::string& value) {
  std::string out = "\"";
  for (const char letter : value) {
    if (letter == '"' || letter == '\\') out += '\\';
    out += letter;
  }
  return out + "\"";
}

std::string toml_value(const Options::Entry& entry) {
  const std::string value = entry.get();
  if (entry.kind == "integer" || entry.kind == "true or false") return value;
  if (entry.kind == "number") return value.find_first_of(".en") == std::string::npos ? value + ".0" : value;
  if (entry.kind == "list of integers") {
    std::string list = value;
    for (std::size_t at = list.find(' '); at != std::string::npos; at = list.find(' ', at + 2)) list.insert(at, ",");
    return "[" + list + "]";
  }
  return quoted(value);
}

}  // namespace

void RunConfig::read_file(const std::filesystem::path& path) {
  take_file(path, [this](const std::string& key, const std::string& value) { options.set(key, value); });
}

std::vector<std::pair<std::string, std::string>> settings_of_file(const std::filesystem::path& path) {
  std::vector<std::pair<std::string, std::string>> settings;
  take_file(path, [&](const std::string& key, const std::string& value) { settings.emplace_back(key, value); });
  return settings;
}

void RunConfig::set(const std::string& assignment) {
  const std::size_t equals = assignment.find('=');
  if (equals == std::string::npos) throw UserError(text("--set ", assignment, ": wanted key=value"));
  options.set(assignment.substr(0, equals), assignment.substr(equals + 1));
}

void RunConfig::set_all(const std::vector<std::string>& assignments) {
  for (const std::string& assignment : assignments) set(assignment);
}

std::string RunConfig::toml(bool described) const {
  // Keys without a table come first: TOML has no way back to the top.
  std::string out;
  std::string table_now;
  for (const bool top : {true, false}) {
    for (const Options::Entry& entry : options.entries()) {
      const std::size_t dot = entry.key.find('.');
      if ((dot == std::string::npos) != top) continue;
      const std::string table = top ? "" : entry.key.substr(0, dot);
      if (table != table_now) {
        out += fmt::format("{}[{}]\n", out.empty() ? "" : "\n", table);
        table_now = table;
      }
      const std::string name = top ? entry.key : entry.key.substr(dot + 1);
      if (described) {
        const std::string range = entry.range.empty() ? "" : ", " + entry.range;
        out += fmt::format("# {} ({}{})\n", entry.meaning, entry.kind, range);
      }
      out += fmt::format("{} = {}\n", name, toml_value(entry));
    }
  }
  return out;
}

}  // namespace sinv
