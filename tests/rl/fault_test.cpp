// What a training leaves behind when it is killed, and what it does when the disk refuses.
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <string>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "kernels/device_module.h"
#include "rl/run_saver.h"
#include "rl/state_file.h"
#include "tests/rl/saving_trainer.h"
#include "tests/support/fake_device.h"
#include "tests/support/folder.h"

extern char** environ;

namespace sinv {
namespace {

struct Victim {
  pid_t process = -1;
  int ready = -1;
};

Victim start_victim(const std::filesystem::path& folder, std::int64_t frames, const std::string& agent) {
  int ends[2];
  EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, ends[1], kReadyDescriptor);
  ::posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<std::string> words{SINV_TRAINING_TO_KILL, folder.string(), std::to_string(frames), agent};
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  Victim victim;
  EXPECT_EQ(::posix_spawn(&victim.process, SINV_TRAINING_TO_KILL, &actions, nullptr, arguments.data(), environ), 0);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  victim.ready = ends[0];
  return victim;
}

// Returns when the victim has resumed, or has died.
bool wait_until_ready(const Victim& victim) {
  char letter = 0;
  ssize_t got = 0;
  do {
    got = ::read(victim.ready, &letter, 1);
  } while (got < 0 && errno == EINTR);
  return got == 1;
}

int wait_for_end(const Victim& victim) {
  int status = 0;
  while (::waitpid(victim.process, &status, 0) < 0 && errno == EINTR) {
  }
  ::close(victim.ready);
  return status;
}

std::int64_t saved_frames(const std::filesystem::path& folder, const std::string& agent) {
  Trainer trainer(saving_always(1), parts_in(folder, nullptr, 2, agent));
  trainer.resume();
  return trainer.clock().frames;
}

class Kill : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Agents, Kill, testing::ValuesIn(agent_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

// Of an agent that sees pictures, `last` and its frames are two files.
TEST_P(Kill, AtAnyMomentLeavesAWholeStateAndTheSameFuture) {
  const std::string agent = GetParam();
  const int kills = agent == "dqn-mlp" ? 200 : 80;
  TestFolder folder;
  Random random(2024, 7);
  int tried = 0;
  int killed = 0;
  std::int64_t last_frames = 0;
  // On a busy machine 50 ms are few rounds: more kills then, until learning has been killed too.
  for (int i = 0; i < kills || (last_frames <= 600 && i < 20 * kills); ++i, ++tried) {
    const Victim victim = start_victim(folder.path(), std::int64_t{1} << 40, agent);
    ASSERT_TRUE(wait_until_ready(victim)) << "victim " << i << " could not resume";
    // The moment is random by its nature: up to 50 ms of training and saving.
    pollfd nothing{-1, 0, 0};
    ::poll(&nothing, 1, static_cast<int>(random.below(50)));
    ASSERT_EQ(::kill(victim.process, SIGKILL), 0);
    const int status = wait_for_end(victim);
    ASSERT_TRUE(WIFSIGNALED(status)) << "victim " << i << " ended by itself";
    ++killed;
    if (!std::filesystem::exists(Trainer::state_path(folder.path()))) continue;  // killed before its first state
    ASSERT_NO_THROW(StateFile::read(Trainer::state_path(folder.path()))) << "after kill " << i;
    if (std::filesystem::exists(Trainer::best_path(folder.path()))) {
      ASSERT_NO_THROW(load_model(Trainer::best_path(folder.path()))) << "after kill " << i;
    }
    if (i + 1 >= kills) last_frames = saved_frames(folder.path(), agent);
  }
  EXPECT_EQ(killed, tried);
  EXPECT_GT(last_frames, 600);  // past the warm-up

  // All sittings together must have come to what one sitting comes to.
  const std::int64_t end = last_frames + 600;
  const Victim finisher = start_victim(folder.path(), end, agent);
  ASSERT_TRUE(wait_until_ready(finisher));
  EXPECT_EQ(wait_for_end(finisher), 0);
  Trainer pieces(saving_always(end), parts_in(folder.path(), nullptr, 2, agent));
  pieces.resume();
  EXPECT_EQ(pieces.clock().frames, end);
  TestFolder other;
  TrainerSettings settings = small_trainer();
  settings.frames = end;
  Trainer whole(settings, parts_in(other.path(), nullptr, 2, agent));
  whole.run(kNoStop);
  EXPECT_EQ(weights_of(pieces.agent()), weights_of(whole.agent()));
  EXPECT_EQ(pieces.clock().updates, whole.clock().updates);
  // Nothing else lies about but what the last kills cut off, which the finisher removed.
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    EXPECT_NE(entry.path().extension(), ".tmp") << entry.path();
  }
}

// Restores the limit whatever happens.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit now{bytes, before_.rlim_max};
    std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &now);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit before_{};
};

TEST(FullDisk, IsReportedAndTheLastGoodStateStays) {
  TestFolder folder;
  JsonLinesFile metrics(folder / "metrics.jsonl");
  {
    Trainer trainer(saving_always(6000), parts_in(folder.path(), &metrics));
    trainer.run(kNoStop);
    EXPECT_EQ(trainer.progress().read().events, 0);
  }
  const std::vector<std::byte> good = read_file(Trainer::state_path(folder.path()));
  const std::vector<std::byte> best = read_file(Trainer::best_path(folder.path()));
  Trainer trainer(saving_always(12'000), parts_in(folder.path(), &metrics));
  trainer.resume();
  {
    const FileSizeLimit limit(1000);
    trainer.run(kNoStop);
  }
  // Training went on to its end; what could not be written is known to the watchers.
  EXPECT_EQ(trainer.clock().frames, 12'000);
  const Progress progress = trainer.progress().read();
  EXPECT_GT(progress.events, 0);
  EXPECT_NE(std::string(progress.last_event.data()).find("File too large"), std::string::npos)
      << progress.last_event.data();
  EXPECT_EQ(read_file(Trainer::state_path(folder.path())), good);
  EXPECT_EQ(read_file(Trainer::best_path(folder.path())), best);
  // With room again, the same future.
  Trainer again(saving_always(12'000), parts_in(folder.path(), &metrics));
  again.resume();
  again.run(kNoStop);
  EXPECT_EQ(weights_of(again.agent()), weights_of(trainer.agent()));
  EXPECT_NE(read_file(Trainer::state_path(folder.path())), good);
}

// The same on a file system that is really full.
TEST(FullDisk, OfATinyFileSystemIsReported) {
  TestFolder folder;
  const std::filesystem::path disk = folder / "disk";
  std::filesystem::create_directory(disk);
  if (::mount("sinv_test", disk.c_str(), "tmpfs", 0, "size=400k") != 0) {
    GTEST_SKIP() << "mounting a tmpfs needs root: " << std::strerror(errno);
  }
  {
    Trainer trainer(saving_always(3000), parts_in(disk));
    trainer.run(kNoStop);
    EXPECT_EQ(trainer.clock().frames, 3000);
    EXPECT_EQ(trainer.progress().read().events, 0);
  }
  const std::vector<std::byte> good = read_file(Trainer::state_path(disk));
  std::vector<std::byte> filler(1 << 20);
  try {
    while (true) {
      const std::size_t half = filler.size() / 2;
      try {
        write_file(disk / text("filler", filler.size()), std::span<const std::byte>(filler));
      } catch (const UserError&) {
        if (half < 512) throw;
      }
      filler.resize(half < 512 ? 512 : half);
    }
  } catch (const UserError&) {
    // The disk is full.
  }
  Trainer trainer(saving_always(6000), parts_in(disk));
  trainer.resume();
  trainer.run(kNoStop);
  EXPECT_EQ(trainer.clock().frames, 6000);
  const Progress progress = trainer.progress().read();
  EXPECT_GT(progress.events, 0);
  EXPECT_NE(std::string(progress.last_event.data()).find("No space left on device"), std::string::npos)
      << progress.last_event.data();
  EXPECT_EQ(read_file(Trainer::state_path(disk)), good);
  ::umount(disk.c_str());
}

TEST(StateFile, LeftoversOfAKilledWriterAreRemovedAndNothingElse) {
  TestFolder folder;
  for (const char* name : {"last", "last.123.tmp", "last.12x.tmp", "last..tmp", "best.bin.9.tmp", "last.5"}) {
    write_file(folder / name, std::string_view("x"));
  }
  remove_leftovers(folder / "last");
  std::vector<std::string> left;
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    left.push_back(entry.path().filename().string());
  }
  std::sort(left.begin(), left.end());
  EXPECT_EQ(left, (std::vector<std::string>{"best.bin.9.tmp", "last", "last..tmp", "last.12x.tmp", "last.5"}));
}

// A device that is lost in the middle of a round: one sentence, and `last` as the round before left it.
TEST(LostDevice, LeavesTheStateThatWasSavedLast) {
  TestFolder folder;
  FakeDevice device;
  choose_device("cuda");
  const auto whole = [&] { return read_file(RunSaver::state_path(folder.path())); };
  std::string said;
  std::vector<std::byte> before;
  {
    Trainer first(saving_always(3000), parts_in(folder.path()));
    first.run(kNoStop);
  }
  before = whole();
  try {
    TrainerSettings settings = saving_always(6000);
    settings.save_period_s = 1e9;
    Trainer trainer(settings, parts_in(folder.path()));
    trainer.resume();
    device.lose_at(500);
    trainer.run(kNoStop);
  } catch (const UserError& error) {
    said = error.what();
  }
  device.lose_at(0);
  choose_device("cpu");
  EXPECT_EQ(said, "device cuda:0 was lost (fake); what was saved last is intact: go on with --resume");
  EXPECT_EQ(whole(), before);
  Trainer trainer(saving_always(4000), parts_in(folder.path()));
  trainer.resume();
  EXPECT_GE(trainer.clock().frames, 3000);
  trainer.run(kNoStop);
  EXPECT_GE(trainer.clock().frames, 4000);
}

}  // namespace
}  // namespace sinv
