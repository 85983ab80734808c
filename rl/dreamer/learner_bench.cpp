#include "rl/dreamer/learner_bench.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.h"
#include "rl/dreamer/learner.h"

namespace sinv {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double quantile(std::vector<double>& values, double q) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

void fill(const SequenceBatch& batch, int actions) {
  Random random(1, 2);
  for (const std::span<std::uint8_t> bytes : {batch.frames, batch.before}) {
    for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
  }
  std::ranges::fill(batch.action, 0.0F);
  const std::size_t rows = batch.keep.size();
  for (std::size_t i = 0; i < rows; ++i) {
    batch.keep[i] = random.uniform() < 0.01F ? 0.0F : 1.0F;
    batch.reward[i] = 2.0F * random.uniform() - 1.0F;
    batch.discount[i] = random.uniform() < 0.01F ? 0.0F : 0.999F;
    batch.weight[i] = 1.0F / static_cast<float>(rows);
    const auto action = random.below(static_cast<std::uint32_t>(actions));
    batch.action[i * static_cast<std::size_t>(actions) + action] = batch.keep[i];
  }
}

}  // namespace

DreamerBenchFigures bench_dreamer_learner(const DreamerLearnerSettings& settings, double seconds) {
  DreamerBenchFigures figures;
  DreamerLearnerSettings whole = settings;
  whole.model_first_updates = 0;  // an update is of all three, always
  whole.rewards_first_updates = 0;
  whole.behaviour_period = 1;
  whole.loss.overshooting = 0;  // and as the recipe has it
  DreamerLearner learner(whole, 1);
  fill(learner.batch(), settings.world.actions);
  learner.update();
  std::vector<double> times;
  const double end = seconds_now() + seconds;
  while (times.size() < 3 || seconds_now() < end) {
    const double start = seconds_now();
    learner.update();
    times.push_back((seconds_now() - start) * 1e3);
  }
  figures.update_ms = quantile(times, 0.5);
  figures.updates_per_s = 1e3 / figures.update_ms;
  figures.steps_per_s = figures.updates_per_s * settings.loss.batch * settings.loss.steps;

  DreamerActor actor(settings, 1, 1);
  actor.set_parameters(learner.parameters());
  Random random(1, 3);
  for (std::uint8_t& byte : actor.frames()) byte = static_cast<std::uint8_t>(random.below(256));
  std::uint8_t action = 0;
  times.clear();
  for (int i = 0; i < 550; ++i) {
    const double start = seconds_now();
    actor.act(false, {&action, 1});
    if (i >= 50) times.push_back((seconds_now() - start) * 1e6);
  }
  figures.policy_p50_us = quantile(times, 0.5);
  figures.policy_p99_us = quantile(times, 0.99);
  return figures;
}

}  // namespace sinv
