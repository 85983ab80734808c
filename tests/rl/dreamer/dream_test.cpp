#include "rl/dreamer/dream.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "rl/dreamer/dream_report.h"
#include "rl/dreamer/learner.h"
#include "tests/rl/corridor.h"
#include "tests/rl/dreamer/small_dreamer.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;

Floats copy_of(std::span<const float> values) { return {values.begin(), values.end()}; }

Dream dream_of(const DreamerLearner& learner, int rows, std::uint64_t seed) {
  Dream dream(learner.settings(), rows, seed);
  dream.set_parameters(learner.parameters().world);
  return dream;
}

// Shows `count` pictures, the same for equal `first`, then dreams.
std::vector<Floats> shown(Dream& dream, int count, std::uint64_t first) {
  std::vector<Floats> all;
  dream.begin();
  for (int t = 0; t < count + 4; ++t) {
    if (t > 0) dream.set_action(0, t % 3);
    Random random(first, static_cast<std::uint64_t>(t));
    for (std::uint8_t& byte : dream.frames()) byte = static_cast<std::uint8_t>(random.below(256));
    t < count ? dream.observe() : dream.imagine();
    all.push_back(copy_of(dream.picture()));
    all.push_back(copy_of(dream.reward()));
  }
  return all;
}

TEST(Dream, TheSameSeedAndPicturesGiveTheSameDream) {
  const DreamerLearner learner(small_dreamer(), 5);
  Dream a = dream_of(learner, 1, 3);
  Dream b = dream_of(learner, 1, 3);
  EXPECT_EQ(shown(a, 5, 7), shown(b, 5, 7));
  EXPECT_NE(shown(a, 5, 7), shown(b, 5, 8));
}

// What it is shown while it goes on alone changes nothing; what it is told to do does.
TEST(Dream, GoesOnFromActionsAlone) {
  const DreamerLearner learner(small_dreamer(), 5);
  Dream a = dream_of(learner, 1, 3);
  Dream b = dream_of(learner, 1, 3);
  Dream c = dream_of(learner, 1, 3);
  for (Dream* dream : {&a, &b, &c}) {
    dream->begin();
    std::ranges::fill(dream->frames(), std::uint8_t{9});
    dream->observe();
  }
  std::ranges::fill(b.frames(), std::uint8_t{200});
  for (Dream* dream : {&a, &b}) dream->set_action(0, 1);
  c.set_action(0, 2);
  for (Dream* dream : {&a, &b, &c}) dream->imagine();
  EXPECT_EQ(copy_of(a.picture()), copy_of(b.picture()));
  EXPECT_NE(copy_of(a.picture()), copy_of(c.picture()));
}

// A model that learnt a batch by heart shows the pictures of the batch again: the learner's reconstruction.
TEST(Dream, ShowsWhatTheLearnerReconstructs) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.loss.batch = 1;
  settings.loss.steps = 1;
  settings.world_rate = 3e-3F;
  settings.world.history = 2;
  DreamerLearner learner(settings, 5);
  fill_randomly(learner.batch(), 3, 1);
  learner.batch().keep[0] = 0;
  std::ranges::fill(learner.batch().action, 0.0F);
  for (int i = 0; i < 300; ++i) learner.update();
  Dream dream = dream_of(learner, 1, 3);
  dream.begin();
  std::ranges::copy(learner.batch().seen, dream.frames().begin());
  dream.observe();
  double error = 0;
  double dark = 0;  // the error of a black picture
  for (std::size_t p = 0; p < dream.picture().size(); ++p) {
    const double real = learner.batch().frames[p] / 255.0;
    const double miss = real - static_cast<double>(dream.picture()[p]);
    error += miss * miss;
    dark += real * real;
  }
  EXPECT_LT(error, 0.1 * dark);
  EXPECT_NEAR(static_cast<double>(dream.reward()[0]), static_cast<double>(learner.batch().reward[0]), 0.1);
}

TEST(Dream, WhatDoesNotFitIsNamed) {
  Dream dream(small_dreamer(), 2, 1);
  const auto refusal = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([&] { dream.set_parameters({}); }), HasSubstr("dream: 0 parameters, wanted"));
  EXPECT_THAT(refusal([&] { dream.set_action(1, 3); }), HasSubstr("dream: action 3, wanted 0 to 2"));
  EXPECT_THAT(refusal([&] { dream_report(dream, {}, 1); }), HasSubstr("windows of 0 moments, 1 of context"));
  Corridor envs(2, 1, 1, {.width = 64, .height = 64});
  RandomPolicy policy(4, 1);
  EXPECT_THAT(refusal([&] {
                record_windows(
                    envs, policy, [](int, DreamMoment&) {}, 1, 500, 0);
              }),
              HasSubstr("no game lasted for 500 steps"));
}

// The figures, from a model that shows what it always shows: an untrained one in its first moment.
class DreamReportOfShades : public testing::TestWithParam<int> {};
INSTANTIATE_TEST_SUITE_P(Brightest, DreamReportOfShades, testing::Values(255, 240));

TEST_P(DreamReportOfShades, CountsWhatTheDreamShows) {
  const auto bright = static_cast<std::uint8_t>(GetParam());
  const float least = static_cast<float>(bright) / 255.0F / 2.0F;
  const DreamerLearner learner(small_dreamer(), 5);
  std::vector<DreamWindow> windows(2, DreamWindow(3));
  Dream probe = dream_of(learner, 2, 3);
  Floats discounts;      // of both windows in each moment
  double rewards = 0;    // of the last one
  std::size_t dark = 0;  // a pixel that the first window's dream does not show at its first step
  probe.begin();
  for (int t = 0; t < 3; ++t) {
    for (int w = 0; w < 2 && t > 0; ++w) probe.set_action(w, 1);
    std::ranges::fill(probe.frames(), std::uint8_t{0});
    t < 1 ? probe.observe() : probe.imagine();
    while (t == 1 && dark < 64 * 64 && probe.picture()[dark] > least) ++dark;
    ASSERT_LT(dark, 64U * 64U) << "all of it is brighter than " << least;
    discounts.insert(discounts.end(), probe.discount().begin(), probe.discount().end());
    rewards = (static_cast<double>(probe.reward()[0]) + static_cast<double>(probe.reward()[1])) / 2;
    for (std::size_t w = 0; w < 2; ++w) {
      DreamMoment& moment = windows[w][static_cast<std::size_t>(t)];
      moment.picture.assign(64 * 64, 0);
      moment.action = 1;
      moment.reward = probe.reward()[w];
      moment.ended = t == 2 && w == 0;
      if (t == 0) continue;
      // Lit where the model shows more than half of that.
      for (std::size_t p = 0; p < 64 * 64; ++p) {
        moment.picture[p] = probe.picture()[w * 64 * 64 + p] > least ? bright : 0;
      }
    }
  }
  windows[0][1].picture[dark] = bright;
  const int x = static_cast<int>(dark % 64);
  const int y = static_cast<int>(dark / 64);
  windows[0][1].shots.push_back({.left = x, .top = y, .right = x + 1, .bottom = y + 1});
  Dream dream = dream_of(learner, 2, 3);
  const DreamReport report = dream_report(dream, windows, 1);
  ASSERT_EQ(report.steps.size(), 3U);
  EXPECT_EQ(report.shown.size(), 3U);
  EXPECT_EQ(report.steps[1].shot_pixels, 1);
  EXPECT_EQ(report.steps[1].shots_found, 0.0);
  EXPECT_EQ(report.steps[1].lit_wrong, 0.0);
  EXPECT_EQ(report.steps[2].lit_found, 1.0);
  EXPECT_GT(report.steps[0].error, 0.0);
  EXPECT_NEAR(report.reward_correlation_dreamt, 1.0, 1e-3);
  EXPECT_NEAR(report.steps[2].reward_expected, rewards, 1e-6);
  EXPECT_NEAR(report.steps[2].reward_real, rewards, 1e-6);
  EXPECT_EQ(report.steps[1].ends_real, 0.0);
  EXPECT_EQ(report.steps[2].ends_real, 0.5);
  // Of the last picture seen and what follows, which is all that is expected here.
  Floats sorted = discounts;
  std::ranges::sort(sorted);
  const auto chance = [&](float discount) {
    return 1 - std::min(1.0, static_cast<double>(discount) / static_cast<double>(sorted[3]));
  };
  EXPECT_NEAR(report.steps[2].ends_expected, (chance(discounts[4]) + chance(discounts[5])) / 2, 1e-6);
}

// Oldest first, and the first picture of a window again where nothing lies before it.
TEST(DreamReport, ShowsADreamThePicturesThatItLooksBackOn) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.world.history = 2;
  const DreamerLearner learner(settings, 5);
  std::vector<DreamWindow> windows(1, DreamWindow(3));
  for (std::size_t t = 0; t < 3; ++t) {
    windows[0][t].picture.assign(64 * 64, 0);
    std::ranges::fill_n(windows[0][t].picture.begin() + static_cast<std::ptrdiff_t>(512 * t), 512, 255);
    windows[0][t].action = 1;
  }
  Dream probe = dream_of(learner, 1, 3);
  probe.begin();
  Dream dream = dream_of(learner, 1, 3);
  const DreamReport report = dream_report(dream, windows, 2);
  for (std::size_t t = 0; t < 2; ++t) {
    if (t > 0) probe.set_action(0, 1);
    std::ranges::copy(windows[0][0].picture, probe.frames().begin());
    std::ranges::copy(windows[0][t].picture, probe.frames().begin() + 64 * 64);
    probe.observe();
    EXPECT_EQ(report.shown[t], copy_of(probe.picture())) << t;
  }
}

// What is shown, and what it is compared with, are both moved so that the ship stands in the middle.
TEST(DreamReport, FollowsTheShipAsTheModelDoes) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.follow_ship = true;
  const DreamerLearner learner(settings, 5);
  std::vector<DreamWindow> windows(1, DreamWindow(3));
  for (int t = 0; t < 3; ++t) {
    DreamMoment& moment = windows[0][static_cast<std::size_t>(t)];
    moment.picture.assign(64 * 64, 0);
    std::ranges::fill_n(moment.picture.begin() + 60 * 64 + 10 * t, 5, 255);
    moment.action = 1;
    moment.player.push_back({.left = 10 * t, .top = 60, .right = 10 * t + 5, .bottom = 61});
  }
  Dream dream = dream_of(learner, 1, 3);
  const DreamReport report = dream_report(dream, windows, 2);
  Dream probe = dream_of(learner, 1, 3);
  probe.begin();
  for (std::size_t t = 0; t < 3; ++t) {
    const DreamMoment& shown = report.real[0][t];
    EXPECT_EQ(std::ranges::find(shown.picture, 255) - shown.picture.begin(), 60 * 64 + 30) << t;
    EXPECT_EQ(shown.player[0].left, 30);
    EXPECT_EQ(shown.player[0].right, 35);
    if (t == 2) break;
    if (t > 0) probe.set_action(0, 1);
    std::ranges::copy(shown.picture, probe.frames().begin());
    probe.observe();
    EXPECT_EQ(report.shown[t], copy_of(probe.picture()));
  }
  EXPECT_EQ(report.steps[1].player_still, 1.0) << "it stands where it stood";
}

TEST(DreamReport, WindowsLieInOneEpisode) {
  Corridor envs(3, 1, 2, {.width = 64, .height = 64, .packed = true});
  RandomPolicy policy(4, 1);
  const auto find = [&](int env, DreamMoment& moment) { moment.player.push_back({.left = env}); };
  const std::vector<DreamWindow> windows = record_windows(envs, policy, find, 20, 6, 2);
  ASSERT_EQ(windows.size(), 20U);
  for (const DreamWindow& window : windows) {
    ASSERT_EQ(window.size(), 6U);
    const auto room = [](const DreamMoment& moment) {
      return std::ranges::find(moment.picture.begin() + 30 * 64, moment.picture.end(), 255) - moment.picture.begin() -
             30 * 64;
    };
    for (std::size_t t = 0; t < window.size(); ++t) {
      EXPECT_FALSE(window[t].ended);
      EXPECT_EQ(window[t].reward, 0.0F);  // the step that ends an episode is in none
      EXPECT_EQ(window[t].player[0].left, window[0].player[0].left);
      if (t == 0) continue;
      // A room further, or none: the width of a room is 10 or 11 pixels.
      const auto moved = room(window[t]) - room(window[t - 1]);
      EXPECT_LE(std::abs(moved), 11);
      EXPECT_EQ(moved > 0, window[t].action == 1);
      EXPECT_TRUE(window[t].action < 2 || moved == 0);
    }
  }
}

}  // namespace
}  // namespace sinv
