// Saving a frame replay: compares futures, not blobs.
#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

#include "base/file.h"
#include "base/random.h"
#include "rl/frame_replay.h"
#include "tests/rl/frame_batch.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using testing::HasSubstr;

constexpr int kEnvs = 3;

// Rings of 150 frames: blocks of 64 with a part of one left over, and several wraps.
ReplaySettings small() { return {.envs = kEnvs, .capacity_steps = kEnvs * 150, .history = 4, .n_step = 3}; }

// A replay and what drives it; a copy of `world` and `draws` drives another one alike.
struct Driven {
  FrameReplay* replay;
  Random world;
  Random draws;
};

std::vector<std::uint8_t> next_frame(Driven& driven) {
  const auto payload = static_cast<int>(driven.world.below(1U << 24));
  return frame_of(driven.replay->shape(), payload);
}

void live(Driven& driven, int steps) {
  for (int t = 0; t < steps; ++t) {
    for (int env = 0; env < kEnvs; ++env) {
      const auto action = static_cast<int>(driven.world.below(6));
      const float reward = driven.world.uniform();
      const bool end = driven.world.below(19) == 0;
      driven.replay->step(env, action, reward, end, false, next_frame(driven));
      if (end) driven.replay->begin(env, next_frame(driven));
    }
  }
  driven.replay->settle();
}

std::vector<float> drawn(Driven& driven) {
  std::vector<std::uint32_t> slots(16);
  FrameBatch batch(16, 4, driven.replay->shape());
  driven.replay->sample(driven.draws, 0.5, slots, batch.view());
  std::vector<float> errors(16);
  for (float& error : errors) error = driven.draws.uniform() * 3;
  driven.replay->index().set_priorities(slots, errors);
  std::vector<float> all(batch.observation_tm1.begin(), batch.observation_tm1.end());
  all.insert(all.end(), batch.observation_t.begin(), batch.observation_t.end());
  all.insert(all.end(), batch.action.begin(), batch.action.end());
  for (const auto* part : {&batch.ret, &batch.discount, &batch.weight})
    all.insert(all.end(), part->begin(), part->end());
  return all;
}

Driven started(FrameReplay& replay, int steps) {
  Driven driven{&replay, Random(5, 1), Random(6, 6)};
  for (int env = 0; env < kEnvs; ++env) replay.begin(env, next_frame(driven));
  for (int done = 0; done < steps; done += 10) {
    live(driven, 10);
    drawn(driven);
  }
  return driven;
}

void expect_same_future(Driven one, Driven two) {
  for (int i = 0; i < 60; ++i) {
    ASSERT_EQ(drawn(one), drawn(two)) << i;
    live(one, 4);
    live(two, 4);
  }
}

class FrameSave : public testing::TestWithParam<bool> {
 protected:
  FrameShape shape() const { return {.width = 12, .height = 4, .packed = GetParam()}; }
};
INSTANTIATE_TEST_SUITE_P(BytesAndBits, FrameSave, testing::Bool());

// Before the rings are full, when they are just full, and after they have wrapped; with steps taken while the file is
// being written, so that what was saved is overwritten as soon as it may be.
TEST_P(FrameSave, ARestoredReplayHasTheSameFuture) {
  for (const int steps : {10, 60, 140, 150, 700}) {
    const TestFolder folder;
    FrameReplay one(small(), shape());
    Driven first = started(one, steps);
    ASSERT_TRUE(one.begin_save(folder / "frames", 7));
    Driven second = first;  // as the world was then
    live(first, 200);
    one.saver().wait();
    ASSERT_EQ(one.saver().take_error(), std::nullopt);
    ASSERT_EQ(one.saver().saved(), 1);

    FrameReplay two(small(), shape());
    second.replay = &two;
    two.load_file(folder / "frames", 7);
    live(second, 200);
    ASSERT_EQ(one.size(), two.size());
    expect_same_future(first, second);
  }
}

TEST_P(FrameSave, AReplayIsRestoredOverAnother) {
  const TestFolder folder;
  FrameReplay one(small(), shape());
  const Driven first = started(one, 40);
  ASSERT_TRUE(one.begin_save(folder / "frames", 7));
  one.saver().wait();
  FrameReplay two(small(), shape());
  started(two, 700);
  two.load_file(folder / "frames", 7);
  EXPECT_EQ(one.index().total_mass(), two.index().total_mass());
  Driven second = first;
  second.replay = &two;
  expect_same_future(first, second);
}

TEST_P(FrameSave, ACopiedReplayHasTheSameFuture) {
  FrameReplay one(small(), shape());
  const Driven first = started(one, 400);
  ByteWriter out;
  one.save(out);
  std::vector<std::span<std::byte>> from;
  one.bulk(from);
  FrameReplay two(small(), shape());
  ByteReader in(out.bytes(), "test");
  two.load(in);
  std::vector<std::span<std::byte>> to;
  two.bulk(to);
  ASSERT_EQ(from.size(), to.size());
  for (std::size_t i = 0; i < from.size(); ++i) {
    ASSERT_EQ(from[i].size(), to[i].size());
    if (!from[i].empty()) std::memcpy(to[i].data(), from[i].data(), from[i].size());
  }
  two.loaded();
  Driven second = first;
  second.replay = &two;
  expect_same_future(first, second);
}

// A pipe stands where the file will be written, so the disk is as slow as this test reads. At no time may more have
// been inserted than what the blocks before it allow, and what comes out is the replay as it was when the save began.
TEST(FrameSaver, InsertingWaitsForFramesThatAreNotYetWritten) {
  const TestFolder folder;
  const FrameShape shape{.width = 64, .height = 64};
  FrameReplay one(small(), shape);
  Driven first = started(one, 400);
  Driven second = first;
  const std::string pipe = (folder / "frames").string() + "." + std::to_string(::getpid()) + ".tmp";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  ASSERT_TRUE(one.begin_save(folder / "frames", 7));
  std::atomic<int> rounds{0};
  std::future<void> inserting = std::async(std::launch::async, [&] {
    for (int i = 0; i < 200; ++i, ++rounds) live(first, 1);
  });
  for (int i = 0; i < 100'000; ++i) std::this_thread::yield();
  // Nothing is read yet, so nothing is written: not even the oldest frame may be overwritten.
  EXPECT_EQ(rounds, 0);
  std::vector<std::byte> bytes;
  const int end = ::open(pipe.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_GE(end, 0);
  const std::size_t block = FrameOrder::kFrames * shape.stored_bytes();
  const std::size_t in_pipe = static_cast<std::size_t>(::fcntl(end, F_GETPIPE_SZ));
  std::vector<std::byte> piece(65536);
  struct Moment {
    std::size_t written;  // bytes of the file, at most
    std::size_t rounds;
  };
  std::vector<Moment> moments;
  for (ssize_t got = 1; got > 0;) {
    moments.push_back({bytes.size() + in_pipe, static_cast<std::size_t>(rounds)});
    got = ::read(end, piece.data(), piece.size());
    if (got > 0) bytes.insert(bytes.end(), piece.begin(), piece.begin() + got);
  }
  ::close(end);
  // A round takes a frame of each ring at least, so 64 of them need the next block of each, until the last frame is
  // written; the sum follows it.
  for (const Moment& moment : moments) {
    if (moment.written >= bytes.size() - sizeof(std::uint32_t)) continue;
    EXPECT_LE(moment.rounds, (moment.written / block / kEnvs + 1) * FrameOrder::kFrames);
  }
  inserting.wait();
  one.saver().wait();
  EXPECT_THAT(one.saver().take_error().value_or(""), HasSubstr("cannot be synced"));  // pipes have no disk

  write_file(folder / "read", std::span<const std::byte>(bytes));
  FrameReplay two(small(), shape);
  second.replay = &two;
  two.load_file(folder / "read", 7);
  live(second, 200);
  expect_same_future(first, second);
}

// The order of the file: every frame of every segment once, the oldest of all first, and a slot is free exactly when
// the block that holds it is done.
TEST(FrameOrder, HoldsEveryFrameOnceAndTheOldestFirst) {
  const FrameOrder order{.frame_bytes = 5,
                         .ring_slots = 200,
                         .segments = {{.oldest = 170, .filled = 200}, {.oldest = 0, .filled = 3}, {}, {.filled = 129}}};
  EXPECT_EQ(order.frames(), 332U);
  EXPECT_EQ(order.blocks(), 16U);
  std::vector<int> seen(4 * 200 * 5);
  for (std::uint64_t block = 0; block < order.blocks(); ++block) {
    const std::size_t env = block % 4;
    std::uint32_t age = static_cast<std::uint32_t>(block / 4) * 64;
    for (const FrameOrder::Run& run : order.runs_of(block).run) {
      ASSERT_EQ(run.at % 5, 0U);
      ASSERT_EQ(run.bytes % 5, 0U);
      for (std::size_t i = 0; i < run.bytes; ++i) ++seen[run.at + i];
      for (std::size_t i = 0; i < run.bytes; i += 5, ++age) {
        const auto inside = static_cast<std::uint32_t>((run.at + i) / 5 - env * 200);
        ASSERT_EQ(inside, (order.segments[env].oldest + age) % 200);
        ASSERT_EQ(order.done_before(env, inside), block + 1);
      }
    }
  }
  for (std::size_t env = 0; env < 4; ++env) {
    for (std::size_t i = 0; i < 1000; ++i) {
      const bool held = i / 5 < order.segments[env].filled || order.segments[env].filled == 200;
      ASSERT_EQ(seen[env * 1000 + i], held ? 1 : 0) << env << " " << i;
      if (!held) {
        ASSERT_EQ(order.done_before(env, static_cast<std::uint32_t>(i / 5)), 0U);
      }
    }
  }
}

template <class Fn>
std::string refusal(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class FrameFile : public testing::Test {
 protected:
  FrameFile() : replay_(small(), kShape) {
    started(replay_, 400);
    replay_.begin_save(path(), 7);
    replay_.saver().wait();
    bytes_ = read_file(path());
  }
  std::filesystem::path path() const { return folder_ / "frames"; }
  std::string load(const ReplaySettings& settings, const FrameShape& shape, std::uint64_t stamp = 7) {
    FrameReplay other(settings, shape);
    return refusal([&] { other.load_file(path(), stamp); });
  }

  static constexpr FrameShape kShape{.width = 12, .height = 4};
  TestFolder folder_;
  FrameReplay replay_;
  std::vector<std::byte> bytes_;
};

TEST_F(FrameFile, IsRefusedWhenItIsNotOfThisTraining) {
  EXPECT_EQ(load(small(), kShape), "");
  EXPECT_THAT(load(small(), kShape, 8), HasSubstr("frames: belongs to state 7, wanted 8; the files of one save"));
  EXPECT_THAT(load(small(), {.width = 12, .height = 4, .packed = true}),
              HasSubstr("the saved frames are 12 x 4 of 8 bits, the settings say 12 x 4 of 1 bit; resume with"));
  EXPECT_THAT(load(small(), {.width = 4, .height = 12}), HasSubstr("12 x 4 of 8 bits, the settings say 4 x 12 of 8"));
  ReplaySettings other = small();
  other.n_step = 5;
  EXPECT_THAT(load(other, kShape), HasSubstr("rings of 150, history 4, n-step 3; the settings say 150, 4, 5"));
  other = small();
  other.envs = 1;
  other.capacity_steps = 150;
  EXPECT_THAT(load(other, kShape), HasSubstr("the saved one is of 3 environments, the settings say 1"));
  std::filesystem::remove(path());
  EXPECT_THAT(load(small(), kShape), HasSubstr("frames: cannot be opened"));
}

TEST_F(FrameFile, IsRefusedWhenAnyPartIsDamaged) {
  const auto places = {std::size_t{0},    std::size_t{9},      std::size_t{20},  std::size_t{40},
                       bytes_.size() / 3, bytes_.size() - 700, bytes_.size() - 2};
  for (const std::size_t at : places) {
    std::vector<std::byte> broken = bytes_;
    broken[at] ^= std::byte{16};
    write_file(path(), std::span<const std::byte>(broken));
    EXPECT_THAT(load(small(), kShape), testing::ContainsRegex("holds no replay frames|has version|is damaged|belongs"))
        << at;
  }
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{31}, std::size_t{60}, bytes_.size() / 2, bytes_.size() - 1}) {
    write_file(path(), std::span<const std::byte>(bytes_).first(size));
    EXPECT_THAT(load(small(), kShape), HasSubstr("ends early; the file is damaged")) << size;
  }
  std::vector<std::byte> longer = bytes_;
  longer.push_back(std::byte{0});
  write_file(path(), std::span<const std::byte>(longer));
  EXPECT_THAT(load(small(), kShape), HasSubstr("has 1 bytes too many; the file is damaged"));
}

TEST_F(FrameFile, LeavesTheReplayAsItWasOrEmpty) {
  FrameReplay other(small(), kShape);
  Driven driven = started(other, 50);
  const std::int64_t size = other.size();
  EXPECT_THAT(refusal([&] { other.load_file(path(), 99); }), HasSubstr("belongs to state 7"));
  EXPECT_EQ(other.size(), size);
  live(driven, 10);
  bytes_[bytes_.size() - 700] ^= std::byte{1};
  write_file(path(), std::span<const std::byte>(bytes_));
  EXPECT_THAT(refusal([&] { other.load_file(path(), 7); }), HasSubstr("is damaged (its checksum is wrong)"));
  EXPECT_EQ(other.size(), 0);
  EXPECT_EQ(other.index().total_mass(), 0.0);
  started(other, 50);  // and begins anew
  EXPECT_GT(other.size(), 0);
}

TEST_F(FrameFile, OfARestoredReplayIsTheSameAgain) {
  FrameReplay other(small(), kShape);
  other.load_file(path(), 7);
  ASSERT_TRUE(other.begin_save(folder_ / "again", 7));
  other.saver().wait();
  EXPECT_EQ(read_file(folder_ / "again"), bytes_);
}

TEST_F(FrameFile, ADiskThatCannotBeWrittenIsToldAndTheReplayGoesOn) {
  Driven driven{&replay_, Random(1, 1), Random(2, 2)};
  ASSERT_TRUE(replay_.begin_save(folder_ / "nowhere" / "frames", 7));
  live(driven, 300);  // waits for no block that will never be written
  replay_.saver().wait();
  EXPECT_THAT(replay_.saver().take_error().value_or(""), HasSubstr("nowhere/frames: cannot be created"));
  EXPECT_EQ(replay_.saver().take_error(), std::nullopt);
  ASSERT_TRUE(replay_.begin_save(path(), 8));
  replay_.saver().wait();
  EXPECT_EQ(replay_.saver().take_error(), std::nullopt);
  EXPECT_EQ(replay_.saver().saved(), 2);
  EXPECT_EQ(load(small(), kShape, 8), "");
}

}  // namespace
}  // namespace sinv
