// Hands on a running training, and what its watchers see.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "rl/trainer.h"
#include "tests/rl/small_trainer.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using testing::ElementsAre;

// Keeps what was recorded, and calls back at each record.
class Records final : public MetricsSink {
 public:
  void record(std::string_view json) override {
    lines.push_back(nlohmann::json::parse(json));
    if (at_record) at_record(lines.back());
  }
  void rewind(std::int64_t) override {}
  std::vector<std::string> controls() const {
    std::vector<std::string> out;
    for (const nlohmann::json& line : lines) {
      if (line["kind"] == "control")
        out.push_back(line["name"].get<std::string>() + ": " + line["text"].get<std::string>());
    }
    return out;
  }

  std::vector<nlohmann::json> lines;
  std::function<void(const nlohmann::json&)> at_record;
};

TrainerSettings until(std::int64_t frames) {
  TrainerSettings settings = small_trainer();
  settings.frames = frames;
  return settings;
}

TEST(Hands, EveryControlIsALineOfTheMetrics) {
  TestFolder folder;
  Records records;
  Trainer trainer(until(3000), parts_in(folder.path(), &records));
  TrainerControls& controls = trainer.controls();
  controls.exploit = true;
  controls.speed = 1000;
  controls.epsilon_hundredths = -5;
  controls.reset_sigma = true;
  controls.save = true;
  controls.evaluate = true;
  controls.sees = true;
  controls.machine_debug = true;
  controls.machine_text = true;
  controls.figure = true;
  controls.quit = true;
  trainer.run(kNoStop);
  EXPECT_THAT(records.controls(),
              ElementsAre("exploit: exploits", "speed: plays at 1000 times the cabinet's speed",
                          "epsilon: epsilon down by 0.05", "sigma: sigma as at first", "save: saves",
                          "evaluate: evaluates", "sees: shows what the agent sees", "debug: only MAME has a bridge",
                          "text: only MAME has a screen", "figure: draws the figure", "quit: saves and ends"));
  EXPECT_TRUE(trainer.progress().read().sees);
  EXPECT_GT(trainer.live().version(), 1U);  // it is shown to the terminal though no page is open
  EXPECT_TRUE(trainer.progress().read().exploiting);
  EXPECT_EQ(trainer.progress().read().speed, 1000);
}

TEST(Hands, ThoseOfTheMachineReachIt) {
  TestFolder folder;
  Records records;
  MachineHands machine;
  TrainerParts parts = parts_in(folder.path(), &records);
  parts.machine_hands = &machine;
  Trainer trainer(until(6000), std::move(parts));
  trainer.controls().machine_debug = true;
  trainer.controls().machine_text = true;
  bool was_on = false;
  records.at_record = [&](const nlohmann::json& line) {
    if (line["kind"] != "train") return;
    was_on = was_on || (machine.debug && machine.text);
    trainer.controls().machine_debug = false;
    trainer.controls().machine_text = false;
  };
  trainer.run(kNoStop);
  EXPECT_TRUE(was_on);
  EXPECT_FALSE(machine.debug);
  EXPECT_FALSE(machine.text);
  EXPECT_THAT(records.controls(),
              ElementsAre("debug: MAME prints every request", "text: text on MAME's screen",
                          "debug: MAME prints requests no longer", "text: no text on MAME's screen"));
}

TEST(Hands, AnEvaluationThatWasAskedForIsMadeAndLeavesTheFutureAsItWas) {
  std::vector<float> weights[2];
  std::size_t evaluations[2] = {};
  for (const int asked : {0, 1}) {
    TestFolder folder;
    Records records;
    Trainer trainer(until(9000), parts_in(folder.path(), &records));
    trainer.controls().evaluate = asked != 0;
    trainer.run(kNoStop);
    weights[asked] = weights_of(trainer.agent());
    for (const nlohmann::json& line : records.lines) evaluations[asked] += line["kind"] == "evaluation" ? 1 : 0;
  }
  EXPECT_EQ(evaluations[1], evaluations[0] + 1);
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(Hands, WatchersChangeNothing) {
  std::vector<float> weights[2];
  for (const unsigned watched : {0U, 16U}) {
    TestFolder folder;
    Trainer trainer(until(9000), parts_in(folder.path()));
    trainer.controls().watched = watched;
    const std::uint64_t before = trainer.live().version();
    trainer.run(kNoStop);
    weights[watched / 16] = weights_of(trainer.agent());
    if (watched == 0) {
      EXPECT_EQ(trainer.live().version(), before);
    } else {
      EXPECT_GT(trainer.live().version(), before);
      EXPECT_EQ(trainer.live().read().games, 0U);  // a corridor has no picture
    }
  }
  EXPECT_EQ(weights[0], weights[1]);
}

TEST(Hands, EpsilonMovesByWhatWasAskedAndStaysBetweenNoneAndAll) {
  const auto epsilon_after = [](int hundredths) {
    TestFolder folder;
    Records records;
    Trainer trainer(until(60'000), parts_in(folder.path(), &records));
    trainer.controls().epsilon_hundredths = hundredths;
    trainer.run(kNoStop);
    return trainer.agent().report().epsilon;
  };
  const double scheduled = epsilon_after(0);
  EXPECT_NEAR(epsilon_after(7), scheduled + 0.07, 1e-9);
  EXPECT_EQ(epsilon_after(-50), 0);
}

TEST(Hands, NoiseBeginsAnew) {
  AgentSettings settings = small_agent("dqn-mlp");
  const AgentShape shape{.envs = 1, .observation_size = 4, .history = 1, .actions = 2, .steps_per_round = 1};
  const std::unique_ptr<Agent> agent = agent_factory(settings)(shape, 1);
  const double first = agent->report().sigma;
  EXPECT_GT(first, 0);
  EXPECT_TRUE(agent->reset_noise());
  EXPECT_EQ(agent->report().sigma, first);
  // sigma0 / sqrt(inputs of the layer)
  const auto sigmas = agent->layer_sigmas();
  ASSERT_EQ(sigmas.size(), 2U);  // of the hidden layer and the head
  EXPECT_NEAR(sigmas.back().second, settings.dqn.sigma0 / std::sqrt(settings.dqn.hidden.back()), 1e-6);
  settings.dqn.noisy = false;
  EXPECT_FALSE(agent_factory(settings)(shape, 1)->reset_noise());
  EXPECT_TRUE(agent_factory(settings)(shape, 1)->layer_sigmas().empty());
}

TEST(Hands, ATrainingThatLearntHasOtherNoiseUntilItIsReset) {
  TestFolder folder;
  Records records;
  Trainer trainer(until(12'000), parts_in(folder.path(), &records));
  const double first = trainer.agent().report().sigma;
  bool asked = false;
  double before = 0;
  double after = 0;
  records.at_record = [&](const nlohmann::json& line) {
    if (line["kind"] != "train" || line["frames"] < 9000) return;
    if (!asked) before = line["sigma"];
    if (asked && after == 0) after = line["sigma"];
    trainer.controls().reset_sigma = !asked;
    asked = true;
  };
  trainer.run(kNoStop);
  EXPECT_GT(std::abs(before - first), 1e-4);
  EXPECT_LT(std::abs(after - first), std::abs(before - first) / 2);  // it has learnt again for one record
}

TEST(Hands, APauseLastsUntilItIsTakenBackAndIsNoTrainingTime) {
  TestFolder folder;
  Records records;
  Trainer trainer(until(3000), parts_in(folder.path(), &records));
  trainer.controls().pause = true;
  TrainerOutcome outcome;
  std::jthread training([&] { outcome = trainer.run(kNoStop); });
  const auto phase_is = [&](TrainerPhase phase) { return trainer.progress().read().phase == phase; };
  while (!phase_is(TrainerPhase::kPaused)) std::this_thread::yield();
  const std::int64_t frames = trainer.progress().read().frames;
  EXPECT_LT(frames, 200);  // the first round alone
  trainer.controls().pause = false;
  training.join();
  EXPECT_EQ(outcome.clock.frames, 3000);
  EXPECT_THAT(records.controls(), ElementsAre("pause: pauses", "pause: goes on"));
}

TEST(Hands, ATrainingThatPausesCanBeStopped) {
  TestFolder folder;
  Trainer trainer(until(1'000'000), parts_in(folder.path()));
  trainer.controls().pause = true;
  std::atomic<bool> stop{false};
  TrainerOutcome outcome;
  std::jthread training([&] { outcome = trainer.run(stop); });
  while (trainer.progress().read().phase != TrainerPhase::kPaused) std::this_thread::yield();
  stop = true;
  training.join();
  EXPECT_TRUE(outcome.stopped);
  EXPECT_TRUE(std::filesystem::exists(Trainer::state_path(folder.path())));
}

}  // namespace
}  // namespace sinv
