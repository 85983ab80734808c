#include "rl/dqn/agent.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/option.h"
#include "kernels/device_module.h"

namespace sinv {
namespace {

// Streams of the agent's seed.
constexpr std::uint64_t kLearnerStream = 0x6C6561726E;
constexpr std::uint64_t kActorStream = 0x6163746F72;
constexpr std::uint64_t kDrawStream = 0x64726177;
constexpr std::uint64_t kEpsilonStream = 0x657073;

// The settings that the shape of the network hangs on.
constexpr const char* kModelKeys[] = {"dqn.network", "dqn.hidden",      "dqn.head",       "dqn.activation",
                                      "dqn.noisy",   "dqn.noisy_first", "dqn.layer_norm", "dqn.sigma0"};

std::uint64_t mixed(std::uint64_t seed, std::uint64_t stream) {
  const Philox::Block block = Philox::at(seed, stream, 0);
  return (std::uint64_t{block.word[0]} << 32) | block.word[1];
}

}  // namespace

void greedy_actions(std::span<const float> q, int actions, std::span<std::uint8_t> out) {
  const auto width = static_cast<std::size_t>(actions);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = q.subspan(i * width, width);
    out[i] = static_cast<std::uint8_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
}

QInput dqn_input(const DqnSettings& settings, int observation_size, int history, const FrameShape& picture) {
  const bool sees_pictures = picture != kNoFrame;
  if (sees_pictures == (settings.network == kMlp)) {
    throw UserError(
        text("dqn.network ", settings.network, " sees ", sees_pictures ? "numbers" : "pictures",
             ", but env.pixels gives ", sees_pictures ? "pictures" : "none",
             sees_pictures ? "; set env.pixels to none, or take the agent dqn-cnn" : "; set env.pixels to ship-64"));
  }
  if (sees_pictures) return StackShape{history, picture.height, picture.width};
  return observation_size;
}

DqnPolicy::DqnPolicy(const QNetworkSettings& settings, const QInput& input, const FrameShape& picture, int actions,
                     int most, std::uint64_t seed)
    : packed_(picture.packed),
      stack_(input.size()),
      actions_(actions),
      actor_(settings, input, actions, most, seed, chosen_device()),
      q_(static_cast<std::size_t>(most) * static_cast<std::size_t>(actions)),
      stacks_(packed_ ? static_cast<std::size_t>(most) * stack_ : 0) {}

DqnPolicy::DqnPolicy(const QNetworkSettings& settings, const QInput& input, const FrameShape& picture, int actions,
                     int most, std::span<const float> parameters)
    : DqnPolicy(settings, input, picture, actions, most, std::uint64_t{0}) {
  actor_.set_parameters(parameters);
  actor_.set_noise(false);
}

void DqnPolicy::act(const Observations& observations, std::span<std::uint8_t> actions) {
  used_ = actions.size() * static_cast<std::size_t>(actions_);
  const auto n = static_cast<int>(actions.size());
  const std::span<float> q = std::span(q_).first(used_);
  if (packed_) {
    const std::span<std::uint8_t> stacks = std::span(stacks_).first(actions.size() * stack_);
    unpack_pixels(observations.pictures, stacks);
    actor_.q_values(std::span<const std::uint8_t>(stacks), n, q);
  } else if (!observations.pictures.empty()) {
    actor_.q_values(observations.pictures, n, q);
  } else {
    actor_.q_values(observations.values, n, q);
  }
  greedy_actions(q_, actions_, actions);
}

std::unique_ptr<BatchPolicy> dqn_policy(const ModelFile& model, int most) {
  DqnSettings settings;
  Options options;
  describe(options, settings);
  for (const auto& [key, value] : model.network) options.set(key, value);
  const QNetworkSettings network = learner_settings(settings).network;
  const QInput input = dqn_input(settings, model.observation_size, model.history, model.picture);
  const DqnActor wanted(network, input, model.actions, 1, 0);
  std::vector<float> parameters;
  wanted.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        const std::span<const float> saved = tensor_of(model, name, shape, values.size());
        parameters.insert(parameters.end(), saved.begin(), saved.end());
      });
  return std::make_unique<DqnPolicy>(network, input, model.picture, model.actions, most, parameters);
}

DqnAgent::DqnAgent(const DqnSettings& settings, const AgentShape& shape, std::uint64_t seed)
    : settings_((check(settings), settings)),
      shape_(shape),
      input_(dqn_input(settings, shape.observation_size, shape.history, shape.picture)),
      seed_(mixed(seed, kEpsilonStream)),
      memory_(make_dqn_memory(settings, shape)),
      learner_(learner_settings(settings, shape.threads), input_, shape.actions, mixed(seed, kLearnerStream),
               memory_.get()),
      errors_(static_cast<std::size_t>(settings.batch)),
      policy_(learner_settings(settings).network, input_, shape.picture, shape.actions, shape.envs,
              mixed(seed, kActorStream)) {
  state_.plateau.patience = settings.plateau_patience_evals;
  state_.plateau.factor = settings.plateau_factor;
  policy_.actor().set_parameters(learner_.parameters());
  state_.beta = settings_.beta;
  memory_->set_draws(Random(mixed(seed, kDrawStream), 0), state_.beta);
}

void DqnAgent::act(const Environments& envs, std::span<std::uint8_t> actions) {
  const bool explores = mode_ == ActingMode::kExplore;
  const bool warm_up = state_.learning_frames == 0;
  if (!warm_up) {
    if (explores && settings_.noisy) policy_.actor().resample_noise();
    policy_.act(envs.observations(), actions);
  }
  const auto count = static_cast<std::uint32_t>(shape_.actions);
  for (int env = 0; env < shape_.envs; ++env) {
    const double epsilon = warm_up    ? 1.0
                           : explores ? epsilon_on_ladder(state_.epsilon, settings_.epsilon_ladder, env, shape_.envs)
                                      : 0.0;
    if (epsilon <= 0) continue;
    const Philox::Block block =
        Philox::at(seed_, static_cast<std::uint64_t>(state_.acted_steps), static_cast<std::uint64_t>(env));
    if (static_cast<double>(unit_float(block.word[0])) >= epsilon) continue;
    actions[static_cast<std::size_t>(env)] = static_cast<std::uint8_t>((std::uint64_t{block.word[1]} * count) >> 32);
  }
  ++state_.acted_steps;
}

std::int64_t DqnAgent::updates_due(const Clock& clock) const {
  if (state_.learning_frames == 0) return 0;
  const double steps = static_cast<double>(clock.steps - settings_.warmup_steps);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(steps / settings_.steps_per_update));
}

void DqnAgent::learn(std::int64_t updates) {
  const bool copies = settings_.target_update == "copy";
  for (std::int64_t i = 0; i < updates; ++i) {
    learner_.start();
    if (!copies || ++state_.target_age_updates >= settings_.target_period_updates) {
      learner_.update_target();
      state_.target_age_updates = 0;
    }
    if (learner_.started() == learner_.most_started()) finish_update();
  }
  while (learner_.started() > 0) finish_update();
}

void DqnAgent::finish_update() {
  const DqnUpdate update = learner_.finish(errors_);
  // A device passes over such an error; nothing good can follow it.
  for (std::size_t row = 0; row < errors_.size() && settings_.prioritised; ++row) {
    SINV_CHECK(std::isfinite(errors_[row]), "DqnAgent: |td error| of row ", row, " is ", errors_[row],
               "; the network has diverged");
  }
  follow(state_.loss, static_cast<double>(update.loss));
  follow(state_.mean_q, static_cast<double>(update.mean_q));
  follow(state_.gradient_norm, static_cast<double>(update.gradient_norm));
}

void DqnAgent::merge(const Clock& clock) {
  state_.beta = beta_schedule(settings_).at(clock);
  memory_->merge(state_.beta);
  if (state_.learning_frames == 0 && clock.steps >= settings_.warmup_steps && memory_->index().size() > 0) {
    state_.learning_frames = std::max<std::int64_t>(1, clock.frames);
  }
  policy_.actor().set_parameters(learner_.parameters());
  const double factor = state_.plateau.current;
  learner_.set_learning_rate(static_cast<float>(learning_rate_schedule(settings_).at(clock) * factor));
  state_.epsilon = state_.learning_frames == 0 ? 1.0
                                               : FrameSchedule::linear(settings_.epsilon, settings_.epsilon_final,
                                                                       state_.learning_frames, settings_.epsilon_frames)
                                                     .at(clock);
  if (state_.learning_frames != 0) state_.epsilon = std::clamp(state_.epsilon + state_.epsilon_shift, 0.0, 1.0);
}

void DqnAgent::evaluated(double mean_score) { state_.plateau.observe(mean_score); }

void DqnAgent::set_mode(ActingMode mode) {
  mode_ = mode;
  policy_.actor().set_noise(mode == ActingMode::kExplore);
}

bool DqnAgent::shift_epsilon(double by) {
  state_.epsilon_shift = std::clamp(state_.epsilon_shift + by, -1.0, 1.0);
  return true;
}

bool DqnAgent::reset_noise() {
  if (settings_.noisy) learner_.reset_noise();
  return settings_.noisy;
}

AgentReport DqnAgent::report() const {
  AgentReport report{.loss = state_.loss,
                     .mean_q = state_.mean_q,
                     .gradient_norm = state_.gradient_norm,
                     .learning_rate = static_cast<double>(learner_.learning_rate()),
                     .epsilon = mode_ == ActingMode::kExplore ? state_.epsilon : 0.0,
                     .beta = state_.beta};
  report.replay_size = memory_->index().size();
  report.replay_capacity = memory_->index().slots();
  if (settings_.noisy) {
    double sum = 0;
    double count = 0;
    learner_.for_each_parameter(
        [&](const std::string& name, const std::vector<std::int64_t>&, std::span<const float> values) {
          if (name.find("sigma") == std::string::npos) return;
          for (const float value : values) sum += std::abs(static_cast<double>(value));
          count += static_cast<double>(values.size());
        });
    if (count > 0) report.sigma = sum / count;
  }
  return report;
}

std::vector<std::pair<std::string, double>> DqnAgent::layer_sigmas() const {
  std::vector<std::pair<std::string, double>> sigmas;
  learner_.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>&, std::span<const float> values) {
        constexpr std::string_view kEnding = ".weight_sigma";
        if (!name.ends_with(kEnding)) return;
        double sum = 0;
        for (const float value : values) sum += std::abs(static_cast<double>(value));
        sigmas.emplace_back(name.substr(0, name.size() - kEnding.size()), sum / static_cast<double>(values.size()));
      });
  return sigmas;
}

std::unique_ptr<BatchPolicy> DqnAgent::greedy_policy(int most) const {
  return std::make_unique<DqnPolicy>(learner_settings(settings_).network, input_, shape_.picture, shape_.actions, most,
                                     learner_.parameters());
}

std::vector<ModelTensor> DqnAgent::model() const {
  std::vector<ModelTensor> tensors;
  learner_.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        // Who plays uses the mean weights alone.
        if (name.ends_with("_sigma")) return;
        tensors.push_back({name, shape, std::vector<float>(values.begin(), values.end())});
      });
  return tensors;
}

std::vector<std::pair<std::string, std::string>> DqnAgent::model_settings() const {
  DqnSettings copy = settings_;
  copy.noisy = false;  // see model()
  Options options;
  describe(options, copy);
  std::vector<std::pair<std::string, std::string>> named;
  for (const char* key : kModelKeys) named.emplace_back(key, options.get(key));
  return named;
}

void DqnAgent::save(ByteWriter& out) const {
  SINV_CHECK(memory_->staged() == 0, "DqnAgent::save: ", memory_->staged(), " steps are not merged");
  memory_->fetch();
  State state = state_;
  state.draws = memory_->draws();
  out.put(state);
  learner_.save(out);
  policy_.actor().save(out);
  memory_->save(out);
}

void DqnAgent::load(ByteReader& in) {
  const double factor = state_.plateau.factor;
  const std::int32_t patience = state_.plateau.patience;
  in.get(state_);
  state_.plateau.factor = factor;
  state_.plateau.patience = patience;
  learner_.load(in);
  policy_.actor().load(in);
  policy_.actor().set_parameters(learner_.parameters());
  memory_->load(in);
  memory_->set_draws(state_.draws, state_.beta);
}

}  // namespace sinv
