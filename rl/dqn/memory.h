#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "rl/agent.h"
#include "rl/dqn/agent_settings.h"
#include "rl/dqn/learner.h"

namespace sinv {

/// What a DQN agent has seen: the steps of the round that runs, kept aside, and the replay of all rounds before. One
/// form for numbers (float32 or 16 bits) and for pictures.
/// Thread: begin() and observe() belong to the acting side, sample() and index() to the learning side, the rest to one
/// thread between rounds.
class DqnMemory {
 public:
  virtual ~DqnMemory() = default;

  /// Takes the first observations.
  virtual void begin(const Environments& envs) = 0;
  /// Takes the step of `actions`. Errors: Error for more steps than a round has.
  virtual void observe(const Environments& envs, std::span<const std::uint8_t> actions) = 0;
  /// Steps that are not merged, the first observations counted as one.
  virtual int staged() const = 0;
  /// What was kept aside enters the replay, in the order of the environments.
  virtual void merge() = 0;

  /// Draws slots.size() transitions into the learner's batch.
  virtual void sample(Random& random, double beta, std::span<std::uint32_t> slots, const DqnBatch& batch) const = 0;
  virtual ReplayIndex& index() = 0;
  virtual const ReplayIndex& index() const = 0;

  /// State as Agent has it.
  virtual void save(ByteWriter& out) const = 0;
  virtual void load(ByteReader& in) = 0;
  virtual void bulk(std::vector<std::span<std::byte>>& parts) = 0;
  virtual void loaded() = 0;
  virtual StreamedState* streamed() = 0;
};

/// Errors: UserError if the replay does not fit into memory.
std::unique_ptr<DqnMemory> make_dqn_memory(const DqnSettings& settings, const AgentShape& shape);

}  // namespace sinv
