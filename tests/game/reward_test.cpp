#include "game/reward.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"

namespace sinv {
namespace {

using testing::HasSubstr;

RewardSettings predecessor() {
  RewardSettings settings;
  settings.preset = "predecessor";
  settings.score_scale = 77;  // must not matter
  settings.transform = "tanh";
  return settings;
}

// Expected values worked out by hand from the list in the predecessor's description.
TEST(Reward, PredecessorPresetGivesItsNumbers) {
  const Reward reward(predecessor());
  EXPECT_FLOAT_EQ(reward({.points = 0}), -0.01F);
  EXPECT_FLOAT_EQ(reward({.points = 30}), 30.0F - 0.01F);
  EXPECT_FLOAT_EQ(reward({.lives_lost = 1}), -20.01F);
  EXPECT_FLOAT_EQ(reward({.lives_lost = 1, .game_over = true}), -120.01F);
  EXPECT_FLOAT_EQ(reward({.lives_lost = 1, .game_over = true, .landed = true}), -620.01F);
  EXPECT_FLOAT_EQ(reward({.reference_y = 40}), -0.01F + 0.08F);     // (120 - 40) / 10 * 0.01
  EXPECT_FLOAT_EQ(reward({.reference_y = 0xF0}), -0.01F + 0.136F);  // 16 below the screen
}

TEST(Reward, ScorePresetUsesTheSettings) {
  RewardSettings settings;
  settings.score_scale = 0.5;
  settings.life_penalty = 3;
  EXPECT_FLOAT_EQ(Reward(settings)({.points = 20, .lives_lost = 1}), 7.0F);
  settings.game_over_penalty = 1;
  settings.landing_penalty = 2;
  EXPECT_FLOAT_EQ(Reward(settings)({.points = 20, .lives_lost = 1, .game_over = true, .landed = true}), 4.0F);
}

TEST(Reward, ClipAndTanhBoundTheSum) {
  RewardSettings settings;
  settings.score_scale = 1;
  settings.limit = 2;
  settings.transform = "clip";
  EXPECT_FLOAT_EQ(Reward(settings)({.points = 30}), 2.0F);
  EXPECT_FLOAT_EQ(Reward(settings)({.points = 1}), 1.0F);
  settings.life_penalty = 9;
  EXPECT_FLOAT_EQ(Reward(settings)({.lives_lost = 1}), -2.0F);
  settings.transform = "tanh";
  EXPECT_FLOAT_EQ(Reward(settings)({.points = 1}), static_cast<float>(2 * std::tanh(0.5)));
}

TEST(Reward, RefusesUnknownNamesAndBounds) {
  const auto message_of = [](const RewardSettings& settings) -> std::string {
    try {
      Reward reward(settings);
    } catch (const UserError& error) {
      return error.what();
    }
    return "";
  };
  RewardSettings settings;
  settings.preset = "predecesor";
  EXPECT_THAT(message_of(settings), HasSubstr("reward.preset \"predecesor\" is not known; known: score, predecessor"));
  settings = {};
  settings.transform = "sign";
  EXPECT_THAT(message_of(settings), HasSubstr("reward.transform \"sign\" is not known; known: none, clip, tanh"));
  settings = {};
  settings.limit = 0;
  EXPECT_THAT(message_of(settings), HasSubstr("reward.limit: is 0, must be above 0"));
}

}  // namespace
}  // namespace sinv
