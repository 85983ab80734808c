#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "game/vec_env.h"
#include "rl/live_view.h"

namespace sinv {

/// Observations of N environments: numbers, or stacks of pictures as they are kept. The other span is empty.
struct Observations {
  std::span<const float> values;           // [N, history * row], oldest row first
  std::span<const std::uint8_t> pictures;  // [N, history, picture().stored_bytes()], oldest picture first
};

/// Many environments stepped together, as agents and run loop see them. The game is one kind; tests bring others.
/// An environment whose episode ended is reset within the same step: its row of observations() is the first of the new
/// episode and its row of final_observations() is the last of the old one.
/// Thread: one owner at a time.
class Environments {
 public:
  virtual ~Environments() = default;

  virtual int count() const = 0;             // N
  virtual int observation_size() const = 0;  // values of one: history() * row, or history() * picture().pixels()
  virtual int history() const = 0;           // rows of one observation, oldest first; the first of an episode repeats
  virtual FrameShape picture() const { return kNoFrame; }  // what a row is, when it is a picture
  virtual int actions() const = 0;                         // actions are 0 .. actions() - 1
  virtual int frames_per_step() const = 0;

  virtual void reset() = 0;
  /// REQUIRES: actions.size() == count().
  virtual void step(std::span<const std::uint8_t> actions) = 0;

  // Of the last step(); after reset() the observations alone have a meaning. Valid until the next call.
  virtual Observations observations() const = 0;
  virtual Observations final_observations() const = 0;           // only rows of ended episodes
  virtual std::span<const float> rewards() const = 0;            // [N]
  virtual std::span<const float> discounts() const = 0;          // [N]; 0: no value follows the step
  virtual std::span<const std::uint8_t> terminated() const = 0;  // [N]; the episode is over by its own rules
  virtual std::span<const std::uint8_t> truncated() const = 0;   // [N]; it was cut off
  virtual std::span<const std::uint32_t> frames() const = 0;     // [N]; run in this step
  virtual std::span<const EpisodeRecord> finished() const = 0;   // episodes that ended in this step

  /// For watchers: how the game of environment `index` stands, its action and Q values excepted. False: there is
  /// nothing to be seen.
  virtual bool look(int /*index*/, LiveGame& /*game*/) const { return false; }

  /// Everything that decides their future.
  virtual void save(ByteWriter& out) const = 0;
  virtual void load(ByteReader& in) = 0;
};

/// Makes `count` environments whose future `seed` decides; `threads` step them.
using EnvironmentsFactory = std::function<std::unique_ptr<Environments>(int count, std::uint64_t seed, int threads)>;

/// Space Invaders on machines of one factory.
class GameEnvironments final : public Environments {
 public:
  GameEnvironments(const MachineFactory& make_machine, const EnvSettings& settings, int count, std::uint64_t seed,
                   int threads);

  int count() const override { return static_cast<int>(envs_.size()); }
  int observation_size() const override {
    return static_cast<int>(envs_.observation_size()) + history() * static_cast<int>(picture().pixels());
  }
  int history() const override { return envs_.env(0).history(); }
  FrameShape picture() const override { return envs_.env(0).picture(); }
  int actions() const override { return static_cast<int>(kActions); }
  int frames_per_step() const override { return envs_.env(0).settings().frames_per_step; }
  void reset() override { envs_.reset(); }
  void step(std::span<const std::uint8_t> actions) override;
  Observations observations() const override { return {envs_.observations(), envs_.pictures()}; }
  Observations final_observations() const override { return {envs_.final_observations(), envs_.final_pictures()}; }
  std::span<const float> rewards() const override { return envs_.rewards(); }
  std::span<const float> discounts() const override { return envs_.discounts(); }
  std::span<const std::uint8_t> terminated() const override { return envs_.terminated(); }
  std::span<const std::uint8_t> truncated() const override { return envs_.truncated(); }
  std::span<const std::uint32_t> frames() const override { return envs_.frames(); }
  std::span<const EpisodeRecord> finished() const override { return envs_.finished(); }
  bool look(int index, LiveGame& game) const override;
  void save(ByteWriter& out) const override { envs_.save(out); }
  void load(ByteReader& in) override { envs_.load(in); }

  const Env& env(int index) const { return envs_.env(static_cast<std::size_t>(index)); }

 private:
  VecEnv envs_;
};

/// The factory of GameEnvironments of these settings.
EnvironmentsFactory game_environments(MachineFactory make_machine, EnvSettings settings);

}  // namespace sinv
