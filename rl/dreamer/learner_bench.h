#pragma once

#include "rl/dreamer/settings.h"

namespace sinv {

/// What `bench learner --agent dreamer` prints: medians, with random data, on the device and with the threads of the
/// settings (decisions are the calling thread's).
struct DreamerBenchFigures {
  double update_ms = 0;
  double updates_per_s = 0;
  double steps_per_s = 0;    // of the sequences that the updates train on
  double policy_p50_us = 0;  // one environment: picture, state and action
  double policy_p99_us = 0;
};

/// seconds: how long the repeats of the update take in all, but at least three updates.
DreamerBenchFigures bench_dreamer_learner(const DreamerLearnerSettings& settings, double seconds);

}  // namespace sinv
