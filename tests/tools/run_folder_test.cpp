#include "tools/run_folder.h"

#include <gtest/gtest.h>
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
  } catch (const UserError& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(RunFolder, ANewOneMustBeEmpty) {
  TestFolder folder;
  write_file(folder / "mine.txt", std::string_view("kept"));
  const std::string path = folder.path().string();
  EXPECT_EQ(refusal([&] { RunFolder::create(path); }),
            path + ": this folder is not empty; go on in it with --resume " + path + ", or choose another with --out");
}

TEST(RunFolder, OneThatGoesOnMustBeARun) {
  TestFolder folder;
  EXPECT_EQ(refusal([&] { RunFolder::open(folder / "none"); }),
            (folder / "none").string() + ": there is no such run folder to resume");
  EXPECT_EQ(refusal([&] { RunFolder::open(folder.path()); }),
            folder.path().string() + ": no run folder: it holds no config.toml");
}

TEST(RunFolder, IsHeldByOneTrainingAtATime) {
  TestFolder folder;
  const auto first = RunFolder::create(folder / "run");
  write_file(first.config(), std::string_view(""));
  EXPECT_EQ(refusal([&] { RunFolder::open(folder / "run"); }),
            (folder / "run").string() + ": another process trains in this folder; choose another with --out");
}

TEST(RunFolder, AFileInItsPlaceIsRefused) {
  TestFolder folder;
  write_file(folder / "run", std::string_view(""));
  EXPECT_NE(refusal([&] { RunFolder::create(folder / "run"); }).find("the run folder cannot be made"),
            std::string::npos);
}

}  // namespace
}  // namespace sinv
