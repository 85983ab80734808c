#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "game/env.h"
#include "tests/game/fake_machine.h"

namespace sinv {
namespace {

using testing::HasSubstr;

struct Rig {
  FakeMachine* machine;
  std::unique_ptr<Env> env;
};

Rig make(int noop_max_frames, std::vector<FakeEvent> events = {}, std::uint64_t seed = 1) {
  EnvSettings settings;
  settings.noop_max_frames = noop_max_frames;
  settings.reward.score_scale = 0.01;
  auto machine = std::make_unique<FakeMachine>(std::move(events));
  FakeMachine* raw = machine.get();
  return {raw, std::make_unique<Env>(std::move(machine), settings, seed)};
}

FakeEvent points(std::uint32_t frame, std::uint32_t value) {
  return {.frame = frame, .kind = FakeEvent::kPoints, .value = value};
}

TEST(EnvLostMachine, AStepEndsTheGameAsTruncatedWithTheObservationBefore) {
  Rig rig = make(0, {points(2, 30)});
  rig.env->reset();
  EXPECT_EQ(rig.env->step(Action::kStay).points, 30U);
  std::vector<float> before(rig.env->observation_size());
  rig.env->observe(before);
  rig.machine->lost_runs = 1;
  const StepResult result = rig.env->step(Action::kLeft);
  EXPECT_TRUE(result.truncated);
  EXPECT_FALSE(result.terminated);
  EXPECT_EQ(result.discount, 1.0F);  // the bootstrap goes on: no real ending
  EXPECT_EQ(result.reward, 0.0F);
  EXPECT_EQ(result.frames, 0U);
  EXPECT_TRUE(rig.env->over());
  std::vector<float> after(rig.env->observation_size());
  rig.env->observe(after);
  EXPECT_EQ(after, before);
  EXPECT_EQ(rig.env->score(), 30);
  rig.env->reset();
  EXPECT_TRUE(controllable(rig.env->ram()));
  EXPECT_FALSE(rig.env->over());
}

TEST(EnvLostMachine, WhatWasPlayedBeforeTheLossCounts) {
  Rig rig = make(0, {points(2, 30)});
  rig.env->reset();
  rig.machine->lose_from_frame = rig.machine->frame() + 2;
  rig.machine->lost_runs = 1;
  const StepResult result = rig.env->step(Action::kStay);  // lost within the stretch, after two frames
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.frames, 2U);
  EXPECT_EQ(result.points, 30U);
  EXPECT_FLOAT_EQ(result.reward, 0.3F);
}

TEST(EnvLostMachine, AResetTriesAgainWithTheSameDraws) {
  Rig quiet = make(30, {}, 7);
  quiet.env->reset();
  Rig rig = make(30, {}, 7);
  rig.machine->lost_runs = 2;
  rig.machine->lose_from_frame = 100;  // on the way to the game
  rig.env->reset();
  EXPECT_EQ(rig.env->frames(), quiet.env->frames());
  EXPECT_TRUE(controllable(rig.env->ram()));
}

TEST(EnvLostMachine, AMachineThatIsLostAgainAndAgainIsAnError) {
  Rig rig = make(0);
  rig.machine->lost_runs = 100;
  try {
    rig.env->reset();
    FAIL();
  } catch (const MachineLost& error) {
    EXPECT_THAT(error.what(), HasSubstr("its process ended"));
  }
}

TEST(EnvLostMachine, AMachineLostWhileItIsSavedTruncatesTheGameHereAndInTheCopy) {
  Rig rig = make(0, {points(2, 30)});
  rig.env->reset();
  EXPECT_EQ(rig.env->step(Action::kStay).points, 30U);
  rig.machine->lost_saves = 1;
  ByteWriter out;
  rig.env->save(out);
  Rig copy = make(0);
  ByteReader in(out.bytes(), "copy");
  copy.env->load(in);
  for (Rig* one : {&rig, &copy}) {
    const StepResult result = one->env->step(Action::kStay);
    EXPECT_TRUE(result.truncated);
    EXPECT_FALSE(result.terminated);
    EXPECT_EQ(result.discount, 1.0F);
    EXPECT_EQ(result.frames, 0U);
    EXPECT_EQ(one->env->score(), 30);
    one->env->reset();
    EXPECT_TRUE(controllable(one->env->ram()));
    EXPECT_EQ(one->env->step(Action::kStay).frames, 3U);
  }
}

TEST(EnvLostMachine, TheCachedStartIsPlayedAgainWhenItsMachineIsLost) {
  Rig rig = make(0);
  rig.machine->lost_saves = 2;
  rig.env->prepare_start();
  rig.env->reset();
  EXPECT_TRUE(controllable(rig.env->ram()));
}

}  // namespace
}  // namespace sinv
