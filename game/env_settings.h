#pragma once

#include <string>

#include "game/reward.h"

namespace sinv {

class Options;  // base/option.h

inline constexpr int kMostFramesPerStep = 8;

struct EnvSettings {
  int frames_per_step = 3;          // 1..8
  int noop_max_frames = 30;         // 0..30: a game starts after 0..this many idle frames, drawn per game
  double sticky = 0.0;              // 0..1: chance per frame that the action of the frame before goes on
  int frame_cap = 108000;           // frames of one game, then truncated; 30 minutes of play
  bool life_is_terminal = true;     // a lost life cuts the bootstrap (discount 0); the game goes on
  bool skip_unplayable = true;      // frames without control (explosion, prompts) run inside the step
  bool cache_start = true;          // a new game restores the machine as it was when the first one began
  std::string features = "rich-1";  // see game/features.h
  std::string pixels = "none";      // see game/pixels.h; a preset's pictures take the features' place
  int history = 0;                  // observations stacked, oldest first, 1..8; 0: the version's own default
  RewardSettings reward;
};

/// Adds every setting under "env." and "reward.".
void describe(Options& options, EnvSettings& settings);

/// Errors: UserError naming the key, what it is and what it may be.
void check(const EnvSettings& settings);

}  // namespace sinv
