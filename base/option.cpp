#include "base/option.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>

#include "base/error.h"

namespace sinv {

namespace {

template <class Number>
Number parse(const std::string& letters, const char* kind) {
  Number value{};
  const char* end = letters.data() + letters.size();
  const auto [stop, fault] = std::from_chars(letters.data(), end, value);
  if (fault == std::errc::result_out_of_range) throw UserError(text("\"", letters, "\" is too large"));
  if (fault != std::errc() || stop != end) throw UserError(text("\"", letters, "\" is not ", kind));
  return value;
}

template <class Number>
void check_range(Number value, Number min, Number max) {
  if (!(value >= min && value <= max)) {
    throw UserError(fmt::format("{} is outside {} to {}", value, min, max));
  }
}

template <class Number>
std::string range_text(Number min, Number max, Number lowest, Number highest) {
  if (min <= lowest && max >= highest) return "";
  if (max >= highest) return fmt::format("{} or more", min);
  if (min <= lowest) return fmt::format("{} or less", max);
  return fmt::format("{} to {}", min, max);
}

template <class Integer>
Options::Entry integer_entry(std::string key, Integer& value, std::string meaning, Integer min, Integer max) {
  using Limits = std::numeric_limits<Integer>;
  return {std::move(key),
          std::move(meaning),
          "integer",
          range_text(min, max, Limits::min(), Limits::max()),
          "",
          [&value] { return fmt::format("{}", value); },
          [&value, min, max](const std::string& letters) {
            const auto number = parse<Integer>(letters, "an integer");
            check_range(number, min, max);
            value = number;
          }};
}

template <class Float>
Options::Entry number_entry(std::string key, Float& value, std::string meaning, double min, double max) {
  return {std::move(key),
          std::move(meaning),
          "number",
          range_text(min, max, -1e30, 1e30),
          "",
          [&value] { return fmt::format("{}", value); },
          [&value, min, max](const std::string& letters) {
            const auto number = parse<double>(letters, "a number");
            check_range(number, min, max);
            value = static_cast<Float>(number);
          }};
}

std::vector<int> parse_list(std::string letters) {
  std::replace_if(
      letters.begin(), letters.end(), [](char c) { return c == '[' || c == ']' || c == ','; }, ' ');
  std::vector<int> values;
  for (std::size_t at = letters.find_first_not_of(' '); at != std::string::npos;) {
    const std::size_t end = std::min(letters.find(' ', at), letters.size());
    values.push_back(parse<int>(letters.substr(at, end - at), "an integer"));
    at = letters.find_first_not_of(' ', end);
  }
  return values;
}

}  // namespace

void Options::append(Entry entry) {
  SINV_CHECK(!has(entry.key), "options: key \"", entry.key, "\" is described twice");
  entry.initial = entry.get();
  entries_.push_back(std::move(entry));
}

void Options::add(std::string key, int& value, std::string meaning, int min, int max) {
  append(integer_entry(std::move(key), value, std::move(meaning), min, max));
}

void Options::add(std::string key, std::int64_t& value, std::string meaning, std::int64_t min, std::int64_t max) {
  append(integer_entry(std::move(key), value, std::move(meaning), min, max));
}

void Options::add(std::string key, std::uint64_t& value, std::string meaning) {
  using Limits = std::numeric_limits<std::uint64_t>;
  append(integer_entry(std::move(key), value, std::move(meaning), Limits::min(), Limits::max()));
}

void Options::add(std::string key, float& value, std::string meaning, double min, double max) {
  append(number_entry(std::move(key), value, std::move(meaning), min, max));
}

void Options::add(std::string key, double& value, std::string meaning, double min, double max) {
  append(number_entry(std::move(key), value, std::move(meaning), min, max));
}

void Options::add(std::string key, bool& value, std::string meaning) {
  append({std::move(key), std::move(meaning), "true or false", "", "",
          [&value] { return std::string(value ? "true" : "false"); },
          [&value](const std::string& letters) {
            if (letters != "true" && letters != "false") {
              throw UserError(text("\"", letters, "\" is neither true nor false"));
            }
            value = letters == "true";
          }});
}

void Options::add(std::string key, std::string& value, std::string meaning, std::vector<std::string> choices) {
  std::string kind = choices.empty() ? "text" : join(choices, " | ");
  append({std::move(key), std::move(meaning), std::move(kind), "", "", [&value] { return value; },
          [&value, choices = std::move(choices)](const std::string& letters) {
            if (!choices.empty() && std::find(choices.begin(), choices.end(), letters) == choices.end()) {
              throw UserError(unknown_name("value", letters, choices));
            }
            value = letters;
          }});
}

void Options::add(std::string key, std::vector<int>& values, std::string meaning, int min, int max,
                  std::size_t max_count) {
  append({std::move(key), std::move(meaning), "list of integers",
          fmt::format("{} to {}, at most {} of them", min, max, max_count), "",
          [&values] { return fmt::format("{}", fmt::join(values, " ")); },
          [&values, min, max, max_count](const std::string& letters) {
            const std::vector<int> list = parse_list(letters);
            if (list.size() > max_count) {
              throw UserError(fmt::format("{} values; at most {} are allowed", list.size(), max_count));
            }
            for (const int value : list) check_range(value, min, max);
            values = list;
          }});
}

bool Options::has(const std::string& key) const {
  return std::any_of(entries_.begin(), entries_.end(), [&key](const Entry& entry) { return entry.key == key; });
}

const Options::Entry& Options::find(const std::string& key) const {
  for (const Entry& entry : entries_) {
    if (entry.key == key) return entry;
  }
  std::vector<std::string> known;
  for (const Entry& entry : entries_) known.push_back(entry.key);
  throw UserError(unknown_name("key", key, known));
}

void Options::set(const std::string& key, const std::string& value) {
  const Entry& entry = find(key);
  try {
    entry.set(value);
  } catch (const UserError& error) {
    throw UserError(text(key, ": ", error.what(), " (", entry.meaning, ")"));
  }
}

std::string Options::get(const std::string& key) const { return find(key).get(); }

}  // namespace sinv
