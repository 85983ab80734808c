// The GPU self-check, without a test library: gpu_check [checks|bench|all]. Exit status 0: all is right, or there is no
// GPU and SINV_REQUIRE_GPU is not set to 1.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/error.h"
#include "kernels/device_memory.h"
#include "kernels/device_module.h"
#include "rl/dqn/learner.h"
#include "tests/gpu/checks.h"

namespace sinv {
namespace {

constexpr int kFeatures = 128;
constexpr int kActions = 6;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

bool run_checks() {
  bool all = true;
  for (const Check& check : device_checks()) {
    const CheckResult result = run_check(check);
    std::printf("  %-26s %s  worst %.3f of its bound  %s\n", result.name.c_str(), result.passed() ? "ok    " : "FAILED",
                result.worst, result.problem.c_str());
    std::fflush(stdout);
    all = all && result.passed();
  }
  return all;
}

double updates_per_s(int batch) {
  DqnLearnerSettings settings;
  settings.batch = batch;
  settings.device = Device::kCuda;
  DqnLearner learner(settings, kFeatures, kActions, 1);
  std::vector<float> errors(static_cast<std::size_t>(batch));
  const auto run = [&](int updates) {
    for (int i = 0; i < updates; ++i) {
      learner.batch();  // the host would fill it here
      learner.start();
      if (learner.started() == learner.most_started()) learner.finish(errors);
    }
    while (learner.started() > 0) learner.finish(errors);
  };
  run(200);
  std::vector<double> rates;
  for (int repeat = 0; repeat < 7; ++repeat) {
    const double start = seconds_now();
    run(1000);
    rates.push_back(1000 / (seconds_now() - start));
  }
  return median(rates);
}

void print_acting(int n) {
  DqnActor actor(mlp_network(), kFeatures, kActions, n, 1, Device::kCuda);
  actor.set_noise(false);
  std::vector<float> observations(static_cast<std::size_t>(n) * kFeatures, 0.5F);
  std::vector<float> q(static_cast<std::size_t>(n) * kActions);
  std::vector<double> times;
  for (int i = 0; i < 2000; ++i) {
    const double start = seconds_now();
    actor.q_values(observations, n, q);
    if (i >= 100) times.push_back(1e6 * (seconds_now() - start));
  }
  std::sort(times.begin(), times.end());
  std::printf("  acting, %3d at once         p50 %.1f us, p99 %.1f us\n", n, times[times.size() / 2],
              times[times.size() * 99 / 100]);
}

// Bytes per second of work that is queued `count` times.
double gigabytes_per_s(const Stream& stream, double bytes, const std::function<void()>& queue) {
  constexpr int kCount = 20;
  for (int i = 0; i < 3; ++i) queue();
  std::vector<double> rates;
  for (int repeat = 0; repeat < 5; ++repeat) {
    DeviceEvent from;
    DeviceEvent to;
    from.record(stream);
    for (int i = 0; i < kCount; ++i) queue();
    to.record(stream);
    to.wait();
    rates.push_back(1e-6 * bytes * kCount / to.ms_since(from));
  }
  return median(rates);
}

// Memory-bound operations past the cache, beside a plain copy. Bytes: each input read once, each output written once.
void print_bandwidths() {
  constexpr std::size_t kCount = std::size_t{1} << 27U;  // 512 MiB each, past any cache
  const auto n = static_cast<std::int64_t>(kCount);
  const DeviceStream own;
  const Stream s = own.stream();
  std::vector<DeviceBuffer> memory;
  for (int i = 0; i < 4; ++i) memory.emplace_back(kCount * sizeof(float));
  const auto view = [&](std::size_t i) { return View{static_cast<float*>(memory[i].data()), Shape{n}}; };
  const auto span = [&](std::size_t i) { return view(i).flat(); };
  noise_fill(s, 1, 2, 0, span(0));  // not zeros, which some chips move faster
  noise_fill(s, 1, 3, 0, span(1));
  const double one = static_cast<double>(kCount * sizeof(float));
  const double copied =
      gigabytes_per_s(s, 2 * one, [&] { queue_copy(s, memory[2].data(), memory[0].data(), kCount * sizeof(float)); });
  std::printf("  %-26s %7.0f GB/s\n", "copy", copied);
  const auto line = [&](const char* name, double bytes, const std::function<void()>& queue) {
    const double rate = gigabytes_per_s(s, bytes, queue);
    std::printf("  %-26s %7.0f GB/s, %.2f of the copy\n", name, rate, rate / copied);
  };
  line("unary_forward relu", 2 * one, [&] { unary_forward(s, Unary::kRelu, view(0), view(2)); });
  line("unary_backward tanh", 3 * one,
       [&] { unary_backward(s, Unary::kTanh, view(0), view(1), GradientMode::kOverwrite, view(2)); });
  line("binary_forward multiply", 3 * one, [&] { binary_forward(s, Binary::kMultiply, view(0), view(1), view(2)); });
  line("noise_fill", one, [&] { noise_fill(s, 1, 2, 0, span(2)); });
  line("average_update", 3 * one, [&] { average_update(s, 0.5F, span(0), span(2)); });
  const AdamStep step{0.9F, 0.999F, 1e-8F, 1e-5F, 1.0F};
  const DeviceBuffer norm(sizeof(float));
  queue_clear(s, memory[3].data(), kCount * sizeof(float));
  // Gradient twice (norm, then step), value and moments read and written.
  line("adam_update", 8 * one, [&] {
    adam_update(s, step, 10.0F, span(0), span(1), span(2), span(3), {static_cast<float*>(norm.data()), Shape{}});
  });
  const std::int64_t rows = n / 512;
  const DeviceBuffer small(512 * sizeof(float));
  const DeviceBuffer statistics(static_cast<std::size_t>(rows) * 2 * sizeof(float));
  const ConstView gain{static_cast<const float*>(small.data()), Shape{512}};
  line("layer_norm_forward 512", 2 * one, [&] {
    layer_norm_forward(s, {view(0).data, Shape{rows, 512}}, gain, gain, 1e-5F, {view(2).data, Shape{rows, 512}},
                       {static_cast<float*>(statistics.data()), Shape{rows, 2}});
  });
  const double sum = gigabytes_per_s(s, one, [&] {
    sum_forward(s, view(0), 1.0F, {static_cast<float*>(norm.data()), Shape{}});
  });
  std::printf("  %-26s %7.0f GB/s, %.2f of the copy (reads only)\n", "sum_forward", sum, sum / copied);
}

void run_benches() {
  for (const int batch : {32, 256})
    std::printf("  learner, batch %3d          %.0f updates/s\n", batch, updates_per_s(batch));
  print_acting(1);
  print_acting(64);
  print_bandwidths();
}

int run(const std::string& what) {
  const char* require = std::getenv("SINV_REQUIRE_GPU");
  try {
    for (const std::string& line : describe_devices()) std::printf("  %s\n", line.c_str());
    std::printf("  %s\n", choose_device("cuda").note.c_str());
  } catch (const UserError& error) {
    const bool required = require != nullptr && std::string(require) == "1";
    std::printf("%s: %s\n", required ? "FAILED" : "SKIPPED", error.what());
    return required ? 1 : 0;
  }
  bool passed = true;
  if (what != "bench") passed = run_checks();
  if (what != "checks") run_benches();
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace sinv

int main(int count, char** words) {
  try {
    return sinv::run(count > 1 ? words[1] : "all");
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
}
