#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include "rl/agent.h"
#include "rl/dreamer/camera.h"
#include "rl/dreamer/dream.h"
#include "rl/dreamer/learner.h"
#include "rl/dreamer/memory.h"
#include "rl/model_file.h"

namespace sinv {

/// Acts with a Dreamer's weights on observations as environments show them, and remembers what it saw of each episode.
/// act() takes the most likely actions; what is drawn of the latent state then hangs on the step of the episode alone.
class DreamerPolicy final : public BatchPolicy {
 public:
  DreamerPolicy(const DreamerLearnerSettings& settings, bool packed, int most, std::uint64_t seed);

  /// REQUIRES: actions.size() is the policy's `most`.
  void act(const Observations& observations, std::span<std::uint8_t> actions) override {
    choose(observations, true, actions);
  }
  void choose(const Observations& observations, bool greedy, std::span<std::uint8_t> actions);
  void look(const FrameShape& /*shape*/, std::span<const std::uint8_t> stored,
            std::span<std::uint8_t> pixels) const override {
    camera_.look(stored, pixels);
  }
  void restart(int row) override { actor_.first()[static_cast<std::size_t>(row)] = 1; }
  DreamerActor& actor() { return actor_; }
  const DreamerActor& actor() const { return actor_; }

 private:
  Camera camera_;
  std::size_t most_;
  DreamerActor actor_;
};

/// DreamerV2: DreamerLearner, DreamerPolicy and DreamerMemory. Agent's contract.
class DreamerAgent final : public Agent {
 public:
  /// Errors: UserError naming the setting, or as WorldModel.
  DreamerAgent(const DreamerSettings& settings, const AgentShape& shape, std::uint64_t seed);

  void begin(const Environments& envs) override { memory_.begin(envs); }
  void act(const Environments& envs, std::span<std::uint8_t> actions) override;
  void observe(const Environments& envs, std::span<const std::uint8_t> actions) override;
  std::int64_t updates_due(const Clock& clock) const override;
  void learn(std::int64_t updates) override;
  void merge(const Clock& clock) override;
  void evaluated(double /*mean_score*/) override {}
  void set_mode(ActingMode mode) override { mode_ = mode; }
  /// It looks for kDreamContext steps, goes on alone for kDreamHorizon with the actions that are taken, and looks
  /// again.
  void set_dreaming(bool dreams) override;
  Dreamt dreamt() const override;
  void look(const FrameShape& shape, std::span<const std::uint8_t> stored,
            std::span<std::uint8_t> pixels) const override;
  AgentReport report() const override;
  std::unique_ptr<BatchPolicy> greedy_policy(int most) const override;
  /// World model and actor: what playing and dreaming want.
  std::vector<ModelTensor> model() const override;
  std::vector<std::pair<std::string, std::string>> model_settings() const override;
  void save(ByteWriter& out) const override;
  void load(ByteReader& in) override;
  void bulk(std::vector<std::span<std::byte>>& parts) override { memory_.bulk(parts); }
  void loaded() override {}

  static constexpr int kDreamContext = 5;
  static constexpr int kDreamHorizon = 45;

 private:
  // Plain data, saved as it is.
  struct State {
    std::int64_t acted_steps = 0;  // steps of one environment
    std::int64_t learning = 0;     // 1: the warm-up is over
    std::int64_t means_of = 0;     // updates that the means hold
    DreamerUpdate means;           // over the last hundred updates or so
    Random draws;
  };

  DreamerSettings settings_;
  DreamerLearnerSettings sizes_;
  AgentShape shape_;
  std::uint64_t seed_;
  DreamerMemory memory_;
  State state_;
  ActingMode mode_ = ActingMode::kExplore;
  DreamerLearner learner_;
  std::uint64_t published_ = 0;  // updates that the acting side has
  DreamerPolicy policy_;

  // For watchers; no part of the state.
  void dream_on(const Environments& envs, int action, bool begins);
  std::unique_ptr<Dream> dream_;
  int dream_steps_ = 0;  // since it began; 0: it begins with the next picture
};

/// Sizes of the world model in a model file. Errors: UserError as options.
DreamerLearnerSettings dreamer_sizes(const ModelFile& model);
/// Its world model by itself. Errors: as make_policy().
std::unique_ptr<Dream> dream_of(const ModelFile& model, int rows, std::uint64_t seed);
/// The policy of a model file of this agent. Errors: as make_policy().
std::unique_ptr<BatchPolicy> dreamer_policy(const ModelFile& model, int most);

}  // namespace sinv
