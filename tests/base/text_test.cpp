#include "base/text.h"

#include <gtest/gtest.h>

namespace sinv {
namespace {

TEST(Text, JoinsValuesOfAnyKind) { EXPECT_EQ(text("x is ", 3, ", y is ", 2.5), "x is 3, y is 2.5"); }

TEST(Text, NearestFindsATypingErrorAndNothingElse) {
  const std::vector<std::string> known{"train", "play", "eval"};
  EXPECT_EQ(nearest("trian", known), "train");
  EXPECT_EQ(nearest("paly", known), "play");
  EXPECT_EQ(nearest("dashboard", known), "");
}

TEST(Text, UnknownNameListsTheKnownOnes) {
  EXPECT_EQ(unknown_name("command", "trian", {"train", "play"}),
            "command \"trian\" is not known; known: train, play; did you mean \"train\"?");
  EXPECT_EQ(unknown_name("command", "zzzz", {"train", "play"}), "command \"zzzz\" is not known; known: train, play");
}

}  // namespace
}  // namespace sinv
