#include "tools/dash/dashboard.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/folder.h"
#include "tests/tools/report/run_files.h"
#include "tools/dash/run_shelf.h"

namespace sinv {
namespace {

using testing::HasSubstr;

std::string refused(const std::string& word) {
  try {
    dashboard_settings(word);
  } catch (const UserError& error) {
    return error.what();
  }
  return "taken";
}

TEST(Dashboard, ItsAddressIsAPortOrBoth) {
  EXPECT_FALSE(dashboard_settings("off").has_value());
  EXPECT_EQ(dashboard_settings("5001").value().port, 5001);
  EXPECT_EQ(dashboard_settings("5001").value().address, "127.0.0.1");
  EXPECT_TRUE(dashboard_settings("127.0.0.1:0").value().token.empty());
  const std::string token = dashboard_settings("0.0.0.0:5000").value().token;
  EXPECT_EQ(token.size(), 32U);
  EXPECT_NE(token, dashboard_settings("0.0.0.0:5000").value().token);
  for (const char* word : {"", "on", "5000x", "70000", "-1", "127.0.0.1:"}) {
    EXPECT_THAT(refused(word), HasSubstr("wanted off, a port, or address:port")) << word;
  }
}

TEST(Hands, NamesAndKeysAreUnique) {
  std::set<std::string> names;
  std::set<char> keys;
  for (const Hand& hand : hands()) {
    EXPECT_TRUE(names.insert(hand.name).second) << hand.name;
    EXPECT_TRUE(keys.insert(hand.key).second) << hand.key;
  }
  EXPECT_GE(names.size(), 16U);
}

TEST(Hands, ActOnTheControls) {
  TrainerControls controls;
  std::atomic<bool> stop{false};
  int figures = 0;
  HandsOn on{controls, stop, [&figures] { ++figures; }};
  EXPECT_FALSE(act_by_name(on, "nothing"));
  EXPECT_FALSE(act_by_key(on, '?'));
  EXPECT_TRUE(act_by_key(on, 'p'));
  EXPECT_TRUE(controls.pause);
  EXPECT_TRUE(act_by_name(on, "pause"));
  EXPECT_FALSE(controls.pause);
  act_by_name(on, "slower");
  EXPECT_EQ(controls.speed, 1);  // from full speed to the cabinet's
  act_by_name(on, "slower");
  EXPECT_EQ(controls.speed, 0.5);
  act_by_name(on, "faster");
  act_by_name(on, "faster");
  EXPECT_EQ(controls.speed, 2);
  act_by_name(on, "full");
  EXPECT_EQ(controls.speed, 0);
  act_by_name(on, "epsilon_up");
  act_by_name(on, "epsilon_up");
  act_by_name(on, "epsilon_down");
  EXPECT_EQ(controls.epsilon_hundredths, 1);
  for (std::atomic<bool>* flag : {&controls.sees, &controls.machine_debug, &controls.machine_text}) {
    EXPECT_TRUE(act_by_key(on, flag == &controls.sees ? 'w' : flag == &controls.machine_debug ? 'b' : 't'));
    EXPECT_TRUE(*flag);
  }
  EXPECT_TRUE(act_by_name(on, "sees"));
  EXPECT_FALSE(controls.sees);
  act_by_name(on, "figure");
  EXPECT_EQ(figures, 1);
  act_by_name(on, "quit");
  EXPECT_TRUE(stop);
}

// The layout that web/src/wire.ts reads.
TEST(LiveMessage, HasTheLayoutOfThePage) {
  LiveView view;
  view.games = 2;
  view.values = 3;
  view.observation[2] = 0.5F;
  view.game[0].values = 6;
  view.game[1].score = 1890;
  view.game[1].lives = 2;
  view.game[1].racks = 4;
  view.game[1].frames = 777;
  view.game[1].action = 5;
  view.game[1].values = 6;
  view.game[1].q[5] = -1.25F;
  view.game[1].picture[7167] = 0x80;
  const std::vector<std::uint8_t> bytes = live_message(view);
  const std::size_t game = 24 + 4 * 6 + 7168;
  ASSERT_EQ(bytes.size(), 8 + 4 * 3 + 2 * game);
  const auto word_at = [&](std::size_t at) {
    std::uint32_t word = 0;
    std::memcpy(&word, bytes.data() + at, 4);
    return word;
  };
  EXPECT_EQ(word_at(0), 2U);
  EXPECT_EQ(word_at(4), 3U);
  EXPECT_EQ(word_at(16), 0x3F000000U);  // 0.5
  const std::size_t second = 20 + game;
  EXPECT_EQ(word_at(second), 1890U);
  EXPECT_EQ(word_at(second + 4), 2U);
  EXPECT_EQ(word_at(second + 8), 4U);
  EXPECT_EQ(word_at(second + 12), 777U);
  EXPECT_EQ(word_at(second + 16), 5U);
  EXPECT_EQ(word_at(second + 20), 6U);
  EXPECT_EQ(word_at(second + 24 + 20), 0xBFA00000U);  // -1.25
  EXPECT_EQ(bytes.back(), 0x80);
}

TEST(SeenMessage, HasTheLayoutOfThePage) {
  SeenPictures seen;
  seen.width = 3;
  seen.height = 2;
  seen.pictures = 2;
  for (std::uint8_t i = 0; i < 12; ++i) seen.grey[i] = static_cast<std::uint8_t>(10 + i);
  const std::vector<std::uint8_t> bytes = seen_message(seen);
  EXPECT_THAT(bytes, testing::ElementsAre(0xFF, 0xFF, 0xFF, 0xFF, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0,  //
                                          0xFF, 0xFF, 0xFF, 0xFF,                                      // no dream
                                          10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21));
  seen.pictures = 1;
  seen.dreamt_steps = 7;
  const std::vector<std::uint8_t> dreamt = seen_message(seen);
  EXPECT_THAT(std::span(dreamt).subspan(12), testing::ElementsAre(1, 0, 0, 0, 7, 0, 0, 0,  //
                                                                  10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21));
}

TEST(RunShelf, ListsRunsByNameAndReadsWholeLines) {
  TestFolder folder;
  write_run(folder / "runs" / "b", "2", 5, 1, 1);
  write_run(folder / "runs" / "a", "1", 3, 1, 1);
  std::filesystem::create_directories(folder / "runs" / "no run");
  write_run(folder / "c", "3", 0, 1, 1);
  const std::vector<ShelvedRun> runs = shelved_runs({folder / "runs", folder / "c", folder / "none"});
  ASSERT_EQ(runs.size(), 3U);
  EXPECT_EQ(runs[0].name, "a");
  EXPECT_EQ(runs[1].frames, 5000);
  EXPECT_EQ(runs[1].best_game, 900);
  EXPECT_EQ(runs[1].seed, "2");
  EXPECT_EQ(runs[2].name, "c");
  write_file(folder / "c" / "metrics.jsonl", std::string_view("one\ntwo\nthr"));
  EXPECT_EQ(metrics_from(folder / "c", 0, 100), "one\ntwo\n");
  EXPECT_EQ(metrics_from(folder / "c", 4, 100), "two\n");
  EXPECT_EQ(metrics_from(folder / "c", 0, 6), "one\n");
  EXPECT_EQ(metrics_from(folder / "c", 8, 100), "");
  EXPECT_EQ(metrics_from(folder / "c", 99, 100), "");
}

}  // namespace
}  // namespace sinv
