#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "rl/environments.h"
#include "rl/policy.h"
#include "rl/schedule.h"
#include "rl/streamed_state.h"

namespace sinv {

class Options;  // base/option.h

/// What an agent must know of the environments and the run loop before it takes its memory.
struct AgentShape {
  int envs = 1;
  int observation_size = 1;
  int history = 1;
  FrameShape picture = kNoFrame;
  int actions = 2;
  int steps_per_round = 1;
  int threads = 1;  // that learning may use; what is learnt does not depend on it
};

enum class ActingMode : std::uint8_t { kExplore, kExploit };

/// Figures for watchers and logs.
struct AgentReport {
  double loss = 0;
  double mean_q = 0;
  double gradient_norm = 0;
  double learning_rate = 0;
  double epsilon = 0;
  double sigma = 0;
  double beta = 0;
  std::int64_t replay_size = 0;
  std::int64_t replay_capacity = 0;
  struct Figure {
    const char* name;
    double value;
  };
  std::vector<Figure> figures{};  // those that only this agent has, for the records
};

/// Named parameters, as a model file holds them.
struct ModelTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// A policy and its learner. The run loop owns time: it calls begin() once, then rounds of
///   acting thread:   steps_per_round times { act(); environments step; observe(); }
///   learning thread: learn()
///   then one thread: merge(), and perhaps any of the calls below it.
/// Acting and learning share nothing inside a round: acting uses the weights of the last merge() and keeps what it
/// sees aside; learning uses the replay of the last merge(). So the order in which the two run does not matter.
class Agent {
 public:
  virtual ~Agent() = default;

  /// Takes the first observations. Call it after Environments::reset() and not after load().
  virtual void begin(const Environments& envs) = 0;
  virtual void act(const Environments& envs, std::span<std::uint8_t> actions) = 0;
  /// After the environments made the step of `actions`.
  virtual void observe(const Environments& envs, std::span<const std::uint8_t> actions) = 0;

  /// Updates that should have been made in all when the run has come to `clock`; 0 while replay holds too little.
  virtual std::int64_t updates_due(const Clock& clock) const = 0;
  /// Makes this many updates.
  virtual void learn(std::int64_t updates) = 0;

  /// Brings in what was observed, publishes the weights to the acting side, sets all schedules to `clock`.
  virtual void merge(const Clock& clock) = 0;

  /// A score of an evaluation (for a learning rate that reacts to plateaus).
  virtual void evaluated(double mean_score) = 0;
  virtual void set_mode(ActingMode mode) = 0;
  /// Hands on: adds to the epsilon of the schedule from now on. False: the agent has none.
  virtual bool shift_epsilon(double /*by*/) { return false; }
  /// Hands on: the learnt noise has its first size again. False: the agent has none.
  virtual bool reset_noise() { return false; }
  /// Q values of the last act(), [N, actions]; empty for an agent without. Thread: the acting one.
  virtual std::span<const float> acting_values() const { return {}; }
  /// For watchers: an agent with a model of the game dreams along in the first environment, or no longer. Nothing that
  /// it does or learns hangs on it. Thread: the acting one.
  virtual void set_dreaming(bool /*dreams*/) {}
  /// What it expects the first environment to show now; empty for an agent without a model. Thread: the acting one.
  struct Dreamt {
    std::span<const float> picture{};  // 0 to 1 where it is sure
    int steps = 0;                     // for which it has not looked
  };
  virtual Dreamt dreamt() const { return {}; }
  /// BatchPolicy::look() of what acts.
  virtual void look(const FrameShape& shape, std::span<const std::uint8_t> stored,
                    std::span<std::uint8_t> pixels) const {
    unpack_stored(shape, stored, pixels);
  }
  virtual AgentReport report() const = 0;
  /// Mean size of the learnt noise of each layer, by its name; empty for an agent without.
  virtual std::vector<std::pair<std::string, double>> layer_sigmas() const { return {}; }
  /// The greedy policy of the published weights, without noise, for up to `most` observations at a time. It keeps a
  /// copy.
  virtual std::unique_ptr<BatchPolicy> greedy_policy(int most) const = 0;
  virtual std::vector<ModelTensor> model() const = 0;
  /// What the network is made of, for the model file: name and value.
  virtual std::vector<std::pair<std::string, std::string>> model_settings() const = 0;

  /// Everything that decides the future: small parts through save() and load(), then the large arrays, the same ones
  /// in the same order after load(), and at last loaded(). Errors: UserError when the state is of other settings.
  virtual void save(ByteWriter& out) const = 0;
  virtual void load(ByteReader& in) = 0;
  virtual void bulk(std::vector<std::span<std::byte>>& parts) = 0;
  virtual void loaded() = 0;
  /// The part of the state that is too large to be copied, null if there is none: it is written to a file of its own
  /// while the agent goes on, and is not in save() and bulk().
  virtual StreamedState* streamed() { return nullptr; }
};

}  // namespace sinv
