#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>

#include "rl/state_file.h"
#include "rl/streamed_state.h"

namespace sinv {

/// Saves a training in the background: `last`, and what streams beside it in `frames.STAMP`. `last` is written when the
/// frames it belongs to are on disk, and frames of older states are removed when it is in place: whenever the process
/// dies, `last` stands beside its frames.
/// Thread: one owner.
class RunSaver {
 public:
  explicit RunSaver(std::filesystem::path folder);

  static std::filesystem::path state_path(const std::filesystem::path& folder) { return folder / "last"; }
  static std::filesystem::path frames_path(const std::filesystem::path& folder, std::uint64_t stamp);

  /// Removes what a killed process left: temporary files, and frames other than those of `stamp`.
  void clean(std::optional<std::uint64_t> stamp) const;
  /// False, and does nothing, while the state before is still being written. `streamed`: may be null; lives until the
  /// end of what is being written. One stamp, one content.
  bool begin(std::span<const std::byte> small, std::span<const std::span<std::byte>> parts, StreamedState* streamed,
             std::uint64_t stamp);
  bool busy() const { return streaming_ != nullptr || state_.busy(); }
  /// Goes on with what is under way; what went wrong, once.
  std::optional<std::string> poll();
  /// Waits for the end of what is under way. Afterwards poll() tells how it went.
  void wait();
  /// States that are on disk.
  std::int64_t saved() const { return state_.saved(); }

 private:
  void write_state();

  std::filesystem::path folder_;
  StateSaver state_;
  StreamedState* streaming_ = nullptr;  // its file is not done
  std::optional<std::uint64_t> stamp_;  // of the frames that `last` will stand beside
  std::int64_t cleaned_ = 0;            // states whose older frames are gone
  std::optional<std::string> error_;
};

}  // namespace sinv
