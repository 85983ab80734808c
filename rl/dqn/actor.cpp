#include <algorithm>
#include <cstring>
#include <map>
#include <type_traits>

#include "kernels/owned_stream.h"
#include "nn/graphed_step.h"
#include "rl/dqn/learner.h"

namespace sinv {

namespace {
constexpr std::uint64_t kActorNoiseStream = 3;
}

struct DqnActor::Impl {
  int max_batch;
  OwnedStream own_stream;
  Stream stream;
  ParameterStore store;
  NoiseSource noise;
  Random init;
  QNetwork network;
  Tape weight_tape;
  QNetwork::Weights weights;
  bool noise_on;
  bool stale = true;  // the packed weights are older than the parameters or the noise

  // One recorded pass per number of observations that was ever asked for; in practice one or two.
  struct Pass {
    Tape tape;
    QNetwork::Observations x;
    Var q;
    PinnedBuffer observations;  // what a device copies from and to
    PinnedBuffer answers;
    GraphedStep step;
    explicit Pass(const Stream& on) : tape(on) {}
  };
  std::map<int, Pass> passes;
  GraphedStep weight_step;

  Impl(const QNetworkSettings& s, const QInput& input, int actions, int most, std::uint64_t seed, Device device)
      : max_batch(most),
        own_stream(device),
        stream(own_stream.stream()),
        noise(seed, kActorNoiseStream),
        init(seed, 0),
        network(s, input, actions, store, noise, init),
        weight_tape(stream),
        noise_on(s.head.noisy) {
    SINV_CHECK(most >= 1, "dqn actor: max_batch is ", most, ", wanted at least 1");
    store.finish(false, stream);
    noise.finish(stream);
    weights = network.record_weights(weight_tape, store, true);
    weight_tape.finish();
    if (noise_on) noise.resample(stream);
  }

  ~Impl() { settle(stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  bool on_device() const { return stream.device == Device::kCuda; }

  Pass& pass(int n) {
    const auto found = passes.find(n);
    if (found != passes.end()) return found->second;
    Pass& made = passes.try_emplace(n, stream).first->second;
    made.x = network.record_input(made.tape, n);
    made.q = network.record(made.tape, QNetwork::constants(made.tape, weight_tape, weights), made.x);
    made.tape.finish();
    if (on_device()) {
      made.observations = PinnedBuffer(network.input_bytes(n));
      made.answers = PinnedBuffer(made.tape.value(made.q).size() * sizeof(float));
    }
    return made;
  }

  // Where the observations of a pass stand.
  static std::span<float> room(Pass& pass, float) { return pass.tape.value(pass.x.features).flat(); }
  static std::span<std::uint8_t> room(Pass& pass, std::uint8_t) { return pass.x.frames; }

  template <class Value>
  void answer(std::span<const Value> observations, int n, std::span<float> q) {
    const auto rows = static_cast<std::size_t>(std::max(n, 0));
    const QInput& input = network.input();
    SINV_CHECK(n >= 0 && n <= max_batch, "dqn actor: ", n, " observations, wanted 0 to ", max_batch);
    constexpr bool kFrames = std::is_same_v<Value, std::uint8_t>;
    SINV_CHECK(input.sees_frames() == kFrames, "dqn actor: the network sees ",
               input.sees_frames() ? "frames, not numbers" : "numbers, not frames");
    SINV_CHECK(observations.size() == rows * input.size(), "dqn actor: ", n, " observations hold ", observations.size(),
               " values, wanted ", input.size(), " each");
    SINV_CHECK(q.size() == rows * static_cast<std::size_t>(network.actions()), "dqn actor: room for ", q.size(),
               " q values, wanted ", n, " times ", network.actions());
    if (n == 0) return;
    if (stale) {
      weight_step.run(stream, weight_tape.held_is_stale() ? 1 : 0, [this] { weight_tape.forward(); });
      weight_tape.held_are_computed();
    }
    stale = false;
    Pass& with = pass(n);
    if (on_device()) {
      answer_on_device(with, observations.data(), observations.size_bytes(), q);
    } else {
      std::ranges::copy(observations, room(with, Value{}).begin());
      with.tape.forward();
      std::ranges::copy(with.tape.value(with.q).flat(), q.begin());
    }
  }

  void answer_on_device(Pass& with, const void* observations, std::size_t bytes, std::span<float> q) {
    const DeviceRange range(stream, "dqn act");
    std::memcpy(with.observations.data(), observations, bytes);
    with.step.run(stream, 0, [&] {
      void* to = network.input().sees_frames() ? static_cast<void*>(with.x.frames.data())
                                               : static_cast<void*>(with.tape.value(with.x.features).data);
      queue_copy(stream, to, with.observations.data(), bytes);
      with.tape.forward();
      queue_copy(stream, with.answers.data(), with.tape.value(with.q).data, q.size_bytes());
    });
    wait_for(stream);
    std::memcpy(q.data(), with.answers.data(), q.size_bytes());
  }
};

DqnActor::DqnActor(const QNetworkSettings& settings, const QInput& input, int actions, int max_batch,
                   std::uint64_t seed, Device device)
    : impl_(std::make_unique<Impl>(settings, input, actions, max_batch, seed, device)) {}
DqnActor::~DqnActor() = default;
DqnActor::DqnActor(DqnActor&&) noexcept = default;
DqnActor& DqnActor::operator=(DqnActor&&) noexcept = default;

void DqnActor::set_parameters(std::span<const float> values) {
  SINV_CHECK(values.size() == parameter_count(), "dqn actor: ", values.size(), " parameters, this network has ",
             parameter_count());
  std::ranges::copy(values, impl_->store.values().begin());
  impl_->store.upload();
  impl_->weight_tape.refresh_held();
  impl_->stale = true;
}

std::size_t DqnActor::parameter_count() const { return impl_->store.values().size(); }
void DqnActor::for_each_parameter(const ParameterVisitor& visit) const { impl_->store.for_each(visit); }

void DqnActor::set_noise(bool on) {
  Impl& i = *impl_;
  if (on == i.noise_on || i.noise.size() == 0) return;
  i.noise_on = on;
  if (on) {
    i.noise.resample(i.stream);
  } else {
    i.noise.clear();
  }
  i.stale = true;
}

void DqnActor::resample_noise() {
  Impl& i = *impl_;
  if (!i.noise_on) return;
  i.noise.resample(i.stream);
  i.stale = true;
}

void DqnActor::q_values(std::span<const float> observations, int n, std::span<float> q) {
  impl_->answer(observations, n, q);
}
void DqnActor::q_values(std::span<const std::uint8_t> stacks, int n, std::span<float> q) {
  impl_->answer(stacks, n, q);
}

void DqnActor::save(ByteWriter& out) const {
  const Impl& i = *impl_;
  i.noise.save(out);
  out.put(static_cast<std::uint8_t>(i.noise_on));
  i.noise.save_values(out);
}

void DqnActor::load(ByteReader& in) {
  Impl& i = *impl_;
  i.noise.load(in);
  i.noise_on = in.get<std::uint8_t>() != 0;
  i.noise.load_values(in);
  i.stale = true;
}

}  // namespace sinv
