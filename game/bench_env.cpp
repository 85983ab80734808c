#include "game/bench_env.h"

#include <chrono>
#include <vector>

#include "game/scripted.h"
#include "game/start.h"

namespace sinv {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

EnvBench bench_env(const MachineFactory& make_machine, const EnvSettings& settings, std::size_t envs, std::size_t steps,
                   int threads, std::uint64_t seed) {
  EnvBench bench;
  VecEnv batch(make_machine, settings, envs, seed, threads);
  batch.reset();
  Random random(seed, envs);
  std::vector<Action> actions(envs);
  std::uint64_t frames = 0;
  auto start = std::chrono::steady_clock::now();
  for (std::size_t step = 0; step < steps; ++step) {
    for (Action& action : actions) action = random_action(random);
    batch.step(actions);
    for (const std::uint32_t n : batch.frames()) frames += n;
  }
  double seconds = seconds_since(start);
  bench.steps_per_s = static_cast<double>(steps * envs) / seconds;
  bench.frames_per_s = static_cast<double>(frames) / seconds;

  const std::unique_ptr<Machine> machine = make_machine();
  start_game(*machine);
  std::vector<std::byte> game_start(machine->state_bytes());
  machine->save(game_start);
  const std::size_t machine_frames = steps * envs;
  start = std::chrono::steady_clock::now();
  for (std::size_t frame = 0; frame < machine_frames; ++frame) {
    const std::uint8_t buttons = buttons_for(random_action(random), machine->ram());
    machine->run(std::span(&buttons, 1));
    if (game_over(machine->ram())) machine->restore(game_start);  // titles are cheaper than a game
  }
  bench.machine_frames_per_s = static_cast<double>(machine_frames) / seconds_since(start);

  const FeatureSet set = feature_set_of(settings.features);
  std::vector<float> values(feature_count(set));
  FeatureMemory memory;
  memory.begin(batch.env(0).ram());
  constexpr std::size_t kObservations = 100'000;
  constexpr std::size_t kWarm = 100;  // in a row on one RAM: within a step it is in the cache as well
  float sum = 0;
  start = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < kObservations; ++i) {
    memory.player_x = static_cast<std::uint8_t>(i);
    compute_features(set, batch.env(i / kWarm % envs).ram(), memory, values);
    sum += values[values.size() / 2];
  }
  seconds = seconds_since(start);
  // The sum is used, so that no observation can be left out.
  bench.observation_ns = seconds * 1e9 / kObservations + (sum > 1e30F ? 1 : 0);
  return bench;
}

}  // namespace sinv
