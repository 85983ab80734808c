#include "rl/n_step.h"

#include <gtest/gtest.h>
#include <tuple>
#include <vector>

#include "base/random.h"

namespace sinv {
namespace {

struct Event {
  float reward;
  bool terminated;
  bool truncated;
};

struct Expected {
  int start;
  double ret;
  double discount;
  int steps;
};

// Oracle: the definition, window by window, in double precision.
std::vector<Expected> by_definition(const std::vector<Event>& events, int n, double gamma) {
  std::vector<Expected> windows;
  for (int start = 0; start < static_cast<int>(events.size()); ++start) {
    double ret = 0;
    double power = 1;
    for (int k = 0; start + k < static_cast<int>(events.size()); ++k) {
      const Event& event = events[static_cast<std::size_t>(start + k)];
      ret += power * static_cast<double>(event.reward);
      power *= gamma;
      if (event.terminated || event.truncated || k + 1 == n) {
        windows.push_back({start, ret, event.terminated ? 0.0 : power, k + 1});
        break;
      }
    }
  }
  return windows;
}

class NStepOf : public testing::TestWithParam<std::tuple<int, double>> {};

TEST_P(NStepOf, GivesEveryWindowOfTheDefinitionInOrder) {
  const auto [n, gamma] = GetParam();
  Random random(21, static_cast<std::uint64_t>(n));
  std::vector<Event> events;
  for (int i = 0; i < 2000; ++i) {
    const std::uint32_t end = random.below(12);
    events.push_back({random.uniform() * 4 - 2, end == 0, end == 1});
  }
  events.push_back({1, true, false});
  const std::vector<Expected> expected = by_definition(events, n, gamma);
  NStepReturns returns(n, gamma);
  std::size_t at = 0;
  for (int now = 0; now < static_cast<int>(events.size()); ++now) {
    const Event& event = events[static_cast<std::size_t>(now)];
    returns.push(event.reward, event.terminated, event.truncated, [&](const NStepWindow& window) {
      ASSERT_LT(at, expected.size());
      const Expected& want = expected[at++];
      EXPECT_EQ(now - window.age, want.start);
      EXPECT_EQ(window.steps, want.steps);
      // Each of up to 32 sums and products of values below 2 rounds by at most 2^-24 of 64.
      EXPECT_NEAR(window.ret, want.ret, 32 * 64 * 0x1p-24);
      EXPECT_NEAR(window.discount, want.discount, 0x1p-24);
    });
  }
  EXPECT_EQ(at, expected.size());
  EXPECT_EQ(returns.open(), 0);
}
INSTANTIATE_TEST_SUITE_P(Lengths, NStepOf,
                         testing::Combine(testing::Values(1, 2, 3, 5, 32), testing::Values(0.0, 0.9, 0.99, 1.0)));

TEST(NStep, ATruncationKeepsTheValueWithTheTrueLengthATerminationDropsIt) {
  std::vector<NStepWindow> windows;
  const auto keep = [&](const NStepWindow& window) { windows.push_back(window); };
  NStepReturns returns(3, 0.5);
  returns.push(1, false, false, keep);
  returns.push(2, false, true, keep);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].ret, 2.0F);  // 1 + 0.5 * 2
  EXPECT_EQ(windows[0].discount, 0.25F);
  EXPECT_EQ(windows[1].discount, 0.5F);
  windows.clear();
  returns.push(1, false, false, keep);
  returns.push(2, true, false, keep);
  ASSERT_EQ(windows.size(), 2U);
  EXPECT_EQ(windows[0].discount, 0.0F);
  EXPECT_EQ(windows[1].discount, 0.0F);
}

TEST(NStep, RefusesLengthsOutOfRange) {
  EXPECT_THROW(NStepReturns(0, 0.9), Error);
  EXPECT_THROW(NStepReturns(33, 0.9), Error);
  EXPECT_THROW(NStepReturns(3, 1.1), Error);
}

}  // namespace
}  // namespace sinv
