#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace sinv {

/// A part of an agent's state that is too large to be copied: it goes to a file of its own, as it stood when that
/// began, while the agent goes on. Thread: the owner's.
class StreamedState {
 public:
  virtual ~StreamedState() = default;
  /// False, and does nothing, while the file before is still being written. `stamp` ties the file to the rest of the
  /// state.
  virtual bool begin_save(const std::filesystem::path& path, std::uint64_t stamp) = 0;
  /// A file is being written.
  virtual bool saving() const = 0;
  /// Returns when none is.
  virtual void wait_for_save() = 0;
  /// What went wrong with the last file, once; an older file of its name is as it was.
  virtual std::optional<std::string> take_save_error() = 0;
  /// Restores what begin_save() wrote. Errors: UserError with the path.
  virtual void load_file(const std::filesystem::path& path, std::uint64_t stamp) = 0;
};

}  // namespace sinv
