#include "tools/record/obs_games.h"

#include <algorithm>
#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "tests/bridge/obs/fake_obs.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;

std::string refused(const std::string& word) {
  try {
    obs_settings(word, "");
  } catch (const UserError& error) {
    return error.what();
  }
  return "taken";
}

TEST(ObsSettings, AnAddressAndAPassword) {
  EXPECT_FALSE(obs_settings("off", "").has_value());
  ::setenv("SINV_OBS_PASSWORD", "sesame", 1);
  EXPECT_EQ(obs_settings("studio:4466", "").value().host, "studio");
  EXPECT_EQ(obs_settings("studio:4466", "").value().port, 4466);
  EXPECT_EQ(obs_settings("studio:4466", "").value().password, "sesame");
  TestFolder folder;
  write_file(folder / "password", std::string_view("open it\r\nsecond line\n"));
  EXPECT_EQ(obs_settings("studio:4466", (folder / "password").string()).value().password, "open it");
  ::unsetenv("SINV_OBS_PASSWORD");
  EXPECT_EQ(obs_settings("127.0.0.1:4455", "").value().password, "");
  for (const char* word : {"", "on", "4455", ":4455", "a:", "a:b", "a:0", "a:65536", "a:4455x"}) {
    EXPECT_THAT(refused(word), HasSubstr("wanted off or host:port, such as 127.0.0.1:4455")) << word;
  }
  EXPECT_THROW(obs_settings("a:1", (folder / "none").string()), UserError);
}

std::set<std::string> names_in(const fs::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

// Ends games until `done`: those that end before OBS records count for nothing.
template <class Done>
void play_until(ObsGames& games, std::int64_t score, Done&& done) {
  while (!done()) {
    games.game_over({.env = 1, .score = 999'999});  // is not on the screen
    games.game_over({.env = 0, .score = score});
    std::this_thread::yield();
  }
}

std::size_t stops(obs::FakeObs& obs) {
  const std::vector<std::string> all = obs.heard.all();
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), "StopRecord"));
}

TEST(ObsGames, KeepsTheBestRecordingAndRemovesTheRest) {
  TestFolder folder;
  fs::create_directories(folder / "run");
  fs::create_directories(folder / "videos");
  obs::FakeObs::Manners manners;
  manners.folder = (folder / "videos").string();
  obs::FakeObs obs(manners);
  obs::ObsSettings settings;
  settings.port = obs.port();
  settings.settle = std::chrono::milliseconds(1);
  {
    ObsGames games(settings, folder / "run");
    play_until(games, 100, [&] { return fs::exists(folder / "run" / "best-obs-100.mkv"); });
    const std::size_t before = stops(obs);
    play_until(games, 50, [&] { return stops(obs) > before + 2; });
    EXPECT_EQ(names_in(folder / "run"), std::set<std::string>{"best-obs-100.mkv"});
    play_until(games, 200, [&] { return fs::exists(folder / "run" / "best-obs-200.mkv"); });
  }
  EXPECT_EQ(names_in(folder / "run"), std::set<std::string>{"best-obs-200.mkv"});
  EXPECT_TRUE(fs::is_empty(folder / "videos"));
  // A training that goes on knows what it has to beat.
  {
    ObsGames games(settings, folder / "run");
    const std::size_t before = stops(obs);
    play_until(games, 150, [&] { return stops(obs) > before + 2; });
    play_until(games, 300, [&] { return fs::exists(folder / "run" / "best-obs-300.mkv"); });
  }
  EXPECT_EQ(names_in(folder / "run"), std::set<std::string>{"best-obs-300.mkv"});
}

// What the other side names is not believed.
TEST(ObsGames, TouchesNothingButANewRecording) {
  TestFolder folder;
  fs::create_directories(folder / "run");
  write_file(folder / "old.mkv", std::string_view("a film"));
  fs::last_write_time(folder / "old.mkv", fs::file_time_type::clock::now() - std::chrono::hours(1));
  write_file(folder / "letter.txt", std::string_view("dear"));
  fs::last_write_time(folder / "letter.txt", fs::file_time_type::clock::now() + std::chrono::hours(1));
  const auto older = spdlog::default_logger();
  for (const auto& [name, said] : std::vector<std::pair<std::string, std::string>>{
           {"old.mkv", "is no recording that was made just now; it is left alone"},
           {"letter.txt", "is no recording that was made just now; it is left alone"},
           {"none.mkv", "is not on this machine and stays there"}}) {
    std::ostringstream log;
    spdlog::set_default_logger(
        std::make_shared<spdlog::logger>("test", std::make_shared<spdlog::sinks::ostream_sink_mt>(log)));
    obs::FakeObs::Manners manners;
    manners.file = (folder / name).string();
    obs::FakeObs obs(manners);
    obs::ObsSettings settings;
    settings.port = obs.port();
    settings.settle = std::chrono::milliseconds(1);
    {
      ObsGames games(settings, folder / "run");
      play_until(games, 100, [&] { return stops(obs) > 2; });
    }
    spdlog::set_default_logger(older);
    EXPECT_THAT(log.str(), HasSubstr((folder / name).string() + " " + said));
  }
  EXPECT_EQ(names_in(folder.path()), (std::set<std::string>{"letter.txt", "old.mkv", "run"}));
  EXPECT_TRUE(fs::is_empty(folder / "run"));
}

}  // namespace
}  // namespace sinv
