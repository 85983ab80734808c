#include "rl/trainer.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "base/file.h"
#include "tests/rl/small_trainer.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

// The records without what the clock on the wall decides.
std::vector<nlohmann::json> records(const std::filesystem::path& path) {
  std::vector<nlohmann::json> all;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);) {
    nlohmann::json record = nlohmann::json::parse(line);
    for (const char* key : {"elapsed_s", "frames_per_s", "updates_per_s"}) record.erase(key);
    all.push_back(std::move(record));
  }
  return all;
}

class TrainerOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Agents, TrainerOf, testing::ValuesIn(agent_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(TrainerOf, OneThreadAndTwoGiveTheSameWeightsBitForBit) {
  std::vector<float> of[3];
  std::vector<nlohmann::json> logs[3];
  for (int threads = 1; threads <= 3; ++threads) {
    TestFolder folder;
    JsonLinesFile metrics(folder / "metrics.jsonl");
    TrainerSettings settings = small_trainer();
    settings.threads = threads;
    settings.frames = 12'000;
    Trainer trainer(settings, parts_in(folder.path(), &metrics, 2, GetParam()));
    const TrainerOutcome outcome = trainer.run(kNoStop);
    EXPECT_FALSE(outcome.stopped);
    EXPECT_EQ(outcome.clock.frames, 12'000);
    EXPECT_EQ(outcome.clock.steps, 4000);
    EXPECT_GT(outcome.clock.updates, 400);
    of[threads - 1] = weights_of(trainer.agent());
    logs[threads - 1] = records(folder / "metrics.jsonl");
  }
  EXPECT_EQ(of[0], of[1]);
  EXPECT_EQ(of[0], of[2]);
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_EQ(logs[0], logs[2]);
  EXPECT_GT(logs[0].size(), 20U);
}

// Stops at several places, each a round that has nothing even about it, and compares the end with a run in one piece.
TEST_P(TrainerOf, StopAndResumeEqualsOneRunBitForBit) {
  TestFolder whole_folder;
  JsonLinesFile whole_metrics(whole_folder / "metrics.jsonl");
  TrainerSettings settings = small_trainer();
  settings.frames = 15'000;
  Trainer whole(settings, parts_in(whole_folder.path(), &whole_metrics, 2, GetParam()));
  whole.run(kNoStop);

  TestFolder folder;
  for (const std::int64_t stop_frames : {540, 3060, 7020, 7080, 15'000}) {
    JsonLinesFile metrics(folder / "metrics.jsonl");
    settings.frames = stop_frames;
    settings.threads = stop_frames % 2 == 0 ? 1 : 2;
    Trainer part(settings, parts_in(folder.path(), &metrics, 2, GetParam()));
    if (stop_frames != 540) part.resume();
    const TrainerOutcome outcome = part.run(kNoStop);
    EXPECT_EQ(outcome.clock.frames, stop_frames);
    if (stop_frames == 15'000) {
      EXPECT_EQ(weights_of(part.agent()), weights_of(whole.agent()));
      EXPECT_EQ(part.clock().updates, whole.clock().updates);
    }
  }
  EXPECT_EQ(records(folder / "metrics.jsonl"), records(whole_folder / "metrics.jsonl"));
  // And what would come next is the same too: the states themselves, but for the time on the wall.
  settings.frames = 18'000;
  Trainer on(settings, parts_in(folder.path(), nullptr, 2, GetParam()));
  Trainer whole_on(settings, parts_in(whole_folder.path(), nullptr, 2, GetParam()));
  on.resume();
  whole_on.resume();
  on.run(kNoStop);
  whole_on.run(kNoStop);
  EXPECT_EQ(weights_of(on.agent()), weights_of(whole_on.agent()));
}

// Records that were written after the last saved state belong to a future that is made again.
TEST(Trainer, ResumeDropsRecordsOfAfterTheState) {
  TestFolder folder;
  JsonLinesFile metrics(folder / "metrics.jsonl");
  TrainerSettings settings = small_trainer();
  settings.frames = 6000;
  Trainer(settings, parts_in(folder.path(), &metrics)).run(kNoStop);
  const auto before = records(folder / "metrics.jsonl");
  metrics.record(R"({"kind": "train", "frames": 999999})");
  std::ofstream(folder / "metrics.jsonl", std::ios::app) << R"({"kind": "tra)";
  JsonLinesFile again(folder / "metrics.jsonl");
  Trainer trainer(settings, parts_in(folder.path(), &again));
  trainer.resume();
  EXPECT_EQ(records(folder / "metrics.jsonl"), before);
}

TEST(Trainer, TheStopFlagEndsItBetweenRoundsWithEverythingSaved) {
  TestFolder folder;
  TrainerSettings settings = small_trainer();
  Trainer trainer(settings, parts_in(folder.path()));
  std::atomic<bool> stop{true};
  const TrainerOutcome outcome = trainer.run(stop);
  EXPECT_TRUE(outcome.stopped);
  EXPECT_EQ(outcome.clock.frames, 0);
  EXPECT_TRUE(std::filesystem::exists(Trainer::state_path(folder.path())));
  EXPECT_EQ(trainer.progress().read().phase, TrainerPhase::kFinished);
}

TEST(Trainer, KeepsTheBestModelAndJudgesItAgainOnFreshGames) {
  TestFolder folder;
  JsonLinesFile metrics(folder / "metrics.jsonl");
  TrainerSettings settings = small_trainer();
  settings.frames = 60'000;
  settings.evaluation_period_frames = 6000;
  settings.final_games = 20;
  Trainer trainer(settings, parts_in(folder.path(), &metrics));
  const TrainerOutcome outcome = trainer.run(kNoStop);
  ASSERT_TRUE(outcome.final.has_value());
  EXPECT_EQ(outcome.final->games, 20);
  EXPECT_EQ(outcome.best_mean, 100);
  EXPECT_EQ(outcome.final->mean, 100);
  const ModelFile best = load_model(Trainer::best_path(folder.path()));
  const EvaluationResult played =
      evaluate(corridors(2), [&](const Environments& envs) { return make_policy(best, envs.count()); },
               {.games = 20, .seed = 77});
  EXPECT_EQ(played.mean, 100);
  std::set<std::uint64_t> seeds;
  std::size_t judged = 0;
  for (const nlohmann::json& record : records(folder / "metrics.jsonl")) {
    if (record.at("kind") == "train") continue;
    ++judged;
    seeds.insert(record.at("seed").get<std::uint64_t>());
  }
  EXPECT_GE(judged, 12U);
  EXPECT_EQ(seeds.size(), judged);  // no evaluation repeats the games of another
}

TEST(Trainer, PublishesItsProgress) {
  TestFolder folder;
  TrainerSettings settings = small_trainer();
  settings.frames = 12'000;
  Trainer trainer(settings, parts_in(folder.path()));
  EXPECT_EQ(trainer.progress().read().frames, 0);
  trainer.run(kNoStop);
  const Progress progress = trainer.progress().read();
  EXPECT_EQ(progress.phase, TrainerPhase::kFinished);
  EXPECT_EQ(progress.frames, 12'000);
  EXPECT_EQ(progress.steps, 4000);
  EXPECT_EQ(progress.updates, trainer.clock().updates);
  EXPECT_GT(progress.games, 100);
  EXPECT_GT(progress.mean_score_100, 0);
  EXPECT_EQ(progress.evaluations, 6);
  EXPECT_GT(progress.replay_size, 1000);
  EXPECT_EQ(progress.replay_capacity, 2000);
  EXPECT_GT(progress.learning_rate, 0);
  EXPECT_GT(progress.epsilon, 0);
  EXPECT_EQ(progress.events, 0);
  EXPECT_GE(progress.saves, 1);
}

TEST(Trainer, RefusesToResumeWhatIsNotThereOrNotItsOwn) {
  TestFolder folder;
  TrainerSettings settings = small_trainer();
  settings.frames = 600;
  const auto refused = [&](const TrainerSettings& changed, int history = 2) {
    try {
      Trainer(changed, parts_in(folder.path(), nullptr, history)).resume();
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("resumed");
  };
  EXPECT_NE(refused(settings).find("last: cannot be opened: No such file"), std::string::npos) << refused(settings);
  Trainer(settings, parts_in(folder.path())).run(kNoStop);
  EXPECT_EQ(refused(settings), "resumed");
  TrainerSettings other = settings;
  other.seed = 4;
  EXPECT_NE(refused(other).find("is of agent dqn-mlp, seed 3, 4 environments, 5 steps per round"), std::string::npos)
      << refused(other);
  EXPECT_NE(refused(settings, 1), "resumed");

  std::vector<std::byte> bytes = read_file(folder / "last");
  const std::vector<std::byte> good = bytes;
  for (const std::size_t at : {std::size_t{0}, std::size_t{9}, bytes.size() / 2, bytes.size() - 1}) {
    bytes = good;
    bytes[at] ^= std::byte{0x40};
    write_file(folder / "last", std::span<const std::byte>(bytes));
    EXPECT_NE(refused(settings), "resumed") << "byte " << at << " changed";
  }
  for (const std::size_t length : {std::size_t{0}, std::size_t{10}, good.size() / 3, good.size() - 1}) {
    write_file(folder / "last", std::span<const std::byte>(good).first(length));
    EXPECT_NE(refused(settings), "resumed") << "cut to " << length;
  }
}

TEST(Trainer, RefusesSettingsOutOfRange) {
  TrainerSettings settings = small_trainer();
  settings.envs = 0;
  TestFolder folder;
  try {
    Trainer trainer(settings, parts_in(folder.path()));
    FAIL();
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "train.envs is 0, wanted 1 or more");
  }
}

}  // namespace
}  // namespace sinv
