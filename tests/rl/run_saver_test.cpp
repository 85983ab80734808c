#include "rl/run_saver.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

// Frames whose file is done when the test says so.
class Frames final : public StreamedState {
 public:
  bool begin_save(const std::filesystem::path& path, std::uint64_t) override {
    path_ = path;
    saving_ = true;
    return true;
  }
  bool saving() const override { return saving_; }
  void wait_for_save() override {
    if (saving_) finish();
  }
  std::optional<std::string> take_save_error() override { return std::exchange(error_, std::nullopt); }
  void load_file(const std::filesystem::path&, std::uint64_t) override {}

  void finish() {
    write_file(path_, std::string_view("frames"));
    saving_ = false;
  }
  void fail() {
    error_ = "the disk is full";
    saving_ = false;
  }

 private:
  std::filesystem::path path_;
  bool saving_ = false;
  std::optional<std::string> error_;
};

struct RunSaverTest : testing::Test {
  std::filesystem::path frames(std::uint64_t stamp) const { return RunSaver::frames_path(folder.path(), stamp); }
  std::filesystem::path last() const { return RunSaver::state_path(folder.path()); }
  bool begin(std::uint64_t stamp) { return saver.begin(std::as_bytes(std::span(small)), {}, &streamed, stamp); }
  TestFolder folder;
  RunSaver saver{folder.path()};
  Frames streamed;
  std::vector<int> small{1, 2, 3};
};

TEST_F(RunSaverTest, TheStateIsWrittenWhenItsFramesAreAndTakesThePlaceOfTheOlderPair) {
  ASSERT_TRUE(begin(5));
  EXPECT_FALSE(begin(6));
  EXPECT_EQ(saver.poll(), std::nullopt);
  EXPECT_TRUE(saver.busy());
  EXPECT_FALSE(std::filesystem::exists(last()));
  streamed.finish();
  EXPECT_EQ(saver.poll(), std::nullopt);
  saver.wait();
  EXPECT_TRUE(std::filesystem::exists(last()));
  EXPECT_TRUE(std::filesystem::exists(frames(5)));
  EXPECT_EQ(saver.saved(), 1);

  ASSERT_TRUE(begin(9));
  EXPECT_TRUE(std::filesystem::exists(frames(5)));  // `last` is still of step 5
  saver.wait();
  EXPECT_EQ(saver.poll(), std::nullopt);
  EXPECT_FALSE(std::filesystem::exists(frames(5)));
  EXPECT_TRUE(std::filesystem::exists(frames(9)));
  EXPECT_EQ(saver.saved(), 2);
}

TEST_F(RunSaverTest, FramesThatCannotBeWrittenLeaveThePairBefore) {
  ASSERT_TRUE(begin(5));
  saver.wait();
  EXPECT_EQ(saver.poll(), std::nullopt);
  small = {4, 5, 6};
  ASSERT_TRUE(begin(9));
  streamed.fail();
  EXPECT_EQ(saver.poll(), "the disk is full");
  EXPECT_FALSE(saver.busy());
  EXPECT_TRUE(std::filesystem::exists(frames(5)));
  const StateFile state = StateFile::read(last());
  EXPECT_EQ(std::to_integer<int>(state.small()[0]), 1);
}

TEST_F(RunSaverTest, WhatAKilledProcessLeftIsRemoved) {
  for (const char* name : {"last", "last.77.tmp", "frames.5", "frames.6", "frames.6.77.tmp", "best.bin"}) {
    write_file(folder / name, std::string_view("x"));
  }
  saver.clean(5);
  for (const char* name : {"last", "frames.5", "best.bin"}) EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
  for (const char* name : {"last.77.tmp", "frames.6", "frames.6.77.tmp"}) {
    EXPECT_FALSE(std::filesystem::exists(folder / name)) << name;
  }
}

}  // namespace
}  // namespace sinv
