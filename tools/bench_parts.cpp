// The single benches behind `bench`: each room measures itself, this file gives the figures their names.
#include <algorithm>
#include <fmt/core.h>
#include <vector>

#include "base/error.h"
#include "cabinet/speed.h"
#include "game/bench_env.h"
#include "game/env.h"
#include "game/pixels_bench.h"
#include "game/scripted.h"
#include "kernels/device_module.h"
#include "rl/bench_replay.h"
#include "rl/dqn/learner_bench.h"
#include "rl/dreamer/learner_bench.h"
#include "rl/frame_bench.h"
#include "tools/bench.h"
#include "tools/rom_choice.h"

namespace sinv {

namespace {

void put_speed(BenchResult& result, const std::string& place, const CabinetSpeed& speed) {
  result.figures[place + "frames_per_s"] = speed.frames_per_s;
  result.figures[place + "cycles_per_s"] = speed.cycles_per_s;
  result.figures[place + "instructions_per_s"] = speed.instructions_per_s;
  result.figures[place + "cycles_per_instruction"] = speed.cycles_per_instruction;
  result.figures[place + "halted_share"] = speed.halted_share;
}

}  // namespace

BenchResult bench_cabinet(const BenchSettings& settings) {
  const RomSet rom = choose_rom(settings.rom);
  BenchResult result{
      "cabinet", {{"rom", rom.description}, {"seconds", settings.seconds}, {"repeats", settings.repeats}}, {}};
  put_speed(result, "game_", measure_game_speed(rom.image, settings.seconds, settings.repeats));
  put_speed(result, "cpu_loop_", measure_cpu_speed(settings.seconds, settings.repeats));
  return result;
}

namespace {

BenchResult bench_dreamer(const BenchSettings& settings, const DeviceChoice& device) {
  DreamerLearnerSettings sizes = dreamer_preset(settings.preset);
  sizes.device = chosen_device();
  sizes.threads = settings.threads;
  const DreamerBenchFigures figures = bench_dreamer_learner(sizes, settings.seconds * settings.repeats);
  return {"learner",
          {{"agent", settings.agent},
           {"preset", settings.preset},
           {"batch", sizes.loss.batch},
           {"sequence", sizes.loss.steps},
           {"threads", settings.threads},
           {"device", device.note},
           {"precision", settings.precision}},
          {{"updates_per_s", figures.updates_per_s},
           {"update_ms", figures.update_ms},
           {"sequence_steps_per_s", figures.steps_per_s},
           {"policy_p50_us", figures.policy_p50_us},
           {"policy_p99_us", figures.policy_p99_us}}};
}

}  // namespace

BenchResult bench_learner(const BenchSettings& settings) {
  if (settings.batch < 1 || settings.batch > 65536) throw UserError("bench: --batch must be 1 to 65536");
  if (settings.threads < 1) throw UserError("bench: --threads must be 1 or more");
  const DeviceChoice device = choose_device(settings.device, precision_named(settings.precision));
  if (settings.agent == "dreamer") return bench_dreamer(settings, device);
  const DqnBenchFigures figures =
      bench_dqn_learner(settings.agent, settings.batch, settings.threads, settings.seconds * settings.repeats);
  return {"learner",
          {{"agent", settings.agent},
           {"batch", settings.batch},
           {"threads", settings.threads},
           {"device", device.note},
           {"precision", settings.precision}},
          {{"updates_per_s", figures.updates_per_s},
           {"samples_per_s", figures.samples_per_s},
           {"gflops", figures.gflops},
           {"inference_p50_us", figures.inference_p50_us},
           {"inference_p99_us", figures.inference_p99_us},
           {"inference_noisy_p50_us", figures.inference_noisy_p50_us}}};
}

BenchResult bench_env_steps(const BenchSettings& settings) {
  CabinetSettings cabinet;
  cabinet.rom = settings.rom;
  const EnvSettings env;
  constexpr std::size_t kEnvs = 64;
  constexpr std::size_t kSteps = 2000;
  std::vector<EnvBench> runs;
  runs.reserve(static_cast<std::size_t>(settings.repeats));
  for (int i = 0; i < settings.repeats; ++i) {
    runs.push_back(bench_env(cabinet_factory(cabinet), env, kEnvs, kSteps, settings.threads, 1));
  }
  const auto median = [&runs](double EnvBench::*member) {
    std::vector<double> values;
    values.reserve(runs.size());
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
  constexpr std::int64_t kFrames = 200'000;
  const std::vector<FrameShape> shapes{stored_shape(pixel_preset_of("deepmind")),
                                       stored_shape(pixel_preset_of("play-field"))};
  for (const FrameReplayBench& bench : bench_frame_replay(kFrames, shapes, settings.seconds / 5, settings.repeats)) {
    const std::string place = fmt::format("frames_{}x{}_{}bit_200k_batch{}_", bench.shape.width, bench.shape.height,
                                          bench.shape.packed ? 1 : 8, bench.batch);
    result.figures[place + "gather_us"] = bench.gather_us;
    result.figures[place + "memcpy_us"] = bench.memcpy_us;
    result.figures[place + "whole_step_us"] = bench.whole_step_us;
    result.figures[place + "insert_us"] = bench.insert_us;
  }
  return result;
}

BenchResult bench_pictures(const BenchSettings& settings) {
  CabinetSettings cabinet;
  cabinet.rom = settings.rom;
  Env env(cabinet_factory(cabinet)(), EnvSettings{}, 1);
  env.reset();
  Random random(1, 1);
  constexpr int kSteps = 200;  // into the game
  for (int step = 0; step < kSteps && !env.over(); ++step) env.step(random_action(random));
  BenchResult result{"pixels", {{"repeats", settings.repeats}}, {}};
  for (const PixelBench& bench :
       bench_pixels(env.ram(), env.machine().ram_before(), settings.seconds / 25, settings.repeats)) {
    const std::string place = fmt::format("{}_{}_", bench.preset, bench.code == PixelCode::kAvx2 ? "avx2" : "portable");
    result.figures[place + "bytes_us"] = bench.bytes_us;
    if (bench.packed_us > 0) result.figures[place + "packed_us"] = bench.packed_us;
    if (bench.unpack_us > 0) result.figures[place + "unpack_us"] = bench.unpack_us;
  }
  return result;
}

}  // namespace sinv
