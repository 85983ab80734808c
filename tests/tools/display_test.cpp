#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

#include "tools/play.h"
#include "tools/terminal.h"
#include "tools/train_display.h"

namespace sinv {
namespace {

TEST(Terminal, WritesTimesAndNumbersForPeople) {
  EXPECT_EQ(clock_text(0), "00:00");
  EXPECT_EQ(clock_text(65.4), "01:05");
  EXPECT_EQ(clock_text(3723), "1:02:03");
  EXPECT_EQ(thousands(0), "0");
  EXPECT_EQ(thousands(999), "999");
  EXPECT_EQ(thousands(1000), "1,000");
  EXPECT_EQ(thousands(-1234567), "-1,234,567");
}

Progress some_progress() {
  Progress now;
  now.phase = TrainerPhase::kTraining;
  now.frames = 1'234'567;
  now.minutes_limit = 10;
  now.elapsed_s = 300;
  now.left_s = 300;
  now.games = 12;
  now.mean_score_100 = 812;
  return now;
}

TEST(TrainDisplay, BlockShowsHowFarItIsAndKeepsItsHeight) {
  const TrainTitle title{"dqn-mlp", "runs/a", "the engine's own game", 7};
  const std::string block = train_block(some_progress(), title, {1, 2, 3}, 100);
  EXPECT_NE(block.find(" 50 %  05:00, left 05:00"), std::string::npos) << block;
  EXPECT_NE(block.find("1,234,567"), std::string::npos);
  EXPECT_NE(block.find("last 100: 812"), std::string::npos);
  Progress trouble = some_progress();
  trouble.events = 1;
  std::strcpy(trouble.last_event.data(), "disk full");
  const std::string other = train_block(trouble, title, {}, 40);
  EXPECT_NE(other.find("disk full"), std::string::npos);
  EXPECT_EQ(std::count(block.begin(), block.end(), '\n'), std::count(other.begin(), other.end(), '\n'));
}

TEST(TrainDisplay, ShowsWhatTheAgentSees) {
  LiveView live;
  live.values = 5;
  live.observation[4] = -0.25F;
  SeenPictures none;
  const std::string values = sight_block(live, none, {"player x", "a", "b", "c", "saucer"}, 60, 10);
  EXPECT_NE(values.find("saucer            -0.25"), std::string::npos) << values;
  EXPECT_EQ(std::count(values.begin(), values.end(), '\n'), 3);  // two to a line
  EXPECT_EQ(sight_block(live, none, {}, 60, 0), "");
  SeenPictures seen;
  seen.width = 4;
  seen.height = 5;
  seen.pictures = 2;
  seen.grey[20] = 200;     // top left of the newest
  seen.grey[20 + 19] = 1;  // its bottom right
  seen.grey[0] = 255;      // of the one before
  seen.grey[3] = 255;
  EXPECT_EQ(sight_block(live, seen, {}, 60, 10), "\u2801\u2800\n\u2800\u2808\n");
  EXPECT_EQ(sight_block(live, seen, {}, 60, 1), "\u2801\u2800\n");
}

TEST(TrainDisplay, PlainLineIsOneLine) {
  const std::string line = train_line(some_progress());
  EXPECT_EQ(line.find('\n'), std::string::npos);
  EXPECT_EQ(line.rfind("05:00  training  frames 1234567", 0), 0U) << line;
}

TEST(PlayScreen, FitsTheTerminalItIsGiven) {
  Ram ram;
  ram.fill(0);
  PlayStatus status;
  status.q = {1, 2, 3, 4, 5, 6};
  status.action = Action::kRightFire;
  const auto lines = [](const std::string& out) { return std::count(out.begin(), out.end(), '\n'); };
  EXPECT_EQ(lines(play_screen(ram, status, 200, 80, false)), 64 + 8);
  EXPECT_EQ(lines(play_screen(ram, status, 80, 45, false)), 32 + 8);
  EXPECT_NE(play_screen(ram, status, 80, 45, false).find("> right+fire"), std::string::npos);
}

}  // namespace
}  // namespace sinv
