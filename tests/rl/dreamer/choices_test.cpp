#include "rl/dreamer/choices.h"

#include <algorithm>
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/dreamer/learner.h"
#include "tests/rl/corridor.h"
#include "tests/rl/dreamer/small_dreamer.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

constexpr FrameShape kPicture{.width = 64, .height = 64, .packed = true};

Dream untaught(int rows, std::uint64_t seed) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.world.history = 2;
  settings.world.actions = Corridor::kActions;
  const DreamerLearner learner(settings, 5);
  Dream dream(learner.settings(), rows, seed);
  dream.set_parameters(learner.parameters().world);
  return dream;
}

// Goes left and right by chance, and keeps what it was shown.
class Witness final : public BatchPolicy {
 public:
  void act(const Observations& observations, std::span<std::uint8_t> actions) override {
    shown.emplace_back(observations.pictures.begin(), observations.pictures.end());
    for (std::uint8_t& action : actions) action = static_cast<std::uint8_t>(random_.below(2));
  }
  std::vector<std::vector<std::uint8_t>> shown;

 private:
  Random random_{4, 0};
};

// Action 1 arrives within five steps wherever the agent is, and that ends a life; no other action moves to the right.
TEST(Choices, TriesEveryActionFromEveryMoment) {
  Corridor envs(3, 1, 2, kPicture);
  Witness policy;
  Dream dream = untaught(6, 3);
  const std::vector<Choice> choices =
      record_choices(envs, policy, dream, {.moments = 20, .steps = 5, .context = 2, .apart = 3});
  ASSERT_EQ(choices.size(), 20U);
  for (const Choice& choice : choices) {
    ASSERT_EQ(choice.real.size(), 4U);
    ASSERT_EQ(choice.dreamt.size(), 4U);
    for (std::size_t action = 0; action < 4; ++action) {
      EXPECT_EQ(choice.real[action].ended, action == 1 ? 1.0 : 0.0);
      EXPECT_EQ(choice.real[action].reward, action == 1 ? 1.0 : 0.0) << "what comes after the end is not counted";
      EXPECT_TRUE(choice.dreamt[action].ended >= 0.0 && choice.dreamt[action].ended < 1.0);
      EXPECT_NE(choice.dreamt[action].reward, 0.0);
    }
  }
}

TEST(Choices, TheGamesGoOnAsIfNothingHadBeenTried) {
  const auto shown = [](int apart) {
    Corridor envs(3, 1, 2, kPicture);
    Witness policy;
    Dream dream = untaught(3, 3);
    record_choices(envs, policy, dream, {.moments = 12, .steps = 5, .context = 2, .apart = apart});
    return policy.shown;
  };
  const auto often = shown(2);
  const auto seldom = shown(11);
  ASSERT_GT(seldom.size(), often.size());
  EXPECT_TRUE(std::ranges::equal(often, std::span(seldom).first(often.size())));
}

// Row by row, what the dream of its environment's picture brings.
TEST(Choices, DreamsOfTheMomentThatItTries) {
  Corridor envs(2, 1, 2, kPicture);
  Witness policy;
  Dream tried = untaught(2, 3);
  const std::vector<Choice> choices =
      record_choices(envs, policy, tried, {.moments = 2, .steps = 3, .context = 1, .apart = 1});
  Dream dream = untaught(2, 3);
  for (std::size_t action = 0; action < 4; ++action) {
    dream.begin();
    unpack_stored(kPicture, envs.observations().pictures, dream.frames());
    dream.observe();
    const double usual = static_cast<double>(std::max(dream.discount()[0], dream.discount()[1]));
    std::array<double, 2> reward{};
    std::array<double, 2> lives{1.0, 1.0};
    for (int step = 0; step < 3; ++step) {
      for (int row = 0; row < 2; ++row) dream.set_action(row, static_cast<int>(action));
      dream.imagine();
      for (std::size_t row = 0; row < 2; ++row) {
        reward[row] += lives[row] * static_cast<double>(dream.reward()[row]);
        lives[row] *= std::min(1.0, static_cast<double>(dream.discount()[row]) / usual);
      }
    }
    for (std::size_t row = 0; row < 2; ++row) {
      EXPECT_NEAR(choices[row].dreamt[action].reward, reward[row], 1e-6) << row;
      EXPECT_NEAR(choices[row].dreamt[action].ended, 1 - lives[row], 1e-6) << row;
    }
  }
}

// Two moments of two actions: the dream knows the difference in the first one, and that rewards differ.
TEST(Choices, AreSummedUpByTheirDifferencesWithinAMoment) {
  const std::vector<Choice> choices{
      {.real = {{.ended = 1, .reward = 0.5}, {.ended = 0, .reward = 1.5}},
       .dreamt = {{.ended = 0.75, .reward = 1}, {.ended = 0.25, .reward = 2}}},
      {.real = {{.ended = 1, .reward = 4}, {.ended = 0, .reward = 4}},
       .dreamt = {{.ended = 0.25, .reward = 8}, {.ended = 0.75, .reward = 8}}},
  };
  const ChoiceReport report = choice_report(choices);
  EXPECT_DOUBLE_EQ(report.ended_real, 0.5);
  EXPECT_DOUBLE_EQ(report.ended_expected, 0.5);
  EXPECT_DOUBLE_EQ(report.ended_correlation, 0.0);
  EXPECT_DOUBLE_EQ(report.ended_safest, 0.5) << "right in the first, wrong in the second";
  EXPECT_DOUBLE_EQ(report.ended_least, 0.0);
  EXPECT_DOUBLE_EQ(report.reward_real, 2.5);
  EXPECT_DOUBLE_EQ(report.reward_expected, 4.75);
  EXPECT_NEAR(report.reward_correlation, 1.0, 1e-9) << "how much a moment brings at all does not count";
}

TEST(Choices, WhatDoesNotFitIsNamed) {
  Corridor envs(2, 1, 2, kPicture);
  Witness policy;
  Dream dream = untaught(3, 3);
  const auto refusal = [&](const ChoiceSettings& settings) {
    try {
      record_choices(envs, policy, dream, settings);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("done");
  };
  EXPECT_THAT(refusal({}), HasSubstr("record_choices: 3 rows in the dream, 2 environments"));
  dream = untaught(2, 3);
  EXPECT_THAT(refusal({.steps = 0}), HasSubstr("200 moments, 0 steps, context 5, 25 apart"));
}

}  // namespace
}  // namespace sinv
