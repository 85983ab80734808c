// Frame replay takes no memory once it is made.
#include <gtest/gtest.h>

#include "base/random.h"
#include "rl/frame_replay.h"
#include "tests/rl/frame_batch.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

TEST(FrameReplay, InsertingAndDrawingTakeNoMemory) {
  for (const bool packed : {false, true}) {
    const FrameShape shape{.width = 32, .height = 8, .packed = packed};
    FrameReplay replay({.envs = 2, .capacity_steps = 400, .history = 4, .n_step = 3}, shape);
    const std::vector<std::uint8_t> frame = frame_of(shape, 12345);
    std::vector<std::uint32_t> slots(32);
    std::vector<float> errors(32, 0.5F);
    FrameBatch batch(32, 4, shape);
    Random random(1, 1);
    for (int env = 0; env < 2; ++env) replay.begin(env, frame);
    const auto steps = [&](int count) {
      for (int t = 0; t < count; ++t) {
        for (int env = 0; env < 2; ++env) {
          const bool end = random.below(30) == 0;
          replay.step(env, 1, 1, end, false, frame);
          if (end) replay.begin(env, frame);
        }
        replay.settle();
        if (replay.size() == 0) continue;
        replay.sample(random, 0.4, slots, batch.view());
        replay.index().set_priorities(slots, errors);
      }
    };
    steps(10);
    const std::size_t before = allocations();
    steps(1000);  // the rings wrap several times
    EXPECT_EQ(allocations() - before, 0U) << (packed ? "packed" : "bytes");
  }
}

}  // namespace
}  // namespace sinv
