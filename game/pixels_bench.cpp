#include "game/pixels_bench.h"

#include <algorithm>
#include <ctime>

namespace sinv {
namespace {

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
  int calls = 16;
  while (time_of(calls) < seconds / 2) calls *= 2;
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(repeats));
  for (int i = 0; i < repeats; ++i) times.push_back(time_of(calls) / calls * 1e6);
  std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
  return times[static_cast<std::size_t>(repeats / 2)];
}

}  // namespace

std::vector<PixelBench> bench_pixels(const Ram& ram, const Ram& before, double seconds, int repeats) {
  std::vector<PixelBench> results;
  for (const PixelPreset& preset : pixel_presets()) {
    std::vector<std::uint8_t> pixels(preset.pixels());
    std::vector<std::uint8_t> packed(preset.packed_bytes());
    for (const PixelCode code : pixel_codes()) {
      PixelBench result{.preset = preset.name, .code = code};
      result.bytes_us = median_us(seconds, repeats, [&] { render_pixels(code, preset, ram, before, pixels); });
      if (preset.binary) {
        result.packed_us = median_us(seconds, repeats, [&] { render_packed(code, preset, ram, before, packed); });
        result.unpack_us = median_us(seconds, repeats, [&] { unpack_pixels(code, packed, pixels); });
      }
      results.push_back(result);
    }
  }
  return results;
}

}  // namespace sinv
