#include "tools/config.h"

#include <gtest/gtest.h>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

std::string refusal_of_file(const std::string& letters) {
  TestFolder folder;
  write_file(folder / "run.toml", std::string_view(letters));
  RunConfig config;
  try {
    config.read_file(folder / "run.toml");
  } catch (const UserError& error) {
    const std::string said = error.what();
    return said.substr(said.find("run.toml"));
  }
  return "nothing was thrown";
}

TEST(RunConfig, ComesBackFromItsOwnFile) {
  TestFolder folder;
  RunConfig config;
  config.set_all({"dqn.hidden=64 32"});
  config.set_all({"dqn.learning_rate=0.000123"});
  config.set_all({"env.sticky=0.25"});
  config.set_all({"train.seed=18446744073709551615"});
  config.set_all({"cabinet.rom=a \"quoted\\ path\""});
  for (const bool described : {false, true}) {
    write_file(folder / "run.toml", std::string_view(config.toml(described)));
    RunConfig again;
    again.set_all({"dqn.batch=7"});                                       // must be taken back
    if (config.train.seed > 9223372036854775807U) config.train.seed = 5;  // TOML has no integers above 2^63 - 1
    write_file(folder / "run.toml", std::string_view(config.toml(described)));
    again.read_file(folder / "run.toml");
    for (const Options::Entry& entry : config.options.entries()) {
      EXPECT_EQ(again.options.get(entry.key), entry.get()) << entry.key;
    }
  }
}

TEST(RunConfig, TheAgentDecidesDefaultsAndWhatIsGivenComesOverThem) {
  RunConfig config;
  config.take(assignments_of({"dqn.batch=48", "agent=dqn-cnn", "train.envs=5"}));
  EXPECT_EQ(config.env.pixels, "ship-64");
  EXPECT_EQ(config.agent.dqn.network, "columns");
  EXPECT_EQ(config.agent.dqn.hidden, std::vector<int>{256});
  EXPECT_EQ(config.agent.dqn.batch, 48);
  EXPECT_EQ(config.train.envs, 5);

  RunConfig original;
  original.take(assignments_of({"agent=dqn-cnn", "dqn.network=original", "env.pixels=play-field"}));
  EXPECT_EQ(original.agent.dqn.hidden, std::vector<int>{1024});
  EXPECT_TRUE(original.agent.dqn.layer_norm);
  EXPECT_EQ(original.agent.dqn.activation, "leaky-relu");
  EXPECT_EQ(original.env.pixels, "play-field");

  RunConfig dreamer;
  dreamer.take(assignments_of({"dreamer.deter=64", "agent=dreamer", "dreamer.preset=small"}));
  EXPECT_EQ(dreamer.agent.dreamer.learner.world.deter, 64);
  EXPECT_EQ(dreamer.agent.dreamer.learner.world.hidden, 200);
  EXPECT_EQ(dreamer.env.pixels, "grey-64");

  // In a file of few lines too, and a word comes over the file.
  TestFolder folder;
  write_file(folder / "run.toml", std::string_view("agent = \"dqn-mlp\"\n[dqn]\nbatch = 7\n"));
  RunConfig both;
  std::vector<Assignment> given = assignments_in(folder / "run.toml");
  given.push_back({"agent", "dqn-cnn", ""});
  both.take(given);
  EXPECT_EQ(both.agent.agent, "dqn-cnn");
  EXPECT_EQ(both.agent.dqn.network, "columns");
  EXPECT_EQ(both.agent.dqn.batch, 7);
}

TEST(RunConfig, EveryKeyHasAMeaning) {
  RunConfig config;
  for (const Options::Entry& entry : config.options.entries()) EXPECT_FALSE(entry.meaning.empty()) << entry.key;
  EXPECT_GT(config.options.entries().size(), 50U);
}

TEST(RunConfig, ATypingErrorInAFileIsNamed) {
  const std::string said = refusal_of_file("[dqn]\nbacth = 64\n");
  EXPECT_EQ(said.rfind("run.toml: key \"dqn.bacth\" is not known; known: ", 0), 0U) << said;
  EXPECT_NE(said.find("did you mean \"dqn.batch\"?"), std::string::npos) << said;
}

TEST(RunConfig, ASyntaxErrorHasItsLine) {
  EXPECT_EQ(refusal_of_file("[dqn]\nbatch = = 3\n").rfind("run.toml:2: ", 0), 0U);
}

TEST(RunConfig, AValueOfTheWrongKindIsRefused) {
  EXPECT_EQ(refusal_of_file("[dqn]\nbatch = \"many\"\n"),
            "run.toml: dqn.batch: \"many\" is not an integer (transitions per update)");
  EXPECT_EQ(refusal_of_file("[dqn]\nbatch = 1979-05-27\n"),
            "run.toml: dqn.batch: a date or time is no value of any key");
}

TEST(RunConfig, AnAssignmentNeedsAnEqualsSign) {
  RunConfig config;
  try {
    config.set_all({"dqn.batch"});
    FAIL();
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "--set dqn.batch: wanted key=value");
  }
}

}  // namespace
}  // namespace sinv
