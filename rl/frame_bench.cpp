#include "rl/frame_bench.h"

#include <algorithm>
#include <cstring>
#include <ctime>

namespace sinv {
namespace {

constexpr int kEnvs = 64;
constexpr int kHistory = 4;
constexpr int kEpisode = 800;  // steps

// CPU time: wall time on a shared machine measures the neighbours.
double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

template <class Work>
double median_us(double seconds, int repeats, Work&& work) {
  const auto time_of = [&](int calls) {
    const double begin = thread_seconds();
    for (int i = 0; i < calls; ++i) work();
    return thread_seconds() - begin;
  };
  int calls = 4;
  while (time_of(calls) < seconds / 2) calls *= 2;
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(repeats));
  for (int i = 0; i < repeats; ++i) times.push_back(time_of(calls) / calls * 1e6);
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<std::size_t>(repeats / 2)];
}

void fill(FrameReplay& replay, std::int64_t steps_of_one) {
  std::vector<std::uint8_t> frame(replay.shape().stored_bytes());
  for (int env = 0; env < kEnvs; ++env) {
    replay.begin(env, frame);
    for (std::int64_t t = 1; t < steps_of_one; ++t) {
      frame[static_cast<std::size_t>(t) % frame.size()] = static_cast<std::uint8_t>(t);
      replay.step(env, static_cast<int>(t % 6), 1, t % kEpisode == 0, false, frame);
      if (t % kEpisode == 0 && ++t < steps_of_one) replay.begin(env, frame);
    }
  }
  replay.settle();
}

FrameReplayBench measure(FrameReplay& replay, int size, double seconds, int repeats) {
  FrameReplayBench result{.shape = replay.shape(), .capacity_steps = replay.index().slots(), .batch = size};
  const auto n = static_cast<std::size_t>(size);
  const std::size_t observation = kHistory * replay.shape().pixels();
  std::vector<std::uint8_t> stacks(2 * n * observation);
  std::vector<std::int32_t> actions(n);
  std::vector<float> values(3 * n);
  const std::span<std::uint8_t> pixels(stacks);
  const std::span<float> numbers(values);
  const TransitionBatch<std::uint8_t> batch{pixels.first(n * observation),   actions,
                                            numbers.subspan(0, n),           numbers.subspan(n, n),
                                            pixels.subspan(n * observation), numbers.subspan(2 * n, n)};
  Random random(5, 5);
  std::vector<std::uint32_t> slots(n);
  std::vector<float> errors(n);
  for (float& error : errors) error = random.uniform();
  const auto draw = [&] {
    for (std::uint32_t& slot : slots) {
      do {
        slot = random.below(static_cast<std::uint32_t>(replay.index().slots()));
      } while (replay.index().mass(slot) == 0);
    }
  };
  const double draw_us = median_us(seconds / 4, repeats, draw);
  result.gather_us = median_us(seconds, repeats,
                               [&] {
                                 draw();
                                 replay.gather(slots, batch);
                               }) -
                     draw_us;
  const std::size_t stored = kHistory * replay.shape().stored_bytes();
  const std::uint8_t* const ring = replay.frame(0).data();
  result.memcpy_us =
      median_us(seconds, repeats,
                [&] {
                  draw();
                  for (std::size_t i = 0; i < n; ++i) {
                    // Bits are copied eight times over, so that as much is written.
                    const std::uint32_t last = static_cast<std::uint32_t>(replay.index().slots()) - kHistory;
                    for (const std::uint32_t slot : {slots[i], replay.index().next_of(slots[i])}) {
                      const std::uint8_t* from = ring + std::min(slot, last) * (stored / kHistory);
                      std::uint8_t* to = stacks.data() + (2 * i + (slot != slots[i] ? 1 : 0)) * observation;
                      for (std::size_t at = 0; at < observation; at += stored) std::memcpy(to + at, from, stored);
                    }
                  }
                }) -
      draw_us;
  result.whole_step_us = median_us(seconds, repeats, [&] {
    replay.sample(random, 0.4, slots, batch);
    replay.index().set_priorities(slots, errors);
  });
  const std::vector<std::uint8_t> frame(replay.shape().stored_bytes(), 1);
  int env = 0;
  result.insert_us = median_us(seconds, repeats, [&] {
    replay.step(env, 0, 0, false, false, frame);
    env = env + 1 < kEnvs ? env + 1 : 0;
  });
  replay.settle();
  return result;
}

}  // namespace

std::vector<FrameReplayBench> bench_frame_replay(std::int64_t capacity_steps, std::vector<FrameShape> shapes,
                                                 double seconds, int repeats) {
  std::vector<FrameReplayBench> results;
  for (const FrameShape& shape : shapes) {
    FrameReplay replay({.envs = kEnvs, .capacity_steps = capacity_steps, .history = kHistory, .n_step = 3}, shape);
    fill(replay, capacity_steps / kEnvs);
    for (const int size : {32, 256}) results.push_back(measure(replay, size, seconds, repeats));
  }
  return results;
}

}  // namespace sinv
