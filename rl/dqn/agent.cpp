#include "rl/dqn/agent.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "base/option.h"

namespace sinv {
namespace {

// Streams of the agent's seed.
constexpr std::uint64_t kLearnerStream = 0x6C6561726E;
constexpr std::uint64_t kActorStream = 0x6163746F72;
constexpr std::uint64_t kDrawStream = 0x64726177;
constexpr std::uint64_t kEpsilonStream = 0x657073;

// The settings that the shape of the network hangs on.
constexpr const char* kModelKeys[] = {"dqn.hidden",      "dqn.head",       "dqn.activation", "dqn.noisy",
                                      "dqn.noisy_first", "dqn.layer_norm", "dqn.sigma0"};

std::uint64_t mixed(std::uint64_t seed, std::uint64_t stream) {
  const Philox::Block block = Philox::at(seed, stream, 0);
  return (std::uint64_t{block.word[0]} << 32) | block.word[1];
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string out = "[";
  for (const std::int64_t size : shape) out += (out.size() > 1 ? ", " : "") + std::to_string(size);
  return out + "]";
}

}  // namespace

void greedy_actions(std::span<const float> q, int actions, std::span<std::uint8_t> out) {
  const auto width = static_cast<std::size_t>(actions);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto row = q.subspan(i * width, width);
    out[i] = static_cast<std::uint8_t>(std::max_element(row.begin(), row.end()) - row.begin());
  }
}

DqnPolicy::DqnPolicy(const QNetworkSettings& settings, int observation_size, int actions, int most,
                     std::span<const float> parameters)
    : actions_(actions),
      actor_(settings, observation_size, actions, most, 0),
      q_(static_cast<std::size_t>(most) * static_cast<std::size_t>(actions)) {
  actor_.set_parameters(parameters);
  actor_.set_noise(false);
}

void DqnPolicy::act(std::span<const float> observations, std::span<std::uint8_t> actions) {
  used_ = actions.size() * static_cast<std::size_t>(actions_);
  actor_.q_values(observations, static_cast<int>(actions.size()), std::span(q_).first(used_));
  greedy_actions(q_, actions_, actions);
}

std::unique_ptr<BatchPolicy> dqn_policy(const ModelFile& model, int most) {
  DqnSettings settings;
  Options options;
  describe(options, settings);
  for (const auto& [key, value] : model.network) options.set(key, value);
  const QNetworkSettings network = learner_settings(settings).network;
  const DqnActor wanted(network, model.observation_size, model.actions, 1, 0);
  std::vector<float> parameters;
  wanted.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        const auto found = std::find_if(model.tensors.begin(), model.tensors.end(),
                                        [&](const ModelTensor& tensor) { return tensor.name == name; });
        if (found == model.tensors.end()) {
          throw UserError(text("the model file holds no tensor ", name, ", which its agent ", model.agent, " wants"));
        }
        if (found->shape != shape || found->values.size() != values.size()) {
          throw UserError(text("tensor ", name, " of the model file is ", shape_text(found->shape), ", its agent ",
                               model.agent, " wants ", shape_text(shape)));
        }
        parameters.insert(parameters.end(), found->values.begin(), found->values.end());
      });
  return std::make_unique<DqnPolicy>(network, model.observation_size, model.actions, most, parameters);
}

DqnAgent::Rows DqnAgent::make_rows(const DqnSettings& settings, const AgentShape& shape) {
  const ReplaySettings replay = replay_settings(settings, shape.envs, shape.history);
  const int row_size = shape.observation_size / shape.history;
  if (settings.replay_rows == "int16") return Rows(std::in_place_type<Replay<std::int16_t, float>>, replay, row_size);
  return Rows(std::in_place_type<Replay<float, float>>, replay, row_size);
}

DqnAgent::DqnAgent(const DqnSettings& settings, const AgentShape& shape, std::uint64_t seed)
    : settings_((check(settings), settings)),
      shape_(shape),
      seed_(mixed(seed, kEpsilonStream)),
      row_size_(shape.observation_size / shape.history),
      rows_(make_rows(settings, shape)),
      learner_(learner_settings(settings), shape.observation_size, shape.actions, mixed(seed, kLearnerStream)),
      slots_(static_cast<std::size_t>(settings.batch)),
      errors_(slots_.size()),
      actor_(learner_settings(settings).network, shape.observation_size, shape.actions, shape.envs,
             mixed(seed, kActorStream)) {
  const auto envs = static_cast<std::size_t>(shape.envs);
  const std::size_t steps = envs * static_cast<std::size_t>(shape.steps_per_round);
  const auto row = static_cast<std::size_t>(row_size_);
  q_.resize(envs * static_cast<std::size_t>(shape.actions));
  staged_.resize(steps);
  next_rows_.resize(steps * row);
  final_rows_.resize(steps * row);
  first_rows_.resize(envs * row);
  state_.draws = Random(mixed(seed, kDrawStream), 0);
  state_.plateau.patience = settings.plateau_patience_evals;
  state_.plateau.factor = settings.plateau_factor;
  actor_.set_parameters(learner_.parameters());
  state_.beta = settings_.beta;
}

std::span<float> DqnAgent::staged_row(std::vector<float>& rows, int step, int env) {
  const auto row = static_cast<std::size_t>(row_size_);
  const auto at =
      static_cast<std::size_t>(step) * static_cast<std::size_t>(shape_.envs) + static_cast<std::size_t>(env);
  return std::span(rows).subspan(at * row, row);
}

void DqnAgent::stage(std::vector<float>& rows, int step, int env, std::span<const float> observations) {
  // The newest row of a stack is its last one.
  const auto size = static_cast<std::size_t>(shape_.observation_size);
  const auto row = static_cast<std::size_t>(row_size_);
  const auto newest = observations.subspan((static_cast<std::size_t>(env) + 1) * size - row, row);
  std::copy(newest.begin(), newest.end(), staged_row(rows, step, env).begin());
}

void DqnAgent::begin(const Environments& envs) {
  for (int env = 0; env < shape_.envs; ++env) stage(first_rows_, 0, env, envs.observations());
  staged_begin_ = true;
}

void DqnAgent::act(const Environments& envs, std::span<std::uint8_t> actions) {
  const bool explores = mode_ == ActingMode::kExplore;
  const bool warm_up = state_.learning_frames == 0;
  if (!warm_up) {
    if (explores && settings_.noisy) actor_.resample_noise();
    actor_.q_values(envs.observations(), shape_.envs, q_);
    greedy_actions(q_, shape_.actions, actions);
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

void DqnAgent::observe(const Environments& envs, std::span<const std::uint8_t> actions) {
  SINV_CHECK(staged_steps_ < shape_.steps_per_round, "DqnAgent::observe: ", staged_steps_ + 1, " steps in a round of ",
             shape_.steps_per_round);
  const auto base = static_cast<std::size_t>(staged_steps_) * static_cast<std::size_t>(shape_.envs);
  for (int env = 0; env < shape_.envs; ++env) {
    const auto i = static_cast<std::size_t>(env);
    const bool ended = envs.terminated()[i] != 0 || envs.truncated()[i] != 0;
    staged_[base + i] = {envs.rewards()[i], envs.discounts()[i], actions[i], static_cast<std::uint8_t>(ended)};
    stage(next_rows_, staged_steps_, env, envs.observations());
    if (ended) stage(final_rows_, staged_steps_, env, envs.final_observations());
  }
  ++staged_steps_;
}

std::int64_t DqnAgent::updates_due(const Clock& clock) const {
  if (state_.learning_frames == 0) return 0;
  const double steps = static_cast<double>(clock.steps - settings_.warmup_steps);
  return std::max<std::int64_t>(0, static_cast<std::int64_t>(steps / settings_.steps_per_update));
}

void DqnAgent::learn(std::int64_t updates) {
  const DqnBatch batch = learner_.batch();
  const TransitionBatch<float> into{batch.observation_tm1, batch.action_tm1,    batch.return_t,
                                    batch.discount_t,      batch.observation_t, batch.weight};
  const bool copies = settings_.target_update == "copy";
  std::visit(
      [&](auto& rows) {
        for (std::int64_t i = 0; i < updates; ++i) {
          rows.sample(state_.draws, state_.beta, slots_, into);
          const DqnUpdate update = learner_.update(errors_);
          rows.index().set_priorities(slots_, errors_);
          follow(state_.loss, static_cast<double>(update.loss));
          follow(state_.mean_q, static_cast<double>(update.mean_q));
          follow(state_.gradient_norm, static_cast<double>(update.gradient_norm));
          if (!copies || ++state_.target_age_updates >= settings_.target_period_updates) {
            learner_.update_target();
            state_.target_age_updates = 0;
          }
        }
      },
      rows_);
}

void DqnAgent::merge(const Clock& clock) {
  std::visit(
      [&](auto& rows) {
        for (int env = 0; env < shape_.envs; ++env) {
          if (staged_begin_) rows.begin(env, staged_row(first_rows_, 0, env));
          for (int step = 0; step < staged_steps_; ++step) {
            const Staged& staged = staged_[static_cast<std::size_t>(step) * static_cast<std::size_t>(shape_.envs) +
                                           static_cast<std::size_t>(env)];
            const bool ended = staged.ended != 0;
            const bool cut = staged.discount == 0.0F;
            rows.step(env, staged.action, staged.reward, cut, ended && !cut,
                      staged_row(ended ? final_rows_ : next_rows_, step, env));
            if (ended) rows.begin(env, staged_row(next_rows_, step, env));
          }
        }
        rows.settle();
        if (state_.learning_frames == 0 && clock.steps >= settings_.warmup_steps && rows.size() > 0) {
          state_.learning_frames = std::max<std::int64_t>(1, clock.frames);
        }
      },
      rows_);
  staged_begin_ = false;
  staged_steps_ = 0;
  actor_.set_parameters(learner_.parameters());
  const double factor = state_.plateau.current;
  learner_.set_learning_rate(static_cast<float>(learning_rate_schedule(settings_).at(clock) * factor));
  state_.beta = beta_schedule(settings_).at(clock);
  state_.epsilon = state_.learning_frames == 0 ? 1.0
                                               : FrameSchedule::linear(settings_.epsilon, settings_.epsilon_final,
                                                                       state_.learning_frames, settings_.epsilon_frames)
                                                     .at(clock);
}

void DqnAgent::evaluated(double mean_score) { state_.plateau.observe(mean_score); }

void DqnAgent::set_mode(ActingMode mode) {
  mode_ = mode;
  actor_.set_noise(mode == ActingMode::kExplore);
}

AgentReport DqnAgent::report() const {
  AgentReport report{.loss = state_.loss,
                     .mean_q = state_.mean_q,
                     .gradient_norm = state_.gradient_norm,
                     .learning_rate = static_cast<double>(learner_.learning_rate()),
                     .epsilon = mode_ == ActingMode::kExplore ? state_.epsilon : 0.0,
                     .beta = state_.beta};
  std::visit(
      [&](const auto& rows) {
        report.replay_size = rows.size();
        report.replay_capacity = rows.index().slots();
      },
      rows_);
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

std::unique_ptr<BatchPolicy> DqnAgent::greedy_policy(int most) const {
  return std::make_unique<DqnPolicy>(learner_settings(settings_).network, shape_.observation_size, shape_.actions, most,
                                     learner_.parameters());
}

std::vector<ModelTensor> DqnAgent::model() const {
  std::vector<ModelTensor> tensors;
  learner_.for_each_parameter(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        tensors.push_back({name, shape, std::vector<float>(values.begin(), values.end())});
      });
  return tensors;
}

std::vector<std::pair<std::string, std::string>> DqnAgent::model_settings() const {
  DqnSettings copy = settings_;
  Options options;
  describe(options, copy);
  std::vector<std::pair<std::string, std::string>> named;
  for (const char* key : kModelKeys) named.emplace_back(key, options.get(key));
  return named;
}

void DqnAgent::save(ByteWriter& out) const {
  SINV_CHECK(staged_steps_ == 0 && !staged_begin_, "DqnAgent::save: ", staged_steps_, " steps are not merged");
  out.put(state_);
  learner_.save(out);
  actor_.save(out);
  std::visit([&](const auto& rows) { rows.save(out); }, rows_);
}

void DqnAgent::load(ByteReader& in) {
  const double factor = state_.plateau.factor;
  const std::int32_t patience = state_.plateau.patience;
  in.get(state_);
  state_.plateau.factor = factor;
  state_.plateau.patience = patience;
  learner_.load(in);
  actor_.load(in);
  actor_.set_parameters(learner_.parameters());
  std::visit([&](auto& rows) { rows.load(in); }, rows_);
  staged_steps_ = 0;
  staged_begin_ = false;
}

void DqnAgent::bulk(std::vector<std::span<std::byte>>& parts) {
  std::visit([&](auto& rows) { rows.bulk(parts); }, rows_);
}

void DqnAgent::loaded() {
  std::visit([](auto& rows) { rows.loaded(); }, rows_);
}

}  // namespace sinv
