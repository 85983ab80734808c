// The commands that play in MAME, with the MAME of this machine.
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/file.h"
#include "tests/support/folder.h"
#include "tests/tools/started.h"

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

// What JSON the output ends with, behind what the log has to say.
nlohmann::json json_of(const std::string& said) { return nlohmann::json::parse(said.substr(said.find("\n{") + 1)); }

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
  const nlohmann::json games = json_of("\n" + cabinet.said)["games"];
  ASSERT_EQ(games.size(), 2U);
  EXPECT_GT(games[0]["score"].get<int>(), 100);
  EXPECT_EQ(json_of("\n" + mame.said)["games"], games);
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
  const Ended second = run({"train", "--plain", "--resume", out.string(), "--frames", "4000"});
  EXPECT_EQ(second.status, 0) << second.said;
  EXPECT_THAT(second.said, HasSubstr("Finished after 4,"));
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
}

}  // namespace
}  // namespace sinv
