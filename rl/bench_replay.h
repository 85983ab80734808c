#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace sinv {

/// Speed of prioritised replay, medians over `repeats` timings of about `seconds` each, on the caller's thread.
struct ReplayBench {
  std::int64_t capacity_steps = 0;
  int batch = 0;
  double sample_us = 0;              // draw the batch's leaves, stratified
  double update_us = 0;              // new masses at the leaves that were drawn
  double sample_update_us = 0;       // both, one after the other, as an agent does
  double random_update_us = 0;       // new masses at leaves all over the tree (as peer_replay.py measures)
  double whole_step_us = 0;          // draw, gather rows with weights, new priorities: float32 rows
  double whole_step_compact_us = 0;  // the same with 16-bit rows
};

/// Every capacity of {200,000, 1,000,000} with every batch of {32, 256}. `row_size` values per observation; takes
/// about 1.5 bytes times 1,000,000 * 4 * row_size while it runs.
std::vector<ReplayBench> bench_replay(double seconds = 0.1, int repeats = 7, int row_size = 128);

}  // namespace sinv
