#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "bridge/obs/obs_recorder.h"
#include "game/vec_env.h"

namespace sinv {

/// "off" gives nothing; "127.0.0.1:4455" an address. The password: of the environment variable SINV_OBS_PASSWORD, or
/// the first line of `password_file`; it is written nowhere. Errors: UserError.
std::optional<obs::ObsSettings> obs_settings(const std::string& word, const std::string& password_file);

/// Has OBS Studio record the games of the first environment and keeps the recording of the best of them, in the run
/// folder, as best-obs-SCORE.ENDING; those of other games are removed. A file that is not on this machine, or that is
/// no new recording, is left where it is. Failures are lines of the log. Thread: one owner.
class ObsGames {
 public:
  ObsGames(const obs::ObsSettings& settings, std::filesystem::path folder);
  ~ObsGames();
  ObsGames(const ObsGames&) = delete;
  ObsGames& operator=(const ObsGames&) = delete;

  void game_over(const EpisodeRecord& game);

 private:
  struct Shelf;
  std::unique_ptr<Shelf> shelf_;
  std::unique_ptr<obs::ObsRecorder> recorder_;
};

}  // namespace sinv
