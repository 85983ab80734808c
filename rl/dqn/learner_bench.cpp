#include "rl/dqn/learner_bench.h"

#include <algorithm>
#include <chrono>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "base/text.h"
#include "kernels/device_module.h"
#include "rl/dqn/learner.h"

namespace sinv {

namespace {
constexpr int kActions = 6;
constexpr int kRepeats = 7;

struct Measured {
  QNetworkSettings network;
  QInput input;
  double all_macs;    // multiply-adds of one forward pass of one sample
  double first_macs;  // of its first layer, which passes no gradient on
  int calls;          // of the timed decisions
};

Measured measured(const std::string& agent) {
  if (agent == "dqn-mlp") {
    return {mlp_network(), 128, 128.0 * 256 + 256.0 * 256 + 256.0 * kActions, 128.0 * 256, 20'000};
  }
  if (agent != "dqn-cnn") throw UserError(unknown_name("agent", agent, {"dqn-mlp", "dqn-cnn"}));
  QNetworkSettings network = conv_network_preset("deepmind");
  network.head.noisy = true;
  // Places times patch times outputs of each convolution, then the linear layers.
  const double first = 400.0 * 256 * 32;
  const double all = first + 81.0 * 512 * 64 + 49.0 * 576 * 64 + 3136.0 * 512 + 512.0 * kActions;
  return {network, StackShape{4, 84, 84}, all, first, 1000};
}

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
  for (std::uint8_t& x : batch.frames_tm1) x = static_cast<std::uint8_t>(random.below(256));
  for (std::uint8_t& x : batch.frames_t) x = static_cast<std::uint8_t>(random.below(256));
  for (std::int32_t& a : batch.action_tm1) a = static_cast<std::int32_t>(random.below(kActions));
  for (float& r : batch.return_t) r = 2.0F * random.uniform() - 1.0F;
  for (float& d : batch.discount_t) d = random.uniform() < 0.01F ? 0.0F : 0.970299F;
  for (float& w : batch.weight) w = 0.5F + 0.5F * random.uniform();
}

double updates_per_second(const Measured& what, int batch, int threads, double seconds) {
  DqnLearnerSettings settings;
  settings.network = what.network;
  settings.batch = batch;
  settings.device = chosen_device();
  settings.threads = threads;
  DqnLearner learner(settings, what.input, kActions, 1);
  std::vector<float> td_error(static_cast<std::size_t>(batch));
  for (int i = 0; i < learner.most_started(); ++i) {  // every batch that takes turns
    fill(learner);
    learner.start();
  }
  while (learner.started() > 0) learner.finish(td_error);
  for (int i = 0; i < 3; ++i) learner.update(td_error);
  double start = seconds_now();
  learner.update(td_error);
  const int count = std::max(1, static_cast<int>(seconds / kRepeats / (seconds_now() - start)));
  std::vector<double> rates;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    start = seconds_now();
    for (int i = 0; i < count; ++i) {
      learner.start();
      if (learner.started() == learner.most_started()) learner.finish(td_error);
    }
    while (learner.started() > 0) learner.finish(td_error);
    rates.push_back(count / (seconds_now() - start));
  }
  return quantile(rates, 0.5);
}

template <class Value>
std::vector<double> inference_us(const Measured& what, bool fresh_noise, int calls) {
  DqnActor actor(what.network, what.input, kActions, 1, 1, chosen_device());
  actor.set_noise(fresh_noise);
  std::vector<Value> observation(what.input.size(), Value{1});
  std::vector<float> q(kActions);
  std::vector<double> times;
  for (int i = 0; i < calls; ++i) {
    observation[static_cast<std::size_t>(i) % observation.size()] = static_cast<Value>(i % 7);
    const double start = seconds_now();
    if (fresh_noise) actor.resample_noise();
    actor.q_values(std::span<const Value>(observation), 1, q);
    times.push_back((seconds_now() - start) * 1e6);
  }
  return times;
}
std::vector<double> inference_us(const Measured& what, bool fresh_noise, int calls) {
  return what.input.sees_frames() ? inference_us<std::uint8_t>(what, fresh_noise, calls)
                                  : inference_us<float>(what, fresh_noise, calls);
}
}  // namespace

DqnBenchFigures bench_dqn_learner(const std::string& agent, int batch, int threads, double seconds) {
  const Measured what = measured(agent);
  DqnBenchFigures figures;
  figures.updates_per_s = updates_per_second(what, batch, threads, seconds);
  figures.samples_per_s = figures.updates_per_s * batch;
  // Three forward passes, the gradients of all weights, and of what all layers but the first take.
  const double per_sample = 4.0 * what.all_macs + what.all_macs - what.first_macs;
  figures.gflops = 2e-9 * per_sample * figures.samples_per_s;
  std::vector<double> times = inference_us(what, false, what.calls);
  figures.inference_p50_us = quantile(times, 0.5);
  figures.inference_p99_us = quantile(times, 0.99);
  times = inference_us(what, true, what.calls / 4);
  figures.inference_noisy_p50_us = quantile(times, 0.5);
  return figures;
}

}  // namespace sinv
