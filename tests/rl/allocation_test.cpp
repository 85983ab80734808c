// A round takes no memory once everything has been used for the first time.
#include <algorithm>
#include <gtest/gtest.h>

#include "tests/rl/small_trainer.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

class Allocation : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Agents, Allocation, testing::ValuesIn(agent_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

TEST_P(Allocation, ARoundTakesNoMemoryAfterWarmUp) {
  constexpr int kEnvs = 4;
  constexpr int kSteps = 5;
  Corridor envs(kEnvs, 3, 2, small_picture(GetParam()));
  const std::unique_ptr<Agent> agent =
      agent_factory(small_agent(GetParam()))({.envs = kEnvs,
                                              .observation_size = envs.observation_size(),
                                              .history = 2,
                                              .picture = envs.picture(),
                                              .actions = Corridor::kActions,
                                              .steps_per_round = kSteps},
                                             1);
  std::vector<std::uint8_t> actions(kEnvs);
  Clock clock;
  envs.reset();
  agent->begin(envs);
  agent->merge(clock);
  const auto round = [&] {
    for (int step = 0; step < kSteps; ++step) {
      agent->act(envs, actions);
      envs.step(actions);
      agent->observe(envs, actions);
    }
    const std::int64_t updates = std::max<std::int64_t>(0, agent->updates_due(clock) - clock.updates);
    agent->learn(updates);
    clock.updates += updates;
    clock.steps += kEnvs * kSteps;
    clock.frames += kEnvs * kSteps * 3;
    agent->merge(clock);
  };
  for (int i = 0; i < 200; ++i) round();  // past the warm-up of replay and two copies of the target network
  const std::size_t before = allocations();
  for (int i = 0; i < 200; ++i) round();  // the ring wraps, episodes end, the target is copied
  EXPECT_EQ(allocations() - before, 0U);
  EXPECT_GT(clock.updates, 500);
}

}  // namespace
}  // namespace sinv
