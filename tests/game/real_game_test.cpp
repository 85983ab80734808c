// The environment on the engine's own game in the built-in cabinet.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "cabinet/cabinet.h"
#include "game/aim.h"
#include "game/rom_set.h"
#include "game/scripted.h"
#include "game/start.h"
#include "game/vec_env.h"

namespace sinv {
namespace {

std::unique_ptr<Machine> cabinet() {
  static const std::shared_ptr<const RomImage> image =
      load_rom_set(std::filesystem::path(SINV_BINARY_DIR) / "roms").image;
  return std::make_unique<Cabinet>(image);
}

void run(Machine& machine, std::uint8_t buttons, int frames = 1) {
  for (int i = 0; i < frames; ++i) machine.run(std::span(&buttons, 1));
}

std::vector<std::byte> saved(const Machine& machine) {
  std::vector<std::byte> state(machine.state_bytes());
  machine.save(state);
  return state;
}

EnvSettings no_idle() {
  EnvSettings settings;
  settings.noop_max_frames = 0;
  return settings;
}

TEST(RealGame, StartsFromEveryStageOfTheAttractMode) {
  for (int frames = 0; frames < 4000; frames += 371) {
    const std::unique_ptr<Machine> machine = cabinet();
    run(*machine, 0, frames);
    start_game(*machine);
    EXPECT_EQ(phase(machine->ram()), Phase::kPlaying) << frames;
    EXPECT_EQ(shown_score(machine->ram()), 0);
    EXPECT_EQ(ships_in_reserve(machine->ram()), 2);
    EXPECT_EQ(count_aliens(machine->ram()), 55);
  }
}

TEST(RealGame, StartsAgainAfterAGameWithoutSwitchingOff) {
  EnvSettings settings = no_idle();
  settings.cache_start = false;
  Env env(cabinet(), settings, 1);
  env.reset();
  while (!env.over()) env.step(Action::kStay);
  const std::uint64_t frame = env.machine().frame();
  env.reset();
  EXPECT_GT(env.machine().frame(), frame);
  EXPECT_EQ(phase(env.ram()), Phase::kPlaying);
  EXPECT_EQ(env.score(), 0);
  EXPECT_EQ(shown_score(env.ram()), 0);
}

// Oracle: every pattern of the fire button over 8 frames, tried on the machine, from each frame of a shot's end.
TEST(RealGame, NoPatternOfTheButtonShootsSoonerThanHoldingTheFireAction) {
  constexpr int kWindow = 8;
  const std::unique_ptr<Machine> machine = cabinet();
  start_game(*machine);
  run(*machine, 0, 20);
  const auto press = [](const Machine& m) { return buttons_for(Action::kFire, m.ram()); };
  int ends = 0;
  for (int frame = 0; frame < 400; ++frame) {
    const int before = peek(machine->ram(), at::kShotStatus);
    const std::vector<std::byte> state = saved(*machine);
    run(*machine, press(*machine));
    const bool ended = before != 0 && peek(machine->ram(), at::kShotStatus) == 0;
    if (!ended) continue;
    ++ends;
    // From one frame before the end: the first frame after it in which a shot exists.
    const auto first_shot = [&](auto buttons_of) {
      machine->restore(state);
      bool free = false;
      for (int f = 0; f < kWindow; ++f) {
        run(*machine, buttons_of(f));
        const bool shot = peek(machine->ram(), at::kShotStatus) != 0;
        if (free && shot) return f;
        free = free || !shot;
      }
      return kWindow;
    };
    const int ours = first_shot([&](int) { return press(*machine); });
    int best = kWindow;
    for (int pattern = 0; pattern < 1 << kWindow; ++pattern) {
      best = std::min(best, first_shot([&](int f) { return (pattern >> f & 1) != 0 ? kFire : std::uint8_t{0}; }));
    }
    EXPECT_LT(best, kWindow);
    EXPECT_EQ(ours, best);
    machine->restore(state);
    run(*machine, press(*machine));
  }
  EXPECT_GE(ends, 4);
}

TEST(RealGame, FireInEveryStepShootsOnceIn62FramesWhenItMisses) {
  EnvSettings settings = no_idle();
  for (const int k : {1, 3, 8}) {
    settings.frames_per_step = k;
    Env env(cabinet(), settings, 1);
    env.reset();
    // At the left wall, left of the rack of a fresh game, shots go up to the top.
    std::uint32_t shots = 0;
    bool before = false;
    while (env.frames() < 400 && env.lives() == 3) {
      env.step(Action::kLeftFire);
      const bool shot = player_shot_live(env.ram());
      shots += shot && !before ? 1 : 0;
      before = shot;
    }
    // Source of the period: hardware reference 10.2, 61 to 62 frames for a miss; hits are quicker.
    EXPECT_GE(shots, env.frames() / 63);
  }
}

TEST(RealGame, WholeGamesAddUp) {
  Env env(cabinet(), EnvSettings{}, 3);
  for (int game = 0; game < 3; ++game) {
    env.reset();
    std::int64_t points = 0;
    std::uint32_t frames = env.frames();
    int lives_lost = 0;
    StepResult result;
    while (!result.terminated) {
      result = env.step(scripted_action(env.ram()));
      points += result.points;
      frames += result.frames;
      lives_lost += result.life_lost ? 1 : 0;
      ASSERT_TRUE(result.terminated || controllable(env.ram()));
      ASSERT_FALSE(result.truncated);
    }
    EXPECT_EQ(points, env.score());
    EXPECT_EQ(points % 10000, shown_score(env.ram()));
    EXPECT_EQ(frames, env.frames());
    // 3 ships, and the extra one when 1,500 points were made; landing ends the game with ships left.
    if (!landed(env.ram())) {
      EXPECT_EQ(lives_lost, points >= 1500 ? 4 : 3);
    }
    EXPECT_EQ(env.racks(), peek(env.ram(), at::kRackNumber));  // fewer than 9 racks
    EXPECT_EQ(result.discount, 0.0F);
  }
}

TEST(RealGame, ShotsThatEndedAreCountedAsTheGameDoes) {
  const std::unique_ptr<Machine> machine = cabinet();
  start_game(*machine);
  FeatureMemory memory;
  memory.begin(machine->ram());
  int compared = 0;
  while (!game_over(machine->ram())) {
    run(*machine, buttons_for(scripted_action(machine->ram()), machine->ram()));
    memory.frame(machine->ram());
    // The game counts when it frees the slot; a frame may end between the two.
    if (peek(machine->ram(), at::kShotStatus) == 2 && controllable(machine->ram())) {
      ASSERT_EQ(memory.shots_ended % 256, peek(machine->ram(), at::kShotsEnded));
      ++compared;
    }
  }
  EXPECT_GT(compared, 1000);
}

TEST(RealGame, MostShotsThatAreForeseenToHitDoHit) {
  const std::unique_ptr<Machine> machine = cabinet();
  start_game(*machine);
  Random random(4, 0);
  int fired = 0;
  int hit = 0;
  while (!game_over(machine->ram()) && fired < 60) {
    const Ram& ram = machine->ram();
    Action action = scripted_action(ram);
    const bool fires_now = fires(action) && gun_ready(ram) && !saucer_flies(ram);
    const int before = count_aliens(ram);
    run(*machine, buttons_for(action, ram));
    if (!fires_now) continue;
    ++fired;
    while (!gun_ready(ram) && !game_over(ram)) run(*machine, 0);
    hit += count_aliens(ram) < before ? 1 : 0;
  }
  EXPECT_GE(fired, 20);
  EXPECT_GE(hit * 10, fired * 8) << hit << " of " << fired;
}

TEST(RealGame, ScriptedPlayIsFarAboveRandomPlay) {
  Env env(cabinet(), EnvSettings{}, 1);
  Random random(1, 0);
  const auto mean = [&](const Policy& policy) {
    double sum = 0;
    for (const EpisodeRecord& record : play_games(env, policy, 5)) sum += static_cast<double>(record.score);
    return sum / 5;
  };
  const double by_chance = mean([&](const Env&) { return random_action(random); });
  const double by_script = mean([](const Env& e) { return scripted_action(e.ram()); });
  EXPECT_GT(by_chance, 50);
  EXPECT_GT(by_script, 5 * by_chance);
}

TEST(RealGame, ABatchIsTheSameForAnyThreadsAndAfterARestore) {
  EnvSettings settings;
  settings.sticky = 0.25;
  const auto play = [](VecEnv& batch, int steps, std::uint64_t seed) {
    std::vector<float> told;
    Random random(seed, 0);
    std::vector<Action> actions(batch.size());
    for (int step = 0; step < steps; ++step) {
      for (Action& action : actions) action = random_action(random);
      batch.step(actions);
      told.insert(told.end(), batch.rewards().begin(), batch.rewards().end());
    }
    told.insert(told.end(), batch.observations().begin(), batch.observations().end());
    return told;
  };
  VecEnv one(cabinet, settings, 4, 3, 1);
  VecEnv two(cabinet, settings, 4, 3, 2);
  one.reset();
  two.reset();
  EXPECT_EQ(play(one, 500, 1), play(two, 500, 1));
  ByteWriter out;
  one.save(out);
  VecEnv three(cabinet, settings, 4, 99, 2);
  ByteReader in(out.bytes(), "state");
  three.load(in);
  EXPECT_EQ(play(one, 800, 2), play(three, 800, 2));
}

}  // namespace
}  // namespace sinv
