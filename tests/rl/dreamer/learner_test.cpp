#include "rl/dreamer/learner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "tests/rl/dreamer/small_dreamer.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

Floats all(const DreamerLearner& learner) {
  Floats values;
  const DreamerParameters p = learner.parameters();
  for (const std::span<const float> part : {p.world, p.actor, p.critic}) {
    values.insert(values.end(), part.begin(), part.end());
  }
  return values;
}

void train(DreamerLearner& learner, std::uint64_t first, int updates) {
  for (int i = 0; i < updates; ++i) {
    fill_randomly(learner.batch(), 3, first + static_cast<std::uint64_t>(i));
    learner.update();
  }
}

TEST(DreamerLearner, TheSameSeedGivesTheSameParametersAndAnotherSeedOthers) {
  DreamerLearner a(small_dreamer(), 5);
  DreamerLearner b(small_dreamer(), 5);
  DreamerLearner c(small_dreamer(), 6);
  EXPECT_NE(all(a), all(c));
  for (DreamerLearner* learner : {&a, &b, &c}) train(*learner, 0, 4);
  EXPECT_EQ(all(a), all(b));
}

TEST(DreamerLearner, AnyNumberOfThreadsGivesTheSameBits) {
  DreamerLearnerSettings settings = dreamer_preset("small");  // large enough that every kind of loop is cut
  settings.loss.batch = 4;
  settings.loss.steps = 8;
  settings.loss.overshooting = 3;
  settings.model_first_updates = 0;
  settings.behaviour_period = 1;
  Floats wanted;
  for (const int threads : {1, 2, 3}) {
    settings.threads = threads;
    DreamerLearner learner(settings, 5);
    for (int i = 0; i < 2; ++i) {
      fill_randomly(learner.batch(), settings.world.actions, static_cast<std::uint64_t>(i));
      learner.update();
    }
    if (threads == 1) wanted = all(learner);
    EXPECT_EQ(all(learner), wanted) << threads << " threads";
  }
}

TEST(DreamerLearner, TheModelMayLearnFirst) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.model_first_updates = 2;
  DreamerLearner learner(settings, 5);
  const auto copy = [&learner] {
    const DreamerParameters p = learner.parameters();
    return std::array{Floats(p.world.begin(), p.world.end()), Floats(p.actor.begin(), p.actor.end()),
                      Floats(p.critic.begin(), p.critic.end())};
  };
  const auto before = copy();
  train(learner, 0, 2);
  const auto alone = copy();
  EXPECT_NE(alone[0], before[0]);
  EXPECT_EQ(alone[1], before[1]);
  EXPECT_EQ(alone[2], before[2]);
  train(learner, 2, 1);
  const auto together = copy();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NE(together[i], alone[i]) << i;
}

// While pictures wait, what only they need does not change: the decoder.
TEST(DreamerLearner, RewardsMayBeLearntFirst) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.rewards_first_updates = 2;
  settings.weight_decay = 0;
  DreamerLearner learner(settings, 5);
  const auto part = [&learner](const char* name) {
    Floats values;
    learner.for_each_parameter([&](const std::string& key, const std::vector<std::int64_t>&, std::span<const float> v) {
      if (key.find(name) != std::string::npos) values.insert(values.end(), v.begin(), v.end());
    });
    EXPECT_FALSE(values.empty()) << name;
    return values;
  };
  const Floats decoder = part("decoder");
  const Floats reward = part("reward");
  const Floats encoder = part("encoder");
  train(learner, 0, 2);
  EXPECT_EQ(part("decoder"), decoder);
  EXPECT_NE(part("reward"), reward);
  EXPECT_NE(part("encoder"), encoder);
  train(learner, 2, 1);
  EXPECT_NE(part("decoder"), decoder);
}

// What is foretold after an imagined step is learnt too, and with the prior that imagines it: without pictures and
// divergence only that teaches it.
TEST(DreamerLearner, LearnsToForetellByOvershooting) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.rewards_first_updates = 1000;
  settings.weight_decay = 0;
  settings.loss.kl_scale = 0;
  settings.world_rate = 2e-3F;
  for (const int ahead : {0, 2}) {
    settings.loss.overshooting = ahead;
    DreamerLearner learner(settings, 5);
    const auto prior = [&learner] {
      Floats values;
      learner.for_each_parameter(
          [&](const std::string& key, const std::vector<std::int64_t>&, std::span<const float> v) {
            if (key.starts_with("img_logits")) values.insert(values.end(), v.begin(), v.end());
          });
      return values;
    };
    const Floats untaught = prior();
    ASSERT_FALSE(untaught.empty());
    fill_randomly(learner.batch(), 3, 1);
    const DreamerUpdate first = learner.update();
    DreamerUpdate last;
    for (int i = 0; i < 200; ++i) last = learner.update();
    EXPECT_EQ(prior() != untaught, ahead > 0);
    if (ahead == 0) {
      EXPECT_EQ(last.foretold_reward_loss, 0.0F);
      continue;
    }
    EXPECT_LT(last.foretold_reward_loss, 0.5F * first.foretold_reward_loss);
    EXPECT_LT(last.foretold_discount_loss, first.foretold_discount_loss);
  }
}

TEST(DreamerLearner, ActorAndCriticMayLearnInEveryThirdUpdateAlone) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.behaviour_period = 3;
  DreamerLearner learner(settings, 5);
  const auto actor = [&learner] {
    const std::span<const float> values = learner.parameters().actor;
    return Floats(values.begin(), values.end());
  };
  Floats before = actor();
  for (int update = 0; update < 7; ++update) {
    train(learner, static_cast<std::uint64_t>(update), 1);
    EXPECT_EQ(actor() != before, update % 3 == 0) << update;
    before = actor();
  }
}

TEST(DreamerLearner, TheFutureAfterARestoreIsTheSameFuture) {
  DreamerLearner a(small_dreamer(), 5);
  train(a, 0, 4);  // past a copy of the critic, and before the next one
  ByteWriter out;
  a.save(out);
  DreamerLearner b(small_dreamer(), 99);
  ByteReader in(out.bytes(), "test");
  b.load(in);
  EXPECT_EQ(all(a), all(b));
  EXPECT_EQ(b.updates(), 4U);
  train(a, 50, 7);
  train(b, 50, 7);
  EXPECT_EQ(all(a), all(b));
}

TEST(DreamerLearner, AStateOfOtherSizesIsRefused) {
  DreamerLearner a(small_dreamer(), 5);
  ByteWriter out;
  a.save(out);
  DreamerLearnerSettings other = small_dreamer();
  other.world.deter = 13;
  DreamerLearner b(other, 5);
  ByteReader in(out.bytes(), "test");
  try {
    b.load(in);
    FAIL() << "loaded";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("the saved state is of a world model of"));
  }
}

// One batch again and again: what the model is trained for must fall.
TEST(DreamerLearner, LearnsABatchByHeart) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.world_rate = 2e-3F;
  DreamerLearner learner(settings, 5);
  fill_randomly(learner.batch(), 3, 1);
  const DreamerUpdate first = learner.update();
  DreamerUpdate last;
  for (int i = 0; i < 300; ++i) last = learner.update();
  EXPECT_LT(last.image_loss, 0.5F * first.image_loss);
  EXPECT_LT(last.reward_loss, 0.5F * first.reward_loss);
  for (const float v : all(learner)) ASSERT_TRUE(std::isfinite(v));
}

TEST(DreamerLearner, SettingsOutOfRangeAreNamed) {
  const auto refusal = [](auto change) {
    DreamerLearnerSettings settings = small_dreamer();
    change(settings);
    try {
      const DreamerLearner learner(settings, 1);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([](auto& s) { s.loss.batch = 0; }), HasSubstr("0 sequences of 4 steps"));
  EXPECT_THAT(refusal([](auto& s) { s.loss.overshooting = 4; }),
              HasSubstr("overshooting of 4 steps in sequences of 4"));
  EXPECT_THAT(refusal([](auto& s) { s.threads = 0; }), HasSubstr("threads is 0, wanted at least 1"));
  EXPECT_THAT(refusal([](auto& s) { s.slow_copy_updates = 0; }), HasSubstr("slow_copy_updates is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.rewards_first_updates = -1; }), HasSubstr("rewards_first_updates is -1"));
  EXPECT_THAT(refusal([](auto& s) { s.behaviour_period = 0; }), HasSubstr("behaviour_period is 0"));
  EXPECT_THAT(refusal([](auto& s) { s.weight_decay = 1; }), HasSubstr("weight_decay is 1"));
  EXPECT_THAT(refusal([](auto& s) { s.behaviour.reinforce_share = 2; }), HasSubstr("reinforce_share is 2"));
  EXPECT_THAT(refusal([](auto& s) { s.behaviour.horizon = 1; }), HasSubstr("a horizon of 1, wanted at least 2"));
}

TEST(DreamerSettings, PresetsAreThoseOfTheRecipe) {
  EXPECT_EQ(dreamer_preset("atari").loss.steps, 50);
  EXPECT_EQ(dreamer_preset("small").world.deter, 200);
  EXPECT_EQ(dreamer_preset("predecessor").world.latent(), 512);
  try {
    dreamer_preset("large");
    FAIL() << "no such preset";
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), HasSubstr("dreamer preset"));
    EXPECT_THAT(error.what(), HasSubstr("small"));
  }
}

DreamerActor acting(int envs, std::uint64_t seed) {
  DreamerActor actor(small_dreamer(), envs, seed);
  const DreamerLearner learner(small_dreamer(), 5);
  actor.set_parameters(learner.parameters());
  return actor;
}

// Pictures that depend on environment and step only.
void show(DreamerActor& actor, int envs, int step, std::size_t first_env = 0) {
  const std::size_t pixels = actor.frames().size() / static_cast<std::size_t>(envs);
  for (std::size_t e = 0; e < static_cast<std::size_t>(envs); ++e) {
    Random random(e + first_env, static_cast<std::uint64_t>(step));
    for (std::size_t p = 0; p < pixels; ++p) {
      actor.frames()[e * pixels + p] = static_cast<std::uint8_t>(random.below(256));
    }
  }
}

TEST(DreamerActor, TheFutureAfterARestoreIsTheSameFuture) {
  DreamerActor a = acting(3, 8);
  std::vector<std::uint8_t> actions(3);
  std::set<std::uint8_t> seen;
  for (int step = 0; step < 20; ++step) {
    show(a, 3, step);
    a.act(false, actions);
    for (const std::uint8_t action : actions) {
      EXPECT_LT(action, 3);
      seen.insert(action);
    }
  }
  EXPECT_GT(seen.size(), 1U);
  ByteWriter out;
  a.save(out);
  DreamerActor b = acting(3, 8);
  ByteReader in(out.bytes(), "test");
  b.load(in);
  std::vector<std::uint8_t> others(3);
  for (int step = 20; step < 70; ++step) {
    for (DreamerActor* actor : {&a, &b}) show(*actor, 3, step);
    a.first()[1] = step == 40;
    b.first()[1] = step == 40;
    a.act(step % 2 == 0, actions);
    b.act(step % 2 == 0, others);
    ASSERT_EQ(actions, others) << step;
  }
}

// After `first`, nothing that came before matters: an actor that starts anew chooses the same. Its noise is brought to
// the same place; the other environment's state must go on.
TEST(DreamerActor, AFirstPictureForgetsTheStateOfItsEnvironmentAlone) {
  DreamerActor a = acting(1, 8);
  DreamerActor b = acting(1, 8);
  std::vector<std::uint8_t> one(1);
  std::vector<std::uint8_t> other(1);
  for (int step = 0; step < 10; ++step) {
    show(a, 1, step);
    show(b, 1, 500 + step);
    a.act(false, one);
    b.act(false, other);
  }
  a.first()[0] = 1;
  b.first()[0] = 1;
  ByteWriter state_a;
  ByteWriter state_b;
  for (int step = 10; step < 30; ++step) {
    show(a, 1, step);
    show(b, 1, step);
    a.act(false, one);
    b.act(false, other);
    ASSERT_EQ(one, other);
  }
  a.save(state_a);
  b.save(state_b);
  EXPECT_TRUE(std::ranges::equal(state_a.bytes(), state_b.bytes()));
}

// Whatever was drawn before, in whichever row.
TEST(DreamerActor, GreedyActionsHangOnTheEpisodeAlone) {
  DreamerActor two = acting(2, 8);
  DreamerActor one = acting(1, 99);
  std::vector<std::uint8_t> actions(2);
  std::vector<std::uint8_t> other(1);
  for (int step = 0; step < 5; ++step) {
    show(two, 2, step);
    two.act(step % 2 == 0, actions);
  }
  for (std::uint8_t& first : two.first()) first = 1;
  for (int step = 0; step < 40; ++step) {
    show(one, 1, 100 + step);
    for (std::size_t row = 0; row < 2; ++row) {
      std::ranges::copy(one.frames(), two.frames().subspan(row * one.frames().size()).begin());
    }
    one.act(true, other);
    two.act(true, actions);
    ASSERT_EQ(actions[0], other[0]) << step;
    ASSERT_EQ(actions[1], other[0]) << step;
  }
}

TEST(DreamerActor, WhatDoesNotFitIsNamed) {
  DreamerActor actor = acting(2, 8);
  std::vector<std::uint8_t> actions(3);
  const auto refusal = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([&] { actor.act(false, actions); }), HasSubstr("room for 3 actions, wanted 2"));
  EXPECT_THAT(refusal([&] { actor.set_action(0, 3); }), HasSubstr("action 3, wanted 0 to 2"));
  EXPECT_THAT(refusal([&] { actor.set_parameters({}); }), HasSubstr("0 and 0 parameters"));
}

}  // namespace
}  // namespace sinv
