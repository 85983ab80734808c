#include "tests/gpu/replay_bench.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "tests/gpu/replay_case.h"

namespace sinv {
namespace {

constexpr int kActions = 6;
constexpr StackShape kStack{4, 84, 84};

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

// The median of five.
double median_seconds(const std::function<void()>& work) {
  std::vector<double> times;
  for (int repeat = 0; repeat < 5; ++repeat) times.push_back(seconds_of(work));
  std::sort(times.begin(), times.end());
  return times[2];
}

ReplayCaseSettings pictures(int batch, ReplayPlace place) {
  return {.replay = {.envs = 64, .capacity_steps = 50'000, .history = kStack.frames},
          .form = RowForm::kByte,
          .values = static_cast<std::uint32_t>(kStack.height * kStack.width),
          .batch = batch,
          .place = place};
}

void print_batches(int batch, ReplayPlace place, double copied) {
  constexpr int kCount = 200;
  const char* where = place == ReplayPlace::kHost ? "from the host" : "on the device";
  ReplayCase source(pictures(batch, place));
  source.step(800);  // every ring is full
  const DeviceStream own;
  const Stream s = own.stream();
  const auto rows = static_cast<std::size_t>(batch);
  const DeviceBatch to(batch, rows * static_cast<std::size_t>(kStack.frames * kStack.height * kStack.width), true);
  const DeviceBuffer errors(rows * sizeof(float));
  source.ready(s);
  const auto queue = [&] {
    source.queue_batch(s, to.batch());
    source.queue_errors(s, {static_cast<float*>(errors.data()), rows});
  };
  queue();
  const DeviceGraph graph(s, queue);
  const double alone = median_seconds([&] {
    for (int i = 0; i < kCount; ++i) graph.launch(s);
    wait_for(s);
  });
  const DeviceGraph gather_graph(s, [&] { source.queue_batch(s, to.batch()); });
  const double gathered = median_seconds([&] {
    for (int i = 0; i < kCount; ++i) gather_graph.launch(s);
    wait_for(s);
  });
  const double rate = 1e-9 * source.batch_bytes() * kCount / gathered;
  std::printf("  replay %s, batch %3d  %7.1f us a batch, %.0f samples/s; drawn and gathered at %.1f GB/s read", where,
              batch, 1e6 * alone / kCount, batch * kCount / alone, rate);
  std::printf(", %.2f of the copy\n", 2 * rate / copied);  // what is read is written, too

  DqnLearnerSettings settings;
  settings.network = conv_network_preset("deepmind");
  settings.batch = batch;
  settings.device = Device::kCuda;
  DqnLearner learner(settings, kStack, kActions, 1, &source);
  std::vector<float> td_error(rows);
  const auto run = [&](int updates) {
    for (int i = 0; i < updates; ++i) {
      learner.start();
      if (learner.started() == learner.most_started()) learner.finish(td_error);
    }
    while (learner.started() > 0) learner.finish(td_error);
  };
  run(20);
  const double updates = median_seconds([&] { run(kCount); });
  std::printf("  with its update, batch %3d        %7.1f us an update, %.0f samples/s\n", batch, 1e6 * updates / kCount,
              batch * kCount / updates);
}

}  // namespace

void print_replay(double copy_gigabytes_per_s) {
  for (const int batch : {32, 256}) {
    for (const ReplayPlace place : {ReplayPlace::kHost, ReplayPlace::kDevice}) {
      print_batches(batch, place, copy_gigabytes_per_s);
    }
  }
}

}  // namespace sinv
