#include "rl/schedule.h"

#include <gtest/gtest.h>

namespace sinv {
namespace {

TEST(Schedule, LinearGoesFromBeginToEndAndStays) {
  const FrameSchedule schedule = FrameSchedule::linear(1.0, 0.1, 100, 1000);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 0}), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 100}), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 600}), 0.55);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 1100}), 0.1);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 1'000'000'000}), 0.1);
}

TEST(Schedule, CosineIsFlatAtItsEndsAndHalfWayInTheMiddle) {
  const UpdateSchedule schedule = UpdateSchedule::cosine(2.0, 0.0, 0, 1000);
  EXPECT_DOUBLE_EQ(schedule.at({.updates = 0}), 2.0);
  EXPECT_NEAR(schedule.at({.updates = 500}), 1.0, 1e-12);
  EXPECT_NEAR(schedule.at({.updates = 250}), 1.0 + 0.70710678118654752, 1e-12);
  EXPECT_DOUBLE_EQ(schedule.at({.updates = 1000}), 0.0);
}

TEST(Schedule, ReadsTheClockOfItsOwnUnitOnly) {
  const Clock clock{.frames = 10, .steps = 20, .updates = 30};
  EXPECT_DOUBLE_EQ(FrameSchedule::linear(0, 100, 0, 100).at(clock), 10);
  EXPECT_DOUBLE_EQ(StepSchedule::linear(0, 100, 0, 100).at(clock), 20);
  EXPECT_DOUBLE_EQ(UpdateSchedule::linear(0, 100, 0, 100).at(clock), 30);
  EXPECT_DOUBLE_EQ(FrameSchedule::constant(0.3).at(clock), 0.3);
}

TEST(Schedule, OfNoLengthJumps) {
  const FrameSchedule schedule = FrameSchedule::linear(1.0, 0.5, 10, 0);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 10}), 1.0);
  EXPECT_DOUBLE_EQ(schedule.at({.frames = 11}), 0.5);
}

TEST(Plateau, ReducesAfterPatienceScoresWithoutABetterOneDownToTheLeast) {
  PlateauReduction plateau{.factor = 0.5, .least = 0.2, .threshold = 0.1, .patience = 2};
  EXPECT_EQ(plateau.observe(100), 1.0);
  EXPECT_EQ(plateau.observe(109), 1.0);  // not better by a tenth: waits once
  EXPECT_EQ(plateau.observe(120), 1.0);  // better: starts anew
  EXPECT_EQ(plateau.observe(120), 1.0);
  EXPECT_EQ(plateau.observe(50), 0.5);
  EXPECT_EQ(plateau.observe(50), 0.5);
  EXPECT_EQ(plateau.observe(50), 0.25);
  EXPECT_EQ(plateau.observe(50), 0.25);
  EXPECT_EQ(plateau.observe(50), 0.2);
}

TEST(Plateau, WithoutPatienceNeverReduces) {
  PlateauReduction plateau;
  for (int i = 0; i < 50; ++i) EXPECT_EQ(plateau.observe(0), 1.0);
}

TEST(Ladder, GivesTheEpsilonsOfApeX) {
  EXPECT_DOUBLE_EQ(epsilon_on_ladder(0.4, 7, 0, 8), 0.4);
  EXPECT_NEAR(epsilon_on_ladder(0.4, 7, 7, 8), 0.00065536, 1e-12);  // 0.4^8
  EXPECT_DOUBLE_EQ(epsilon_on_ladder(0.4, 0, 5, 8), 0.4);
  EXPECT_DOUBLE_EQ(epsilon_on_ladder(0.0, 7, 5, 8), 0.0);
  EXPECT_DOUBLE_EQ(epsilon_on_ladder(0.3, 7, 0, 1), 0.3);
}

}  // namespace
}  // namespace sinv
