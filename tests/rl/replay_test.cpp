#include "rl/replay.h"

#include <cmath>
#include <gtest/gtest.h>
#include <map>
#include <set>
#include <vector>

#include "base/random.h"

namespace sinv {
namespace {

// The whole life of one environment, kept without any ring: the oracle. The observation of a step carries its number.
struct LongMemory {
  struct Entry {
    float payload;      // of the observation
    int episode_start;  // entry at which its episode began
    bool has_step = false;
    int action = 0;
    float reward = 0;
    bool terminated = false;
    bool ended = false;
  };
  std::vector<Entry> entries;
};

struct Drawn {
  std::vector<float> observation_tm1, observation_t;
  int action;
  float ret, discount;
};

// What the definition says about the transition from entry t; false while its window is open.
bool by_definition(const LongMemory& memory, int t, const ReplaySettings& settings, Drawn& out) {
  const auto at = [&](int i) -> const LongMemory::Entry& { return memory.entries[static_cast<std::size_t>(i)]; };
  const auto stack = [&](int i) {
    std::vector<float> rows;
    for (int k = settings.history - 1; k >= 0; --k) rows.push_back(at(std::max(i - k, at(i).episode_start)).payload);
    return rows;
  };
  if (!at(t).has_step) return false;
  double ret = 0;
  double power = 1;
  for (int k = 0; t + k < static_cast<int>(memory.entries.size()) && at(t + k).has_step; ++k) {
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

class ReplayOf : public testing::TestWithParam<Case> {};

// Drives replay and oracle alike and compares every transition that can be drawn, after every few steps.
TEST_P(ReplayOf, HoldsExactlyTheTransitionsOfTheDefinition) {
  const Case param = GetParam();
  const ReplaySettings settings{.envs = param.envs,
                                .capacity_steps = param.capacity,
                                .history = param.history,
                                .n_step = param.n_step,
                                .gamma = 0.9};
  Replay<float, float> replay(settings, 1);
  Random random(99, static_cast<std::uint64_t>(param.history));
  std::vector<LongMemory> memories(static_cast<std::size_t>(param.envs));
  float payload = 0;
  const int ring = static_cast<int>(param.capacity / param.envs);

  const auto begin = [&](int env) {
    LongMemory& memory = memories[static_cast<std::size_t>(env)];
    memory.entries.push_back({.payload = payload, .episode_start = static_cast<int>(memory.entries.size())});
    replay.begin(env, std::span<const float>(&payload, 1));
    payload += 1;
  };
  for (int env = 0; env < param.envs; ++env) begin(env);
  for (int round = 0; round < 400; ++round) {
    for (int env = 0; env < param.envs; ++env) {
      LongMemory& memory = memories[static_cast<std::size_t>(env)];
      LongMemory::Entry& last = memory.entries.back();
      const std::uint32_t fate = random.below(14);
      last.has_step = true;
      last.action = static_cast<int>(random.below(6));
      last.reward = std::floor(random.uniform() * 8);
      last.terminated = fate < 2;  // 0: the game is over; 1: a life is lost and the game goes on
      last.ended = fate == 0 || fate == 2;
      const LongMemory::Entry now = last;
      memory.entries.push_back({.payload = payload, .episode_start = now.episode_start});
      replay.step(env, now.action, now.reward, now.terminated, now.ended && !now.terminated,
                  std::span<const float>(&payload, 1));
      payload += 1;
      if (now.ended) begin(env);
    }
    if (round % 7 != 0) continue;
    replay.settle();
    std::int64_t expected_count = 0;
    double expected_mass = 0;
    for (int env = 0; env < param.envs; ++env) {
      const LongMemory& memory = memories[static_cast<std::size_t>(env)];
      const int written = static_cast<int>(memory.entries.size());
      for (int t = std::max(0, written - ring); t < written; ++t) {
        const auto slot = static_cast<std::uint32_t>(env * ring + t % ring);
        Drawn want;
        // Once the ring has wrapped, the oldest rows miss a part of their history.
        const bool whole = written <= ring || t - (param.history - 1) >= written - ring;
        if (!whole || !by_definition(memory, t, settings, want)) {
          ASSERT_EQ(replay.index().mass(slot), 0.0) << "entry " << t << " of " << written;
          continue;
        }
        ASSERT_EQ(replay.index().mass(slot), 1.0) << "entry " << t << " of " << written;
        ++expected_count;
        expected_mass += 1;
        Drawn got;
        got.observation_tm1.resize(static_cast<std::size_t>(param.history));
        got.observation_t.resize(static_cast<std::size_t>(param.history));
        std::int32_t action = -1;
        float weight = 1;
        replay.gather(std::span(&slot, 1), {got.observation_tm1, std::span(&action, 1), std::span(&got.ret, 1),
                                            std::span(&got.discount, 1), got.observation_t, std::span(&weight, 1)});
        ASSERT_EQ(got.observation_tm1, want.observation_tm1);
        ASSERT_EQ(got.observation_t, want.observation_t);
        ASSERT_EQ(action, want.action);
        ASSERT_NEAR(got.ret, want.ret, 1e-4F);
        ASSERT_NEAR(got.discount, want.discount, 1e-6F);
      }
    }
    ASSERT_EQ(replay.size(), expected_count);
    ASSERT_EQ(replay.index().total_mass(), expected_mass);
  }
}
INSTANTIATE_TEST_SUITE_P(Shapes, ReplayOf,
                         testing::Values(Case{1, 1, 1, 1000}, Case{1, 1, 1, 4}, Case{1, 4, 3, 50}, Case{2, 2, 5, 31},
                                         Case{3, 1, 5, 100}, Case{2, 8, 2, 100}, Case{1, 4, 32, 38},
                                         Case{4, 4, 3, 4000}));

TEST(Replay, DrawsEveryTransitionEquallyOftenWithoutPriorities) {
  const ReplaySettings settings{.envs = 2, .capacity_steps = 40, .n_step = 1, .prioritised = false};
  Replay<float, float> replay(settings, 1);
  const float row = 0;
  for (int env = 0; env < 2; ++env) {
    replay.begin(env, std::span(&row, 1));
    for (int t = 0; t < 15; ++t) replay.step(env, 0, 0, false, false, std::span(&row, 1));
  }
  replay.settle();
  Random random(4, 4);
  std::vector<std::uint32_t> slots(10);
  std::vector<float> weights(10);
  std::map<std::uint32_t, int> count;
  for (int i = 0; i < 3000; ++i) {
    replay.index().sample(random, 0.7, slots, weights);
    for (const std::uint32_t slot : slots) ++count[slot];
    for (const float weight : weights) ASSERT_EQ(weight, 1.0F);
  }
  EXPECT_EQ(count.size(), 30U);
  for (const auto& [slot, times] : count) EXPECT_NEAR(times, 1000, 5 * std::sqrt(1000)) << slot;
  replay.index().set_priorities(slots, weights);  // changes nothing
  EXPECT_EQ(replay.index().total_mass(), 30.0);
}

TEST(Replay, DrawsInProportionToPrioritiesAndWeighsThemBack) {
  const ReplaySettings settings{.capacity_steps = 100, .n_step = 1, .alpha = 0.6, .priority_floor = 0.01};
  Replay<float, float> replay(settings, 1);
  const float row = 0;
  replay.begin(0, std::span(&row, 1));
  for (int t = 0; t < 20; ++t) replay.step(0, 0, 0, false, false, std::span(&row, 1));
  replay.settle();
  std::vector<std::uint32_t> all(20);
  std::vector<float> errors(20);
  double total = 0;
  std::vector<double> mass(20);
  for (std::uint32_t i = 0; i < 20; ++i) {
    all[i] = i;
    errors[i] = static_cast<float>(i) * 0.5F;
    mass[i] = std::pow(static_cast<double>(errors[i]) + 0.01, 0.6);
    total += mass[i];
  }
  replay.index().set_priorities(all, errors);
  EXPECT_NEAR(replay.index().total_mass(), total, 1e-5);
  Random random(8, 8);
  std::vector<std::uint32_t> slots(32);
  std::vector<float> weights(32);
  std::vector<double> count(20);
  for (int i = 0; i < 2000; ++i) {
    replay.index().sample(random, 0.4, slots, weights);
    double largest = 0;
    for (const std::uint32_t slot : slots) largest = std::max(largest, std::pow(20 * mass[slot] / total, -0.4));
    for (std::size_t k = 0; k < slots.size(); ++k) {
      count[slots[k]] += 1;
      const double want = std::pow(20 * mass[slots[k]] / total, -0.4) / largest;
      ASSERT_NEAR(weights[k], want, 1e-5);
    }
  }
  for (std::size_t i = 0; i < 20; ++i) {
    const double expected = 32.0 * 2000 * mass[i] / total;
    EXPECT_NEAR(count[i], expected, 5 * std::sqrt(expected)) << i;
  }
}

TEST(Replay, NewTransitionsGetTheLargestPriorityEverSeen) {
  const ReplaySettings settings{.capacity_steps = 100, .n_step = 1, .alpha = 1, .priority_floor = 0.5};
  Replay<float, float> replay(settings, 1);
  const float row = 0;
  replay.begin(0, std::span(&row, 1));
  replay.step(0, 0, 0, false, false, std::span(&row, 1));
  replay.settle();
  EXPECT_EQ(replay.index().mass(0), 1.0);
  const std::uint32_t slot = 0;
  float error = 6.5F;
  replay.index().set_priorities(std::span(&slot, 1), std::span(&error, 1));
  error = 0.0F;
  replay.index().set_priorities(std::span(&slot, 1), std::span(&error, 1));
  EXPECT_EQ(replay.index().mass(0), 0.5);
  replay.step(0, 0, 0, false, false, std::span(&row, 1));
  replay.settle();
  EXPECT_EQ(replay.index().mass(1), 7.0);
}

TEST(Replay, RefusesAnErrorThatIsNoNumber) {
  Replay<float, float> replay({.capacity_steps = 100, .n_step = 1}, 1);
  const std::uint32_t slot = 0;
  const float error = std::nanf("");
  EXPECT_THROW(replay.index().set_priorities(std::span(&slot, 1), std::span(&error, 1)), Error);
}

// What a device that keeps the priorities is told is enough to know what can be drawn.
TEST(Replay, RecordsEverySlotThatChanges) {
  ReplaySettings settings{.envs = 2, .capacity_steps = 40, .history = 3, .n_step = 2};
  ReplayIndex plain(settings);
  settings.most_changes = 60;
  ReplayIndex recording(settings);
  std::vector<std::uint8_t> drawable(40);
  Random random(4, 4);
  for (ReplayIndex* index : {&plain, &recording}) {
    for (int env = 0; env < 2; ++env) index->begin(env);
    index->clear_changes();
  }
  for (int round = 0; round < 40; ++round) {
    std::vector<std::uint32_t> rows;
    for (int step = 0; step < 4; ++step) {
      const int env = step % 2;
      const bool ends = random.below(6) == 0;
      rows.push_back(plain.step(env, step, 1, ends, false));
      recording.step(env, step, 1, ends, false);
      if (!ends) continue;
      rows.push_back(plain.begin(env));
      recording.begin(env);
    }
    plain.settle();
    recording.settle();
    std::vector<std::uint32_t> new_rows;
    for (const ReplayIndex::Change& change : recording.changes()) {
      drawable[change.slot] = recording.mass(change.slot) != 0 ? 1 : 0;
      if (change.new_row) new_rows.push_back(change.slot);
    }
    recording.clear_changes();
    EXPECT_EQ(new_rows, rows);
    EXPECT_EQ(recording.size(), plain.size());
    for (std::uint32_t slot = 0; slot < 40; ++slot) {
      ASSERT_EQ(drawable[slot] != 0, plain.mass(slot) != 0) << "round " << round << ", slot " << slot;
    }
  }
}

TEST(Replay, RefusesMoreChangesThanItHasRoomFor) {
  ReplayIndex index({.capacity_steps = 40, .n_step = 1, .most_changes = 4});
  index.begin(0);
  index.step(0, 0, 0, false, false);
  try {
    index.step(0, 0, 0, false, false);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("ReplayIndex: more than 4 changes between two settle()s", 0), 0U)
        << error.what();
  }
}

TEST(Replay, FixedPointRowsAreWithinHalfAStepOfTheValues) {
  Replay<std::int16_t, float> replay({.capacity_steps = 100, .n_step = 1}, 3);
  Random random(2, 2);
  std::vector<std::vector<float>> rows;
  for (int t = 0; t < 40; ++t) rows.push_back({random.uniform() * 2 - 1, t == 0 ? -1.0F : 1.0F, t == 1 ? 7.0F : 0.0F});
  replay.begin(0, rows[0]);
  for (std::size_t t = 1; t < 40; ++t) replay.step(0, 0, 0, false, false, rows[t]);
  replay.settle();
  for (std::uint32_t t = 0; t < 39; ++t) {
    std::vector<float> now(3), next(3);
    std::int32_t action = 0;
    float ret = 0, discount = 0, weight = 0;
    replay.gather(std::span(&t, 1), {now, std::span(&action, 1), std::span(&ret, 1), std::span(&discount, 1), next,
                                     std::span(&weight, 1)});
    EXPECT_NEAR(now[0], rows[t][0], 1.01 * 0.5 / 32767);
    EXPECT_EQ(now[1], rows[t][1]);                  // both ends are exact
    EXPECT_EQ(now[2], std::min(1.0F, rows[t][2]));  // beyond them is clamped
    EXPECT_NEAR(next[0], rows[t + 1][0], 1.01 * 0.5 / 32767);
  }
}

TEST(Replay, PixelsAreKeptAndGivenAsTheyAre) {
  Replay<std::uint8_t, std::uint8_t> replay({.capacity_steps = 100, .history = 2, .n_step = 1}, 2);
  const std::vector<std::uint8_t> first{1, 255};
  const std::vector<std::uint8_t> second{7, 128};
  replay.begin(0, first);
  replay.step(0, 3, 1, false, false, second);
  replay.settle();
  const std::uint32_t slot = 0;
  std::vector<std::uint8_t> now(4), next(4);
  std::int32_t action = 0;
  float ret = 0, discount = 0, weight = 0;
  replay.gather(std::span(&slot, 1),
                {now, std::span(&action, 1), std::span(&ret, 1), std::span(&discount, 1), next, std::span(&weight, 1)});
  EXPECT_EQ(now, (std::vector<std::uint8_t>{1, 255, 1, 255}));
  EXPECT_EQ(next, (std::vector<std::uint8_t>{1, 255, 7, 128}));
  EXPECT_EQ(action, 3);
}

// Compares futures, not blobs: two replays that go on alike must draw alike.
TEST(Replay, ARestoredReplayDrawsTheSameFuture) {
  const ReplaySettings settings{.envs = 2, .capacity_steps = 60, .history = 2, .n_step = 3};
  Replay<float, float> one(settings, 2);
  Random world(5, 1);
  std::vector<float> row(2);
  const auto live = [&](Replay<float, float>& replay, Random& random, int steps) {
    for (int t = 0; t < steps; ++t) {
      for (int env = 0; env < 2; ++env) {
        row = {random.uniform(), random.uniform()};
        const bool end = random.below(9) == 0;
        replay.step(env, static_cast<int>(random.below(6)), random.uniform(), end, false, row);
        if (end) replay.begin(env, row);
      }
    }
    replay.settle();
  };
  const auto draw = [&](Replay<float, float>& replay, Random& random) {
    std::vector<std::uint32_t> slots(16);
    std::vector<float> all(16 * 4 * 2 + 16 * 3);
    std::vector<std::int32_t> actions(16);
    const std::span<float> values(all);
    replay.sample(random, 0.5, slots,
                  {values.subspan(0, 64), actions, values.subspan(128, 16), values.subspan(144, 16),
                   values.subspan(64, 64), values.subspan(160, 16)});
    std::vector<float> errors(16);
    for (float& error : errors) error = random.uniform() * 3;
    replay.index().set_priorities(slots, errors);
    for (const std::int32_t action : actions) all.push_back(static_cast<float>(action));
    return all;
  };
  for (int env = 0; env < 2; ++env) one.begin(env, row);
  Random draws(6, 6);
  for (int i = 0; i < 20; ++i) {
    live(one, world, 5);
    draw(one, draws);
  }
  ByteWriter out;
  one.save(out);
  std::vector<std::span<std::byte>> from;
  one.bulk(from);

  Replay<float, float> two(settings, 2);
  ByteReader in(out.bytes(), "test");
  two.load(in);
  std::vector<std::span<std::byte>> to;
  two.bulk(to);
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    ASSERT_EQ(from[i].size(), to[i].size());
    if (!from[i].empty()) std::memcpy(to[i].data(), from[i].data(), from[i].size());
  }
  two.loaded();
  Random world_two = world;
  Random draws_two = draws;
  for (int i = 0; i < 50; ++i) {
    live(one, world, 3);
    live(two, world_two, 3);
    ASSERT_EQ(draw(one, draws), draw(two, draws_two));
  }
}

TEST(Replay, RefusesASavedReplayOfAnotherShape) {
  Replay<float, float> one({.capacity_steps = 100, .n_step = 3}, 2);
  ByteWriter out;
  one.save(out);
  const auto load = [&](auto&& replay) {
    ByteReader in(out.bytes(), "test");
    try {
      replay.load(in);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("loaded");
  };
  EXPECT_EQ(load(Replay<float, float>({.capacity_steps = 100, .n_step = 3}, 2)), "loaded");
  EXPECT_EQ(load(Replay<float, float>({.capacity_steps = 100, .n_step = 3}, 5)),
            "replay: the saved one has rows of 2 values of 4 bytes; the settings say 5 values of 4 bytes; resume with "
            "the settings of the run");
  EXPECT_EQ(load(Replay<float, float>({.capacity_steps = 100, .n_step = 4}, 2)),
            "replay: the saved one has rings of 100, history 1, n-step 3; the settings say 100, 1, 4; resume with the "
            "settings of the run");
}

TEST(Replay, RefusesWhatDoesNotFitIntoMemoryAndRingsThatAreTooShort) {
  try {
    Replay<float, float> replay({.capacity_steps = 2'000'000'000}, 100'000);
    FAIL() << "took 763 TiB";
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("replay of 2000000000 steps takes 763"), std::string::npos)
        << error.what();
  }
  EXPECT_THROW(ReplayIndex({.envs = 10, .capacity_steps = 50, .n_step = 3}), Error);
  EXPECT_THROW(ReplayIndex({.capacity_steps = 50, .history = 0}), Error);
  ReplayIndex index({.capacity_steps = 50});
  EXPECT_THROW(index.step(0, 0, 0, false, false), Error);  // no first observation
  index.begin(0);
  index.step(0, 0, 0, false, false);
  EXPECT_THROW(index.begin(0), Error);  // the episode has not ended
  EXPECT_THROW(index.begin(1), Error);
}

}  // namespace
}  // namespace sinv
