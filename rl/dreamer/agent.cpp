#include "rl/dreamer/agent.h"

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "base/option.h"

namespace sinv {
namespace {

// Streams of the agent's seed.
constexpr std::uint64_t kLearnerStream = 0x6C6561726E;
constexpr std::uint64_t kActorStream = 0x6163746F72;
constexpr std::uint64_t kDrawStream = 0x64726177;
constexpr std::uint64_t kWarmUpStream = 0x7761726D;

// The settings that the shape of the model hangs on.
constexpr const char* kModelKeys[] = {"dreamer.depth",   "dreamer.deter", "dreamer.hidden",      "dreamer.variables",
                                      "dreamer.classes", "dreamer.units", "dreamer.head_layers", "dreamer.follow_ship"};

struct Figure {
  const char* name;
  float DreamerUpdate::*value;
};
constexpr Figure kFigures[] = {
    {"image_loss", &DreamerUpdate::image_loss},
    {"reward_loss", &DreamerUpdate::reward_loss},
    {"discount_loss", &DreamerUpdate::discount_loss},
    {"kl", &DreamerUpdate::kl},
    {"foretold_reward_loss", &DreamerUpdate::foretold_reward_loss},
    {"foretold_discount_loss", &DreamerUpdate::foretold_discount_loss},
    {"actor_loss", &DreamerUpdate::actor_loss},
    {"critic_loss", &DreamerUpdate::critic_loss},
    {"mean_return", &DreamerUpdate::mean_return},
    {"world_norm", &DreamerUpdate::world_norm},
    {"actor_norm", &DreamerUpdate::actor_norm},
    {"critic_norm", &DreamerUpdate::critic_norm},
};

std::uint64_t mixed(std::uint64_t seed, std::uint64_t stream) {
  const Philox::Block block = Philox::at(seed, stream, 0);
  return (std::uint64_t{block.word[0]} << 32) | block.word[1];
}

}  // namespace

DreamerPolicy::DreamerPolicy(const DreamerLearnerSettings& settings, bool packed, int most, std::uint64_t seed)
    : camera_({settings.world.width, settings.world.height, packed}, settings.follow_ship),
      most_(static_cast<std::size_t>(most)),
      actor_(settings, most, seed) {}

void DreamerPolicy::choose(const Observations& observations, bool greedy, std::span<std::uint8_t> actions) {
  const std::size_t stored = observations.pictures.size() / most_;
  const std::size_t pixels = actor_.frames().size() / most_;
  for (std::size_t i = 0; i < most_; ++i) {
    camera_.look(observations.pictures.subspan(i * stored, stored), actor_.frames().subspan(i * pixels, pixels));
  }
  actor_.act(greedy, actions);
}

DreamerLearnerSettings dreamer_sizes(const ModelFile& model) {
  DreamerSettings settings;
  Options options;
  describe(options, settings);
  for (const auto& [key, value] : model.network) options.set(key, value);
  return learner_settings(settings, model.picture, model.history, model.actions);
}

std::unique_ptr<Dream> dream_of(const ModelFile& model, int rows, std::uint64_t seed) {
  auto dream = std::make_unique<Dream>(dreamer_sizes(model), rows, seed);
  std::vector<float> world;
  dream->for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        const std::span<const float> saved = tensor_of(model, name, shape, values.size());
        world.insert(world.end(), saved.begin(), saved.end());
      });
  dream->set_parameters(world);
  return dream;
}

std::unique_ptr<BatchPolicy> dreamer_policy(const ModelFile& model, int most) {
  auto policy = std::make_unique<DreamerPolicy>(dreamer_sizes(model), model.picture.packed, most, std::uint64_t{0});
  std::vector<float> world;
  std::vector<float> actor;
  policy->actor().for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        const std::span<const float> saved = tensor_of(model, name, shape, values.size());
        std::vector<float>& to = name.starts_with("actor") ? actor : world;
        to.insert(to.end(), saved.begin(), saved.end());
      });
  policy->actor().set_parameters({world, actor, {}});
  return policy;
}

DreamerAgent::DreamerAgent(const DreamerSettings& settings, const AgentShape& shape, std::uint64_t seed)
    : settings_(settings),
      sizes_(learner_settings(settings, shape.picture, shape.history, shape.actions, shape.threads)),
      shape_(shape),
      seed_(mixed(seed, kWarmUpStream)),
      memory_(settings, shape),
      learner_(sizes_, mixed(seed, kLearnerStream)),
      policy_(sizes_, shape.picture.packed, shape.envs, mixed(seed, kActorStream)) {
  state_.draws = Random(mixed(seed, kDrawStream), 0);
  policy_.actor().set_parameters(learner_.parameters());
}

void DreamerAgent::act(const Environments& envs, std::span<std::uint8_t> actions) {
  if (state_.learning != 0 || mode_ == ActingMode::kExploit) {
    policy_.choose(envs.observations(), mode_ == ActingMode::kExploit, actions);
  } else {
    const auto count = static_cast<std::uint32_t>(shape_.actions);
    for (int env = 0; env < shape_.envs; ++env) {
      const Philox::Block block =
          Philox::at(seed_, static_cast<std::uint64_t>(state_.acted_steps), static_cast<std::uint64_t>(env));
      actions[static_cast<std::size_t>(env)] = static_cast<std::uint8_t>((std::uint64_t{block.word[0]} * count) >> 32);
    }
  }
  ++state_.acted_steps;
}

void DreamerAgent::observe(const Environments& envs, std::span<const std::uint8_t> actions) {
  memory_.observe(envs, actions);
  for (int env = 0; env < shape_.envs; ++env) {
    const auto i = static_cast<std::size_t>(env);
    if (envs.terminated()[i] != 0 || envs.truncated()[i] != 0) policy_.restart(env);
  }
  if (dream_) dream_on(envs, actions[0], envs.terminated()[0] != 0 || envs.truncated()[0] != 0);
}

void DreamerAgent::set_dreaming(bool dreams) {
  if (dreams == (dream_ != nullptr)) return;
  dream_ = dreams ? std::make_unique<Dream>(sizes_, 1, seed_) : nullptr;
  dream_steps_ = 0;
}

void DreamerAgent::dream_on(const Environments& envs, int action, bool begins) {
  if (begins || dream_steps_ == kDreamContext + kDreamHorizon) dream_steps_ = 0;
  if (dream_steps_ == 0) {
    std::vector<float> world;
    policy_.actor().for_each_parameter(
        [&](const std::string& name, const std::vector<std::int64_t>&, std::span<const float> values) {
          if (!name.starts_with("actor")) world.insert(world.end(), values.begin(), values.end());
        });
    dream_->set_parameters(world);
    dream_->begin();
  } else {
    dream_->set_action(0, action);
  }
  if (dream_steps_ < kDreamContext) {
    const std::span<const std::uint8_t> stacks = envs.observations().pictures;
    look(shape_.picture, stacks.first(stacks.size() / static_cast<std::size_t>(shape_.envs)), dream_->frames());
    dream_->observe();
  } else {
    dream_->imagine();
  }
  ++dream_steps_;
}

void DreamerAgent::look(const FrameShape& shape, std::span<const std::uint8_t> stored,
                        std::span<std::uint8_t> pixels) const {
  policy_.look(shape, stored, pixels);
}

Agent::Dreamt DreamerAgent::dreamt() const {
  if (!dream_ || dream_steps_ == 0) return {};
  return {dream_->picture(), std::max(0, dream_steps_ - kDreamContext)};
}

std::int64_t DreamerAgent::updates_due(const Clock& clock) const {
  if (state_.learning == 0) return 0;
  const double steps = static_cast<double>(clock.steps - settings_.warmup_steps);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(steps / settings_.steps_per_update));
}

void DreamerAgent::learn(std::int64_t updates) {
  const WorldLossSettings& sizes = sizes_.loss;
  for (std::int64_t i = 0; i < updates; ++i) {
    memory_.replay().sample(state_.draws, sizes.batch, sizes.steps, learner_.batch());
    const DreamerUpdate update = learner_.update();
    // The first ones count in full, then a hundredth each.
    if (state_.means_of < 100) ++state_.means_of;
    const float rate = 1.0F / static_cast<float>(state_.means_of);
    for (const Figure& figure : kFigures) {
      state_.means.*figure.value += rate * (update.*figure.value - state_.means.*figure.value);
    }
  }
}

void DreamerAgent::merge(const Clock& clock) {
  memory_.merge();
  if (state_.learning == 0 && clock.steps >= settings_.warmup_steps && memory_.replay().size() > 0) state_.learning = 1;
  if (published_ == learner_.updates()) return;
  policy_.actor().set_parameters(learner_.parameters());
  published_ = learner_.updates();
}

AgentReport DreamerAgent::report() const {
  AgentReport report{.loss = static_cast<double>(state_.means.image_loss),
                     .mean_q = static_cast<double>(state_.means.mean_return),
                     .gradient_norm = static_cast<double>(state_.means.world_norm),
                     .learning_rate = static_cast<double>(sizes_.world_rate)};
  report.replay_size = memory_.replay().size();
  report.replay_capacity = memory_.replay().capacity();
  for (const Figure& figure : kFigures) {
    report.figures.push_back({figure.name, static_cast<double>(state_.means.*figure.value)});
  }
  return report;
}

std::unique_ptr<BatchPolicy> DreamerAgent::greedy_policy(int most) const {
  auto policy = std::make_unique<DreamerPolicy>(sizes_, shape_.picture.packed, most, std::uint64_t{0});
  policy->actor().set_parameters(learner_.parameters());
  return policy;
}

std::vector<ModelTensor> DreamerAgent::model() const {
  std::vector<ModelTensor> tensors;
  learner_.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        if (name.starts_with("critic")) return;
        tensors.push_back({name, shape, std::vector<float>(values.begin(), values.end())});
      });
  return tensors;
}

std::vector<std::pair<std::string, std::string>> DreamerAgent::model_settings() const {
  DreamerSettings copy = settings_;
  Options options;
  describe(options, copy);
  std::vector<std::pair<std::string, std::string>> named;
  for (const char* key : kModelKeys) named.emplace_back(key, options.get(key));
  return named;
}

void DreamerAgent::save(ByteWriter& out) const {
  SINV_CHECK(memory_.staged() == 0, "DreamerAgent::save: ", memory_.staged(), " steps are not merged");
  out.put(state_);
  learner_.save(out);
  policy_.actor().save(out);
  memory_.save(out);
}

void DreamerAgent::load(ByteReader& in) {
  in.get(state_);
  learner_.load(in);
  policy_.actor().load(in);
  policy_.actor().set_parameters(learner_.parameters());
  published_ = learner_.updates();
  memory_.load(in);
}

}  // namespace sinv
