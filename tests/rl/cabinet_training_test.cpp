// The run loop on the real thing: our own game in the cabinet.
#include <cstdlib>
#include <gtest/gtest.h>

#include "cabinet/cabinet.h"
#include "game/rom_set.h"
#include "rl/frame_replay.h"
#include "rl/replay.h"
#include "tests/rl/small_trainer.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

EnvironmentsFactory own_game(const EnvSettings& settings) {
  const RomSet rom = load_rom_set(std::string(SINV_BINARY_DIR) + "/roms/invaders.zip");
  return game_environments([image = rom.image] { return std::make_unique<Cabinet>(image, std::uint8_t{0}); }, settings);
}

TrainerParts parts_on_cabinet(const std::filesystem::path& folder) {
  AgentSettings agent = small_agent("dqn-mlp");
  agent.dqn.warmup_steps = 500;
  const EnvSettings env;
  return {.environments = own_game(env),
          .agent = agent_factory(agent),
          .agent_name = "dqn-mlp",
          .environment = environment_of(env),
          .folder = folder};
}

TEST(CabinetTraining, IsTheSameInOneSittingOrTwoWithOneThreadOrThree) {
  TrainerSettings settings = small_trainer();
  settings.evaluation_period_frames = 5000;
  settings.evaluation_games = 2;
  settings.confirmation_games = 2;
  settings.frames = 15'000;
  TestFolder one_folder;
  Trainer one(settings, parts_on_cabinet(one_folder.path()));
  one.run(kNoStop);
  ASSERT_GT(one.clock().updates, 100);

  TestFolder folder;
  settings.threads = 3;
  settings.frames = 8000;
  Trainer(settings, parts_on_cabinet(folder.path())).run(kNoStop);
  settings.threads = 1;
  settings.frames = 15'000;
  Trainer two(settings, parts_on_cabinet(folder.path()));
  two.resume();
  two.run(kNoStop);
  EXPECT_EQ(weights_of(two.agent()), weights_of(one.agent()));
  EXPECT_EQ(two.clock().frames, one.clock().frames);

  const ModelFile best = load_model(Trainer::best_path(folder.path()));
  const EnvSettings env = environment_of(best);
  EXPECT_EQ(env.features, EnvSettings{}.features);
  const EvaluationResult result = evaluate(own_game(env),
                                           [&](const Environments& envs) {
                                             check_model_plays(best, envs);
                                             return make_policy(best, envs.count());
                                           },
                                           {.games = 2, .seed = 1});
  EXPECT_EQ(result.games, 2);
}

// Replay must give back the very stacks that the environment showed while acting, across the ends of games.
TEST(CabinetTraining, ReplayRebuildsTheObservationsThatWereActedOn) {
  EnvSettings settings;
  settings.features = "predecessor-32";
  settings.history = 4;
  settings.frame_cap = 600;
  const std::unique_ptr<Environments> envs = own_game(settings)(2, 5, 1);
  const int row = envs->observation_size() / 4;
  Replay<float, float> replay({.envs = 2, .capacity_steps = 4000, .history = 4, .n_step = 1}, row);
  const auto newest = [&](std::span<const float> all, int env) {
    return all.subspan(static_cast<std::size_t>((env + 1) * 4 * row - row), static_cast<std::size_t>(row));
  };
  envs->reset();
  std::vector<std::vector<float>> seen[2];
  for (int env = 0; env < 2; ++env) replay.begin(env, newest(envs->observations().values, env));
  RandomPolicy policy(6, 3);
  std::vector<std::uint8_t> actions(2);
  int ends = 0;
  const auto size = static_cast<std::size_t>(4 * row);
  for (int step = 0; step < 700; ++step) {
    for (std::size_t env = 0; env < 2; ++env) {
      const auto now = envs->observations().values.subspan(env * size, size);
      seen[env].emplace_back(now.begin(), now.end());
    }
    policy.act(envs->observations(), actions);
    envs->step(actions);
    for (int env = 0; env < 2; ++env) {
      const auto i = static_cast<std::size_t>(env);
      const bool over = envs->terminated()[i] != 0;
      const bool cut = envs->truncated()[i] != 0;
      const auto next = newest((over || cut ? envs->final_observations() : envs->observations()).values, env);
      replay.step(env, actions[i], envs->rewards()[i], over, cut, next);
      if (!over && !cut) continue;
      ++ends;
      replay.begin(env, newest(envs->observations().values, env));
      seen[env].emplace_back();  // the slot of the final observation
    }
  }
  replay.settle();
  EXPECT_GT(ends, 4);
  int compared = 0;
  for (std::uint32_t env = 0; env < 2; ++env) {
    for (std::uint32_t t = 0; t < seen[env].size(); ++t) {
      const std::uint32_t slot = env * replay.index().ring_slots() + t;
      if (replay.index().mass(slot) == 0) continue;
      std::vector<float> stack(size), next(size);
      std::int32_t action = 0;
      float ret = 0, discount = 0, weight = 0;
      replay.gather(std::span(&slot, 1), {stack, std::span(&action, 1), std::span(&ret, 1), std::span(&discount, 1),
                                          next, std::span(&weight, 1)});
      ASSERT_EQ(stack, seen[env][t]) << "environment " << env << ", slot " << t;
      if (t + 1 < seen[env].size() && !seen[env][t + 1].empty()) {
        ASSERT_EQ(next, seen[env][t + 1]);
      }
      ++compared;
    }
  }
  EXPECT_EQ(compared, 1400);
}

// The same of pictures, which replay keeps as bits and gives as bytes.
TEST(CabinetTraining, FrameReplayRebuildsThePicturesThatWereActedOn) {
  EnvSettings settings;
  settings.pixels = "play-field";
  settings.frame_cap = 600;
  const std::unique_ptr<Environments> envs = own_game(settings)(2, 5, 1);
  const FrameShape shape = envs->picture();
  ASSERT_EQ(envs->history(), 4);
  ASSERT_EQ(static_cast<std::size_t>(envs->observation_size()), 4 * shape.pixels());
  FrameReplay replay({.envs = 2, .capacity_steps = 4000, .history = 4, .n_step = 1}, shape);
  const auto stack_of = [&](const Observations& all, std::size_t env) {
    return all.pictures.subspan(env * 4 * shape.stored_bytes(), 4 * shape.stored_bytes());
  };
  const auto newest = [&](const Observations& all, std::size_t env) {
    return stack_of(all, env).last(shape.stored_bytes());
  };
  envs->reset();
  std::vector<std::vector<std::uint8_t>> seen[2];  // by slot; empty: the final observation of a game
  for (std::size_t env = 0; env < 2; ++env) replay.begin(static_cast<int>(env), newest(envs->observations(), env));
  RandomPolicy policy(6, 3);
  std::vector<std::uint8_t> actions(2);
  int ends = 0;
  for (int step = 0; step < 500; ++step) {
    for (std::size_t env = 0; env < 2; ++env) {
      std::vector<std::uint8_t> bytes(4 * shape.pixels());
      unpack_pixels(stack_of(envs->observations(), env), bytes);
      seen[env].push_back(std::move(bytes));
    }
    policy.act(envs->observations(), actions);
    envs->step(actions);
    for (std::size_t env = 0; env < 2; ++env) {
      const bool over = envs->terminated()[env] != 0;
      const bool cut = envs->truncated()[env] != 0;
      const int number = static_cast<int>(env);
      replay.step(number, actions[env], envs->rewards()[env], over, cut,
                  newest(over || cut ? envs->final_observations() : envs->observations(), env));
      if (!over && !cut) continue;
      ++ends;
      replay.begin(number, newest(envs->observations(), env));
      seen[env].emplace_back();
    }
  }
  replay.settle();
  EXPECT_GT(ends, 3);
  int compared = 0;
  for (std::uint32_t env = 0; env < 2; ++env) {
    for (std::uint32_t t = 0; t < seen[env].size(); ++t) {
      const std::uint32_t slot = env * replay.index().ring_slots() + t;
      if (replay.index().mass(slot) == 0) continue;
      std::vector<std::uint8_t> stack(4 * shape.pixels()), next(stack.size());
      std::int32_t action = 0;
      float ret = 0, discount = 0, weight = 0;
      replay.gather(std::span(&slot, 1), {stack, std::span(&action, 1), std::span(&ret, 1), std::span(&discount, 1),
                                          next, std::span(&weight, 1)});
      ASSERT_EQ(stack, seen[env][t]) << "environment " << env << ", slot " << t;
      if (t + 1 < seen[env].size() && !seen[env][t + 1].empty()) {
        ASSERT_EQ(next, seen[env][t + 1]);
      }
      ++compared;
    }
  }
  EXPECT_EQ(compared, 1000);
}

}  // namespace
}  // namespace sinv
