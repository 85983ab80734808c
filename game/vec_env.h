#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "game/env.h"

namespace sinv {

using MachineFactory = std::function<std::unique_ptr<Machine>()>;

/// A game that has ended.
struct EpisodeRecord {
  std::uint32_t env = 0;
  std::uint32_t frames = 0;
  std::uint32_t steps = 0;
  std::uint32_t racks = 0;
  std::int64_t score = 0;
  bool truncated = false;
};

/// Many Envs, stepped together: one batch of actions in, one batch of results out. An env whose game ended is reset
/// within the same step: its row of observations() is the first of the new game, and its row of final_observations()
/// is the last of the old one.
/// Env i draws from stream first_stream + i of the seed, so results do not depend on the number of threads.
/// threads = 1 steps all envs in the caller's thread. Otherwise threads - 1 workers wait for the caller, who takes a
/// share itself. A step takes no memory.
/// Thread: one owner. Errors: as Env; an Error of a worker is thrown by step() of the owner (lowest env first).
class VecEnv {
 public:
  /// Makes `count` machines and envs; call reset() before step().
  VecEnv(const MachineFactory& make_machine, const EnvSettings& settings, std::size_t count, std::uint64_t seed,
         int threads = 1, std::uint64_t first_stream = 0);
  ~VecEnv();
  VecEnv(const VecEnv&) = delete;
  VecEnv& operator=(const VecEnv&) = delete;

  std::size_t size() const;
  std::size_t observation_size() const;  // F
  std::size_t pictures_size() const;     // P: bytes of Env::observe_pictures

  void reset();
  /// REQUIRES: actions.size() == size().
  void step(std::span<const Action> actions);

  // Results of the last step(); after reset() the observations alone have a meaning. Valid until the next call.
  std::span<const float> observations() const;           // [N, F]
  std::span<const float> final_observations() const;     // [N, F]; only rows of ended episodes are written
  std::span<const std::uint8_t> pictures() const;        // [N, P]
  std::span<const std::uint8_t> final_pictures() const;  // [N, P]; likewise
  std::span<const float> rewards() const;                // [N]
  std::span<const float> discounts() const;              // [N], 0 or 1: see StepResult
  std::span<const std::uint8_t> terminated() const;      // [N], 0 or 1, like the next two
  std::span<const std::uint8_t> truncated() const;
  std::span<const std::uint8_t> life_lost() const;
  std::span<const std::uint32_t> frames() const;    // [N], run in this step
  std::span<const EpisodeRecord> finished() const;  // games that ended in this step, by env

  const Env& env(std::size_t index) const;

  /// All envs and their current observations. Load it into a VecEnv of equal settings and count, of any threads;
  /// no reset() is needed then. Errors: UserError when sizes do not fit.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  struct State;  // buffers, envs and workers
  std::unique_ptr<State> state_;
};

}  // namespace sinv
