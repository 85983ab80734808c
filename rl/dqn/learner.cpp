#include "rl/dqn/learner.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

#include "kernels/owned_stream.h"
#include "nn/adam.h"
#include "nn/graphed_step.h"

namespace sinv {

namespace {
// Streams of the learner's seed.
constexpr std::uint64_t kInitStream = 0;
constexpr std::uint64_t kOnlineNoiseStream = 1;
constexpr std::uint64_t kTargetNoiseStream = 2;

void check(const DqnLearnerSettings& s) {
  SINV_CHECK(s.batch >= 1, "dqn learner: batch is ", s.batch, ", wanted at least 1");
  SINV_CHECK(s.threads >= 1, "dqn learner: threads is ", s.threads, ", wanted at least 1");
  SINV_CHECK(s.huber_delta >= 0, "dqn learner: huber_delta is ", s.huber_delta, ", wanted 0 (squared) or above");
  SINV_CHECK(s.target_rate > 0 && s.target_rate <= 1, "dqn learner: target_rate is ", s.target_rate,
             ", wanted above 0 to 1");
}

// Where the parts of a batch lie in one piece of memory, so that a device gets it in one copy.
struct BatchLayout {
  std::size_t rows;
  std::size_t observation_bytes;
  std::size_t observation_t;
  std::size_t action_tm1;
  std::size_t return_t;
  std::size_t discount_t;
  std::size_t weight;
  std::size_t bytes;

  BatchLayout(std::size_t batch, std::size_t bytes_of_observations)
      : rows(batch), observation_bytes(bytes_of_observations) {
    constexpr std::size_t kBorder = 256;
    std::size_t end = 0;
    const auto take = [&end](std::size_t size) {
      const std::size_t at = end;
      end = (end + size + kBorder - 1) / kBorder * kBorder;
      return at;
    };
    take(observation_bytes);  // observation_tm1, at 0
    observation_t = take(observation_bytes);
    action_tm1 = take(rows * sizeof(std::int32_t));
    return_t = take(rows * sizeof(float));
    discount_t = take(rows * sizeof(float));
    weight = take(rows * sizeof(float));
    bytes = end;
  }
  DqnBatch at(std::byte* memory, bool frames) const {
    const auto values = [&](std::size_t at) { return std::span(reinterpret_cast<float*>(memory + at), rows); };
    DqnBatch batch;
    batch.action_tm1 = {reinterpret_cast<std::int32_t*>(memory + action_tm1), rows};
    batch.return_t = values(return_t);
    batch.discount_t = values(discount_t);
    batch.weight = values(weight);
    if (frames) {
      batch.frames_tm1 = {reinterpret_cast<std::uint8_t*>(memory), observation_bytes};
      batch.frames_t = {reinterpret_cast<std::uint8_t*>(memory + observation_t), observation_bytes};
    } else {
      const std::size_t floats = observation_bytes / sizeof(float);
      batch.observation_tm1 = {reinterpret_cast<float*>(memory), floats};
      batch.observation_t = {reinterpret_cast<float*>(memory + observation_t), floats};
    }
    return batch;
  }
};

// What one update in flight on a device leaves: two of them take turns.
struct Flight {
  PinnedBuffer results;  // errors, mean q, loss, norm
  DeviceEvent done;      // they are here

  explicit Flight(std::size_t results_bytes) : results(results_bytes) {}
};

// What the host fills for a device.
struct HandFilled {
  PinnedBuffer batch;
  DeviceEvent copied;
  bool is_new = true;

  explicit HandFilled(std::size_t bytes) : batch(bytes) {}
};

}  // namespace

struct DqnLearner::Impl {
  DqnLearnerSettings settings;
  DqnBatchSource* source;
  OwnedStream own_stream;
  Stream stream;
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

  BatchLayout layout;
  std::byte* input = nullptr;  // where the tape reads the batch
  DqnLossVars loss;
  GraphedStep step;
  std::deque<Flight> flights;  // empty on the CPU
  std::optional<HandFilled> by_hand;
  int next = 0;  // the flight of the next update
  int started = 0;
  std::vector<float> gradient_copy;

  Impl(const DqnLearnerSettings& s, const QInput& observation, int actions, std::uint64_t seed, DqnBatchSource* from)
      : settings((check(s), s)),
        source(from),
        own_stream(s.device, s.threads),
        stream(own_stream.stream()),
        online_noise(seed, kOnlineNoiseStream),
        target_noise(seed, kTargetNoiseStream),
        init(seed, kInitStream),
        online(s.network, observation, actions, online_store, online_noise, init),
        target(s.network, observation, actions, target_store, target_noise, init),
        adam({s.learning_rate, s.adam_beta1, s.adam_beta2, s.adam_epsilon, s.clip_norm}, online_store.values().size(),
             stream),
        tape(stream),
        layout(static_cast<std::size_t>(s.batch), online.input_bytes(s.batch)) {
    std::ranges::copy(online_store.values(), target_store.values().begin());
    online_store.finish(true, stream);
    target_store.finish(false, stream);
    online_noise.finish(stream);
    target_noise.finish(stream);
    record();
    if (stream.device == Device::kCpu) {
      std::ranges::fill(layout.at(input, false).weight, 1.0F);
      return;
    }
    for (int i = 0; i < 2; ++i) flights.emplace_back((loss.results.size() + 1) * sizeof(float));
    if (source != nullptr) return;
    by_hand.emplace(layout.bytes);
    std::ranges::fill(layout.at(static_cast<std::byte*>(by_hand->batch.data()), false).weight, 1.0F);
  }

  ~Impl() { settle(stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool sees_frames() const { return online.input().sees_frames(); }

  // One sample of noise serves the online network at s and at s'; the target network has its own.
  void record() {
    const std::int64_t rows = settings.batch;
    input = reinterpret_cast<std::byte*>(tape.frames(layout.bytes).data());
    const QNetwork::Observations tm1 = online.record_input(tape, rows, input);
    const QNetwork::Observations t = online.record_input(tape, rows, input + layout.observation_t);
    const QNetwork::Weights weights = online.record_weights(tape, online_store, false);
    const QNetwork::Weights target_weights = target.record_weights(tape, target_store, true);
    const Var q_t_value = target.record(tape, target_weights, t);
    Var selector = q_t_value;
    if (settings.double_dqn) selector = online.record(tape, QNetwork::constants(tape, tape, weights), t);
    const Var q_tm1 = online.record(tape, weights, tm1);
    const DqnBatch batch = layout.at(input, sees_frames());
    DqnLossInputs in;
    in.action_tm1 = batch.action_tm1;
    in.return_t = batch.return_t;
    in.discount_t = batch.discount_t;
    in.weight = batch.weight;
    in.huber_delta = settings.huber_delta;
    loss = dqn_loss(tape, q_tm1, selector, q_t_value, in);
    tape.finish(loss.loss);
  }

  void queue_update() {
    if (source != nullptr) source->queue_batch(stream, layout.at(input, sees_frames()));
    online_noise.resample(stream);
    target_noise.resample(stream);
    tape.forward();
    tape.backward();
    adam.queue_step(stream, online_store.device_gradients(), online_store.device_values());
    if (source != nullptr) source->queue_errors(stream, loss.results.first(layout.rows));
  }

  Flight& flight(int number) { return flights[static_cast<std::size_t>(number) % flights.size()]; }

  void upload_batch() {
    if (!by_hand->is_new) return;
    const auto* from = static_cast<std::byte*>(by_hand->batch.data());
    const auto* actions = reinterpret_cast<const std::int32_t*>(from + layout.action_tm1);
    for (std::size_t row = 0; row < layout.rows; ++row) {
      SINV_CHECK(actions[row] >= 0 && actions[row] < online.actions(), "dqn learner: action_tm1 of row ", row, " is ",
                 actions[row], ", wanted 0 to ", online.actions() - 1);
    }
    queue_copy(stream, input, from, layout.bytes);
    by_hand->copied.record(stream);
    by_hand->is_new = false;
  }

  void start_on_device() {
    const DeviceRange range(stream, "dqn update");
    Flight& now = flight(next);
    if (by_hand) upload_batch();
    step.run(stream, tape.held_is_stale() ? 1 : 0, [this] { queue_update(); });
    tape.held_are_computed();
    auto* results = static_cast<float*>(now.results.data());
    queue_copy(stream, results, loss.results.data(), loss.results.size_bytes());
    queue_copy(stream, results + loss.results.size(), adam.device_norm(), sizeof(float));
    now.done.record(stream);
    next = (next + 1) % 2;
  }
};

DqnLearner::DqnLearner(const DqnLearnerSettings& settings, const QInput& input, int actions, std::uint64_t seed,
                       DqnBatchSource* source)
    : impl_(std::make_unique<Impl>(settings, input, actions, seed, source)) {}
DqnLearner::~DqnLearner() = default;
DqnLearner::DqnLearner(DqnLearner&&) noexcept = default;
DqnLearner& DqnLearner::operator=(DqnLearner&&) noexcept = default;

DqnBatch DqnLearner::batch() {
  Impl& i = *impl_;
  SINV_CHECK(i.source == nullptr, "dqn learner: its batches come from a source");
  if (!i.by_hand) return i.layout.at(i.input, i.sees_frames());
  i.by_hand->copied.wait();
  i.by_hand->is_new = true;
  return i.layout.at(static_cast<std::byte*>(i.by_hand->batch.data()), i.sees_frames());
}

void DqnLearner::start() {
  Impl& i = *impl_;
  SINV_CHECK(i.started < most_started(), "dqn learner: ", i.started, " updates are started and not finished");
  if (i.source != nullptr) i.source->ready(i.stream);
  if (i.flights.empty()) {
    i.queue_update();
  } else {
    i.start_on_device();
  }
  ++i.started;
  ++i.updates;
}

DqnUpdate DqnLearner::finish(std::span<float> td_error_abs) {
  Impl& i = *impl_;
  const std::size_t rows = i.layout.rows;
  SINV_CHECK(i.started > 0, "dqn learner: no update was started");
  SINV_CHECK(td_error_abs.size() == rows, "dqn learner: td_error_abs has ", td_error_abs.size(),
             " values, the batch is ", rows);
  const float* results = i.loss.results.data();
  DqnUpdate update;
  if (i.flights.empty()) {
    update.gradient_norm = *i.adam.device_norm();
  } else {
    Flight& oldest = i.flight(i.next + 2 - i.started);
    oldest.done.wait();
    results = static_cast<const float*>(oldest.results.data());
    update.gradient_norm = results[rows + 2];
  }
  --i.started;
  update.mean_q = results[rows];
  update.loss = results[rows + 1];
  for (std::size_t row = 0; row < rows; ++row) td_error_abs[row] = std::abs(results[row]);
  return update;
}

DqnUpdate DqnLearner::update(std::span<float> td_error_abs) {
  SINV_CHECK(td_error_abs.size() == impl_->layout.rows, "dqn learner: td_error_abs has ", td_error_abs.size(),
             " values, the batch is ", impl_->layout.rows);
  start();
  return finish(td_error_abs);
}

int DqnLearner::started() const { return impl_->started; }
int DqnLearner::most_started() const { return impl_->flights.empty() ? 1 : static_cast<int>(impl_->flights.size()); }

void DqnLearner::update_target() {
  Impl& i = *impl_;
  const float rate = i.settings.target_update == TargetUpdate::kCopy ? 1.0F : i.settings.target_rate;
  average_update(i.stream, rate, i.online_store.device_values(), i.target_store.device_values());
  i.tape.refresh_held();
}

void DqnLearner::set_learning_rate(float learning_rate) { impl_->adam.set_learning_rate(learning_rate); }
float DqnLearner::learning_rate() const { return impl_->adam.learning_rate(); }
std::uint64_t DqnLearner::updates() const { return impl_->updates; }
std::size_t DqnLearner::parameter_count() const { return impl_->online_store.values().size(); }
std::span<const float> DqnLearner::parameters() const {
  impl_->online_store.download();
  return impl_->online_store.values();
}
std::span<const float> DqnLearner::gradients() const {
  Impl& i = *impl_;
  if (i.flights.empty()) return i.online_store.device_gradients();
  i.gradient_copy.resize(parameter_count());
  copy_and_wait(i.stream, i.gradient_copy.data(), i.online_store.device_gradients().data(),
                i.gradient_copy.size() * sizeof(float));
  return i.gradient_copy;
}
void DqnLearner::for_each_parameter(const ParameterVisitor& visit) const {
  impl_->online_store.download();
  impl_->online_store.for_each(visit);
}

void DqnLearner::set_parameters(std::span<const float> values) {
  SINV_CHECK(values.size() == parameter_count(), "dqn learner: ", values.size(), " parameters, this network has ",
             parameter_count());
  std::ranges::copy(values, impl_->online_store.values().begin());
  std::ranges::copy(values, impl_->target_store.values().begin());
  impl_->online_store.upload();
  impl_->target_store.upload();
  impl_->tape.refresh_held();
  impl_->adam.reset();
}

void DqnLearner::reset_noise() {
  Impl& i = *impl_;
  i.online_store.download();
  const std::span<float> all = i.online_store.values();
  float size = 0;
  i.online_store.for_each(
      [&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
        if (name.ends_with(".weight_sigma")) {
          size = i.settings.network.head.sigma0 / std::sqrt(static_cast<float>(shape.front()));
        }
        // A bias stands behind its weight and has the same inputs.
        if (!name.ends_with("_sigma")) return;
        std::ranges::fill(all.subspan(static_cast<std::size_t>(values.data() - all.data()), values.size()), size);
      });
  i.online_store.upload();
  i.tape.refresh_held();
}

void DqnLearner::save(ByteWriter& out) const {
  Impl& i = *impl_;
  SINV_CHECK(i.started == 0, "dqn learner: ", i.started, " updates are started and not finished");
  i.online_store.download();
  i.target_store.download();
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
  i.online_store.upload();
  i.target_store.upload();
  i.adam.load(in);
  i.tape.refresh_held();
}

}  // namespace sinv
