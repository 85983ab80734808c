// The single benches behind `bench`: each room measures itself, this file gives the figures their names.
#include <algorithm>
#include <fmt/core.h>
#include <vector>

#include "base/error.h"
#include "game/bench_env.h"
#include "rl/bench_replay.h"
#include "tools/bench.h"
#include "tools/rom_choice.h"

namespace sinv {

BenchResult bench_env_steps(const BenchSettings& settings) {
  CabinetSettings cabinet;
  cabinet.rom = settings.rom;
  const EnvSettings env;
  constexpr std::size_t kEnvs = 64;
  constexpr std::size_t kSteps = 2000;
  std::vector<EnvBench> runs;
  for (int i = 0; i < settings.repeats; ++i) {
    runs.push_back(bench_env(cabinet_factory(cabinet), env, kEnvs, kSteps, settings.threads, 1));
  }
  const auto median = [&runs](double EnvBench::*member) {
    std::vector<double> values;
    for (const EnvBench& run : runs) values.push_back(run.*member);
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
  };
  return {"env",
          {{"envs", kEnvs}, {"steps", kSteps}, {"threads", settings.threads}, {"features", env.features}},
          {{"steps_per_s", median(&EnvBench::steps_per_s)},
           {"frames_per_s", median(&EnvBench::frames_per_s)},
           {"machine_frames_per_s", median(&EnvBench::machine_frames_per_s)},
           {"observation_ns", median(&EnvBench::observation_ns)}}};
}

BenchResult bench_replay_tree(const BenchSettings& settings) {
  BenchResult result{"replay", {{"repeats", settings.repeats}, {"row_values", 128}}, {}};
  for (const ReplayBench& bench : bench_replay(settings.seconds / 5, settings.repeats, 128)) {
    const std::string place = fmt::format("{}k_batch{}_", bench.capacity_steps / 1000, bench.batch);
    result.figures[place + "sample_us"] = bench.sample_us;
    result.figures[place + "update_us"] = bench.update_us;
    result.figures[place + "random_update_us"] = bench.random_update_us;
    result.figures[place + "sample_update_us"] = bench.sample_update_us;
    result.figures[place + "whole_step_us"] = bench.whole_step_us;
    result.figures[place + "whole_step_compact_us"] = bench.whole_step_compact_us;
  }
  return result;
}

}  // namespace sinv
