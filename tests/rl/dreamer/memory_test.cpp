#include "rl/dreamer/memory.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "rl/policy.h"
#include "tests/rl/corridor.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

constexpr FrameShape kPicture{.width = 24, .height = 9, .packed = true};

template <class Call>
std::string refusal(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

struct Chunks {
  explicit Chunks(std::size_t rows)
      : frames(rows * kPicture.pixels()),
        action(rows * Corridor::kActions),
        keep(rows),
        reward(rows),
        discount(rows),
        weight(rows) {}
  SequenceBatch spans() { return {frames, {}, action, keep, reward, discount, weight, {}, {}, {}}; }
  std::size_t room(std::size_t row) const {  // the first lit column of the middle row
    const auto* const line = frames.data() + row * kPicture.pixels() + std::size_t{4 * 24};
    return static_cast<std::size_t>(std::find(line, line + 24, 255) - line) / 4;
  }
  std::vector<std::uint8_t> frames;
  std::vector<float> action, keep, reward, discount, weight;
};

// Rooms tell what belongs together: a step to the right is one room further, and the last room ends the episode with
// its picture, its reward and no discount.
TEST(DreamerMemory, EndsAnEpisodeWithItsLastPictureAndBeginsTheNext) {
  constexpr int kEnvs = 3;
  constexpr int kSteps = 4;
  DreamerSettings settings;
  settings.replay_steps = 600;
  settings.gamma = 0.5;
  DreamerMemory memory(settings, {.envs = kEnvs,
                                  .observation_size = static_cast<int>(2 * kPicture.pixels()),
                                  .history = 2,
                                  .picture = kPicture,
                                  .actions = Corridor::kActions,
                                  .steps_per_round = kSteps});
  Corridor envs(kEnvs, 3, 2, kPicture);
  RandomPolicy policy(Corridor::kActions, 5);
  std::vector<std::uint8_t> actions(kEnvs);
  envs.reset();
  memory.begin(envs);
  for (int round = 0; round < 60; ++round) {
    for (int step = 0; step < kSteps; ++step) {
      policy.act(envs.observations(), actions);
      envs.step(actions);
      memory.observe(envs, actions);
    }
    if (round == 0) {
      EXPECT_EQ(memory.staged(), kSteps + 1);
      EXPECT_THAT(refusal([&] { memory.observe(envs, actions); }), HasSubstr("observe: 5 steps in a round of 4"));
    }
    memory.merge();
    EXPECT_EQ(memory.staged(), 0);
  }
  EXPECT_EQ(memory.replay().size(), 600);
  constexpr int kBatch = 64;
  constexpr int kLength = 5;
  Chunks chunks(kBatch * kLength);
  Random random(1, 1);
  memory.replay().sample(random, kBatch, kLength, chunks.spans());
  int ends = 0;
  for (std::size_t row = 0; row < kBatch * kLength; ++row) {
    if (chunks.weight[row] == 0.0F) continue;
    const bool arrived = chunks.room(row) == Corridor::kRooms - 1;
    EXPECT_EQ(chunks.reward[row], arrived ? 1.0F : 0.0F);
    EXPECT_EQ(chunks.discount[row], arrived ? 0.0F : 0.5F);
    ends += arrived ? 1 : 0;
    if (chunks.keep[row] == 0.0F) continue;
    const std::size_t before = chunks.room(row - kBatch);
    const bool right = chunks.action[row * Corridor::kActions + 1] == 1.0F;
    EXPECT_EQ(chunks.room(row) == before + 1, right);
  }
  EXPECT_GT(ends, 2);
}

TEST(DreamerSettings, StepsForAnUpdateMustBeMoreThanNone) {
  DreamerSettings settings;
  settings.steps_per_update = 0;
  EXPECT_THAT(refusal([&] { check(settings); }), HasSubstr("dreamer.steps_per_update is 0, wanted above 0"));
  settings.steps_per_update = 1;
  settings.preset = "tiny";
  EXPECT_THAT(refusal([&] { check(settings); }), HasSubstr("dreamer preset \"tiny\" is not known"));
}

}  // namespace
}  // namespace sinv
