#pragma once

#include "base/random.h"
#include "rl/dreamer/learner.h"

namespace sinv {

/// A learner of the full structure that makes an update in a few milliseconds.
inline DreamerLearnerSettings small_dreamer() {
  DreamerLearnerSettings settings;
  settings.world.deter = 12;
  settings.world.hidden = 10;
  settings.world.variables = 4;
  settings.world.classes = 5;
  settings.world.depth = 2;
  settings.world.units = 9;
  settings.world.head_layers = 2;
  settings.world.actions = 3;
  settings.loss.batch = 3;
  settings.loss.steps = 4;
  settings.behaviour.horizon = 5;
  settings.slow_copy_updates = 3;
  return settings;
}

/// Pictures of one bright column; which one depends on the row. Rewards and ends at random. Who looks back sees the
/// same picture moved to the left.
inline void fill_randomly(const SequenceBatch& batch, int actions, std::uint64_t seed) {
  Random random(seed, 7);
  const std::size_t rows = batch.keep.size();
  const std::size_t pixels = batch.frames.size() / rows;
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t bright = random.below(64);
    for (std::size_t p = 0; p < pixels; ++p) batch.frames[i * pixels + p] = p % 64 == bright ? 255 : 0;
    const std::size_t seen = batch.seen.size() / rows;
    for (std::size_t p = 0; p < seen; ++p) {
      const std::size_t back = seen / pixels - 1 - p / pixels;
      batch.seen[i * seen + p] = (p + back) % 64 == bright ? 255 : 0;
    }
    for (std::size_t p = 0; p < batch.before.size() / rows; ++p) {
      batch.before[i * pixels + p] = (p + 1) % 64 == bright ? 255 : 0;
    }
    batch.keep[i] = i < rows / 4 || random.uniform() < 0.1F ? 0.0F : 1.0F;
    batch.reward[i] = static_cast<float>(bright) / 64.0F;
    batch.discount[i] = random.uniform() < 0.1F ? 0.0F : 0.99F;
    batch.weight[i] = 1.0F / static_cast<float>(rows);
    const std::size_t action = random.below(static_cast<std::uint32_t>(actions));
    for (std::size_t a = 0; a < static_cast<std::size_t>(actions); ++a) {
      batch.action[i * static_cast<std::size_t>(actions) + a] = a == action ? batch.keep[i] : 0.0F;
    }
  }
}

}  // namespace sinv
