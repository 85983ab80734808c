#include "bridge/mame/process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/bridge/farm_fixture.h"

namespace sinv::mame {
namespace {

using std::chrono::milliseconds;
using ::testing::AllOf;
using ::testing::HasSubstr;

class BridgeProcess : public FarmTest {
 protected:
  std::shared_ptr<Process> shell(const std::string& line) {
    return Process::start(
        loop_, {{"/bin/sh", "-c", line}, {"PATH=/usr/bin:/bin", "WORD=coin"}, folder_ / "here", folder_ / "log"},
        [this] { ++ended_; });
  }
  int ended_ = 0;  // the loop's
  Loop loop_;
};

TEST_F(BridgeProcess, RunsInItsFolderWithItsEnvironmentAndItsOutputIsKept) {
  const auto process = shell("pwd; echo $WORD >&2; echo; echo ALSA lib of nobody; exit 4");
  EXPECT_TRUE(process->wait(milliseconds(5000)));
  EXPECT_EQ(loop_.call([&] { return ended_; }), 1);
  EXPECT_EQ(process->how_it_ended(), "status 4");
  EXPECT_EQ(process->last_lines(), "  " + (folder_ / "here").string() + "\n  coin");
  EXPECT_EQ(process->last_lines(1), "  coin");
  EXPECT_THAT(process->obituary(), AllOf(HasSubstr("it ended with status 4, and wrote last"), HasSubstr("  coin")));
}

TEST_F(BridgeProcess, TheLogGoesOnButLastLinesAreTheNewOnes) {
  EXPECT_TRUE(shell("echo first")->wait(milliseconds(5000)));
  const auto second = shell("echo second; kill -TERM $$");
  EXPECT_TRUE(second->wait(milliseconds(5000)));
  EXPECT_EQ(second->how_it_ended(), "signal 15");
  EXPECT_EQ(second->last_lines(), "  second");
  EXPECT_EQ(read(folder_ / "log"), "first\nsecond\n");
}

TEST_F(BridgeProcess, IsAskedFirstAndThenForced) {
  const auto meek = shell("exec sleep 60");
  EXPECT_EQ(meek->how_it_ended(), "it runs");
  meek->stop(milliseconds(1));
  EXPECT_TRUE(meek->wait(milliseconds(5000)));
  EXPECT_EQ(meek->how_it_ended(), "signal 15");
  const auto killed = shell("exec sleep 60");
  killed->kill();
  killed->kill();
  EXPECT_TRUE(killed->wait(milliseconds(5000)));
  EXPECT_EQ(killed->how_it_ended(), "signal 9");
  killed->stop({});  // it has ended: nothing is sent to anybody
  EXPECT_THAT(killed->obituary(), HasSubstr("and wrote nothing"));
}

TEST_F(BridgeProcess, WhatCannotBeStartedIsTold) {
  EXPECT_THAT(error_of<UserError>([&] {
                Process::start(loop_, {{"/nowhere/mame"}, {}, folder_ / "here", folder_ / "log"}, {});
              }),
              HasSubstr("/nowhere/mame: cannot be started: no such file or directory"));
  EXPECT_THAT(error_of<UserError>([&] {
                Process::start(loop_, {{"/bin/true"}, {}, folder_ / "here", folder_ / "no/log"}, {});
              }),
              HasSubstr("no/log: cannot be written: No such file"));
  std::ofstream(folder_ / "file") << "";
  EXPECT_THAT(error_of<UserError>([&] {
                Process::start(loop_, {{"/bin/true"}, {}, folder_ / "file/here", folder_ / "log"}, {});
              }),
              HasSubstr("file/here: cannot be made"));
  EXPECT_EQ(loop_.close(), 0);
}

}  // namespace
}  // namespace sinv::mame
