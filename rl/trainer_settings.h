#pragma once

#include <cstdint>

namespace sinv {

class Options;  // base/option.h

struct TrainerSettings {
  std::uint64_t seed = 1;
  int envs = 64;
  int threads = 2;          // 1: acting and learning one after the other, with the same result
  int steps_per_round = 8;  // of every environment; the weights that act are at most two rounds old
  double minutes = 10;      // 0: no limit; all sittings together
  std::int64_t frames = 0;  // 0: no limit; of all environments together
  std::int64_t evaluation_period_frames = 2'000'000;
  int evaluation_games = 40;     // in passing
  int confirmation_games = 100;  // a better one is believed after these, on other games
  int final_games = 100;         // of the best one, at the end, on games that chose nothing
  double save_period_s = 120;    // 0: after every round
  std::int64_t record_period_frames = 180'000;
};

/// Adds every setting under "train.".
void describe(Options& options, TrainerSettings& settings);
/// Errors: UserError naming the key.
void check(const TrainerSettings& settings);

}  // namespace sinv
