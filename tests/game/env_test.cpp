#include "game/env.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/option.h"
#include "game/start.h"
#include "tests/game/fake_machine.h"

namespace sinv {
namespace {

using testing::HasSubstr;

struct Rig {
  FakeMachine* machine;
  std::unique_ptr<Env> env;
};

// What the tests rest on is set here: defaults are tuned.
EnvSettings plain() {
  EnvSettings settings;
  settings.noop_max_frames = 0;
  settings.life_is_terminal = false;
  settings.reward.score_scale = 0.01;
  return settings;
}

Rig make(const EnvSettings& settings, std::vector<FakeEvent> events = {}, std::uint64_t seed = 1) {
  auto machine = std::make_unique<FakeMachine>(std::move(events));
  FakeMachine* raw = machine.get();
  return {raw, std::make_unique<Env>(std::move(machine), settings, seed)};
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

FakeEvent points(std::uint32_t frame, std::uint32_t value) {
  return {.frame = frame, .kind = FakeEvent::kPoints, .value = value};
}
FakeEvent kill(std::uint32_t frame) { return {.frame = frame, .kind = FakeEvent::kKill}; }

TEST(StartGame, LeadsFromPowerOnToControl) {
  FakeMachine machine;
  const std::uint32_t frames = start_game(machine);
  EXPECT_TRUE(controllable(machine.ram()));
  EXPECT_EQ(frames, machine.frame());
  EXPECT_GT(frames, FakeMachine::kPromptFrames + FakeMachine::kAppearFrames);
  EXPECT_LT(frames, 500U);
}

TEST(StartGame, UsesACreditThatIsThere) {
  FakeMachine machine;
  const std::array<std::uint8_t, 1> idle{0};
  for (int i = 0; i < 50; ++i) machine.run(idle);
  machine.at(0x20EB) = 1;
  machine.masks.clear();
  start_game(machine);
  for (const std::uint8_t mask : machine.masks) EXPECT_EQ(mask & kCoin, 0);
}

TEST(StartGame, LeavesAGameThatRunsByPowerOn) {
  FakeMachine machine;
  start_game(machine);
  const std::array<std::uint8_t, 1> right{kRight};
  machine.run(right);
  EXPECT_EQ(machine.power_ons, 1);
  start_game(machine);
  EXPECT_EQ(machine.power_ons, 2);
  EXPECT_EQ(machine.at(0x201B), 0x30);
}

TEST(StartGame, SaysWhatAMachineWithoutAGameShows) {
  FakeMachine machine({}, false);
  EXPECT_THAT(message_of([&] { start_game(machine); }),
              HasSubstr("env: no game runs after 6000 frames of coin and start; the machine is in phase \"attract\""));
}

TEST(Env, ResetGivesAGameUnderControlWithAllItsLives) {
  Rig rig = make(plain());
  rig.env->reset();
  EXPECT_TRUE(controllable(rig.env->ram()));
  EXPECT_EQ(rig.env->lives(), 3);
  EXPECT_EQ(rig.env->score(), 0);
  EXPECT_EQ(rig.env->frames(), 0U);
  EXPECT_FALSE(rig.env->over());
}

TEST(Env, AStepHoldsTheActionForItsFrames) {
  for (int k = 1; k <= 8; ++k) {
    EnvSettings settings = plain();
    settings.frames_per_step = k;
    Rig rig = make(settings);
    rig.env->reset();
    const StepResult result = rig.env->step(Action::kRight);
    EXPECT_EQ(result.frames, static_cast<std::uint32_t>(k));
    EXPECT_EQ(rig.machine->at(0x201B), 0x30 + k);
  }
}

TEST(Env, StepWithoutAGameIsRefused) {
  Rig rig = make(plain());
  EXPECT_THAT(message_of([&] { rig.env->step(Action::kStay); }),
              HasSubstr("Env::step: no game runs; call reset() first"));
}

TEST(Env, IdleStartsCoverTheirRangeAndFollowTheSeed) {
  EnvSettings settings;
  settings.noop_max_frames = 30;
  Rig rig = make(settings, {}, 5);
  Rig same = make(settings, {}, 5);
  Rig other = make(settings, {}, 6);
  std::set<std::uint32_t> seen;
  int equal = 0;
  for (int i = 0; i < 600; ++i) {
    rig.env->reset();
    same.env->reset();
    other.env->reset();
    EXPECT_EQ(rig.env->frames(), same.env->frames());
    equal += rig.env->frames() == other.env->frames() ? 1 : 0;
    seen.insert(rig.env->frames());
  }
  // 31 values; the chance that 600 draws miss one is 31 * (30/31)^600 < 1e-7.
  EXPECT_EQ(seen.size(), 31U);
  EXPECT_EQ(*seen.rbegin(), 30U);
  EXPECT_LT(equal, 100);
}

TEST(Env, CachedStartsRestoreAndOthersPlayAgain) {
  Rig cached = make(plain());
  cached.env->reset();
  cached.env->reset();
  EXPECT_EQ(cached.machine->restores, 2);
  EXPECT_EQ(cached.machine->power_ons, 1);
  EnvSettings settings = plain();
  settings.cache_start = false;
  Rig slow = make(settings);
  slow.env->reset();
  slow.env->step(Action::kRight);
  slow.env->reset();
  EXPECT_EQ(slow.machine->restores, 0);
  EXPECT_EQ(slow.machine->power_ons, 2);
  EXPECT_EQ(slow.machine->at(0x201B), 0x30);
}

TEST(Env, WithoutCacheANewGameFollowsTheTextOfTheOld) {
  EnvSettings settings = plain();
  settings.cache_start = false;
  Rig rig = make(settings, {kill(10), kill(300), kill(600)});
  rig.env->reset();
  while (!rig.env->over()) rig.env->step(Action::kStay);
  rig.env->reset();
  EXPECT_EQ(rig.machine->power_ons, 1);
  EXPECT_EQ(rig.env->lives(), 3);
}

TEST(Env, PointsBecomeTheTrueScoreAcrossTheWrap) {
  std::vector<FakeEvent> events;
  for (std::uint32_t i = 1; i <= 40; ++i) events.push_back(points(3 * i, 300));
  Rig rig = make(plain(), events);
  rig.env->reset();
  std::int64_t sum = 0;
  for (int i = 0; i < 40; ++i) {
    const StepResult result = rig.env->step(Action::kStay);
    sum += result.points;
    EXPECT_FLOAT_EQ(result.reward, 3.0F);
  }
  EXPECT_EQ(sum, 12'000);
  EXPECT_EQ(rig.env->score(), 12'000);
}

TEST(Env, ALostLifeRunsThroughTheExplosionInsideItsStep) {
  // Killed in frame 10; points fall in the explosion, in frame 40.
  Rig rig = make(plain(), {kill(10), points(40, 30)});
  rig.env->reset();
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(rig.env->step(Action::kStay).life_lost);
  const StepResult result = rig.env->step(Action::kRight);
  EXPECT_TRUE(result.life_lost);
  EXPECT_FALSE(result.terminated);
  EXPECT_EQ(result.discount, 1.0F);
  EXPECT_EQ(result.points, 30U);
  EXPECT_EQ(result.frames, 1 + FakeMachine::kExplodeFrames + FakeMachine::kAppearFrames);
  EXPECT_EQ(rig.env->lives(), 2);
  EXPECT_TRUE(controllable(rig.env->ram()));
  // One frame under control, then no button until control is back.
  EXPECT_EQ(std::count(rig.machine->masks.end() - 188, rig.machine->masks.end(), 0), 188);
}

TEST(Env, WithoutSkippingTheStepEndsWithTheLife) {
  EnvSettings settings = plain();
  settings.skip_unplayable = false;
  Rig rig = make(settings, {kill(10)});
  rig.env->reset();
  for (int i = 0; i < 3; ++i) rig.env->step(Action::kStay);
  const StepResult result = rig.env->step(Action::kStay);
  EXPECT_TRUE(result.life_lost);
  EXPECT_EQ(result.frames, 1U);
  EXPECT_FALSE(controllable(rig.env->ram()));
  const StepResult next = rig.env->step(Action::kStay);
  EXPECT_FALSE(next.life_lost);
  EXPECT_EQ(next.frames, 3U);
}

TEST(Env, TheLastLifeTerminatesAndFurtherStepsAreRefused) {
  Rig rig = make(plain(), {kill(10), kill(300), kill(600)});
  rig.env->reset();
  int lives = 0;
  StepResult result;
  for (int i = 0; i < 1000 && !result.terminated; ++i) {
    result = rig.env->step(Action::kStay);
    lives += result.life_lost ? 1 : 0;
  }
  EXPECT_TRUE(result.terminated);
  EXPECT_TRUE(result.life_lost);
  EXPECT_FALSE(result.truncated);
  EXPECT_EQ(result.discount, 0.0F);
  EXPECT_EQ(lives, 3);
  EXPECT_EQ(rig.env->lives(), 0);
  EXPECT_TRUE(rig.env->over());
  EXPECT_EQ(rig.env->frames(), 600 + FakeMachine::kExplodeFrames);
  EXPECT_THAT(message_of([&] { rig.env->step(Action::kStay); }), HasSubstr("call reset() first"));
}

TEST(Env, ALandingEndsTheGameWithShipsLeft) {
  EnvSettings settings = plain();
  settings.reward.preset = "predecessor";
  Rig rig = make(settings, {{.frame = 20, .kind = FakeEvent::kLand}});
  rig.env->reset();
  StepResult result;
  while (!result.terminated) result = rig.env->step(Action::kStay);
  EXPECT_EQ(ships_in_reserve(rig.env->ram()), 2);
  EXPECT_EQ(rig.env->lives(), 0);
  EXPECT_FLOAT_EQ(result.reward, -20 - 100 - 500 - 0.01F);
}

TEST(Env, TheFrameCapTruncatesExactlyAndKeepsTheDiscount) {
  EnvSettings settings = plain();
  settings.frame_cap = 100;
  Rig rig = make(settings);
  rig.env->reset();
  StepResult result;
  int steps = 0;
  while (!result.truncated && steps < 1000) {
    result = rig.env->step(Action::kStay);
    ++steps;
  }
  EXPECT_EQ(steps, 34);  // 33 * 3 + 1
  EXPECT_EQ(rig.env->frames(), 100U);
  EXPECT_FALSE(result.terminated);
  EXPECT_EQ(result.discount, 1.0F);
  EXPECT_THAT(message_of([&] { rig.env->step(Action::kStay); }), HasSubstr("call reset() first"));
}

TEST(Env, AGameThatEndsInItsLastFrameIsTerminatedNotTruncated) {
  EnvSettings settings = plain();
  settings.frame_cap = 20 + static_cast<int>(FakeMachine::kExplodeFrames);
  Rig rig = make(settings, {{.frame = 20, .kind = FakeEvent::kLand}});
  rig.env->reset();
  StepResult result;
  while (!result.terminated && !result.truncated) result = rig.env->step(Action::kStay);
  EXPECT_TRUE(result.terminated);
  EXPECT_FALSE(result.truncated);
}

TEST(Env, ALifeCanCutTheBootstrapWithoutEndingTheGame) {
  EnvSettings settings = plain();
  settings.life_is_terminal = true;
  Rig rig = make(settings, {kill(2)});
  rig.env->reset();
  const StepResult result = rig.env->step(Action::kStay);
  EXPECT_TRUE(result.life_lost);
  EXPECT_EQ(result.discount, 0.0F);
  EXPECT_FALSE(result.terminated);
  EXPECT_EQ(rig.env->step(Action::kStay).discount, 1.0F);
}

TEST(Env, CountsRacksThroughTheCycleOfTheirNumbers) {
  std::vector<FakeEvent> events;
  for (std::uint32_t i = 1; i <= 12; ++i) events.push_back({.frame = 200 * i, .kind = FakeEvent::kClearRack});
  Rig rig = make(plain(), events);
  rig.env->reset();
  while (rig.machine->game_frame() < 200 * 12 + 150) rig.env->step(Action::kStay);
  EXPECT_EQ(peek(rig.env->ram(), 0x21FE), 4);
  EXPECT_EQ(rig.env->racks(), 12U);
}

TEST(Env, StickyActionsRepeatTheFrameBefore) {
  EnvSettings settings = plain();
  settings.sticky = 1.0;
  Rig always = make(settings);
  always.env->reset();
  for (int i = 0; i < 20; ++i) always.env->step(Action::kRight);
  EXPECT_EQ(always.machine->at(0x201B), 0x30);  // the action of the frame before was always "stay"

  // With chance p, and actions that change every step, frames differ from the chosen one p of the time (for the first
  // frame of a step) and less later. 1,000 first frames: 250 expected, deviation 14.
  settings.sticky = 0.25;
  settings.frames_per_step = 1;
  Rig some = make(settings);
  some.env->reset();
  some.machine->masks.clear();
  int kept = 0;
  for (int i = 0; i < 1000; ++i) {
    const Action action = i % 2 == 0 ? Action::kRight : Action::kLeft;
    some.env->step(action);
    const std::uint8_t mask = some.machine->masks.back();
    kept += mask == (action == Action::kRight ? kRight : kLeft) ? 0 : 1;
  }
  // A stuck frame makes the next one right by chance: of 1,000 frames p / (1 + p) = 200 show the wrong button.
  EXPECT_NEAR(kept, 200, 60);
}

TEST(Env, SameSeedAndActionsGiveTheSameFuture) {
  EnvSettings settings;
  settings.sticky = 0.25;
  Rig one = make(settings, {kill(100)}, 9);
  Rig two = make(settings, {kill(100)}, 9);
  one.env->reset();
  two.env->reset();
  Random actions(3, 0);
  for (int i = 0; i < 400; ++i) {
    const auto action = static_cast<Action>(actions.below(kActions));
    const StepResult a = one.env->step(action);
    const StepResult b = two.env->step(action);
    ASSERT_EQ(a.points, b.points);
    ASSERT_EQ(one.env->ram(), two.env->ram());
  }
}

TEST(Env, HistoryStandsOldestFirstAndBeginsWithCopies) {
  EnvSettings settings = plain();
  settings.features = "predecessor-32";
  Rig rig = make(settings);
  rig.env->reset();
  ASSERT_EQ(rig.env->observation_size(), 128U);
  EXPECT_EQ(rig.env->history(), 4);
  std::vector<float> row(128);
  constexpr std::size_t kPlayerX = 8;
  const auto x_of = [](int pixels) { return 2.0F * static_cast<float>(0x30 + pixels) / 255.0F - 1.0F; };
  rig.env->observe(row);
  for (std::size_t h = 0; h < 4; ++h) EXPECT_FLOAT_EQ(row[32 * h + kPlayerX], x_of(0));
  rig.env->step(Action::kRight);
  rig.env->step(Action::kRight);
  rig.env->observe(row);
  const std::array<int, 4> moved{0, 0, 3, 6};
  for (std::size_t h = 0; h < 4; ++h) EXPECT_FLOAT_EQ(row[32 * h + kPlayerX], x_of(moved[h])) << h;
  for (int i = 0; i < 5; ++i) rig.env->step(Action::kRight);
  rig.env->observe(row);
  const std::array<int, 4> later{12, 15, 18, 21};
  for (std::size_t h = 0; h < 4; ++h) EXPECT_FLOAT_EQ(row[32 * h + kPlayerX], x_of(later[h])) << h;
  rig.env->reset();
  rig.env->observe(row);
  for (std::size_t h = 0; h < 4; ++h) EXPECT_FLOAT_EQ(row[32 * h + kPlayerX], x_of(0));
}

TEST(Env, ObserveWantsExactRoom) {
  Rig rig = make(plain());
  std::vector<float> row(7);
  EXPECT_THAT(message_of([&] { rig.env->observe(row); }), HasSubstr("Env::observe: room for 7 values, wanted 240"));
}

TEST(Env, SavedStateGoesOnToTheSameFuture) {
  EnvSettings settings;
  settings.sticky = 0.3;
  settings.history = 2;
  const std::vector<FakeEvent> events{kill(150), kill(420), kill(700)};
  Rig one = make(settings, events, 4);
  one.env->reset();
  Random actions(8, 0);
  for (int i = 0; i < 37; ++i) one.env->step(static_cast<Action>(actions.below(kActions)));
  ByteWriter out;
  one.env->save(out);
  const std::vector<std::byte> bytes = out.take();

  Rig two = make(settings, events, 999);
  ByteReader in(bytes, "state");
  two.env->load(in);
  EXPECT_EQ(in.left(), 0U);
  std::vector<float> a(one.env->observation_size());
  std::vector<float> b(a.size());
  one.env->observe(a);
  two.env->observe(b);
  EXPECT_EQ(a, b);
  int games = 0;
  for (int i = 0; i < 1000; ++i) {
    const auto action = static_cast<Action>(actions.below(kActions));
    const StepResult x = one.env->step(action);
    const StepResult y = two.env->step(action);
    one.env->observe(a);
    two.env->observe(b);
    ASSERT_EQ(a, b) << i;
    ASSERT_EQ(x.reward, y.reward);
    ASSERT_EQ(x.terminated, y.terminated);
    ASSERT_EQ(one.env->ram(), two.env->ram());
    if (x.terminated) {
      one.env->reset();
      two.env->reset();
      ASSERT_EQ(one.env->frames(), two.env->frames());
      ++games;
    }
  }
  EXPECT_GT(games, 1);
  EXPECT_EQ(two.machine->power_ons, 1);  // the cached start came with the state
}

TEST(Env, LoadRefusesWhatDoesNotFit) {
  Rig one = make(plain());
  one.env->reset();
  ByteWriter out;
  one.env->save(out);
  EnvSettings other = plain();
  other.features = "predecessor-32";
  EXPECT_THAT(message_of([&] {
                Rig two = make(other);
                ByteReader in(out.bytes(), "state");
                two.env->load(in);
              }),
              HasSubstr("env state: was saved with env.features rich-1, this run has predecessor-32"));
  other = plain();
  other.history = 3;
  EXPECT_THAT(message_of([&] {
                Rig two = make(other);
                ByteReader in(out.bytes(), "state");
                two.env->load(in);
              }),
              HasSubstr("state: holds 240 values where 720 are wanted"));
  EXPECT_THAT(message_of([&] {
                Rig two = make(plain());
                ByteReader in(std::span(out.bytes()).first(out.bytes().size() - 1), "state");
                two.env->load(in);
              }),
              HasSubstr("state: ends early; the file is damaged"));
}

TEST(EnvSettings, OutOfRangeIsRefusedByName) {
  const auto message = [](auto change) {
    EnvSettings settings;
    change(settings);
    return message_of([&] { make(settings); });
  };
  EXPECT_THAT(message([](EnvSettings& s) { s.frames_per_step = 9; }),
              HasSubstr("env.frames_per_step: is 9, must be 1 to 8"));
  EXPECT_THAT(message([](EnvSettings& s) { s.noop_max_frames = 31; }),
              HasSubstr("env.noop_max_frames: is 31, must be 0 to 30"));
  EXPECT_THAT(message([](EnvSettings& s) { s.sticky = 1.5; }), HasSubstr("env.sticky: is 1.5, must be 0 to 1"));
  EXPECT_THAT(message([](EnvSettings& s) { s.frame_cap = 59; }), HasSubstr("env.frame_cap: is 59, must be 60 to"));
  EXPECT_THAT(message([](EnvSettings& s) { s.history = -1; }), HasSubstr("env.history: is -1, must be 0 to 8"));
  EXPECT_THAT(
      message([](EnvSettings& s) { s.features = "rich"; }),
      HasSubstr("env.features \"rich\" is not known; known: predecessor-32, predecessor-36, rich-1, rich-1-hidden"));
  EXPECT_THAT(message([](EnvSettings& s) { s.reward.transform = "log"; }), HasSubstr("reward.transform \"log\""));
}

TEST(EnvSettings, EverySettingIsDescribedAndCanBeSet) {
  EnvSettings settings;
  Options options;
  describe(options, settings);
  EXPECT_EQ(options.entries().size(), 19U);
  for (const Options::Entry& entry : options.entries()) EXPECT_FALSE(entry.meaning.empty()) << entry.key;
  options.set("env.frames_per_step", "4");
  options.set("env.features", "predecessor-36");
  options.set("reward.preset", "predecessor");
  options.set("env.life_is_terminal", "true");
  EXPECT_EQ(settings.frames_per_step, 4);
  EXPECT_EQ(settings.features, "predecessor-36");
  EXPECT_EQ(settings.reward.preset, "predecessor");
  EXPECT_TRUE(settings.life_is_terminal);
  EXPECT_THAT(message_of([&] { options.set("env.frames_per_step", "9"); }), HasSubstr("env.frames_per_step"));
}

}  // namespace
}  // namespace sinv
