// Counts what a step takes from the heap. Its own file: it replaces operator new for the whole test program.
#include <gtest/gtest.h>
#include <vector>

#include "tests/rl/dreamer/small_dreamer.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

TEST(Allocation, TheCounterCounts) {
  const std::size_t before = allocations();
  std::vector<float> some(100);
  some.push_back(1.0F);
  EXPECT_GE(allocations() - before, 2U);
}

TEST(Allocation, AnUpdateTakesNothing) {
  DreamerLearnerSettings shared = dreamer_preset("small");  // large enough that a team shares its loops
  shared.loss.batch = 4;
  shared.loss.steps = 8;
  shared.loss.overshooting = 3;
  shared.threads = 2;
  for (const DreamerLearnerSettings& settings : {small_dreamer(), shared}) {
    DreamerLearner learner(settings, 1);
    fill_randomly(learner.batch(), settings.world.actions, 1);
    learner.update();
    const std::size_t before = allocations();
    for (int i = 0; i < 3; ++i) learner.update();
    EXPECT_EQ(allocations() - before, 0U) << settings.threads << " threads";
  }
}

TEST(Allocation, AnActionTakesNothing) {
  const DreamerLearner learner(small_dreamer(), 1);
  DreamerActor actor(small_dreamer(), 4, 1);
  actor.set_parameters(learner.parameters());
  std::vector<std::uint8_t> actions(4);
  actor.act(false, actions);
  const std::size_t before = allocations();
  for (int i = 0; i < 5; ++i) {
    actor.first()[1] = 1;
    actor.act(true, actions);
    actor.set_parameters(learner.parameters());
  }
  EXPECT_EQ(allocations() - before, 0U);
}

}  // namespace
}  // namespace sinv
