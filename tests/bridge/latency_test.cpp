#include "bridge/mame/latency.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"

namespace sinv::mame {
namespace {

TEST(Latency, NothingRecordedIsAllZero) {
  const auto summary = Latency().summary();
  EXPECT_EQ(summary.count, 0U);
  EXPECT_EQ(summary.p50_us, 0);
  EXPECT_EQ(summary.max_us, 0);
  EXPECT_EQ(summary.late, 0U);
}

TEST(Latency, OneTimeIsEveryPercentile) {
  Latency latency;
  latency.record(37.5);
  const auto summary = latency.summary();
  EXPECT_EQ(summary.count, 1U);
  EXPECT_EQ(summary.p50_us, 37.5);
  EXPECT_EQ(summary.p999_us, 37.5);
  EXPECT_EQ(summary.max_us, 37.5);
}

TEST(Latency, PercentilesLieWithinASixteenthAboveTheSortedTruth) {
  Random random(5, 0);
  Latency latency;
  std::vector<double> times;
  for (int i = 0; i < 20'000; ++i) {
    const double us = std::exp2(random.uniform() * 20.0 - 3.0);
    times.push_back(us);
    latency.record(us);
  }
  std::sort(times.begin(), times.end());
  const auto summary = latency.summary();
  const auto check = [&](double found, double share) {
    const double truth = times[static_cast<std::size_t>(std::ceil(share * 20'000)) - 1];
    EXPECT_GE(found, truth * (1 - 1e-12)) << share;
    EXPECT_LE(found, truth * (1 + 1.0 / 16) + 1.0 / 16) << share;
  };
  check(summary.p50_us, 0.5);
  check(summary.p99_us, 0.99);
  check(summary.p999_us, 0.999);
  EXPECT_EQ(summary.max_us, times.back());
}

TEST(Latency, BucketsJoinWithoutGapAndHoldWhatTheirEdgesSay) {
  for (std::size_t i = 1; i < Latency::kBuckets; ++i) ASSERT_GT(Latency::edge_us(i), Latency::edge_us(i - 1)) << i;
  for (std::size_t i = 0; i + 1 < Latency::kBuckets; ++i) {
    Latency latency;
    latency.record(Latency::edge_us(i));  // the edge belongs to the next one
    ASSERT_EQ(latency.buckets()[i + 1], 1U) << i;
    latency.clear();
    latency.record(std::nextafter(Latency::edge_us(i), 0.0));
    ASSERT_EQ(latency.buckets()[i], 1U) << i;
  }
}

TEST(Latency, OnlyMoreThanAFrameIsLate) {
  Latency latency;
  latency.record(16'794.0);
  latency.record(kFrameUs);
  EXPECT_EQ(latency.summary().late, 0U);
  latency.record(16'796.0);
  latency.record(1e15);  // beyond the last bucket
  latency.record(-1);
  EXPECT_EQ(latency.summary().late, 2U);
  EXPECT_EQ(latency.summary().count, 5U);
  EXPECT_EQ(latency.summary().max_us, 1e15);
}

TEST(Latency, MergedIsAsIfRecordedInOne) {
  Latency a;
  Latency b;
  Latency both;
  for (int i = 1; i <= 100; ++i) {
    (i % 3 == 0 ? a : b).record(i * 7.0);
    both.record(i * 7.0);
  }
  a.merge(b);
  EXPECT_EQ(a.buckets(), both.buckets());
  EXPECT_EQ(a.summary().max_us, 700);
  EXPECT_EQ(a.summary().count, 100U);
}

}  // namespace
}  // namespace sinv::mame
