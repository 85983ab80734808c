// The operations that keep their own count, against the ones that are told it.
#include "kernels/step_state.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

TEST(StepState, NoiseGoesOnWhereTheLastCallStopped) {
  NoiseState state{7, 3, 10};
  for (const std::size_t count : {0U, 1U, 4U, 5U, 300U}) {
    const std::uint64_t before = state.counter;
    Guarded found(count);
    Guarded wanted(count);
    noise_fill_next({}, &state, found.span());
    noise_fill({}, 7, 3, before, wanted.span());
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(found[i], wanted[i]);
    EXPECT_EQ(state.counter, before + noise_blocks(count));
  }
}

// Three steps of one parameter by the paper's formulas, in double.
TEST(StepState, AdamCountsItsOwnSteps) {
  AdamState state;
  state.learning_rate = 0.1F;
  state.clip_norm = 0.5F;
  float value = 1.0F;
  float moment1 = 0.0F;
  float moment2 = 0.0F;
  double x = 1.0;
  double m = 0.0;
  double v = 0.0;
  for (int t = 1; t <= 3; ++t) {
    const float gradient = 0.4F * static_cast<float>(t);
    adam_step({}, &state, {&gradient, 1}, {&value, 1}, {&moment1, 1}, {&moment2, 1});
    const double g = std::min(0.4 * t, 0.5);
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    x -= 0.1 * (m / (1 - std::pow(0.9, t))) / (std::sqrt(v / (1 - std::pow(0.999, t))) + 1e-8);
    EXPECT_NEAR(value, x, 2e-5);  // 0.999F is off by 1e-8, which 1 - 0.999 makes 1e-5 of
    EXPECT_EQ(state.norm, gradient);
    EXPECT_EQ(state.steps, static_cast<std::uint64_t>(t));
  }
  const float bad = std::numeric_limits<float>::infinity();
  const float before = value;
  adam_step({}, &state, {&bad, 1}, {&value, 1}, {&moment1, 1}, {&moment2, 1});
  EXPECT_EQ(state.steps, 3U);
  EXPECT_EQ(value, before);
}

TEST(StepState, WhatDoesNotFitIsNamed) {
  std::vector<float> room(4);
  AdamState state;
  const std::span<float> four(room);
  EXPECT_THAT(message([&] { noise_fill_next({}, nullptr, four); }), HasSubstr("noise_fill_next: no state"));
  EXPECT_THAT(message([&] { adam_step({}, nullptr, four, four, four, four); }), HasSubstr("adam_step: no state"));
  EXPECT_THAT(message([&] { adam_step({}, &state, four.first(3), four, four, four); }),
              HasSubstr("adam_step: 4 values, 3 gradients, 4 and 4 moments"));
}

}  // namespace
}  // namespace sinv
