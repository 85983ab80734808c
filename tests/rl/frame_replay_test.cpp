#include "rl/frame_replay.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/rl/frame_batch.h"

namespace sinv {
namespace {

using testing::HasSubstr;

// The whole life of one environment, kept without any ring: the oracle. The frame of a step carries its number.
struct Entry {
  int payload;        // of the frame
  int episode_start;  // entry at which its episode began
  bool has_step = false;
  int action = 0;
  float reward = 0;
  bool terminated = false;
  bool ended = false;
};
using Life = std::vector<Entry>;

struct Drawn {
  std::vector<std::uint8_t> observation_tm1, observation_t;
  int action;
  float ret, discount;
};

// What the definition says about the transition from entry t; false while its window is open.
bool by_definition(const Life& life, int t, const ReplaySettings& settings, const FrameShape& shape, Drawn& out) {
  const auto at = [&](int i) -> const Entry& { return life[static_cast<std::size_t>(i)]; };
  const auto stack = [&](int i) {
    std::vector<std::uint8_t> pixels;
    for (int k = settings.history - 1; k >= 0; --k) {
      const std::vector<std::uint8_t> frame = pixels_of(shape, at(std::max(i - k, at(i).episode_start)).payload);
      pixels.insert(pixels.end(), frame.begin(), frame.end());
    }
    return pixels;
  };
  if (!at(t).has_step) return false;
  double ret = 0;
  double power = 1;
  for (int k = 0; t + k < static_cast<int>(life.size()) && at(t + k).has_step; ++k) {
    ret += power * static_cast<double>(at(t + k).reward);
    power *= settings.gamma;
    if (at(t + k).terminated || at(t + k).ended || k + 1 == settings.n_step) {
      out = {stack(t), stack(t + k + 1), at(t).action, static_cast<float>(ret),
             at(t + k).terminated ? 0.0F : static_cast<float>(power)};
      return true;
    }
  }
  return false;
}

struct Case {
  int envs, history, n_step;
  std::int64_t capacity;
};

class FrameReplayOf : public testing::TestWithParam<Case> {};

// Drives oracle and two replays alike, a byte a pixel and a bit a pixel, and compares every transition that can be
// drawn, after every few steps, until the rings have wrapped several times.
TEST_P(FrameReplayOf, HoldsExactlyTheTransitionsOfTheDefinition) {
  const Case param = GetParam();
  const ReplaySettings settings{.envs = param.envs,
                                .capacity_steps = param.capacity,
                                .history = param.history,
                                .n_step = param.n_step,
                                .gamma = 0.9};
  const FrameShape shape{.width = 12, .height = 2};
  const FrameShape packed{.width = 12, .height = 2, .packed = true};
  FrameReplay replay(settings, shape);
  FrameReplay bits(settings, packed);
  Random random(99, static_cast<std::uint64_t>(param.history));
  std::vector<Life> lives(static_cast<std::size_t>(param.envs));
  int payload = 0;
  const int ring = static_cast<int>(param.capacity / param.envs);

  const auto begin = [&](int env) {
    Life& life = lives[static_cast<std::size_t>(env)];
    life.push_back({.payload = payload, .episode_start = static_cast<int>(life.size())});
    replay.begin(env, frame_of(shape, payload));
    bits.begin(env, frame_of(packed, payload));
    ++payload;
  };
  for (int env = 0; env < param.envs; ++env) begin(env);
  int compared = 0;
  for (int round = 0; round < 300; ++round) {
    for (int env = 0; env < param.envs; ++env) {
      Life& life = lives[static_cast<std::size_t>(env)];
      Entry& last = life.back();
      const std::uint32_t fate = random.below(14);
      last.has_step = true;
      last.action = static_cast<int>(random.below(6));
      last.reward = std::floor(random.uniform() * 8);
      last.terminated = fate < 2;  // 0: the game is over; 1: a life is lost and the game goes on
      last.ended = fate == 0 || fate == 2;
      const Entry now = last;
      life.push_back({.payload = payload, .episode_start = now.episode_start});
      const bool truncated = now.ended && !now.terminated;
      replay.step(env, now.action, now.reward, now.terminated, truncated, frame_of(shape, payload));
      bits.step(env, now.action, now.reward, now.terminated, truncated, frame_of(packed, payload));
      ++payload;
      if (now.ended) begin(env);
    }
    if (round % 7 != 0) continue;
    replay.settle();
    bits.settle();
    std::int64_t expected_count = 0;
    for (int env = 0; env < param.envs; ++env) {
      const Life& life = lives[static_cast<std::size_t>(env)];
      const int written = static_cast<int>(life.size());
      for (int t = std::max(0, written - ring); t < written; ++t) {
        const auto slot = static_cast<std::uint32_t>(env * ring + t % ring);
        Drawn want;
        // Once the ring has wrapped, the oldest frames miss a part of their history.
        const bool whole = written <= ring || t - (param.history - 1) >= written - ring;
        if (!whole || !by_definition(life, t, settings, shape, want)) {
          ASSERT_EQ(replay.index().mass(slot), 0.0) << "entry " << t << " of " << written;
          continue;
        }
        ASSERT_EQ(replay.index().mass(slot), 1.0) << "entry " << t << " of " << written;
        ++expected_count;
        for (const FrameReplay* one : {&replay, &bits}) {
          FrameBatch got(1, param.history, shape);
          one->gather(std::span(&slot, 1), got.view());
          ASSERT_EQ(got.observation_tm1, want.observation_tm1) << "entry " << t << " of " << written;
          ASSERT_EQ(got.observation_t, want.observation_t) << "entry " << t << " of " << written;
          ASSERT_EQ(got.action[0], want.action);
          ASSERT_NEAR(got.ret[0], want.ret, 1e-4F);
          ASSERT_NEAR(got.discount[0], want.discount, 1e-6F);
          ++compared;
        }
      }
    }
    ASSERT_EQ(replay.size(), expected_count);
    ASSERT_EQ(bits.size(), expected_count);
  }
  EXPECT_GT(compared, 80);
}
INSTANTIATE_TEST_SUITE_P(Shapes, FrameReplayOf,
                         testing::Values(Case{1, 1, 1, 500}, Case{1, 1, 1, 4}, Case{1, 4, 3, 50}, Case{2, 2, 5, 31},
                                         Case{3, 1, 5, 100}, Case{2, 8, 2, 100}, Case{1, 4, 32, 38},
                                         Case{4, 4, 3, 2000}));

// Batches past the prefetch distances, drawn by priority: every row of the batch is that of its slot.
TEST(FrameReplay, SamplesWholeBatchesWithWeightsByPriority) {
  for (const bool packed : {false, true}) {
    const FrameShape shape{.width = 84, .height = 84, .packed = packed};
    const ReplaySettings settings{.envs = 3, .capacity_steps = 300, .history = 4, .n_step = 3, .alpha = 0.6};
    FrameReplay replay(settings, shape);
    for (int env = 0; env < 3; ++env) {
      replay.begin(env, frame_of(shape, 1000 * env));
      for (int t = 1; t < 90; ++t) {
        replay.step(env, t % 6, static_cast<float>(t), t % 40 == 0, false, frame_of(shape, 1000 * env + t));
      }
    }
    replay.settle();
    Random random(4, 4);
    for (const int size : {1, 2, 3, 8, 33}) {
      std::vector<std::uint32_t> slots(static_cast<std::size_t>(size));
      FrameBatch batch(size, 4, shape);
      replay.sample(random, 0.5, slots, batch.view());
      double least = 1e30;
      for (const std::uint32_t slot : slots) least = std::min(least, replay.index().mass(slot));
      for (std::size_t i = 0; i < slots.size(); ++i) {
        const int env = static_cast<int>(slots[i] / 100);
        const int t = static_cast<int>(slots[i] % 100);
        const int steps = static_cast<int>(replay.index().at(slots[i]).steps);
        ASSERT_EQ(batch.action[i], (t + 1) % 6);
        ASSERT_NEAR(batch.weight[i], std::sqrt(least / replay.index().mass(slots[i])), 1e-5);
        for (int k = 0; k < 4; ++k) {
          ASSERT_EQ(batch.frame_tm1(i, k), pixels_of(shape, 1000 * env + std::max(0, t - 3 + k)));
          ASSERT_EQ(batch.frame_t(i, k), pixels_of(shape, 1000 * env + std::max(0, t + steps - 3 + k)));
        }
      }
      std::vector<float> errors(slots.size());
      for (float& error : errors) error = 3 * random.uniform();
      replay.index().set_priorities(slots, errors);
    }
  }
}

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(FrameReplay, RefusesWhatDoesNotFit) {
  const FrameShape shape{};
  EXPECT_THAT(refusal([&] { FrameReplay replay({.capacity_steps = 2'000'000'000}, shape); }),
              HasSubstr("replay of 2000000000 steps takes 1354"));
  EXPECT_THAT(refusal([] { FrameReplay replay({.capacity_steps = 100}, {.width = 3, .height = 3, .packed = true}); }),
              HasSubstr("FrameReplay: 3 x 3 bits fill no whole bytes"));
  EXPECT_THAT(refusal([] { FrameReplay replay({.capacity_steps = 100}, {.width = 0, .height = 3}); }),
              HasSubstr("FrameReplay: frames of 0 x 3"));
  EXPECT_THAT(refusal([&] { FrameReplay replay({.envs = 10, .capacity_steps = 50}, shape); }),
              HasSubstr("50 steps over 10 environments give rings of 5, wanted 6 or more"));
  FrameReplay replay({.capacity_steps = 100, .history = 2}, {.width = 4, .height = 2});
  const std::vector<std::uint8_t> frame(7);
  EXPECT_THAT(refusal([&] { replay.begin(0, frame); }), HasSubstr("FrameReplay: a frame of 7 bytes, wanted 8"));
  const std::uint32_t slot = 0;
  FrameBatch batch(2, 2, replay.shape());
  EXPECT_THAT(refusal([&] { replay.gather(std::span(&slot, 1), batch.view()); }),
              HasSubstr("FrameReplay::gather: 1 stacks of 16 pixels, buffers of 32 and 32"));
  FrameBatch one(1, 2, replay.shape());
  one.action.resize(3);
  EXPECT_THAT(refusal([&] { replay.gather(std::span(&slot, 1), one.view()); }),
              HasSubstr("FrameReplay::gather: 1 slots, room for 3 actions, 1 returns, 1 discounts"));
}

TEST(FrameReplay, TakesWhatItSaysAndBitsTakeAnEighth) {
  const ReplaySettings settings{.envs = 64, .capacity_steps = 1'000'000, .history = 4};
  // 1 million frames of 84 x 84: 7.06 GB, and 44 MB for slots and tree.
  EXPECT_EQ(FrameReplay::bytes(settings, {}), 1'000'000LL * (84 * 84 + 12 + 32));
  EXPECT_EQ(FrameReplay::bytes(settings, {.width = 96, .height = 100, .packed = true}), 1'000'000LL * (1200 + 12 + 32));
}

}  // namespace
}  // namespace sinv
