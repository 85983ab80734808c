// bench bridge: steps through MAME's plugin, each beside MAME alone with the same flags.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fmt/core.h>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "bridge/loop.h"
#include "bridge/mame/launch.h"
#include "bridge/mame/mame_machine.h"
#include "bridge/mame/process.h"
#include "game/action.h"
#include "game/rules.h"
#include "tools/bench.h"
#include "tools/machine_choice.h"
#include "tools/picture.h"
#include "tools/text_client.h"

namespace sinv {

namespace {

using Clock = std::chrono::steady_clock;

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

struct Ignore final : FrameSink {
  void frame(const Ram&) override {}
};

/// Frames per second of MAME by itself, with the flags of the bridge, by its own -bench.
double mame_alone_frames_per_s(const Machines& machines, double seconds) {
  constexpr double kGuess = 150;  // emulated seconds that take one
  mame::Launch launch = machines.launch_without_plugin();
  launch.arguments.insert(launch.arguments.end(),
                          {"-bench", fmt::format("{}", std::max(1, static_cast<int>(seconds * kGuess)))});
  Loop loop;
  const auto process = mame::Process::start(loop, launch, [] {});
  if (!process->wait(std::chrono::seconds(120))) {
    process->kill();
    throw UserError("bench: MAME's own -bench did not end; " + process->obituary());
  }
  // "Average speed: 17020.26% (60 seconds)"
  const std::string lines = process->last_lines(30);
  const std::string kMark = "Average speed: ";
  const std::size_t at = lines.find(kMark);
  if (at == std::string::npos) throw UserError("bench: MAME's own -bench gave no speed; " + process->obituary());
  return std::strtod(lines.c_str() + at + kMark.size(), nullptr) / 100 * kFramesPerSecond;
}

/// Steps per second of `frames` frames each, under random actions, the picture and work RAM in every step.
double steps_per_s(mame::MameMachine& machine, std::uint32_t frames, double seconds, Random& random) {
  Ignore sink;
  std::array<FrameButtons, 1> buttons{};
  const auto begin = Clock::now();
  std::uint64_t steps = 0;
  double took = 0;
  while (took < seconds) {
    for (int i = 0; i < 200; ++i, ++steps) {
      buttons[0] = buttons_for(static_cast<Action>(random.below(kActions)));
      machine.run_stretch({.frames = frames, .buttons = buttons, .press = &rules::kGunReady}, sink);
    }
    took = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return static_cast<double>(steps) / took;
}

/// All machines at once, each stepped by a thread of its own: their steps per second together.
double steps_per_s_of_all(std::vector<std::unique_ptr<mame::MameMachine>>& all, std::uint32_t frames, double seconds) {
  std::vector<std::future<double>> runs;
  for (std::size_t i = 0; i < all.size(); ++i) {
    runs.push_back(std::async(std::launch::async, [&machine = *all[i], frames, seconds, i] {
      Random random(2, i);
      return steps_per_s(machine, frames, seconds, random);
    }));
  }
  double sum = 0;
  for (auto& run : runs) sum += run.get();
  return sum;
}

/// Steps per second of the replaced system's way: ten commands a step, 3 frames, the picture as text.
double steps_per_s_of_text(TextClient& client, double seconds, Random& random) {
  std::array<std::string, 10> commands{"read_memory_range 20F8(2)",
                                       "read_memory 21FF",
                                       "read_memory 2015",
                                       "read_memory 20E7",
                                       "read_memory 20EF",
                                       "read_memory 2082",
                                       "read_memory_range 2400(7168)"};
  const auto begin = Clock::now();
  std::uint64_t steps = 0;
  double took = 0;
  while (took < seconds) {
    const FrameButtons buttons = buttons_for(static_cast<Action>(random.below(kActions)));
    commands[7] = fmt::format("execute P1_left({})", (buttons.held & kLeft) != 0 ? 1 : 0);
    commands[8] = fmt::format("execute P1_right({})", (buttons.held & kRight) != 0 ? 1 : 0);
    commands[9] = fmt::format("execute P1_Button_1({})", buttons.ready != 0 ? 1 : 0);
    client.batch(commands);
    ++steps;
    took = std::chrono::duration<double>(Clock::now() - begin).count();
  }
  return static_cast<double>(steps) / took;
}

int processors() { return static_cast<int>(std::max(1U, std::thread::hardware_concurrency())); }

BenchResult measure(const BenchSettings& settings) {
  RunConfig config;
  config.machine = "mame";
  config.mame.share = settings.spin_us < 0;
  if (settings.spin_us >= 0) config.mame.spin_us = settings.spin_us;
  config.cabinet.rom = settings.rom;
  const Machines machines(config, choose_rom(settings.rom));
  config.mame.compress = true;
  const Machines squeezed(config, choose_rom(settings.rom));
  const int envs = settings.envs > 0 ? settings.envs : processors();
  std::vector<std::unique_ptr<mame::MameMachine>> all;
  all.reserve(static_cast<std::size_t>(envs));
  for (int i = 0; i < envs; ++i) all.push_back(machines.mame());
  const auto& machine = all.front();
  const auto small = squeezed.mame();
  TextClient text_client(machines);
  const std::string setting = "frame_per_step 3";
  text_client.batch({&setting, 1});

  constexpr std::array<std::uint32_t, 3> kFrames{1, 3, 4};
  std::vector<double> alone;
  std::array<std::vector<double>, kFrames.size()> steps;
  std::array<std::vector<double>, kFrames.size()> ratios;
  std::vector<double> zlib;
  std::vector<double> together;
  std::vector<double> text_protocol;
  Random random(1, 0);
  mame::Latency latencies;
  for (int repeat = 0; repeat < settings.repeats; ++repeat) {
    alone.push_back(mame_alone_frames_per_s(machines, settings.seconds));
    for (std::size_t k = 0; k < kFrames.size(); ++k) {
      steps_per_s(*machine, kFrames[k], 0.01, random);  // wakes it up: its pause is no latency
      machine->clear_latency();
      steps[k].push_back(steps_per_s(*machine, kFrames[k], settings.seconds, random));
      ratios[k].push_back(steps[k].back() * kFrames[k] / alone.back());
      latencies.merge(machine->latency());
    }
    zlib.push_back(steps_per_s(*small, 1, settings.seconds, random));
    together.push_back(steps_per_s_of_all(all, 3, settings.seconds));
    text_protocol.push_back(steps_per_s_of_text(text_client, settings.seconds, random));
  }
  const mame::Latency::Summary latency = latencies.summary();
  BenchResult result{"bridge",
                     {{"rom", machines.rom().description},
                      {"mame", machine->hello().mame_version},
                      {"share", config.mame.share},
                      {"spin_us", config.mame.share ? 0 : config.mame.spin_us},
                      {"envs", envs},
                      {"seconds", settings.seconds},
                      {"repeats", settings.repeats}},
                     {{"mame_alone_frames_per_s", median(alone)},
                      {"steps_per_s_1_frame_zlib", median(zlib)},
                      {"steps_per_s_3_frames_all_envs", median(together)},
                      {"steps_per_s_3_frames_text_protocol", median(text_protocol)},
                      {"state_to_action_p50_us", latency.p50_us},
                      {"state_to_action_p99_us", latency.p99_us},
                      {"state_to_action_p999_us", latency.p999_us},
                      {"state_to_action_max_us", latency.max_us},
                      {"late_steps", static_cast<double>(latency.late)}}};
  for (std::size_t k = 0; k < kFrames.size(); ++k) {
    const std::string name = fmt::format("{}_frame{}", kFrames[k], kFrames[k] == 1 ? "" : "s");
    result.figures["steps_per_s_" + name] = median(steps[k]);
    result.figures["ratio_to_mame_" + name] = median(ratios[k]);
  }
  return result;
}

}  // namespace

// On a thread of its own, as environments are stepped: the first thread of a process never shares MAME's processor.
BenchResult bench_bridge(const BenchSettings& settings) {
  return std::async(std::launch::async, [&settings] { return measure(settings); }).get();
}

}  // namespace sinv
