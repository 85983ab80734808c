#pragma once

namespace sinv {

/// What `bench learner --agent dqn-mlp` prints.
struct DqnBenchFigures {
  double updates_per_s = 0;     // median of the repeats
  double samples_per_s = 0;     // times the batch
  double gflops = 0;            // of the matrix products, 2 per multiply-add
  double inference_p50_us = 0;  // one observation, mean weights
  double inference_p99_us = 0;
  double inference_noisy_p50_us = 0;  // with fresh noise before each observation
};

/// Measures the network of the comparison with PyTorch (128-256-256-6, noisy, shared dueling head) on random data, on
/// the calling thread. threads above 1 give the same figures: at these sizes a product lasts 10 to 900 us, and handing
/// half of it to another core and waiting costs what it saves.
/// seconds: how long the repeats of the update take in all.
DqnBenchFigures bench_dqn_learner(int batch, int threads, double seconds = 2.0);

}  // namespace sinv
