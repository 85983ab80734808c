#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "rl/agent.h"
#include "rl/dreamer/agent_settings.h"
#include "rl/dreamer/sequence_replay.h"

namespace sinv {

/// What a Dreamer has seen: the steps of the round that runs, kept aside, and the replay of all rounds before.
/// Thread: begin() and observe() belong to the acting side, replay() to the learning side, the rest to one thread
/// between rounds.
class DreamerMemory {
 public:
  DreamerMemory(const DreamerSettings& settings, const AgentShape& shape);

  /// Takes the first observations.
  void begin(const Environments& envs);
  /// Takes the step of `actions`. Errors: Error for more steps than a round has.
  void observe(const Environments& envs, std::span<const std::uint8_t> actions);
  /// Steps that are not merged, the first observations counted as one.
  int staged() const { return steps_ + (begun_ ? 1 : 0); }
  /// What was kept aside enters the replay, in the order of the environments.
  void merge();

  const SequenceReplay& replay() const { return replay_; }

  /// State as Agent has it.
  void save(ByteWriter& out) const { replay_.save(out); }
  void load(ByteReader& in);
  void bulk(std::vector<std::span<std::byte>>& parts) { replay_.bulk(parts); }

 private:
  struct Staged {
    float reward;
    std::uint8_t action;
    std::uint8_t terminated;
    std::uint8_t ended;
  };
  std::span<const std::uint8_t> row_of(const std::vector<std::uint8_t>& rows, std::size_t at) const {
    return std::span(rows).subspan(at * row_, row_);
  }
  void stage(std::vector<std::uint8_t>& rows, std::size_t at, std::size_t env, const Observations& observations) const;

  SequenceReplay replay_;
  std::size_t row_;  // bytes of a picture as it is kept
  std::size_t envs_;
  std::size_t history_;
  int steps_per_round_;
  int steps_ = 0;
  bool begun_ = false;
  std::vector<Staged> staged_;            // [steps_per_round, N]
  std::vector<std::uint8_t> next_rows_;   // [steps_per_round, N, row]: the picture after the step
  std::vector<std::uint8_t> final_rows_;  // the same for the last one of an episode; read where `ended`
  std::vector<std::uint8_t> first_rows_;  // [N, row]: of begin()
};

}  // namespace sinv
