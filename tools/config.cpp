#include "tools/config.h"

#include <algorithm>
#include <fmt/core.h>
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

void take_table(std::vector<Assignment>& out, const toml::table& table, const std::string& prefix,
                const std::string& where) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      take_table(out, *inner, key + ".", where);
    } else {
      out.push_back({key, value_text(node, key), where});
    }
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

std::vector<Assignment> assignments_in(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  const std::string_view letters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  toml::table table;
  try {
    table = toml::parse(letters, path.string());
  } catch (const toml::parse_error& error) {
    throw UserError(text(path.string(), ":", error.source().begin.line, ": ", error.description()));
  }
  std::vector<Assignment> out;
  try {
    take_table(out, table, "", path.string());
  } catch (const UserError& error) {
    throw UserError(text(path.string(), ": ", error.what()));
  }
  return out;
}

std::vector<Assignment> assignments_of(const std::vector<std::string>& words) {
  std::vector<Assignment> out;
  for (const std::string& word : words) {
    const std::size_t equals = word.find('=');
    if (equals == std::string::npos) throw UserError(text("--set ", word, ": wanted key=value"));
    out.push_back({word.substr(0, equals), word.substr(equals + 1), ""});
  }
  return out;
}

void RunConfig::take(const std::vector<Assignment>& assignments) {
  const auto set = [this](const Assignment& assignment) {
    try {
      options.set(assignment.key, assignment.value);
    } catch (const UserError& error) {
      if (assignment.where.empty()) throw;
      throw UserError(text(assignment.where, ": ", error.what()));
    }
  };
  // What decides the defaults of the rest goes first.
  for (const Assignment& assignment : assignments) {
    const std::string& key = assignment.key;
    if (key == "agent" || key == "dqn.network" || key == "dreamer.preset") set(assignment);
  }
  choose_defaults(agent, train, env);
  for (const Assignment& assignment : assignments) set(assignment);
}

void RunConfig::set_all(const std::vector<std::string>& words) {
  for (const Assignment& assignment : assignments_of(words)) options.set(assignment.key, assignment.value);
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
