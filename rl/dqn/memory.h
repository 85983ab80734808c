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

/// What a DQN agent has seen: the steps of the round that runs, kept aside, and the replay of all rounds before, from
/// which its learner draws by itself. One form for numbers (float32 or 16 bits) and for pictures; on a device the
/// draws, the priorities and the batches are the device's. Thread: begin() and observe() belong to the acting side,
/// what DqnBatchSource has to the learning side, the rest to one thread between rounds.
class DqnMemory : public DqnBatchSource {
 public:
  /// Takes the first observations.
  virtual void begin(const Environments& envs) = 0;
  /// Takes the step of `actions`. Errors: Error for more steps than a round has.
  virtual void observe(const Environments& envs, std::span<const std::uint8_t> actions) = 0;
  /// Steps that are not merged, the first observations counted as one.
  virtual int staged() const = 0;
  /// What was kept aside enters the replay, in the order of the environments. beta: of the draws that follow.
  virtual void merge(double beta) = 0;

  virtual const ReplayIndex& index() const = 0;
  /// The random numbers and beta of the draws that follow. Before the first draw, or after load().
  virtual void set_draws(const Random& draws, double beta) = 0;
  /// Where the random numbers stand, after fetch().
  virtual Random draws() const = 0;
  /// Brings home what a device holds, so that the state below is whole. Nothing on the CPU.
  virtual void fetch() = 0;

  /// State as Agent has it, after fetch(); the draws are not in it.
  virtual void save(ByteWriter& out) const = 0;
  virtual void load(ByteReader& in) = 0;
  virtual void bulk(std::vector<std::span<std::byte>>& parts) = 0;
  virtual void loaded() = 0;
  virtual StreamedState* streamed() = 0;
};

/// On chosen_device(). Errors: UserError if the replay does not fit into memory.
std::unique_ptr<DqnMemory> make_dqn_memory(const DqnSettings& settings, const AgentShape& shape);

}  // namespace sinv
