#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace sinv {

/// Settings by name: each room describes its own settings struct, and the configuration file, `--set`, `config` and the
/// run folder all work from that one description. A key is `room.name`, for example `dqn.batch`.
/// The described structs must outlive this object. Thread: one owner.
class Options {
 public:
  struct Entry {
    std::string key;
    std::string meaning;
    std::string kind;     // "integer", "number", "true or false", "text" or the choices: "a | b"
    std::string range;    // "1 to 8"; empty when any value of the kind will do
    std::string initial;  // the value when it was described: the default
    std::function<std::string()> get;
    std::function<void(const std::string&)> set;  // Errors: UserError without the key
  };

  void add(std::string key, int& value, std::string meaning, int min = std::numeric_limits<int>::min(),
           int max = std::numeric_limits<int>::max());
  void add(std::string key, std::int64_t& value, std::string meaning,
           std::int64_t min = std::numeric_limits<std::int64_t>::min(),
           std::int64_t max = std::numeric_limits<std::int64_t>::max());
  void add(std::string key, std::uint64_t& value, std::string meaning);
  void add(std::string key, float& value, std::string meaning, double min = -1e30, double max = 1e30);
  void add(std::string key, double& value, std::string meaning, double min = -1e300, double max = 1e300);
  void add(std::string key, bool& value, std::string meaning);
  /// With choices, any other text is refused; without, any text will do.
  void add(std::string key, std::string& value, std::string meaning, std::vector<std::string> choices = {});
  /// Written "256 256" or "[256, 256]"; every element within the range, at most `max_count` of them.
  void add(std::string key, std::vector<int>& values, std::string meaning, int min, int max, std::size_t max_count);

  /// Errors: UserError naming the key and what is known or allowed.
  void set(const std::string& key, const std::string& value);
  std::string get(const std::string& key) const;
  bool has(const std::string& key) const;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  void append(Entry entry);
  const Entry& find(const std::string& key) const;
  std::vector<Entry> entries_;
};

}  // namespace sinv
