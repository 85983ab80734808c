#pragma once

#include <cstdint>
#include <span>

#include "base/random.h"
#include "game/pixels.h"
#include "rl/environments.h"

namespace sinv {

/// Chooses actions and learns nothing. Thread: one owner.
class BatchPolicy {
 public:
  virtual ~BatchPolicy() = default;
  /// One action per observation, of which there are actions.size().
  virtual void act(const Observations& observations, std::span<std::uint8_t> actions) = 0;
  /// Row `row` shows the first observation of an episode: what a policy remembers of it is over. Before the first act()
  /// every row is at such a place.
  virtual void restart(int /*row*/) {}
  /// q [n, actions] of the last act(); empty for a policy that has none.
  virtual std::span<const float> q_values() const { return {}; }
  /// How its network looks at a stack of pictures that are stored in the form of `shape`: a byte for each pixel.
  virtual void look(const FrameShape& shape, std::span<const std::uint8_t> stored,
                    std::span<std::uint8_t> pixels) const {
    unpack_stored(shape, stored, pixels);
  }
};

/// Every action with the same chance.
class RandomPolicy final : public BatchPolicy {
 public:
  RandomPolicy(int actions, std::uint64_t seed) : actions_(static_cast<std::uint32_t>(actions)), random_(seed, 0) {}
  void act(const Observations&, std::span<std::uint8_t> actions) override {
    for (std::uint8_t& action : actions) action = static_cast<std::uint8_t>(random_.below(actions_));
  }

 private:
  std::uint32_t actions_;
  Random random_;
};

/// game/scripted.h, which looks at the picture and not at the observations: bound to the environments it plays, row i
/// of act() being environment i. The environments must outlive it.
class ScriptedPolicy final : public BatchPolicy {
 public:
  explicit ScriptedPolicy(const GameEnvironments& envs) : envs_(envs) {}
  void act(const Observations& observations, std::span<std::uint8_t> actions) override;

 private:
  const GameEnvironments& envs_;
};

}  // namespace sinv
