#include "rl/evaluation.h"

#include <gtest/gtest.h>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/error.h"
#include "rl/progress.h"
#include "tests/game/fake_machine.h"
#include "tests/rl/corridor.h"

namespace sinv {
namespace {

EpisodeRecord scored(std::int64_t score, std::uint32_t racks = 0) {
  return {.frames = 300, .steps = 100, .racks = racks, .score = score};
}

TEST(Summary, GivesTheFiguresOfAListComputedByHand) {
  // 10 20 30 40 50 60 70 100: mean 47.5; a quarter of 8 is 2: (30+40+50+60)/4 = 45.
  std::vector<EpisodeRecord> games;
  for (const int score : {100, 10, 40, 30, 20, 60, 50, 70}) games.push_back(scored(score, score == 100 ? 4 : 0));
  const EvaluationResult result = summarise(games);
  EXPECT_EQ(result.games, 8);
  EXPECT_DOUBLE_EQ(result.mean, 47.5);
  EXPECT_DOUBLE_EQ(result.median, 45);
  EXPECT_DOUBLE_EQ(result.interquartile_mean, 45);
  // Squares of the differences: 1406.25 756.25 306.25 56.25 6.25 156.25 506.25 2756.25 = 5950; / 7; root.
  EXPECT_NEAR(result.deviation, 29.154759474226502, 1e-12);
  EXPECT_NEAR(result.standard_error, 10.307764064044152, 1e-12);
  EXPECT_EQ(result.minimum, 10);
  EXPECT_EQ(result.maximum, 100);
  EXPECT_DOUBLE_EQ(result.mean_racks, 0.5);
  EXPECT_DOUBLE_EQ(result.mean_steps, 100);
  EXPECT_DOUBLE_EQ(result.mean_frames, 300);
  EXPECT_EQ(result.distinct, 8);
}

TEST(Summary, CutsWholeGamesAloneAndTakesTheMiddleOfAnOddList) {
  std::vector<EpisodeRecord> games;
  for (const int score : {5, 1, 2, 3, 400}) games.push_back(scored(score));
  const EvaluationResult result = summarise(games);
  EXPECT_EQ(result.median, 3);
  EXPECT_DOUBLE_EQ(result.interquartile_mean, 10.0 / 3);  // 2 3 5
  EXPECT_EQ(summarise({scored(7)}).mean, 7);
  EXPECT_EQ(summarise({scored(7)}).deviation, 0);
  EXPECT_EQ(summarise({scored(7), scored(7)}).distinct, 1);
  EXPECT_EQ(summarise({}).games, 0);
}

// Two environments; the games of one are a hundred times as long as those of the other.
class LongAndShort final : public Environments {
 public:
  int count() const override { return 2; }
  int observation_size() const override { return 1; }
  int history() const override { return 1; }
  int actions() const override { return 2; }
  int frames_per_step() const override { return 1; }
  void reset() override {}
  void step(std::span<const std::uint8_t>) override {
    finished_.clear();
    ++now_;
    finish(0, 1);
    if (now_ % 100 == 0) finish(1, 100);
  }
  Observations observations() const override { return {zeros_, {}}; }
  Observations final_observations() const override { return {zeros_, {}}; }
  std::span<const float> rewards() const override { return zeros_; }
  std::span<const float> discounts() const override { return zeros_; }
  std::span<const std::uint8_t> terminated() const override { return {}; }
  std::span<const std::uint8_t> truncated() const override { return {}; }
  std::span<const std::uint32_t> frames() const override { return {}; }
  std::span<const EpisodeRecord> finished() const override { return finished_; }
  void save(ByteWriter&) const override {}
  void load(ByteReader&) override {}

 private:
  void finish(std::uint32_t env, std::uint32_t steps) {
    finished_.push_back({.env = env, .steps = steps, .score = steps});
  }
  int now_ = 0;
  std::vector<float> zeros_ = {0, 0};
  std::vector<EpisodeRecord> finished_;
};

TEST(Evaluate, CountsTheGamesThatWereBegunFirstSoThatShortOnesAreNotFavoured) {
  const EvaluationResult result = evaluate([](int, std::uint64_t, int) { return std::make_unique<LongAndShort>(); },
                                           random_policy(1), {.games = 3, .envs = 2});
  // Games 0 and 2 are short, game 1 is the long one, which ends after 99 short ones that do not count.
  ASSERT_EQ(result.games, 3);
  EXPECT_EQ(result.episodes[0].score, 1);
  EXPECT_EQ(result.episodes[1].score, 100);
  EXPECT_EQ(result.episodes[2].score, 1);
}

TEST(Evaluate, SameSeedSameGamesAnotherSeedOthers) {
  const auto play = [](std::uint64_t seed) {
    const EvaluationResult result =
        evaluate(corridors(), random_policy(3), {.games = 40, .seed = seed, .envs = 7, .threads = 1});
    std::vector<std::int64_t> scores;
    for (const EpisodeRecord& episode : result.episodes) scores.push_back(episode.score);
    EXPECT_EQ(scores.size(), 40U);
    return scores;
  };
  EXPECT_EQ(play(1), play(1));
  EXPECT_NE(play(1), play(2));
}

TEST(Evaluate, EndsWithTheGamesThatAreDoneWhenAskedToStop) {
  int asked = 0;
  const EvaluationResult result =
      evaluate(corridors(), random_policy(3), {.games = 1000, .envs = 10}, [&asked] { return ++asked > 60; });
  EXPECT_GT(result.games, 0);
  EXPECT_LT(result.games, 1000);
}

TEST(Evaluate, RefusesTheScriptedPolicyWhereThereIsNoPicture) {
  EXPECT_THROW(evaluate(corridors(), scripted_policy(), {.games = 1}), Error);
}

EnvironmentsFactory fake_game(const EnvSettings& settings) {
  return game_environments([] { return std::make_unique<FakeMachine>(); }, settings);
}

TEST(Evaluate, PlaysTheGameWithTheScriptedAndTheRandomPolicyWhateverTheThreads) {
  EnvSettings settings;
  settings.frame_cap = 2000;
  const auto play = [&](const PolicyFor& policy, int threads) {
    return to_json(evaluate(fake_game(settings), policy, {.games = 5, .seed = 9, .envs = 3, .threads = threads}));
  };
  for (const PolicyFor& policy : {random_policy(1), scripted_policy()}) EXPECT_EQ(play(policy, 1), play(policy, 3));
}

TEST(GameEnvironments, RefusesAnActionThatThereIsNot) {
  GameEnvironments envs([] { return std::make_unique<FakeMachine>(); }, EnvSettings{}, 1, 0, 1);
  envs.reset();
  const std::uint8_t action = 6;
  EXPECT_THROW(envs.step(std::span(&action, 1)), Error);
}

// A reader never sees half of one value and half of another.
TEST(Mailbox, GivesWholeValuesWhileTheyAreWritten) {
  struct Many {
    std::uint64_t values[61];
  };
  Mailbox<Many> mailbox;
  std::atomic<bool> done{false};
  std::thread writer([&] {
    Many many{};
    for (std::uint64_t i = 1; i <= 200'000; ++i) {
      for (std::uint64_t& value : many.values) value = i;
      mailbox.publish(many);
    }
    done = true;
  });
  std::uint64_t last = 0;
  while (!done) {
    const Many many = mailbox.read();
    for (const std::uint64_t value : many.values) ASSERT_EQ(value, many.values[0]);
    ASSERT_GE(many.values[0], last);
    last = many.values[0];
  }
  writer.join();
  EXPECT_EQ(mailbox.read().values[60], 200'000U);
  EXPECT_EQ(mailbox.version(), 200'001U);
}

TEST(Mailbox, CopiesNoMoreThanIsUsedAndHasZerosBehind) {
  struct Odd {
    std::uint8_t bytes[29];
  };
  Mailbox<Odd> mailbox;
  Odd odd;
  std::fill(std::begin(odd.bytes), std::end(odd.bytes), std::uint8_t{7});
  mailbox.publish(odd);
  const Odd whole = mailbox.read();
  EXPECT_EQ(std::count(std::begin(whole.bytes), std::end(whole.bytes), 7), 29);
  std::fill(std::begin(odd.bytes), std::end(odd.bytes), std::uint8_t{9});
  mailbox.publish(odd, 9);  // two words
  const Odd now = mailbox.read();
  EXPECT_EQ(std::count(std::begin(now.bytes), std::begin(now.bytes) + 9, 9), 9);
  EXPECT_EQ(std::count(std::begin(now.bytes) + 16, std::end(now.bytes), 0), 13);
}

}  // namespace
}  // namespace sinv
