#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "cabinet/machine.h"
#include "game/action.h"
#include "game/env_settings.h"
#include "game/features.h"
#include "game/pixels.h"
#include "game/reward.h"
#include "game/score.h"

namespace sinv {

/// What one step gave. terminated and truncated exclude each other; after either, reset() must follow.
struct StepResult {
  float reward = 0;
  float discount = 1;       // 0: no bootstrap across this step (game over, or a lost life if life_is_terminal)
  bool terminated = false;  // the game is over
  bool truncated =
      false;  // the frame cap was reached, or the machine was lost; the game was not over (discount stays 1)
  bool life_lost = false;
  std::uint32_t points = 0;  // true score made in this step
  std::uint32_t frames = 0;  // frames run in this step, those without control included
};

/// One game of Space Invaders after another, on any Machine, for one player.
/// reset() begins a new game; step() holds an action for frames_per_step frames. A step ends early when a life is
/// lost, control is lost or the game is over; with skip_unplayable it then runs idle frames until the player has
/// control again or the game is over, and all their points belong to that step.
/// The same seed, stream and actions give the same future. Steps take no memory.
/// Thread: one owner. Errors: Error for a broken contract (step before reset or after the end) and when the machine
/// shows no game after kStartLimit frames of coins and start buttons; what the machine throws passes through, but for
/// MachineLost: a step then ends the game as truncated, with the observation before it; a reset tries again.
class Env {
 public:
  /// Errors: UserError for settings out of range.
  Env(std::unique_ptr<Machine> machine, const EnvSettings& settings, std::uint64_t seed, std::uint64_t stream = 0);

  /// A new game. The first call starts from whatever state the machine is in; a game that runs already is left by
  /// switching the machine off and on.
  void reset();
  StepResult step(Action action);

  /// The observation after the last reset() or step(): observation_size() values, history oldest first.
  void observe(std::span<float> out) const;
  /// history() * feature_count(features()); 0 when pictures are shown.
  std::size_t observation_size() const { return static_cast<std::size_t>(history_) * features_count_; }
  /// The pictures of the same moments when env.pixels names a preset, as they are kept: history() of them, oldest
  /// first, each the two last frames of its step merged.
  void observe_pictures(std::span<std::uint8_t> out) const;
  std::size_t pictures_size() const { return pictures_.size(); }
  /// Of one picture; kNoFrame without.
  FrameShape picture() const { return preset_ != nullptr ? stored_shape(*preset_) : kNoFrame; }
  FeatureSet features() const { return features_; }
  int history() const { return history_; }

  // Of the game that runs (or has just ended):
  std::int64_t score() const { return score_.total; }        // true total, the display wraps at 10,000
  std::uint32_t frames() const { return counters_.frames; }  // since reset(), idle start frames included
  std::uint32_t steps() const { return counters_.steps; }
  std::uint32_t racks() const { return counters_.racks; }  // racks cleared
  int lives() const;                                       // the one in play included
  bool over() const { return counters_.over != 0; }

  const Machine& machine() const { return *machine_; }
  const Ram& ram() const { return machine_->ram(); }
  const EnvSettings& settings() const { return settings_; }

  /// Plays the start of a game and keeps it, when cache_start is on and that has not been done; reset() does so itself.
  void prepare_start();
  /// Shares the cached start of `other`, so that it need not be played again. REQUIRES: machines of one factory.
  void share_start(const Env& other);

  /// Everything that decides the future: machine, random numbers, counters, history, cached start. A machine that is
  /// lost meanwhile ends the game as truncated with the next step. Load it into an
  /// Env of equal settings and the future is the same. Errors: UserError when sizes do not fit.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  // Plain data, saved as it is.
  struct Counters {
    std::uint32_t frames = 0;
    std::uint32_t steps = 0;
    std::uint32_t racks = 0;
    std::uint8_t over = 1;  // no game runs
    std::uint8_t rack_number = 0;
    std::uint8_t alive = 0;
    Action held = Action::kStay;  // of the frame before, for sticky actions
  };

  class Watch;  // counts what happens in the frames of a stretch

  void begin_game();
  void after_frame(const Ram& ram, StepEvents& events);
  void run_held(Action action, StepEvents& events);
  void run_idle(std::uint32_t frames, const RamRule* stop, StepEvents& events);
  bool goes_on() const {
    return counters_.over == 0 && counters_.frames < static_cast<std::uint32_t>(settings_.frame_cap);
  }
  void remember_observation();
  std::string seen() const;

  std::unique_ptr<Machine> machine_;
  EnvSettings settings_;
  Reward reward_;
  FeatureSet features_;
  const PixelPreset* preset_;  // null: features are observed
  int history_;
  std::size_t features_count_;
  Random random_;
  ScoreCounter score_;
  Counters counters_;
  FeatureMemory memory_;
  std::vector<float> observations_;     // ring of history_ rows
  std::vector<std::uint8_t> pictures_;  // the same
  std::uint32_t newest_ = 0;            // row of the rings
  std::shared_ptr<const std::vector<std::byte>> start_;
  mutable bool lost_ = false;  // save() lost the machine: the game that runs is gone
};

}  // namespace sinv
