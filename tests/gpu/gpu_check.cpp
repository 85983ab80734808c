// The GPU self-check, without a test library: gpu_check [checks|bench|all] [FILE]. FILE gets the benches' figures as
// JSON, for tools/gpu_table.py. Exit status 0: all is right, or there is no GPU and SINV_REQUIRE_GPU is not set to 1.
// SINV_GPU_PRECISION: of the benches alone: float32 (default), tf32 or bf16.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kernels/device_module.h"
#include "rl/dqn/learner_bench.h"
#include "rl/dreamer/learner.h"
#include "tests/gpu/bandwidth.h"
#include "tests/gpu/checks.h"
#include "tests/gpu/replay_bench.h"
#include "tests/gpu/replay_checks.h"

namespace sinv {
namespace {

using Figures = std::vector<std::pair<std::string, double>>;

void put(Figures& figures, const std::string& name, double value) {
  std::printf("  %-40s %10.1f\n", name.c_str(), value);
  std::fflush(stdout);
  figures.emplace_back(name, value);
}

void bench_dqn(Figures& figures, const std::string& agent) {
  for (const int batch : {32, 256}) {
    const DqnBenchFigures found = bench_dqn_learner(agent, batch, 1);
    put(figures, text(agent, " update, batch ", batch), found.updates_per_s);
    if (batch != 32) continue;
    put(figures, agent + " acting, p50", found.inference_p50_us);
    put(figures, agent + " acting, p99", found.inference_p99_us);
  }
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// The default sizes of the world model. What the batch holds changes nothing but the numbers.
void bench_dreamer(Figures& figures) {
  DreamerLearnerSettings settings;
  settings.device = Device::kCuda;
  DreamerLearner learner(settings, 1);
  const SequenceBatch batch = learner.batch();
  std::ranges::fill(batch.keep, 1.0F);
  std::ranges::fill(batch.weight, 1.0F / static_cast<float>(batch.weight.size()));
  for (std::size_t i = 0; i < batch.frames.size(); ++i) batch.frames[i] = static_cast<std::uint8_t>(i * 31 % 256);
  for (int i = 0; i < 5; ++i) learner.update();
  std::vector<double> rates;
  for (int repeat = 0; repeat < 7; ++repeat) {
    constexpr int kCount = 10;
    const double start = seconds_now();
    for (int i = 0; i < kCount; ++i) learner.update();
    rates.push_back(kCount / (seconds_now() - start));
  }
  std::ranges::sort(rates);
  put(figures, text("dreamer update, ", settings.loss.batch, " x ", settings.loss.steps), rates[rates.size() / 2]);
}

void write_figures(const char* path, const Figures& figures, const std::vector<Bandwidth>& bandwidths) {
  std::FILE* file = std::fopen(path, "w");
  if (file == nullptr) throw Error(text(path, ": cannot be written"));
  std::fprintf(file, "{\"figures\": {");
  for (std::size_t i = 0; i < figures.size(); ++i) {
    std::fprintf(file, "%s\"%s\": %.6g", i == 0 ? "" : ", ", figures[i].first.c_str(), figures[i].second);
  }
  std::fprintf(file, "}, \"bandwidths\": [");
  for (std::size_t i = 0; i < bandwidths.size(); ++i) {
    std::fprintf(file, "%s[\"%s\", %.6g]", i == 0 ? "" : ", ", bandwidths[i].name.c_str(),
                 bandwidths[i].gigabytes_per_s);
  }
  std::fprintf(file, "]}\n");
  if (std::fclose(file) != 0) throw Error(text(path, ": cannot be written"));
}

void run_benches(const char* path) {
  Figures figures;
  bench_dqn(figures, "dqn-mlp");
  bench_dqn(figures, "dqn-cnn");
  bench_dreamer(figures);
  const std::vector<Bandwidth> bandwidths = measure_bandwidths(std::size_t{1} << 26U);  // 256 MiB each, past any cache
  for (const Bandwidth& line : bandwidths) {
    std::printf("  %-40s %10.0f GB/s, %.2f of the copy\n", line.name.c_str(), line.gigabytes_per_s,
                line.gigabytes_per_s / bandwidths[0].gigabytes_per_s);
  }
  print_replay(bandwidths[0].gigabytes_per_s);
  if (path != nullptr) write_figures(path, figures, bandwidths);
}

int run(const std::string& what, const char* path) {
  const char* precision = std::getenv("SINV_GPU_PRECISION");
  try {
    for (const std::string& line : describe_devices()) std::printf("  %s\n", line.c_str());
    const Precision wanted = precision_named(precision == nullptr ? "float32" : precision);
    std::printf("  %s\n", choose_device("cuda", what == "bench" ? wanted : Precision::kFloat32).note.c_str());
  } catch (const UserError& error) {
    return print_no_gpu(error.what());
  }
  bool passed = true;
  if (what != "bench") {
    passed = print_checks(device_checks());
    passed = print_checks(replay_checks()) && passed;
  }
  if (what != "checks") run_benches(path);
  return passed ? 0 : 1;
}

}  // namespace
}  // namespace sinv

int main(int count, char** words) {
  try {
    return sinv::run(count > 1 ? words[1] : "all", count > 2 ? words[2] : nullptr);
  } catch (const std::exception& error) {
    std::printf("FAILED: %s\n", error.what());
    return 1;
  }
}
