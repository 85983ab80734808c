#pragma once

#include <vector>

#include "game/pixels.h"

namespace sinv {

/// What one picture costs by one implementation: medians, in microseconds of the thread's CPU time.
struct PixelBench {
  const char* preset = "";
  PixelCode code = PixelCode::kPortable;
  double bytes_us = 0;   // render_pixels()
  double packed_us = 0;  // render_packed(); 0 when there is no such form
  double unpack_us = 0;  // unpack_pixels() of one picture; 0 likewise
};

/// Every preset by every implementation of this machine, on the pictures of `ram` and `before`, on the caller's thread;
/// `repeats` timings of about `seconds` each.
std::vector<PixelBench> bench_pixels(const Ram& ram, const Ram& before, double seconds = 0.02, int repeats = 7);

}  // namespace sinv
