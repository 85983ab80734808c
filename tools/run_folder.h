#pragma once

#include <filesystem>
#include <string>

namespace sinv {

/// The folder of one training, held by this process until destroyed, so that no two trainings write into one.
/// Holds config.toml, metrics.jsonl, log, last, best.bin.
class RunFolder {
 public:
  /// A new folder. Errors: UserError when it exists and is not empty, cannot be made, or is held by another process.
  static RunFolder create(const std::filesystem::path& path);
  /// The folder of a training that is to go on. Errors: UserError when there is none or another process holds it.
  static RunFolder open(const std::filesystem::path& path);
  ~RunFolder();
  RunFolder(RunFolder&& other) noexcept;
  RunFolder& operator=(RunFolder&&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path config() const { return path_ / "config.toml"; }
  std::filesystem::path metrics() const { return path_ / "metrics.jsonl"; }
  std::filesystem::path log() const { return path_ / "log"; }

 private:
  explicit RunFolder(std::filesystem::path path);
  std::filesystem::path path_;
  int lock_ = -1;
};

/// runs/AGENT-DATE-TIME-sSEED, with a number behind it when that is taken.
std::filesystem::path new_run_path(const std::string& agent, unsigned long long seed);

}  // namespace sinv
