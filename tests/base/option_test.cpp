#include "base/option.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace sinv {
namespace {

struct Settings {
  int batch = 32;
  float rate = 1e-4F;
  bool noisy = true;
  std::string preset = "score";
  std::vector<int> hidden{256, 256};
};

struct Fixture : ::testing::Test {
  Settings settings;
  Options options;
  Fixture() {
    options.add("dqn.batch", settings.batch, "transitions in one update", 1, 4096);
    options.add("dqn.learning_rate", settings.rate, "Adam step", 0, 1);
    options.add("dqn.noisy", settings.noisy, "noisy layers");
    options.add("reward.preset", settings.preset, "reward terms", {"score", "predecessor"});
    options.add("dqn.hidden", settings.hidden, "units of the hidden layers", 1, 4096, 4);
  }
  std::string refusal(const std::string& key, const std::string& value) {
    try {
      options.set(key, value);
    } catch (const UserError& error) {
      return error.what();
    }
    return "nothing was thrown";
  }
};

using OptionsTest = Fixture;

TEST_F(OptionsTest, SetWritesIntoTheStruct) {
  options.set("dqn.batch", "64");
  options.set("dqn.learning_rate", "0.5");
  options.set("dqn.noisy", "false");
  options.set("reward.preset", "predecessor");
  options.set("dqn.hidden", "[128, 64]");
  EXPECT_EQ(settings.batch, 64);
  EXPECT_EQ(settings.rate, 0.5F);
  EXPECT_FALSE(settings.noisy);
  EXPECT_EQ(settings.preset, "predecessor");
  EXPECT_EQ(settings.hidden, (std::vector<int>{128, 64}));
  EXPECT_EQ(options.entries()[0].initial, "32");
}

TEST_F(OptionsTest, EveryValueComesBackAsItIsWritten) {
  for (const Options::Entry& entry : options.entries()) {
    const std::string before = entry.get();
    entry.set(before);
    EXPECT_EQ(entry.get(), before) << entry.key;
  }
  EXPECT_EQ(options.get("dqn.hidden"), "256 256");
  EXPECT_EQ(options.get("dqn.learning_rate"), "0.0001");
}

TEST_F(OptionsTest, WrongWordsAreRefusedWithTheKnownOnes) {
  EXPECT_EQ(refusal("dqn.btch", "1"),
            "key \"dqn.btch\" is not known; known: dqn.batch, dqn.learning_rate, dqn.noisy, reward.preset, dqn.hidden; "
            "did you mean \"dqn.batch\"?");
  EXPECT_EQ(refusal("dqn.batch", "many"), "dqn.batch: \"many\" is not an integer (transitions in one update)");
  EXPECT_EQ(refusal("dqn.batch", "3.5"), "dqn.batch: \"3.5\" is not an integer (transitions in one update)");
  EXPECT_EQ(refusal("dqn.batch", "0"), "dqn.batch: 0 is outside 1 to 4096 (transitions in one update)");
  EXPECT_EQ(refusal("dqn.batch", "99999999999"), "dqn.batch: \"99999999999\" is too large (transitions in one update)");
  EXPECT_EQ(refusal("dqn.noisy", "yes"), "dqn.noisy: \"yes\" is neither true nor false (noisy layers)");
  EXPECT_EQ(
      refusal("reward.preset", "scor"),
      "reward.preset: value \"scor\" is not known; known: score, predecessor; did you mean \"score\"? (reward terms)");
  EXPECT_EQ(refusal("dqn.learning_rate", "nan"), "dqn.learning_rate: nan is outside 0 to 1 (Adam step)");
  EXPECT_EQ(refusal("dqn.hidden", "1 2 3 4 5"),
            "dqn.hidden: 5 values; at most 4 are allowed (units of the hidden layers)");
  EXPECT_EQ(settings.batch, 32);
}

TEST_F(OptionsTest, AKeyDescribedTwiceIsABrokenContract) {
  int again = 0;
  EXPECT_THROW(options.add("dqn.batch", again, ""), Error);
}

}  // namespace
}  // namespace sinv
