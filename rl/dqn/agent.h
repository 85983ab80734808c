#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "rl/agent.h"
#include "rl/dqn/agent_settings.h"
#include "rl/dqn/learner.h"
#include "rl/dqn/memory.h"
#include "rl/model_file.h"

namespace sinv {

/// What a DQN sees of these environments, and the network of the settings. Errors: UserError if they do not go
/// together.
QInput dqn_input(const DqnSettings& settings, int observation_size, int history, const FrameShape& picture);

/// Greedy actions of a DQN's weights, of observations as environments show them.
class DqnPolicy final : public BatchPolicy {
 public:
  /// The mean weights alone, with parameters already learnt.
  DqnPolicy(const QNetworkSettings& settings, const QInput& input, const FrameShape& picture, int actions, int most,
            std::span<const float> parameters);
  /// With noise, if the network has it.
  DqnPolicy(const QNetworkSettings& settings, const QInput& input, const FrameShape& picture, int actions, int most,
            std::uint64_t seed);
  void act(const Observations& observations, std::span<std::uint8_t> actions) override;
  std::span<const float> q_values() const override { return std::span(q_).first(used_); }
  DqnActor& actor() { return actor_; }
  const DqnActor& actor() const { return actor_; }

 private:
  bool packed_;
  std::size_t stack_;  // pixels of one
  int actions_;
  std::size_t used_ = 0;
  DqnActor actor_;
  std::vector<float> q_;
  std::vector<std::uint8_t> stacks_;  // unpacked
};

/// DQN on feature vectors or on pictures: DqnLearner, DqnPolicy and DqnMemory with exploration and schedules. Agent's
/// contract. Acting draws its random numbers by (seed, step, environment), so they depend on nothing else.
class DqnAgent final : public Agent {
 public:
  /// Errors: UserError naming the setting; UserError if replay does not fit into memory.
  DqnAgent(const DqnSettings& settings, const AgentShape& shape, std::uint64_t seed);

  void begin(const Environments& envs) override { memory_->begin(envs); }
  void act(const Environments& envs, std::span<std::uint8_t> actions) override;
  void observe(const Environments& envs, std::span<const std::uint8_t> actions) override {
    memory_->observe(envs, actions);
  }
  std::int64_t updates_due(const Clock& clock) const override;
  void learn(std::int64_t updates) override;
  void merge(const Clock& clock) override;
  void evaluated(double mean_score) override;
  void set_mode(ActingMode mode) override;
  bool shift_epsilon(double by) override;
  bool reset_noise() override;
  std::span<const float> acting_values() const override { return policy_.q_values(); }
  AgentReport report() const override;
  std::vector<std::pair<std::string, double>> layer_sigmas() const override;
  std::unique_ptr<BatchPolicy> greedy_policy(int most) const override;
  std::vector<ModelTensor> model() const override;
  std::vector<std::pair<std::string, std::string>> model_settings() const override;
  void save(ByteWriter& out) const override;
  void load(ByteReader& in) override;
  void bulk(std::vector<std::span<std::byte>>& parts) override { memory_->bulk(parts); }
  void loaded() override { memory_->loaded(); }
  StreamedState* streamed() override { return memory_->streamed(); }

  /// The weights being learnt, for tests.
  std::span<const float> parameters() const { return learner_.parameters(); }

 private:
  // Plain data, saved as it is.
  struct State {
    std::int64_t acted_steps = 0;  // steps of one environment
    std::int64_t target_age_updates = 0;
    std::int64_t learning_frames = 0;  // at which the warm-up ended; 0 before
    double epsilon = 1;
    double epsilon_shift = 0;  // by hand
    double beta = 0;
    double loss = 0;  // means over the last hundred updates or so
    double mean_q = 0;
    double gradient_norm = 0;
    Random draws;  // while they are being saved; else the memory's
    PlateauReduction plateau;
  };

  void finish_update();
  void follow(double& mean, double value) const { mean += 0.01 * (value - mean); }

  DqnSettings settings_;
  AgentShape shape_;
  QInput input_;
  std::uint64_t seed_;
  std::unique_ptr<DqnMemory> memory_;
  State state_;
  ActingMode mode_ = ActingMode::kExplore;

  // Learning side.
  DqnLearner learner_;
  std::vector<float> errors_;

  // Acting side.
  DqnPolicy policy_;
};

/// The policy of a model file of this agent. Errors: as make_policy().
std::unique_ptr<BatchPolicy> dqn_policy(const ModelFile& model, int most);

/// Action with the largest q of each row; the first of equals.
void greedy_actions(std::span<const float> q, int actions, std::span<std::uint8_t> out);

}  // namespace sinv
