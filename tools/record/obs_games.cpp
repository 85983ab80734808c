#include "tools/record/obs_games.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fmt/core.h>
#include <spdlog/spdlog.h>
#include <string_view>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kPrefix = "best-obs-";
// What OBS Studio 29 records into (Settings, Output, Recording Format).
constexpr std::array<std::string_view, 8> kEndings{".mkv", ".mp4", ".mov", ".flv", ".ts", ".m3u8", ".webm", ".avi"};

std::int64_t score_in(const fs::path& path) {
  const std::string name = path.stem().string();
  std::int64_t score = -1;
  if (name.rfind(kPrefix, 0) == 0) std::from_chars(name.data() + kPrefix.size(), name.data() + name.size(), score);
  return score;
}

std::string password_of(const std::string& file) {
  if (file.empty()) {
    const char* word = std::getenv("SINV_OBS_PASSWORD");
    return word == nullptr ? "" : word;
  }
  const std::vector<std::byte> bytes = read_file(file);
  const std::string_view letters(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  return std::string(letters.substr(0, letters.find_first_of("\r\n")));
}

// Renames, or copies where the two are on different disks.
void move_file(const fs::path& from, const fs::path& to) {
  std::error_code fault;
  fs::rename(from, to, fault);
  if (!fault) return;
  const fs::path temporary = to.string() + ".tmp";
  fs::copy_file(from, temporary, fs::copy_options::overwrite_existing);
  fs::rename(temporary, to);
  fs::remove(from);
}

}  // namespace

std::optional<obs::ObsSettings> obs_settings(const std::string& word, const std::string& password_file) {
  if (word == "off") return std::nullopt;
  obs::ObsSettings settings;
  const std::size_t colon = word.rfind(':');
  const std::string port = colon == std::string::npos ? "" : word.substr(colon + 1);
  const std::from_chars_result end = std::from_chars(port.data(), port.data() + port.size(), settings.port);
  if (colon == 0 || port.empty() || end.ec != std::errc() || end.ptr != port.data() + port.size() ||
      settings.port < 1 || settings.port > 65'535) {
    throw UserError(text("--obs ", word, ": wanted off or host:port, such as 127.0.0.1:4455"));
  }
  settings.host = word.substr(0, colon);
  settings.password = password_of(password_file);
  return settings;
}

// Works on the recorder's thread.
struct ObsGames::Shelf {
  fs::path folder;
  fs::path best{};
  std::int64_t score = -1;
  fs::file_time_type began{};  // the recording under way

  void find_best() {
    std::error_code fault;
    for (const fs::directory_entry& entry : fs::directory_iterator(folder, fault)) {
      if (score_in(entry.path()) <= score) continue;
      best = entry.path();
      score = score_in(best);
    }
  }

  void take(const obs::Recorded& recorded) {
    try {
      keep(recorded);
    } catch (const std::exception& error) {
      spdlog::warn("obs: {}", error.what());
    }
  }

  void keep(const obs::Recorded& recorded) {
    const fs::path path = recorded.path;
    if (!fs::is_regular_file(path)) {
      spdlog::warn("obs: the recording {} is not on this machine and stays there", recorded.path);
      return;
    }
    // The other side of the connection names the file: nothing else is touched.
    const std::string ending = path.extension().string();
    const bool is_video = std::find(kEndings.begin(), kEndings.end(), ending) != kEndings.end();
    if (!is_video || fs::last_write_time(path) < began) {
      spdlog::warn("obs: {} is no recording that was made just now; it is left alone", recorded.path);
      return;
    }
    if (!recorded.score || *recorded.score <= score) {
      fs::remove(path);
      return;
    }
    const fs::path name = folder / fmt::format("{}{}{}", kPrefix, *recorded.score, ending);
    move_file(path, name);
    if (!best.empty() && best != name) fs::remove(best);
    best = name;
    score = *recorded.score;
    spdlog::info("obs: best game so far, {} points: {}", score, name.string());
  }
};

ObsGames::ObsGames(const obs::ObsSettings& settings, fs::path folder) : shelf_(std::make_unique<Shelf>()) {
  Shelf& shelf = *shelf_;
  shelf.folder = std::move(folder);
  shelf.find_best();
  obs::ObsRecorder::Hooks hooks;
  hooks.said = [](const std::string& line) { spdlog::info("obs: {}", line); };
  // The clock of file systems is coarse.
  hooks.started = [&shelf] { shelf.began = fs::file_time_type::clock::now() - std::chrono::seconds(2); };
  hooks.recorded = [&shelf](const obs::Recorded& recorded) { shelf.take(recorded); };
  recorder_ = std::make_unique<obs::ObsRecorder>(settings, std::move(hooks));
}

ObsGames::~ObsGames() = default;

void ObsGames::game_over(const EpisodeRecord& game) {
  if (game.env == 0) recorder_->game_over(game.score);
}

}  // namespace sinv
