#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace sinv::mame {

/// One frame of the cabinet: 33,536 cycles of 1.9968 MHz (cabinet/timing.h).
inline constexpr double kFrameUs = 33536.0 / 1.9968;

/// Times from "a state has been received" to "the next request has been sent". Sixteen buckets for each doubling from
/// 1/16 us to over an hour, so a percentile is right to within 1/16 = 6.3 %. Recording takes no memory. Thread: one
/// owner; copy it to look at it elsewhere.
class Latency {
 public:
  struct Summary {
    std::uint64_t count = 0;
    double p50_us = 0;  // upper edges of the buckets they lie in, but never above max_us
    double p99_us = 0;
    double p999_us = 0;
    double max_us = 0;
    std::uint64_t late = 0;  // took longer than one frame
  };

  void record(double us);
  void merge(const Latency& other);
  void clear() { *this = Latency(); }
  Summary summary() const;

  static constexpr std::size_t kBuckets = 16 * 36;
  /// Upper edge of bucket i; the last one has none in truth.
  static double edge_us(std::size_t bucket);
  const std::array<std::uint64_t, kBuckets>& buckets() const { return counts_; }

 private:
  double percentile_us(double share) const;

  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t late_ = 0;
  double max_us_ = 0;
};

}  // namespace sinv::mame
