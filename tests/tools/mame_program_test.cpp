// The commands that play in MAME, with the MAME of this machine.
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/random.h"
#include "rl/trainer.h"
#include "tests/support/folder.h"
#include "tests/tools/started.h"
#include "tools/dash/mame_hands.h"
#include "tools/machine_choice.h"

namespace sinv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

class MameProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists("/usr/games/mame")) GTEST_SKIP() << "MAME is not installed: apt-get install mame";
  }
};

// Processes of this name whose words hold `word`.
std::vector<pid_t> children_named(const std::string& name, const std::string& word) {
  std::vector<pid_t> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string number = entry.path().filename();
    if (number.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream comm(entry.path() / "comm");
    std::string is;
    std::getline(comm, is);
    std::ifstream words(entry.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(words), {}};
    if (is == name && line.find(word) != std::string::npos) found.push_back(std::stoi(number));
  }
  return found;
}

TEST_F(MameProgram, LockstepFindsAllMemoryEqual) {
  const Ended ended = run({"lockstep", "--frames", "2000", "--seeds", "2"});
  EXPECT_EQ(ended.status, 0) << ended.said;
  EXPECT_THAT(ended.said, AllOf(HasSubstr("seed 1: 2000 frames"), HasSubstr("seed 2: 2000 frames"),
                                HasSubstr("all 8,192 bytes equal after every frame")))
      << ended.said;
}

TEST_F(MameProgram, TheShippedAgentGetsTheSameScoresAsInTheCabinet) {
  const std::vector<std::string> words{"eval", "--json", "--games", "2",     "--envs",
                                       "2",    "--seed", "77",      "--set", "env.frame_cap=3000"};
  std::vector<std::string> in_mame = words;
  in_mame.insert(in_mame.end(), {"--machine", "mame"});
  const Ended mame = run(in_mame);
  const Ended cabinet = run(words);
  ASSERT_EQ(mame.status, 0) << mame.said;
  ASSERT_EQ(cabinet.status, 0) << cabinet.said;
  const nlohmann::json games = nlohmann::json::parse(cabinet.said)["games"];
  ASSERT_EQ(games.size(), 2U);
  EXPECT_GT(games[0]["score"].get<int>(), 100);
  EXPECT_EQ(nlohmann::json::parse(mame.said)["games"], games);
}

TEST_F(MameProgram, TrainsAndGoesOn) {
  const TestFolder folder;
  const auto out = folder.path() / "run";
  const Ended first = run({"train",     "--plain",
                           "--machine", "mame",
                           "--out",     out.string(),
                           "--frames",  "3000",
                           "--set",     "dqn.hidden=16",
                           "--set",     "dqn.batch=16",
                           "--set",     "dqn.warmup_steps=100",
                           "--set",     "dqn.steps_per_update=8",
                           "--set",     "dqn.replay_steps=4000",
                           "--set",     "train.evaluation_period_frames=2000",
                           "--set",     "train.evaluation_games=2",
                           "--set",     "train.confirmation_games=2",
                           "--set",     "train.final_games=2"});
  ASSERT_EQ(first.status, 0) << first.said;
  EXPECT_THAT(first.said, HasSubstr("best.bin, on games it was not chosen by"));
  EXPECT_TRUE(std::filesystem::exists(out / "mame" / "0.log"));
  EXPECT_TRUE(std::filesystem::exists(out / "mame" / "1.log"));  // two at once
  std::ifstream metrics(out / "metrics.jsonl");
  const std::string lines{std::istreambuf_iterator<char>(metrics), {}};
  EXPECT_THAT(lines, HasSubstr("\"kind\":\"bridge\""));
  const Ended second = run({"train", "--plain", "--resume", out.string(), "--frames", "4000"});
  EXPECT_EQ(second.status, 0) << second.said;
  EXPECT_THAT(second.said, HasSubstr("Finished after 4,"));
}

TEST_F(MameProgram, HandsReachEachMame) {
  const TestFolder folder;
  RunConfig config;
  config.machine = "mame";
  config.mame.plugin = SINV_SOURCE_DIR "/lua";
  MachineHands hands;
  {
    const Machines machines(config, choose_rom(SINV_BINARY_DIR "/roms/invaders.zip"), folder.path());
    const auto envs = machines.environments(config.env, &hands)(1, 1, 1);
    envs->reset();
    const std::array<std::uint8_t, 1> fire{1};
    envs->step(fire);
    hands.debug = true;
    hands.text = true;
    for (int i = 0; i < 2 * HandledMame::kStepsPerReport; ++i) envs->step(fire);
    EXPECT_GE(machines.latency().summary().count, static_cast<std::uint64_t>(HandledMame::kStepsPerReport));
    hands.text = false;
    envs->step(fire);
    hands.debug = false;
    envs->step(fire);
  }
  std::ifstream log(folder.path() / "mame" / "0.log");
  const std::string lines{std::istreambuf_iterator<char>(log), {}};
  EXPECT_THAT(lines, HasSubstr(": STEP "));
  EXPECT_THAT(lines, HasSubstr(": TEXT "));
}

TEST(MameWords, GameAndButtonsStandOnItsScreen) {
  EXPECT_EQ(words_on_mame(3, kLeft | kFire), "game 3  left+fire");
  EXPECT_EQ(words_on_mame(1, kRight), "game 1  right");
  EXPECT_EQ(words_on_mame(2, 0), "game 2  stay");
}

// MAME is killed at random moments, some of them within a save, an evaluation or another's replacement.
TEST_F(MameProgram, KillsAtRandomMomentsCostNoStepAndNoUpdate) {
  const char* wish = std::getenv("SINV_KILLS");  // 100 for a long run
  const int kills = wish != nullptr ? std::atoi(wish) : 4;
  const TestFolder folder;
  const auto out = folder.path() / "run";
  std::atomic<bool> ended = false;
  std::atomic<int> killed = 0;
  // A MAME that dies before the first game is one that cannot be started, and ends the program with its last words.
  const auto trains = [&] {
    std::ifstream metrics(out / "metrics.jsonl");
    const std::string lines{std::istreambuf_iterator<char>(metrics), {}};
    return lines.find("\"kind\":\"train\"") != std::string::npos;
  };
  std::jthread killer([&] {
    Random random(1, 0);
    while (!ended) {
      std::this_thread::sleep_for(std::chrono::milliseconds(200 + random.below(1500)));
      if (killed == 0 && !trains()) continue;
      if (killed >= kills) continue;
      const std::vector<pid_t> mames = children_named("mame", out.string());
      if (mames.empty()) continue;
      const auto which = random.below(static_cast<std::uint32_t>(mames.size()));
      if (::kill(mames[which], SIGKILL) == 0) ++killed;
    }
  });
  constexpr int kFramesForAKill = 6000;
  const int frames = 12'000 + kFramesForAKill * kills;
  const Ended run_ended = run({"train",     "--plain",
                               "--machine", "mame",
                               "--out",     out.string(),
                               "--frames",  std::to_string(frames),
                               "--set",     "dqn.hidden=16",
                               "--set",     "dqn.batch=16",
                               "--set",     "dqn.warmup_steps=100",
                               "--set",     "dqn.steps_per_update=8",
                               "--set",     "dqn.replay_steps=4000",
                               "--set",     "train.evaluation_period_frames=5000",
                               "--set",     "train.evaluation_games=2",
                               "--set",     "train.confirmation_games=2",
                               "--set",     "train.final_games=2",
                               "--set",     "train.save_period_s=1",
                               "--set",     "train.record_period_frames=1"});
  ended = true;
  killer.join();
  ASSERT_EQ(run_ended.status, 0) << run_ended.said;
  EXPECT_EQ(killed, kills) << "the training was too short";
  EXPECT_THAT(run_ended.said, HasSubstr("Finished after"));
  // The last line about the training: all steps counted, an update for every 8 of them behind the warm-up.
  nlohmann::json last;
  std::ifstream metrics(out / "metrics.jsonl");
  for (std::string line; std::getline(metrics, line);) {
    const nlohmann::json one = nlohmann::json::parse(line);
    if (one["kind"] == "train") last = one;
  }
  EXPECT_GE(last["frames"].get<int>(), frames);
  const int steps = last["steps"].get<int>();
  const int updates = last["updates"].get<int>();
  EXPECT_LE(std::abs(updates - (steps - 100) / 8), 2 * 16 / 8) << steps;  // a round of 2 x 8 steps is still due
  std::ifstream log(out / "log");
  const std::string words{std::istreambuf_iterator<char>(log), {}};
  // A line for each: lost while it played, or ended before it could.
  const std::string mark = "warning MAME ";
  int told = 0;
  for (std::size_t at = words.find(mark); at != std::string::npos; at = words.find(mark, at + 1)) ++told;
  EXPECT_GE(told, kills - 2) << words;  // at the end nobody asks any more
}

TEST_F(MameProgram, TheConsoleAnswersLineByLine) {
  const Ended ended = run({"mame-console", "run 30", "frame", "write_memory 20EB(7)", "read_memory 20EB"});
  EXPECT_EQ(ended.status, 0) << ended.said;
  EXPECT_THAT(ended.said, HasSubstr("ACK\n30\nACK\n07\n"));
  EXPECT_EQ(run({"mame-console", "no_such_command"}).status, 1);
}

TEST(MameWords, WhatIsMissingIsSaidInASentence) {
  Ended ended = run({"eval", "--machine", "mame", "--set", "mame.program=/nowhere/mame"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.said, AllOf(HasSubstr("/nowhere/mame"), HasSubstr("apt-get install mame")));
  ended = run({"eval", "--machine", "mane"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.said, HasSubstr("machine \"mane\" is not known; known: cabinet, mame"));
  ended = run({"play", "--machine", "mame", "--set", "cabinet.ships=5"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.said, HasSubstr("switches of the built-in cabinet"));
  ::unsetenv("DISPLAY");
  ::unsetenv("WAYLAND_DISPLAY");
  ended = run({"play", "--window"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_THAT(ended.said, HasSubstr("mame.window: there is no display"));
}

}  // namespace
}  // namespace sinv
