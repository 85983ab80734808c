#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "bridge/obs/obs_client.h"

namespace sinv::obs {

/// A recording that has ended.
struct Recorded {
  std::string path;                     // as OBS names it
  std::optional<std::int64_t> score{};  // of the game in it; none: it was cut off
};

/// Has OBS record games, one after the other: from the end of a game on until the end of the next, some tenths of a
/// second late. A recording that somebody else began is stopped first. Whatever goes wrong is a line of `said`, and the
/// next game is tried again. Thread: made and destroyed by one owner; game_over() from any; hooks are called on a
/// thread of its own. Errors: UserError when libwebsockets cannot begin.
class ObsRecorder {
 public:
  struct Hooks {
    std::function<void(const std::string& line)> said{};
    std::function<void()> started{};  // OBS records
    std::function<void(const Recorded& recorded)> recorded{};
  };

  ObsRecorder(const ObsSettings& settings, Hooks hooks);
  /// Ends the recording under way and waits for its name, no longer than the patience.
  ~ObsRecorder();
  ObsRecorder(const ObsRecorder&) = delete;
  ObsRecorder& operator=(const ObsRecorder&) = delete;

  /// The game that is recorded has ended, and another begins.
  void game_over(std::int64_t score);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sinv::obs
