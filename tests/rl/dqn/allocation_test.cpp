// Counts what a step takes from the heap. Its own file: it replaces operator new for the whole test program.
#include <gtest/gtest.h>
#include <vector>

#include "rl/dqn/learner.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

TEST(Allocation, TheCounterCounts) {
  const std::size_t before = allocations();
  std::vector<float> some(100);
  some.push_back(1.0F);
  EXPECT_GE(allocations() - before, 2U);
}

TEST(Allocation, ATrainingStepTakesNothing) {
  for (const QHeadKind head : {QHeadKind::kSingle, QHeadKind::kDuelingShared, QHeadKind::kDuelingSplit}) {
    DqnLearnerSettings settings;
    settings.network.head.kind = head;
    settings.network.head.layer_norm = true;
    settings.network.head.hidden = {1024, 1024};  // large enough that the team shares its loops
    settings.threads = 2;
    DqnLearner learner(settings, 20, 6, 1);
    std::vector<float> td(32);
    learner.update(td);
    const std::size_t before = allocations();
    for (int i = 0; i < 10; ++i) {
      learner.batch().weight[0] = 0.5F;
      learner.update(td);
      learner.update_target();
    }
    EXPECT_EQ(allocations() - before, 0U);
  }
}

TEST(Allocation, AnActingStepTakesNothingOnceItsSizeWasSeen) {
  DqnActor actor(mlp_network(), 20, 6, 8, 1);
  std::vector<float> observation(8 * 20, 0.5F);
  std::vector<float> q(8 * 6);
  const auto step = [&] {
    actor.resample_noise();
    actor.q_values(std::span(observation).first(20), 1, std::span(q).first(6));
    actor.q_values(observation, 8, q);
  };
  step();
  const std::size_t before = allocations();
  for (int i = 0; i < 10; ++i) step();
  EXPECT_EQ(allocations() - before, 0U);
}

}  // namespace
}  // namespace sinv
