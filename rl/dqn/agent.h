#pragma once

#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "rl/agent.h"
#include "rl/dqn/agent_settings.h"
#include "rl/dqn/learner.h"
#include "rl/model_file.h"
#include "rl/replay.h"

namespace sinv {

/// DQN on feature vectors: DqnLearner and DqnActor with replay, exploration and schedules. Agent's contract.
/// Acting draws its random numbers by (seed, step, environment), so they depend on nothing else.
class DqnAgent final : public Agent {
 public:
  /// Errors: UserError naming the setting; UserError if replay does not fit into memory.
  DqnAgent(const DqnSettings& settings, const AgentShape& shape, std::uint64_t seed);

  void begin(const Environments& envs) override;
  void act(const Environments& envs, std::span<std::uint8_t> actions) override;
  void observe(const Environments& envs, std::span<const std::uint8_t> actions) override;
  std::int64_t updates_due(const Clock& clock) const override;
  void learn(std::int64_t updates) override;
  void merge(const Clock& clock) override;
  void evaluated(double mean_score) override;
  void set_mode(ActingMode mode) override;
  AgentReport report() const override;
  std::unique_ptr<BatchPolicy> greedy_policy(int most) const override;
  std::vector<ModelTensor> model() const override;
  std::vector<std::pair<std::string, std::string>> model_settings() const override;
  void save(ByteWriter& out) const override;
  void load(ByteReader& in) override;
  void bulk(std::vector<std::span<std::byte>>& parts) override;
  void loaded() override;

  /// The weights being learnt, for tests.
  std::span<const float> parameters() const { return learner_.parameters(); }

 private:
  using Rows = std::variant<Replay<float, float>, Replay<std::int16_t, float>>;
  struct Staged {
    float reward;
    float discount;
    std::uint8_t action;
    std::uint8_t ended;
  };
  // Plain data, saved as it is.
  struct State {
    std::int64_t acted_steps = 0;  // steps of one environment
    std::int64_t target_age_updates = 0;
    std::int64_t learning_frames = 0;  // at which the warm-up ended; 0 before
    double epsilon = 1;
    double beta = 0;
    double loss = 0;  // means over the last hundred updates or so
    double mean_q = 0;
    double gradient_norm = 0;
    Random draws;
    PlateauReduction plateau;
  };

  static Rows make_rows(const DqnSettings& settings, const AgentShape& shape);
  std::span<float> staged_row(std::vector<float>& rows, int step, int env);
  void stage(std::vector<float>& rows, int step, int env, std::span<const float> observations);
  void follow(double& mean, double value) const { mean += 0.01 * (value - mean); }

  DqnSettings settings_;
  AgentShape shape_;
  std::uint64_t seed_;
  int row_size_;
  Rows rows_;
  State state_;
  ActingMode mode_ = ActingMode::kExplore;

  // Learning side.
  DqnLearner learner_;
  std::vector<std::uint32_t> slots_;
  std::vector<float> errors_;

  // Acting side.
  DqnActor actor_;
  std::vector<float> q_;
  int staged_steps_ = 0;
  bool staged_begin_ = false;
  std::vector<Staged> staged_;     // [steps_per_round, N]
  std::vector<float> next_rows_;   // [steps_per_round, N, row]: the observation after the step
  std::vector<float> final_rows_;  // the same for the last one of an episode; read where `ended`
  std::vector<float> first_rows_;  // [N, row]: of begin()
};

/// Greedy actions of a DQN's weights without noise. Thread: one owner.
class DqnPolicy final : public BatchPolicy {
 public:
  DqnPolicy(const QNetworkSettings& settings, int observation_size, int actions, int most,
            std::span<const float> parameters);
  void act(std::span<const float> observations, std::span<std::uint8_t> actions) override;
  std::span<const float> q_values() const override { return std::span(q_).first(used_); }

 private:
  int actions_;
  std::size_t used_ = 0;
  DqnActor actor_;
  std::vector<float> q_;
};

/// The policy of a model file of this agent. Errors: as make_policy().
std::unique_ptr<BatchPolicy> dqn_policy(const ModelFile& model, int most);

/// Action with the largest q of each row; the first of equals.
void greedy_actions(std::span<const float> q, int actions, std::span<std::uint8_t> out);

}  // namespace sinv
