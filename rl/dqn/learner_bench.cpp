#include "rl/dqn/learner_bench.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/random.h"
#include "rl/dqn/learner.h"

namespace sinv {

namespace {
constexpr int kObservation = 128;
constexpr int kActions = 6;
constexpr int kRepeats = 7;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double quantile(std::vector<double>& values, double q) {
  std::ranges::sort(values);
  return values[static_cast<std::size_t>(q * static_cast<double>(values.size() - 1))];
}

void fill(DqnLearner& learner) {
  Random random(1, 2);
  const DqnBatch batch = learner.batch();
  for (float& x : batch.observation_tm1) x = 2.0F * random.uniform() - 1.0F;
  for (float& x : batch.observation_t) x = 2.0F * random.uniform() - 1.0F;
  for (std::int32_t& a : batch.action_tm1) a = static_cast<std::int32_t>(random.below(kActions));
  for (float& r : batch.return_t) r = 2.0F * random.uniform() - 1.0F;
  for (float& d : batch.discount_t) d = random.uniform() < 0.01F ? 0.0F : 0.970299F;
  for (float& w : batch.weight) w = 0.5F + 0.5F * random.uniform();
}

double updates_per_second(int batch, double seconds) {
  DqnLearnerSettings settings;
  settings.batch = batch;
  DqnLearner learner(settings, kObservation, kActions, 1);
  fill(learner);
  std::vector<float> td_error(static_cast<std::size_t>(batch));
  for (int i = 0; i < 20; ++i) learner.update(td_error);
  double start = seconds_now();
  learner.update(td_error);
  const int count = std::max(1, static_cast<int>(seconds / kRepeats / (seconds_now() - start)));
  std::vector<double> rates;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    start = seconds_now();
    for (int i = 0; i < count; ++i) learner.update(td_error);
    rates.push_back(count / (seconds_now() - start));
  }
  return quantile(rates, 0.5);
}

std::vector<double> inference_us(bool fresh_noise, int calls) {
  DqnActor actor(mlp_network(), kObservation, kActions, 1, 1);
  actor.set_noise(fresh_noise);
  std::vector<float> observation(kObservation, 0.5F);
  std::vector<float> q(kActions);
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    observation[static_cast<std::size_t>(i % kObservation)] = static_cast<float>(i % 7) - 3.0F;
    const double start = seconds_now();
    if (fresh_noise) actor.resample_noise();
    actor.q_values(observation, 1, q);
    times.push_back((seconds_now() - start) * 1e6);
  }
  return times;
}
}  // namespace

DqnBenchFigures bench_dqn_learner(int batch, int threads, double seconds) {
  static_cast<void>(threads);
  DqnBenchFigures figures;
  figures.updates_per_s = updates_per_second(batch, seconds);
  figures.samples_per_s = figures.updates_per_s * batch;
  // Multiply-adds per sample: three forward passes, the gradients of all weights, and of the hidden features.
  constexpr double kFirst = 128.0 * 256.0;
  constexpr double kSecond = 256.0 * 256.0;
  constexpr double kHead = 256.0 * kActions;
  const double per_sample = 4.0 * (kFirst + kSecond + kHead) + kSecond + kHead;
  figures.gflops = 2e-9 * per_sample * figures.samples_per_s;
  std::vector<double> times = inference_us(false, 20000);
  figures.inference_p50_us = quantile(times, 0.5);
  figures.inference_p99_us = quantile(times, 0.99);
  times = inference_us(true, 5000);
  figures.inference_noisy_p50_us = quantile(times, 0.5);
  return figures;
}

}  // namespace sinv
