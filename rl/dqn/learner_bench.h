#pragma once

#include <string>

namespace sinv {

/// What `bench learner` prints.
struct DqnBenchFigures {
  double updates_per_s = 0;     // median of the repeats
  double samples_per_s = 0;     // times the batch
  double gflops = 0;            // of the matrix products, 2 per multiply-add
  double inference_p50_us = 0;  // one observation, mean weights
  double inference_p99_us = 0;
  double inference_noisy_p50_us = 0;  // with fresh noise before each observation
};

/// Measures the networks of the comparison with PyTorch, on random data: dqn-mlp is 128-256-256-6, noisy, shared
/// dueling head; dqn-cnn is deepmind on 4 x 84 x 84 bytes, 512, noisy, shared dueling head. `threads` share the loops
/// of an update (decisions are the calling thread's). On chosen_device(); there the updates of a repeat follow one
/// another without waiting for results, as in training. seconds: how long the repeats of the update take in all.
/// Errors: UserError naming the known agents.
DqnBenchFigures bench_dqn_learner(const std::string& agent, int batch, int threads, double seconds = 2.0);

}  // namespace sinv
