#include "game/vec_env.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/game/fake_machine.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

using testing::HasSubstr;

std::vector<FakeEvent> deaths() {
  return {{.frame = 90, .kind = FakeEvent::kKill},
          {.frame = 400, .kind = FakeEvent::kKill},
          {.frame = 700, .kind = FakeEvent::kKill}};
}

std::unique_ptr<Machine> mortal() {
  auto machine = std::make_unique<FakeMachine>(deaths());
  machine->masks.reserve(1 << 20);
  return machine;
}

EnvSettings settings_of() {
  EnvSettings settings;
  settings.sticky = 0.2;
  settings.history = 2;
  return settings;
}

template <class Fn>
std::string message_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

void draw(Random& random, std::vector<Action>& actions) {
  for (Action& action : actions) action = static_cast<Action>(random.below(kActions));
}

// Everything a batch gives in `steps` steps, in one list of numbers.
std::vector<double> story(VecEnv& batch, int steps, std::uint64_t seed) {
  std::vector<double> told;
  Random random(seed, 0);
  std::vector<Action> actions(batch.size());
  for (int step = 0; step < steps; ++step) {
    draw(random, actions);
    batch.step(actions);
    const auto tell = [&](const auto& span) { told.insert(told.end(), span.begin(), span.end()); };
    tell(batch.observations());
    tell(batch.rewards());
    tell(batch.discounts());
    tell(batch.terminated());
    tell(batch.truncated());
    tell(batch.life_lost());
    tell(batch.frames());
    for (const EpisodeRecord& record : batch.finished()) {
      told.push_back(record.env);
      told.push_back(static_cast<double>(record.score));
      told.push_back(record.frames);
    }
  }
  return told;
}

TEST(VecEnv, ResultsDoNotDependOnTheThreads) {
  VecEnv one(mortal, settings_of(), 7, 5, 1);
  one.reset();
  const std::vector<double> expected = story(one, 120, 3);
  for (const int threads : {2, 3, 9}) {
    VecEnv many(mortal, settings_of(), 7, 5, threads);
    many.reset();
    EXPECT_EQ(story(many, 120, 3), expected) << threads;
  }
}

TEST(VecEnv, IsTheSameAsItsEnvsAloneAndResetsInTheStep) {
  constexpr std::size_t kCount = 5;
  VecEnv batch(mortal, settings_of(), kCount, 21, 2, 100);
  batch.reset();
  std::vector<std::unique_ptr<Env>> alone;
  for (std::size_t i = 0; i < kCount; ++i) {
    alone.push_back(std::make_unique<Env>(mortal(), settings_of(), 21, 100 + i));
    alone.back()->reset();
  }
  Random random(2, 0);
  std::vector<Action> actions(kCount);
  std::vector<float> row(batch.observation_size());
  int ended = 0;
  for (int step = 0; step < 300; ++step) {
    draw(random, actions);
    batch.step(actions);
    std::size_t finished = 0;
    for (std::size_t i = 0; i < kCount; ++i) {
      const StepResult result = alone[i]->step(actions[i]);
      ASSERT_EQ(batch.rewards()[i], result.reward);
      ASSERT_EQ(batch.discounts()[i], result.discount);
      ASSERT_EQ(batch.terminated()[i] != 0, result.terminated);
      ASSERT_EQ(batch.life_lost()[i] != 0, result.life_lost);
      if (result.terminated) {
        alone[i]->observe(row);
        const auto last = batch.final_observations().subspan(i * row.size(), row.size());
        EXPECT_TRUE(std::equal(row.begin(), row.end(), last.begin()));
        ASSERT_LT(finished, batch.finished().size());
        const EpisodeRecord& record = batch.finished()[finished++];
        EXPECT_EQ(record.env, i);
        EXPECT_EQ(record.score, alone[i]->score());
        EXPECT_EQ(record.frames, alone[i]->frames());
        EXPECT_EQ(record.steps, alone[i]->steps());
        EXPECT_FALSE(record.truncated);
        alone[i]->reset();
        ++ended;
      }
      alone[i]->observe(row);
      const auto now = batch.observations().subspan(i * row.size(), row.size());
      ASSERT_TRUE(std::equal(row.begin(), row.end(), now.begin()));
    }
    ASSERT_EQ(batch.finished().size(), finished);
  }
  EXPECT_GE(ended, 5);
}

TEST(VecEnv, EnvsDrawFromStreamsOfTheirOwn) {
  VecEnv batch(mortal, EnvSettings{}, 16, 1);
  batch.reset();
  std::set<std::uint32_t> starts;
  for (std::size_t i = 0; i < batch.size(); ++i) starts.insert(batch.env(i).frames());
  EXPECT_GT(starts.size(), 5U);
}

TEST(VecEnv, AStepTakesNoMemory) {
  for (const int threads : {1, 2}) {
    VecEnv batch(mortal, settings_of(), 6, 1, threads);
    batch.reset();
    std::vector<Action> actions(6, Action::kRightFire);
    for (int i = 0; i < 3; ++i) batch.step(actions);
    const std::size_t before = allocations();
    std::size_t ended = 0;
    for (int i = 0; i < 400; ++i) {
      batch.step(actions);
      ended += batch.finished().size();
    }
    EXPECT_EQ(allocations() - before, 0U);
    EXPECT_GT(ended, 6U);
  }
}

TEST(VecEnv, OnlyOneEnvPlaysTheStart) {
  std::vector<FakeMachine*> machines;
  VecEnv batch(
      [&] {
        auto machine = std::make_unique<FakeMachine>(deaths());
        machines.push_back(machine.get());
        return machine;
      },
      EnvSettings{}, 4, 1);
  batch.reset();
  for (std::size_t i = 1; i < 4; ++i) EXPECT_LE(machines[i]->masks.size(), 30U);
  EXPECT_GT(machines[0]->masks.size(), 300U);
}

TEST(VecEnv, SavedStateGoesOnToTheSameFutureWithOtherThreads) {
  VecEnv one(mortal, settings_of(), 5, 5, 1);
  one.reset();
  story(one, 61, 1);
  ByteWriter out;
  one.save(out);
  VecEnv two(mortal, settings_of(), 5, 77, 3);
  ByteReader in(out.bytes(), "state");
  two.load(in);
  EXPECT_EQ(in.left(), 0U);
  EXPECT_TRUE(std::ranges::equal(one.observations(), two.observations()));
  EXPECT_EQ(story(one, 200, 2), story(two, 200, 2));
}

TEST(VecEnv, RefusesWrongCounts) {
  EXPECT_THAT(message_of([] { VecEnv(mortal, EnvSettings{}, 0, 1); }),
              HasSubstr("env count: is 0, must be at least 1"));
  EXPECT_THAT(message_of([] { VecEnv(mortal, EnvSettings{}, 1, 1, 0); }),
              HasSubstr("env threads: is 0, must be at least 1"));
  VecEnv batch(mortal, EnvSettings{}, 2, 1);
  batch.reset();
  EXPECT_THAT(message_of([&] { batch.step(std::vector<Action>(3)); }), HasSubstr("VecEnv::step: 3 actions, wanted 2"));
  ByteWriter out;
  batch.save(out);
  VecEnv other(mortal, EnvSettings{}, 3, 1);
  EXPECT_THAT(message_of([&] {
                ByteReader in(out.bytes(), "state");
                other.load(in);
              }),
              HasSubstr("env state: holds 2 envs, this run has 3"));
}

TEST(VecEnv, AWorkersErrorReachesTheOwner) {
  for (const int threads : {1, 3}) {
    std::vector<FakeMachine*> machines;
    VecEnv batch(
        [&] {
          auto machine = std::make_unique<FakeMachine>();
          machines.push_back(machine.get());
          return machine;
        },
        EnvSettings{}, 6, 1, threads);
    batch.reset();
    machines[4]->fail_at_frame = 1;
    const std::vector<Action> actions(6);
    EXPECT_EQ(message_of([&] { batch.step(actions); }), "fake machine: broke down");
    machines[4]->fail_at_frame = 0;
    EXPECT_EQ(message_of([&] { batch.step(actions); }), "");
  }
}

TEST(VecEnv, TruncatedGamesAreRecordedAsSuch) {
  EnvSettings settings;
  settings.frame_cap = 60;
  settings.noop_max_frames = 0;
  VecEnv batch(mortal, settings, 2, 1);
  batch.reset();
  const std::vector<Action> actions(2);
  for (int i = 0; i < 19; ++i) batch.step(actions);
  EXPECT_TRUE(batch.finished().empty());
  batch.step(actions);
  ASSERT_EQ(batch.finished().size(), 2U);
  EXPECT_TRUE(batch.finished()[1].truncated);
  EXPECT_EQ(batch.finished()[1].frames, 60U);
  EXPECT_EQ(batch.truncated()[0], 1);
  EXPECT_EQ(batch.discounts()[0], 1.0F);
}

}  // namespace
}  // namespace sinv
