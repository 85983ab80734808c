// Every picture carries its environment, episode and step, so that order and borders of a chunk can be read from it.
#include "rl/dreamer/sequence_replay.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sinv {
namespace {

using ::testing::HasSubstr;

constexpr std::size_t kBytes = 4;
constexpr FrameShape kPicture{.width = 4, .height = 1};
constexpr int kActions = 5;

std::vector<std::uint8_t> picture(int env, int episode, int step) {
  return {static_cast<std::uint8_t>(env), static_cast<std::uint8_t>(episode), static_cast<std::uint8_t>(step), 77};
}
int action_of(int step) { return step % kActions; }

SequenceReplay make(int envs, std::int64_t capacity) {
  return SequenceReplay({.envs = envs, .capacity_steps = capacity, .picture = kPicture, .discount = 0.5F});
}
// An episode of so many pictures; the last one ends the game.
void add(SequenceReplay& replay, int env, int episode, int pictures) {
  replay.begin(env, picture(env, episode, 0));
  for (int step = 1; step < pictures; ++step) {
    replay.step(env, action_of(step), static_cast<float>(step), step + 1 == pictures, picture(env, episode, step));
  }
}

struct Batch {
  int chunks;
  int steps;
  int history;  // 0: nobody looks back
  std::vector<std::uint8_t> frames;
  std::vector<std::uint8_t> seen;
  std::vector<std::uint8_t> before;  // filled when somebody looks back
  std::vector<float> action, keep, reward, discount, weight;

  Batch(int b, int t, int looks_back = 0)
      : chunks(b),
        steps(t),
        history(looks_back),
        frames(rows() * kBytes, 1),
        seen(rows() * kBytes * static_cast<std::size_t>(looks_back), 1),
        before(looks_back > 0 ? rows() * kBytes : 0, 1),
        action(rows() * kActions, 9.0F),
        keep(rows(), 9.0F),
        reward(keep),
        discount(keep),
        weight(keep) {}
  std::size_t rows() const { return static_cast<std::size_t>(chunks) * static_cast<std::size_t>(steps); }
  SequenceBatch spans() { return {frames, seen, action, keep, reward, discount, weight, {}, {}, before}; }
  std::size_t row(int b, int t) const { return static_cast<std::size_t>(t * chunks + b); }
  int env(int b, int t) const { return frames[row(b, t) * kBytes]; }
  int episode(int b, int t) const { return frames[row(b, t) * kBytes + 1]; }
  int step(int b, int t) const { return frames[row(b, t) * kBytes + 2]; }
  // The picture that many steps before the row's own, as the row sees it.
  std::span<const std::uint8_t> seen_before(int b, int t, int age) const {
    const auto pictures = static_cast<std::size_t>(history);
    return std::span(seen).subspan((row(b, t) * pictures + pictures - 1 - static_cast<std::size_t>(age)) * kBytes,
                                   kBytes);
  }
};

// What must hold for every chunk, whatever was drawn. lengths: pictures of each episode number.
void check(const Batch& batch, const std::vector<int>& lengths) {
  double total = 0;
  for (const float w : batch.weight) total += static_cast<double>(w);
  EXPECT_NEAR(total, 1.0, 1e-5);
  for (int b = 0; b < batch.chunks; ++b) {
    const int episode = batch.episode(b, 0);
    const int first = batch.step(b, 0);
    for (int t = 0; t < batch.steps; ++t) {
      const std::size_t row = batch.row(b, t);
      const auto actions = std::span(batch.action).subspan(row * kActions, kActions);
      if (first + t >= lengths[static_cast<std::size_t>(episode)]) {  // padded
        EXPECT_EQ(batch.weight[row], 0.0F);
        EXPECT_EQ(batch.keep[row], 0.0F);
        EXPECT_EQ(std::ranges::count(actions, 0.0F), kActions);
        EXPECT_EQ(batch.frames[row * kBytes + 3], 0);
        continue;
      }
      ASSERT_EQ(batch.env(b, t), batch.env(b, 0));
      ASSERT_EQ(batch.episode(b, t), episode);
      ASSERT_EQ(batch.step(b, t), first + t);
      EXPECT_GT(batch.weight[row], 0.0F);
      EXPECT_EQ(batch.keep[row], t == 0 ? 0.0F : 1.0F);
      EXPECT_EQ(batch.reward[row], static_cast<float>(first + t));
      const bool last = first + t + 1 == lengths[static_cast<std::size_t>(episode)];
      EXPECT_EQ(batch.discount[row], last && first + t > 0 ? 0.0F : 0.5F);
      for (int a = 0; a < kActions; ++a) {
        const bool chosen = t > 0 && a == action_of(first + t);
        EXPECT_EQ(actions[static_cast<std::size_t>(a)], chosen ? 1.0F : 0.0F);
      }
    }
  }
}

TEST(SequenceReplay, AChunkLiesInOneEpisodeInOrderAndShortOnesArePadded) {
  SequenceReplay replay = make(2, 200);
  const std::vector<int> lengths{20, 1, 3, 9};
  add(replay, 0, 0, 20);
  add(replay, 0, 1, 1);
  add(replay, 0, 2, 3);
  add(replay, 1, 3, 9);
  EXPECT_EQ(replay.size(), 33);
  Random random(1, 0);
  std::vector<int> seen(4);
  for (int i = 0; i < 200; ++i) {
    Batch batch(3, 5);
    replay.sample(random, 3, 5, batch.spans());
    check(batch, lengths);
    for (int b = 0; b < 3; ++b) ++seen[static_cast<std::size_t>(batch.episode(b, 0))];
  }
  // By length: shares 20, 1, 3 and 9 of 33, of 600; four standard deviations are at most 49.
  EXPECT_NEAR(seen[0], 600 * 20 / 33, 49);
  EXPECT_NEAR(seen[1], 600 / 33, 20);
  EXPECT_NEAR(seen[2], 600 * 3 / 33, 30);
  EXPECT_NEAR(seen[3], 600 * 9 / 33, 44);
}

// Start drawn in 0 .. 20, cut down to 15: the last five rows in 6 of 21 chunks, every other start in 1 of 21.
TEST(SequenceReplay, EndsAreDrawnMoreOftenThanTheirShare) {
  SequenceReplay replay = make(1, 100);
  add(replay, 0, 0, 20);
  Random random(2, 0);
  int ends = 0;
  int starts = 0;
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    Batch batch(1, 5);
    replay.sample(random, 1, 5, batch.spans());
    ends += batch.step(0, 0) == 15 ? 1 : 0;
    starts += batch.step(0, 0) == 0 ? 1 : 0;
  }
  EXPECT_NEAR(ends, kDraws * 6 / 21, 115);  // four standard deviations
  EXPECT_NEAR(starts, kDraws / 21, 54);
}

TEST(SequenceReplay, WhatIsOverwrittenIsNeverDrawn) {
  SequenceReplay replay = make(1, 30);
  const std::vector<int> lengths{25, 7, 40, 4, 2};
  Random random(3, 0);
  for (int episode = 0; episode < 5; ++episode) {
    add(replay, 0, episode, lengths[static_cast<std::size_t>(episode)]);
    for (int i = 0; i < 100; ++i) {
      Batch batch(2, 6);
      replay.sample(random, 2, 6, batch.spans());
      check(batch, lengths);
      for (int b = 0; b < 2; ++b) {
        if (episode == 2) {
          ASSERT_GE(batch.step(b, 0), 10);  // 40 pictures in a ring of 30
        }
        if (episode >= 3) {
          ASSERT_GE(batch.episode(b, 0), 2);
        }
      }
    }
  }
  EXPECT_EQ(replay.size(), 30);
}

// Also before the chunk; where the episode, or what is left of it, begins, its first picture is seen again.
TEST(SequenceReplay, ARowSeesThePicturesBeforeItsOwn) {
  constexpr int kHistory = 3;
  SequenceReplay replay = make(1, 30);
  Random random(6, 0);
  for (int episode = 0; episode < 2; ++episode) {
    add(replay, 0, episode, 2 + 38 * episode);  // the second one: 40 pictures in a ring of 30
    const int oldest = episode == 0 ? 0 : 10;
    int looked_out_of_the_chunk = 0;
    for (int i = 0; i < 100; ++i) {
      Batch batch(2, 6, kHistory);
      replay.sample(random, 2, 6, batch.spans());
      for (int b = 0; b < 2; ++b) {
        for (int t = 0; t < 6; ++t) {
          for (int age = 0; age < kHistory; ++age) {
            const std::span<const std::uint8_t> seen = batch.seen_before(b, t, age);
            if (batch.weight[batch.row(b, t)] == 0.0F) {
              EXPECT_EQ(std::ranges::count(seen, 0), std::ssize(seen));
              continue;
            }
            const int step = std::max(oldest, batch.step(b, t) - age);
            ASSERT_TRUE(std::ranges::equal(seen, picture(0, episode, step))) << step;
            if (age == 1) {
              const auto before = std::span(batch.before).subspan(batch.row(b, t) * kBytes, kBytes);
              ASSERT_TRUE(std::ranges::equal(before, seen)) << step;
            }
            looked_out_of_the_chunk += step < batch.step(b, 0) ? 1 : 0;
          }
        }
      }
    }
    EXPECT_EQ(looked_out_of_the_chunk > 0, episode == 1);
  }
}

// Lives are lost at steps 10, 17 and 39 of 40; around each as often, within the later half of the chunk unless a border
// of the episode forbids it.
TEST(SequenceReplay, AShareOfTheChunksIsDrawnAroundLostLives) {
  for (const float share : {0.0F, 0.5F, 1.0F}) {
    SequenceReplay replay(
        {.envs = 1, .capacity_steps = 50, .picture = kPicture, .discount = 0.5F, .ends_share = share});
    replay.begin(0, picture(0, 0, 0));
    for (int step = 1; step < 40; ++step) {
      const bool lost = step == 10 || step == 17 || step == 39;
      replay.step(0, action_of(step), static_cast<float>(step), lost, picture(0, 0, step));
    }
    Random random(7, 0);
    constexpr int kSteps = 8;
    int with_one = 0;
    std::vector<int> in_row(kSteps);
    for (int i = 0; i < 600; ++i) {
      Batch batch(1, kSteps);
      replay.sample(random, 1, kSteps, batch.spans());
      bool found = false;
      for (int t = 0; t < kSteps; ++t) {
        ASSERT_EQ(batch.step(0, t), batch.step(0, 0) + t);
        const int step = batch.step(0, t);
        const bool lost = step == 10 || step == 17 || step == 39;
        ASSERT_EQ(batch.discount[batch.row(0, t)], lost ? 0.0F : 0.5F);
        found = found || lost;
        if (step == 17) ++in_row[static_cast<std::size_t>(t)];
      }
      with_one += found ? 1 : 0;
    }
    if (share == 1.0F) {
      EXPECT_EQ(with_one, 600);
      // A third around step 17, in each of the rows 4 .. 7 as often: 50, four standard deviations are 27.
      for (std::size_t t = 4; t < kSteps; ++t) EXPECT_NEAR(in_row[t], 50, 28) << t;
      EXPECT_EQ(in_row[0], 0);
    } else {
      // Starts 0 .. 32, of which 3 .. 17 and 32 hold one; the last start is drawn in 9 of 41.
      const double by_chance = (15.0 + 9.0) / 41.0;
      const double wanted = static_cast<double>(share) + (1 - static_cast<double>(share)) * by_chance;
      EXPECT_NEAR(with_one, 600 * wanted, 4 * std::sqrt(600 * wanted * (1 - wanted)));
    }
  }
}

TEST(SequenceReplay, WithoutALostLifeEveryChunkIsAnyChunk) {
  SequenceReplay replay({.envs = 1, .capacity_steps = 50, .picture = kPicture, .discount = 0.5F, .ends_share = 1});
  replay.begin(0, picture(0, 0, 0));
  replay.step(0, action_of(1), 1.0F, false, picture(0, 0, 1));
  Batch batch(1, 2);
  Random random(1, 0);
  replay.sample(random, 1, 2, batch.spans());
  EXPECT_EQ(batch.step(0, 1), 1);
}

// As a camera that follows the ship sees them: the row's own picture and those before it, moved as the row's own wants.
TEST(SequenceReplay, PicturesFollowTheShip) {
  const FrameShape shape{.width = 64, .height = 64};
  SequenceReplay replay({.envs = 1, .capacity_steps = 20, .picture = shape, .follow_ship = true});
  const Camera camera(shape, true);
  std::vector<std::vector<std::uint8_t>> pictures;
  for (int step = 0; step < 6; ++step) {
    std::vector<std::uint8_t>& now = pictures.emplace_back(shape.pixels());
    Random random(9, static_cast<std::uint64_t>(step));
    for (std::uint8_t& pixel : now) pixel = static_cast<std::uint8_t>(random.below(256));
    for (int i = 0; i < 64; ++i) now[static_cast<std::size_t>(60 * 64 + i)] = i / 5 == 2 * step ? 200 : 0;
    step == 0 ? replay.begin(0, now) : replay.step(0, 0, static_cast<float>(step), false, now);
  }
  constexpr int kHistory = 2;
  constexpr int kSteps = 4;
  std::vector<std::uint8_t> frames(kSteps * shape.pixels()), seen(kHistory * frames.size()), before(frames);
  std::vector<float> action(kSteps), keep(kSteps), reward(kSteps), discount(kSteps), weight(kSteps);
  Random random(3, 0);
  replay.sample(random, 1, kSteps, {frames, seen, action, keep, reward, discount, weight, {}, {}, before});
  for (std::size_t t = 0; t < kSteps; ++t) {
    const auto step = static_cast<std::size_t>(reward[t]);
    const int columns = camera.aim(pictures[step]);
    const auto expect_shown = [&](std::size_t which, std::span<const std::uint8_t> shown) {
      std::vector<std::uint8_t> moved = pictures[which];
      camera.move(moved, columns);
      EXPECT_TRUE(std::ranges::equal(moved, shown)) << t << ", step " << which;
    };
    const std::size_t previous = step == 0 ? 0 : step - 1;
    expect_shown(step, std::span(frames).subspan(t * shape.pixels(), shape.pixels()));
    expect_shown(previous, std::span(before).subspan(t * shape.pixels(), shape.pixels()));
    expect_shown(previous, std::span(seen).subspan(2 * t * shape.pixels(), shape.pixels()));
    expect_shown(step, std::span(seen).subspan((2 * t + 1) * shape.pixels(), shape.pixels()));
  }
}

TEST(SequenceReplay, ARunningEpisodeIsDrawnAsFarAsItGoes) {
  SequenceReplay replay = make(1, 50);
  replay.begin(0, picture(0, 0, 0));
  replay.step(0, action_of(1), 1.0F, false, picture(0, 0, 1));
  Random random(4, 0);
  Batch batch(2, 4);
  replay.sample(random, 2, 4, batch.spans());
  EXPECT_EQ(batch.discount[batch.row(0, 1)], 0.5F);
  EXPECT_EQ(batch.weight[batch.row(0, 1)], 0.25F);
  EXPECT_EQ(batch.weight[batch.row(0, 2)], 0.0F);
}

TEST(SequenceReplay, TheFutureAfterARestoreIsTheSameFuture) {
  SequenceReplay a = make(2, 60);
  for (int episode = 0; episode < 7; ++episode) add(a, episode % 2, episode, 11);
  SequenceReplay b = make(2, 60);
  ByteWriter out;
  a.save(out);
  ByteReader in(out.bytes(), "test");
  b.load(in);
  std::vector<std::span<std::byte>> from;
  std::vector<std::span<std::byte>> to;
  a.bulk(from);
  b.bulk(to);
  for (std::size_t i = 0; i < from.size(); ++i) std::ranges::copy(from[i], to[i].begin());
  for (int i = 0; i < 20; ++i) {
    Random random_a(5, static_cast<std::uint64_t>(i));
    Random random_b = random_a;
    Batch batch_a(3, 5);
    Batch batch_b(3, 5);
    a.sample(random_a, 3, 5, batch_a.spans());
    b.sample(random_b, 3, 5, batch_b.spans());
    EXPECT_EQ(batch_a.frames, batch_b.frames);
    EXPECT_EQ(batch_a.action, batch_b.action);
    EXPECT_EQ(batch_a.discount, batch_b.discount);
    for (SequenceReplay* replay : {&a, &b}) add(*replay, i % 2, 20 + i, 3);
  }
}

TEST(SequenceReplay, WhatDoesNotFitIsNamed) {
  const auto refusal = [](auto call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal([] { make(0, 10); }), HasSubstr("0 environments, wanted at least 1"));
  EXPECT_THAT(refusal([] { make(8, 10); }), HasSubstr("room for 10 steps of 8 environments"));
  EXPECT_THAT(refusal([] { SequenceReplay({.picture = kNoFrame}); }), HasSubstr("a picture has no bytes"));
  SequenceReplay replay = make(1, 10);
  Batch batch(1, 2);
  Random random(1, 0);
  EXPECT_THAT(refusal([&] { replay.sample(random, 1, 2, batch.spans()); }), HasSubstr("nothing is stored"));
  EXPECT_THAT(refusal([&] { replay.step(0, 1, 0, false, picture(0, 0, 1)); }), HasSubstr("before its first picture"));
  EXPECT_THAT(refusal([&] { replay.begin(0, std::vector<std::uint8_t>(3)); }), HasSubstr("3 bytes, wanted 4"));
  add(replay, 0, 0, 3);
  EXPECT_THAT(refusal([&] { replay.sample(random, 1, 3, batch.spans()); }), HasSubstr("not of 1 chunks of 3 steps"));
  ByteWriter out;
  replay.save(out);
  SequenceReplay other = make(1, 12);
  ByteReader in(out.bytes(), "test");
  EXPECT_THAT(refusal([&] { other.load(in); }), HasSubstr("the saved one holds 10 steps of pictures of 4 bytes"));
}

TEST(SequenceReplay, PicturesKeptAsBitsAreDrawnAsBytes) {
  SequenceReplay replay(
      {.envs = 1, .capacity_steps = 50, .picture = {.width = 8, .height = 4, .packed = true}, .discount = 0.5F});
  add(replay, 0, 3, 6);
  Batch batch(2, 4);
  batch.frames.assign(batch.rows() * kBytes * 8, 1);
  Random random(1, 1);
  replay.sample(random, 2, 4, batch.spans());
  for (std::size_t row = 0; row < batch.rows(); ++row) {
    // The third byte is the step, whose reward has its number.
    const std::vector<std::uint8_t> bits = picture(0, 3, static_cast<int>(batch.reward[row]));
    for (std::size_t i = 0; i < 8 * kBytes; ++i) {
      ASSERT_EQ(batch.frames[row * 8 * kBytes + i], (bits[i / 8] >> (i % 8) & 1) != 0 ? 255 : 0) << row << " " << i;
    }
  }
}

}  // namespace
}  // namespace sinv
