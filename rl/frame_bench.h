#pragma once

#include <cstdint>
#include <vector>

#include "rl/frame_replay.h"

namespace sinv {

/// Speed of frame replay with prioritised drawing, stacks of 4 and n-step 3, on the caller's thread: medians, in
/// microseconds of its CPU time.
struct FrameReplayBench {
  FrameShape shape;
  std::int64_t capacity_steps = 0;
  int batch = 0;
  double gather_us = 0;      // both stacks of every sample, at random places
  double memcpy_us = 0;      // the same bytes out, in runs of one stack, copied from the same places by memcpy alone
  double whole_step_us = 0;  // draw, gather with weights, new priorities
  double insert_us = 0;      // one frame
};

/// Batches of 32 and 256 of each shape. Takes FrameReplay::bytes() of the largest shape.
std::vector<FrameReplayBench> bench_frame_replay(std::int64_t capacity_steps, std::vector<FrameShape> shapes,
                                                 double seconds = 0.1, int repeats = 7);

}  // namespace sinv
