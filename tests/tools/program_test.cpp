// The program as its user meets it: started as a process, read through its output and exit status.
#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/file.h"
#include "tests/support/folder.h"
#include "tests/tools/started.h"

namespace sinv {
namespace {

// A training small enough for a test, whose learner does learn.
std::vector<std::string> small_training(const std::filesystem::path& out) {
  return {"train",    "--plain",
          "--out",    out.string(),
          "--frames", "9000",
          "--envs",   "4",
          "--set",    "dqn.hidden=16",
          "--set",    "dqn.batch=16",
          "--set",    "dqn.warmup_steps=400",
          "--set",    "dqn.replay_steps=4000",
          "--set",    "train.evaluation_period_frames=4000",
          "--set",    "train.evaluation_games=2",
          "--set",    "train.confirmation_games=2",
          "--set",    "train.final_games=2",
          "--set",    "train.save_period_s=0"};
}

TEST(Program, HelpListsTheCommands) {
  const Ended ended = run({});
  EXPECT_EQ(ended.status, 0);
  for (const char* name : {"train", "play", "replay", "eval", "compare", "dashboard", "inspect", "bench", "info",
                           "config", "trace", "lockstep", "mame-console", "exec"}) {
    EXPECT_NE(ended.said.find(std::string("\n  ") + name + " "), std::string::npos) << name;
  }
}

TEST(Program, WrongWordsAreRefusedWithTheKnownOnes) {
  const auto first_line = [](const Ended& ended) { return ended.said.substr(0, ended.said.find('\n')); };
  Ended ended = run({"trian"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(first_line(ended),
            "sinv_engine: command \"trian\" is not known; known: train, play, replay, eval, dream, compare, dashboard, "
            "inspect, bench, info, config, trace, lockstep, mame-console, exec; did you mean \"train\"?");
  ended = run({"eval", "--gmaes", "3"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("word \"--gmaes\" is not known; known: --help, --model"), std::string::npos) << ended.said;
  ended = run({"train", "--agent", "dqn-mpl"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("\"dqn-mpl\" is not known; known: dqn-mlp"), std::string::npos) << ended.said;
  ended = run({"train", "--set", "dqn.bacth=3"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("did you mean \"dqn.batch\"?"), std::string::npos) << ended.said;
  ended = run({"eval", "--games", "many"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("--games"), std::string::npos) << ended.said;
  ended = run({"bench", "cabinte"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("did you mean \"cabinet\"?"), std::string::npos) << ended.said;
  ended = run({"play", "--view", "window"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_NE(ended.said.find("view \"window\" is not known; known: terminal, none"), std::string::npos) << ended.said;
}

TEST(Program, AMissingRomIsOneSentence) {
  const Ended ended = run({"eval", "--policy", "random", "--games", "1", "--rom", "/no/such/rom.zip"});
  EXPECT_EQ(ended.status, 2);
  EXPECT_EQ(ended.said.rfind("sinv_engine: /no/such/rom.zip: ", 0), 0U) << ended.said;
}

TEST(Program, ConfigPrintsAFileThatItTakes) {
  TestFolder folder;
  const Ended first = run({"config"});
  ASSERT_EQ(first.status, 0);
  write_file(folder / "all.toml", std::string_view(first.said));
  const Ended second = run({"config", "--config", (folder / "all.toml").string()});
  EXPECT_EQ(second.status, 0);
  EXPECT_EQ(second.said, first.said);
}

TEST(Program, TrainsEvaluatesAndPlaysWhatItTrained) {
  TestFolder folder;
  const Ended trained = run(small_training(folder / "run"));
  ASSERT_EQ(trained.status, 0) << trained.said;
  for (const char* name : {"config.toml", "metrics.jsonl", "log", "last", "best.bin"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "run" / name)) << name;
  }
  const std::string model = (folder / "run/best.bin").string();
  const Ended eval = run({"eval", "--model", model, "--games", "3", "--json"});
  ASSERT_EQ(eval.status, 0) << eval.said;
  const nlohmann::json figures = nlohmann::json::parse(eval.said);
  EXPECT_EQ(figures["result"]["games"], 3);
  const Ended play =
      run({"play", "--model", model, "--games", "2", "--view", "none", "--picture", (folder / "end.png").string()});
  EXPECT_EQ(play.status, 0) << play.said;
  EXPECT_EQ(play.said.rfind("game 1: ", 0), 0U) << play.said;
  EXPECT_NE(play.said.find("\ngame 2: "), std::string::npos) << play.said;
  EXPECT_TRUE(std::filesystem::exists(folder / "end.png"));
  const Ended inspected = run({"inspect", model});
  EXPECT_EQ(inspected.status, 0) << inspected.said;
  EXPECT_NE(inspected.said.find("\nagent          dqn-mlp\n"), std::string::npos) << inspected.said;
  EXPECT_NE(inspected.said.find("\n  dqn.hidden                   16\n"), std::string::npos) << inspected.said;
  EXPECT_NE(inspected.said.find(" parameters in "), std::string::npos) << inspected.said;
}

TEST(Program, LeavesFiguresResultsAndEventsThatCompareAndTensorBoardRead) {
  TestFolder folder;
  for (const char* seed : {"1", "2"}) {
    std::vector<std::string> words = small_training(folder / (std::string("run") + seed));
    words.insert(words.end(), {"--seed", seed, "--tensorboard", "--set", "train.record_period_frames=1000"});
    const Ended trained = run(words);
    ASSERT_EQ(trained.status, 0) << trained.said;
    EXPECT_NE(trained.said.find(std::string("result: experiment ") + seed), std::string::npos) << trained.said;
  }
  EXPECT_TRUE(std::filesystem::exists(folder / "run1" / "training.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "run1" / "training.svg"));
  EXPECT_FALSE(std::filesystem::is_empty(folder / "run1" / "tensorboard"));
  const Ended compared = run({"compare", (folder / "run1").string(), (folder / "run2").string(), "--figure",
                              (folder / "all.png").string(), "--markdown", (folder / "all.md").string()});
  EXPECT_EQ(compared.status, 0) << compared.said;
  EXPECT_NE(compared.said.find("\ndqn-mlp   2 "), std::string::npos) << compared.said;
  EXPECT_TRUE(std::filesystem::exists(folder / "all.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "all.md"));
}

TEST(Program, TrainsOnPicturesAndShowsThem) {
  TestFolder folder;
  std::vector<std::string> words = small_training(folder / "run");
  words.insert(words.end(), {"--agent", "dqn-cnn"});
  const Ended trained = run(words);
  ASSERT_EQ(trained.status, 0) << trained.said;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/last"));
  const Ended resumed =
      run({"train", "--resume", (folder / "run").string(), "--plain", "--frames", "9600", "--minutes", "0"});
  EXPECT_EQ(resumed.status, 0) << resumed.said;
  const std::string model = (folder / "run/best.bin").string();
  Ended play = run({"play", "--model", model, "--view", "none", "--sees", (folder / "last.png").string(), "--set",
                    "env.frame_cap=90"});
  EXPECT_EQ(play.status, 0) << play.said;
  EXPECT_TRUE(std::filesystem::exists(folder / "last.png"));
  play = run(
      {"play", "--model", model, "--view", "none", "--sees", (folder / "all").string(), "--set", "env.frame_cap=90"});
  EXPECT_EQ(play.status, 0) << play.said;
  EXPECT_TRUE(std::filesystem::exists(folder / "all/000001.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "all/000020.png"));
  play = run({"play", "--view", "none", "--sees", (folder / "none.png").string()});
  EXPECT_EQ(play.status, 2);
  EXPECT_EQ(play.said.rfind("sinv_engine: play: --sees shows pictures, and this model sees numbers", 0), 0U)
      << play.said;
}

TEST(Program, TrainsADreamerThatPlaysAndDreams) {
  TestFolder folder;
  std::vector<std::string> words = small_training(folder / "run");
  words.insert(words.end(), {"--agent", "dreamer", "--preset", "small"});
  for (const char* word :
       {"dreamer.depth=2", "dreamer.deter=16", "dreamer.hidden=16", "dreamer.units=16", "dreamer.head_layers=1",
        "dreamer.batch=2", "dreamer.sequence=6", "dreamer.overshooting=3", "dreamer.warmup_steps=200"}) {
    words.insert(words.end(), {"--set", word});
  }
  const Ended trained = run(words);
  ASSERT_EQ(trained.status, 0) << trained.said;
  const Ended resumed =
      run({"train", "--resume", (folder / "run").string(), "--plain", "--frames", "9600", "--minutes", "0"});
  EXPECT_EQ(resumed.status, 0) << resumed.said;
  const std::string model = (folder / "run/best.bin").string();
  const Ended play = run({"play", "--model", model, "--view", "none", "--set", "env.frame_cap=90"});
  EXPECT_EQ(play.status, 0) << play.said;
  const Ended inspected = run({"inspect", model});
  EXPECT_NE(inspected.said.find("dreamer"), std::string::npos) << inspected.said;
  const Ended dreamt = run({"dream", "--model", model, "--windows", "3", "--horizon", "7", "--no-video", "--choices",
                            "5", "--out", (folder / "dream").string()});
  ASSERT_EQ(dreamt.status, 0) << dreamt.said;
  EXPECT_NE(dreamt.said.find("reward, expected against real: correlation"), std::string::npos) << dreamt.said;
  EXPECT_NE(dreamt.said.find("each action alone for 12 steps, from 5 moments: a life lost "), std::string::npos);
  EXPECT_TRUE(std::filesystem::exists(folder / "dream.png"));
  const std::vector<std::byte> file = read_file(folder / "dream.json");
  const nlohmann::json figures =
      nlohmann::json::parse(std::string_view(reinterpret_cast<const char*>(file.data()), file.size()));
  EXPECT_EQ(figures.at("steps").size(), 8U);
  const Ended refused = run({"dream", "--model", std::string(SINV_SOURCE_DIR) + "/models/dqn_mlp.bin"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_NE(refused.said.find("is of the agent dqn-mlp, which has no world model"), std::string::npos) << refused.said;
}

// What is said first in README; their scores stand in docs/results.md.
TEST(Program, AModelOfEachOfTwoAgentsShips) {
  for (const std::string agent : {"dqn-mlp", "dqn-cnn"}) {
    const Ended inspected = run({"inspect", agent});
    EXPECT_EQ(inspected.status, 0) << inspected.said;
    EXPECT_NE(inspected.said.find(agent), std::string::npos) << inspected.said;
    const Ended played = run({"eval", "--model", agent, "--games", "2", "--set", "env.frame_cap=600"});
    EXPECT_EQ(played.status, 0) << played.said;
  }
  EXPECT_NE(run({"info"}).said.find("models/dqn_cnn.bin: dqn-cnn, "), std::string::npos);
  const Ended unknown = run({"eval", "--model", "dqn-x"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_NE(unknown.said.find("dqn-x: "), std::string::npos) << unknown.said;
}

TEST(Program, TrainingTakesTheCpuWhereThereIsNoGpuAndSaysSo) {
  TestFolder folder;
  ::setenv("SINV_CUDA_MODULE", "/no/such/module.so", 1);
  const Ended trained = run(small_training(folder / "run"));
  std::vector<std::string> words = small_training(folder / "other");
  words.insert(words.end(), {"--device", "cuda"});
  const Ended refused = run(words);
  ::unsetenv("SINV_CUDA_MODULE");
  EXPECT_EQ(trained.status, 0) << trained.said;
  EXPECT_NE(
      trained.said.find("device cpu (device cuda: this build has no CUDA module (/no/such/module.so is not there))"),
      std::string::npos)
      << trained.said;
  EXPECT_EQ(refused.status, 2);
  EXPECT_EQ(refused.said,
            "sinv_engine: device cuda: this build has no CUDA module (/no/such/module.so is not there); build it with "
            "nvcc, or run with --device cpu\n");
  EXPECT_FALSE(std::filesystem::exists(folder / "other")) << "a run folder for nothing";
  const Ended unknown = run({"eval", "--device", "gpu"});
  EXPECT_EQ(unknown.said, "sinv_engine: device \"gpu\" is not known; known: auto, cpu, cuda, cuda:N\n");
}

TEST(Program, CtrlCSavesAndTellsHowToGoOn) {
  TestFolder folder;
  std::vector<std::string> words = small_training(folder / "run");
  words[5] = "0";                                 // of --frames
  words.insert(words.end(), {"--minutes", "0"});  // no limit: only Ctrl-C ends it
  const Ended stopped = run(words, "  frames ");  // its first line
  EXPECT_EQ(stopped.status, 0) << stopped.said;
  const std::string path = (folder / "run").string();
  EXPECT_NE(stopped.said.find("train --resume " + path), std::string::npos) << stopped.said;
  const Ended resumed = run({"train", "--resume", path, "--plain", "--frames", "12000"});
  EXPECT_EQ(resumed.status, 0) << resumed.said;
  EXPECT_NE(resumed.said.find("Finished after"), std::string::npos) << resumed.said;
}

TEST(Program, AResumedRunKeepsItsSettings) {
  TestFolder folder;
  ASSERT_EQ(run(small_training(folder / "run")).status, 0);
  const std::string path = (folder / "run").string();
  const Ended other = run({"train", "--resume", path, "--seed", "9"});
  EXPECT_EQ(other.status, 2);
  EXPECT_NE(other.said.find("--resume goes on with the settings of the run folder"), std::string::npos) << other.said;
  const Ended changed = run({"train", "--resume", path, "--set", "dqn.batch=8"});
  EXPECT_EQ(changed.status, 2);
  EXPECT_NE(changed.said.find("would change what the saved training is made of"), std::string::npos) << changed.said;
}

TEST(Program, TraceIsTheSameTwice) {
  TestFolder folder;
  write_file(folder / "inputs", std::string_view("100 1\n104 0\n200 2\n210 0\n600 4\n"));
  const std::vector<std::string> words{"trace", "--inputs", (folder / "inputs").string(), "--frames", "700"};
  const Ended first = run(words);
  EXPECT_EQ(first.status, 0) << first.said;
  EXPECT_EQ(run(words).said, first.said);
  EXPECT_EQ(std::count(first.said.begin(), first.said.end(), '\n'), 700);
}

}  // namespace
}  // namespace sinv
