#include "bridge/mame/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace sinv::mame {
namespace {

// A time in sixteenths of a microsecond, as 4 bits behind its highest one and the place of that one.
std::size_t bucket_of(double us) {
  const double sixteenths = std::clamp(us * 16.0, 0.0, 0x1p39);
  const auto value = static_cast<std::uint64_t>(sixteenths);
  if (value < 16) return static_cast<std::size_t>(value);
  const auto doubling = static_cast<unsigned>(std::bit_width(value)) - 4U;  // 1: 16..31
  const std::size_t within = static_cast<std::size_t>(value >> (doubling - 1)) - 16;
  return std::min(std::size_t{16} * doubling + within, Latency::kBuckets - 1);
}

}  // namespace

double Latency::edge_us(std::size_t bucket) {
  if (bucket < 16) return static_cast<double>(bucket + 1) / 16.0;
  const auto doubling = static_cast<int>(bucket / 16);
  return std::ldexp(static_cast<double>(16 + bucket % 16 + 1), doubling - 1) / 16.0;
}

void Latency::record(double us) {
  ++counts_[bucket_of(us)];
  ++count_;
  if (us > kFrameUs) ++late_;
  max_us_ = std::max(max_us_, us);
}

void Latency::merge(const Latency& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  late_ += other.late_;
  max_us_ = std::max(max_us_, other.max_us_);
}

double Latency::percentile_us(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets; ++i) {
    seen += counts_[i];
    if (seen >= wanted && seen > 0) return std::min(edge_us(i), max_us_);
  }
  return max_us_;
}

Latency::Summary Latency::summary() const {
  return {count_, percentile_us(0.5), percentile_us(0.99), percentile_us(0.999), max_us_, late_};
}

}  // namespace sinv::mame
