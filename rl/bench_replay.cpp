#include "rl/bench_replay.h"

#include <algorithm>
#include <chrono>
#include <memory>

#include "rl/replay.h"

namespace sinv {
namespace {

template <class Work>
double median_us(double seconds, int repeats, Work&& work) {
  using Clock = std::chrono::steady_clock;
  const auto time_of = [&](int calls) {
    const auto begin = Clock::now();
    for (int i = 0; i < calls; ++i) work();
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  int calls = 16;
  while (time_of(calls) < seconds / 4) calls *= 2;
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(repeats));
  for (int i = 0; i < repeats; ++i) times.push_back(time_of(calls) / calls * 1e6);
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<std::size_t>(repeats / 2)];
}

struct Batch {
  Batch(int size, int row_size)
      : slots(static_cast<std::size_t>(size)),
        masses(slots.size()),
        errors(slots.size()),
        actions(slots.size()),
        values(slots.size() * (2 * static_cast<std::size_t>(row_size) + 3)) {
    Random random(3, 3);
    for (double& mass : masses) mass = random.uniform_double() + 1e-3;
    for (float& error : errors) error = random.uniform();
  }
  TransitionBatch<float> view(int row_size) {
    const std::size_t n = slots.size();
    const std::size_t rows = n * static_cast<std::size_t>(row_size);
    const std::span<float> all(values);
    return {all.subspan(0, rows),     actions,
            all.subspan(2 * rows, n), all.subspan(2 * rows + n, n),
            all.subspan(rows, rows),  all.subspan(2 * rows + 2 * n, n)};
  }
  std::vector<std::uint32_t> slots;
  std::vector<double> masses;
  std::vector<float> errors;
  std::vector<std::int32_t> actions;
  std::vector<float> values;
};

template <class Stored>
double whole_step_us(std::int64_t capacity, int batch_size, int row_size, double seconds, int repeats) {
  constexpr int kEnvs = 64;
  Replay<Stored, float> replay(
      {.envs = kEnvs, .capacity_steps = capacity, .n_step = 3, .prioritised = true, .alpha = 0.5}, row_size);
  std::vector<float> row(static_cast<std::size_t>(row_size), 0.25F);
  for (int env = 0; env < kEnvs; ++env) {
    replay.begin(env, row);
    for (std::int64_t t = 1; t < capacity / kEnvs; ++t) {
      replay.step(env, static_cast<int>(t % 6), 1, t % 800 == 0, false, row);
      if (t % 800 == 0 && ++t < capacity / kEnvs) replay.begin(env, row);
    }
  }
  replay.settle();
  Batch batch(batch_size, row_size);
  Random random(5, 5);
  return median_us(seconds, repeats, [&] {
    replay.sample(random, 0.4, batch.slots, batch.view(row_size));
    replay.index().set_priorities(batch.slots, batch.errors);
  });
}

}  // namespace

std::vector<ReplayBench> bench_replay(double seconds, int repeats, int row_size) {
  std::vector<ReplayBench> results;
  for (const std::int64_t capacity : {std::int64_t{200'000}, std::int64_t{1'000'000}}) {
    SumTree tree(static_cast<std::size_t>(capacity));
    Random random(1, 1);
    for (std::int64_t i = 0; i < capacity; ++i) tree.put(static_cast<std::size_t>(i), random.uniform_double() + 1e-3);
    tree.rebuild();
    for (const int size : {32, 256}) {
      Batch batch(size, 1);
      ReplayBench result{.capacity_steps = capacity, .batch = size};
      const auto sample = [&] { tree.sample(random, batch.slots); };
      result.sample_us = median_us(seconds, repeats, sample);
      result.sample_update_us = median_us(seconds, repeats, [&] {
        sample();
        tree.update(batch.slots, batch.masses);
      });
      result.update_us = std::max(0.0, result.sample_update_us - result.sample_us);
      result.random_update_us = median_us(seconds, repeats, [&] {
        for (std::uint32_t& slot : batch.slots) slot = random.below(static_cast<std::uint32_t>(capacity));
        tree.update(batch.slots, batch.masses);
      });
      result.whole_step_us = whole_step_us<float>(capacity, size, row_size, seconds, repeats);
      result.whole_step_compact_us = whole_step_us<std::int16_t>(capacity, size, row_size, seconds, repeats);
      results.push_back(result);
    }
  }
  return results;
}

}  // namespace sinv
