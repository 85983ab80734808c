#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace sinv {

struct BenchSettings {
  std::string agent = "dqn-mlp";
  std::string preset = "atari";  // of the agent dreamer
  int batch = 32;
  int threads = 1;
  double seconds = 0.5;
  int repeats = 7;
  std::string rom;
  std::string device = "cpu";
  std::string precision = "float32";
  int spin_us = -1;  // of the bridge; -1: its default
  int envs = 0;      // MAMEs at once in the bridge bench; 0: one a processor
};

/// Figures by name; a name ends in its unit (updates_per_s, inference_p50_us).
struct BenchResult {
  std::string name;
  nlohmann::json settings;
  std::map<std::string, double> figures;
};

BenchResult bench_bridge(const BenchSettings& settings);
BenchResult bench_cabinet(const BenchSettings& settings);
BenchResult bench_dashboard(const BenchSettings& settings);
BenchResult bench_env_steps(const BenchSettings& settings);
BenchResult bench_learner(const BenchSettings& settings);
BenchResult bench_pictures(const BenchSettings& settings);
BenchResult bench_replay_tree(const BenchSettings& settings);

}  // namespace sinv
