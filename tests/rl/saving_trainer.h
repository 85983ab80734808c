#pragma once

#include "tests/rl/small_trainer.h"

namespace sinv {

/// Where training_to_kill says that it has begun, or gone on.
inline constexpr int kReadyDescriptor = 3;

/// Saves after every round.
inline TrainerSettings saving_always(std::int64_t frames) {
  TrainerSettings settings = small_trainer();
  settings.save_period_s = 0;
  settings.frames = frames;
  return settings;
}

}  // namespace sinv
