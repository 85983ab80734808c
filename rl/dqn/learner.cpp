#include "rl/dqn/learner.h"

#include <algorithm>
#include <cmath>

#include "nn/adam.h"

namespace sinv {

namespace {
// Streams of the learner's seed.
constexpr std::uint64_t kInitStream = 0;
constexpr std::uint64_t kOnlineNoiseStream = 1;
constexpr std::uint64_t kTargetNoiseStream = 2;

void check(const DqnLearnerSettings& s) {
  SINV_CHECK(s.batch >= 1, "dqn learner: batch is ", s.batch, ", wanted at least 1");
  SINV_CHECK(s.huber_delta >= 0, "dqn learner: huber_delta is ", s.huber_delta, ", wanted 0 (squared) or above");
  SINV_CHECK(s.target_rate > 0 && s.target_rate <= 1, "dqn learner: target_rate is ", s.target_rate,
             ", wanted above 0 to 1");
}
}  // namespace

struct DqnLearner::Impl {
  DqnLearnerSettings settings;
  ParameterStore online_store;
  ParameterStore target_store;
  NoiseSource online_noise;
  NoiseSource target_noise;
  Random init;
  QNetwork online;
  QNetwork target;
  Adam adam;
  Tape tape;
  std::uint64_t updates = 0;

  QNetwork::Observations observation_tm1;
  QNetwork::Observations observation_t;
  std::span<std::int32_t> action_tm1;
  std::span<float> return_t;
  std::span<float> discount_t;
  std::span<float> weight;
  DqnLossVars loss;

  Impl(const DqnLearnerSettings& s, const QInput& input, int actions, std::uint64_t seed)
      : settings((check(s), s)),
        online_noise(seed, kOnlineNoiseStream),
        target_noise(seed, kTargetNoiseStream),
        init(seed, kInitStream),
        online(s.network, input, actions, online_store, online_noise, init),
        target(s.network, input, actions, target_store, target_noise, init),
        adam({s.learning_rate, s.adam_beta1, s.adam_beta2, s.adam_epsilon, s.clip_norm}, online_store.values().size()) {
    online_store.finish(true);
    target_store.finish(false);
    std::ranges::copy(online_store.values(), target_store.values().begin());
    online_noise.finish();
    target_noise.finish();
    record();
  }

  // One sample of noise serves the online network at s and at s'; the target network has its own.
  void record() {
    const std::int64_t rows = settings.batch;
    const auto count = static_cast<std::size_t>(rows);
    observation_tm1 = online.record_input(tape, rows);
    observation_t = online.record_input(tape, rows);
    action_tm1 = tape.indices(count);
    return_t = tape.floats(count);
    discount_t = tape.floats(count);
    weight = tape.floats(count);
    std::ranges::fill(weight, 1.0F);

    const QNetwork::Weights weights = online.record_weights(tape, online_store, false);
    const QNetwork::Weights target_weights = target.record_weights(tape, target_store, true);
    const Var q_t_value = target.record(tape, target_weights, observation_t);
    Var selector = q_t_value;
    if (settings.double_dqn) {
      selector = online.record(tape, QNetwork::constants(tape, tape, weights), observation_t);
    }
    const Var q_tm1 = online.record(tape, weights, observation_tm1);
    DqnLossInputs in;
    in.action_tm1 = action_tm1;
    in.return_t = return_t;
    in.discount_t = discount_t;
    in.weight = weight;
    in.huber_delta = settings.huber_delta;
    loss = dqn_loss(tape, q_tm1, selector, q_t_value, in);
    tape.finish(loss.loss);
  }
};

DqnLearner::DqnLearner(const DqnLearnerSettings& settings, const QInput& input, int actions, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(settings, input, actions, seed)) {}
DqnLearner::~DqnLearner() = default;
DqnLearner::DqnLearner(DqnLearner&&) noexcept = default;
DqnLearner& DqnLearner::operator=(DqnLearner&&) noexcept = default;

DqnBatch DqnLearner::batch() {
  Impl& i = *impl_;
  DqnBatch batch;
  batch.action_tm1 = i.action_tm1;
  batch.return_t = i.return_t;
  batch.discount_t = i.discount_t;
  batch.weight = i.weight;
  batch.frames_tm1 = i.observation_tm1.frames;
  batch.frames_t = i.observation_t.frames;
  if (i.online.input().sees_frames()) return batch;
  batch.observation_tm1 = i.tape.value(i.observation_tm1.features).flat();
  batch.observation_t = i.tape.value(i.observation_t.features).flat();
  return batch;
}

DqnUpdate DqnLearner::update(std::span<float> td_error_abs) {
  Impl& i = *impl_;
  SINV_CHECK(td_error_abs.size() == i.return_t.size(), "dqn learner: td_error_abs has ", td_error_abs.size(),
             " values, the batch is ", i.return_t.size());
  const Stream& stream = i.tape.stream();
  i.online_noise.resample(stream);
  i.target_noise.resample(stream);
  i.tape.forward();
  i.tape.backward();
  DqnUpdate update;
  update.gradient_norm = i.adam.step(stream, i.online_store.gradients(), i.online_store.values());
  update.loss = i.tape.value(i.loss.loss).data[0];
  update.mean_q = i.loss.mean_q.data[0];
  for (std::size_t row = 0; row < td_error_abs.size(); ++row) td_error_abs[row] = std::abs(i.loss.td_error[row]);
  ++i.updates;
  return update;
}

void DqnLearner::update_target() {
  Impl& i = *impl_;
  const float rate = i.settings.target_update == TargetUpdate::kCopy ? 1.0F : i.settings.target_rate;
  average_update(i.tape.stream(), rate, i.online_store.values(), i.target_store.values());
  i.tape.refresh_held();
}

void DqnLearner::set_learning_rate(float learning_rate) { impl_->adam.set_learning_rate(learning_rate); }
float DqnLearner::learning_rate() const { return impl_->adam.learning_rate(); }
std::uint64_t DqnLearner::updates() const { return impl_->updates; }
std::size_t DqnLearner::parameter_count() const { return impl_->online_store.values().size(); }
std::span<const float> DqnLearner::parameters() const { return impl_->online_store.values(); }
std::span<const float> DqnLearner::gradients() const { return impl_->online_store.gradients(); }
void DqnLearner::for_each_parameter(const ParameterVisitor& visit) const { impl_->online_store.for_each(visit); }

void DqnLearner::set_parameters(std::span<const float> values) {
  SINV_CHECK(values.size() == parameter_count(), "dqn learner: ", values.size(), " parameters, this network has ",
             parameter_count());
  std::ranges::copy(values, impl_->online_store.values().begin());
  std::ranges::copy(values, impl_->target_store.values().begin());
  impl_->tape.refresh_held();
  impl_->adam.reset();
}

void DqnLearner::save(ByteWriter& out) const {
  const Impl& i = *impl_;
  out.put(i.updates);
  i.online_noise.save(out);
  i.target_noise.save(out);
  out.put_all(std::span<const float>(i.online_store.values()));
  out.put_all(std::span<const float>(i.target_store.values()));
  i.adam.save(out);
}

void DqnLearner::load(ByteReader& in) {
  Impl& i = *impl_;
  in.get(i.updates);
  i.online_noise.load(in);
  i.target_noise.load(in);
  in.get_all(i.online_store.values());
  in.get_all(i.target_store.values());
  i.adam.load(in);
  i.tape.refresh_held();
}

}  // namespace sinv
