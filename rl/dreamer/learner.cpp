#include "rl/dreamer/learner.h"

#include <algorithm>
#include <array>
#include <bit>

#include "kernels/owned_stream.h"
#include "nn/adam.h"
#include "nn/graphed_step.h"

namespace sinv {
namespace {

// Streams of the learner's seed.
constexpr std::uint64_t kInitStream = 0;
constexpr std::uint64_t kWorldNoiseStream = 1;
constexpr std::uint64_t kBehaviourNoiseStream = 2;

DreamerLearnerSettings checked(DreamerLearnerSettings s) {
  SINV_CHECK(s.loss.batch >= 1 && s.loss.steps >= 1, "dreamer learner: ", s.loss.batch, " sequences of ", s.loss.steps,
             " steps, wanted at least 1");
  SINV_CHECK(s.threads >= 1, "dreamer learner: threads is ", s.threads, ", wanted at least 1");
  SINV_CHECK(s.rewards_first_updates >= 0, "dreamer learner: rewards_first_updates is ", s.rewards_first_updates,
             ", wanted 0 or above");
  SINV_CHECK(s.model_first_updates >= 0, "dreamer learner: model_first_updates is ", s.model_first_updates,
             ", wanted 0 or above");
  SINV_CHECK(s.slow_copy_updates >= 1, "dreamer learner: slow_copy_updates is ", s.slow_copy_updates,
             ", wanted at least 1");
  SINV_CHECK(s.behaviour_period >= 1, "dreamer learner: behaviour_period is ", s.behaviour_period,
             ", wanted at least 1");
  SINV_CHECK(s.weight_decay >= 0 && s.weight_decay < 1, "dreamer learner: weight_decay is ", s.weight_decay,
             ", wanted 0 to below 1");
  SINV_CHECK(s.behaviour.reinforce_share >= 0 && s.behaviour.reinforce_share <= 1,
             "dreamer learner: reinforce_share is ", s.behaviour.reinforce_share, ", wanted 0 to 1");
  s.loss.pictures_wait = s.rewards_first_updates > 0;
  return s;
}

// One group of parameters with its optimiser.
struct Group {
  ParameterStore store;
  std::unique_ptr<Adam> adam;

  void finish(const DreamerLearnerSettings& s, float rate, const Stream& stream) {
    store.finish(true, stream);
    adam = std::make_unique<Adam>(AdamSettings{rate, 0.9F, 0.999F, s.adam_epsilon, s.clip_norm}, store.values().size(),
                                  stream);
  }
  void queue_step(const Stream& stream, float decay, std::span<const float> zeros) {
    if (decay > 0.0F) average_update(stream, decay, zeros.first(store.values().size()), store.device_values());
    adam->queue_step(stream, store.device_gradients(), store.device_values());
  }
  void save(ByteWriter& out) {
    store.download();
    out.put_all(std::span<const float>(store.values()));
    adam->save(out);
  }
  void load(ByteReader& in) {
    in.get_all(store.values());
    store.upload();
    adam->load(in);
  }
};

// The same spans in one piece of memory that a device copies from.
SequenceBatch pinned_batch(const SequenceBatch& there, PinnedBuffer& memory) {
  const auto for_each = [&](SequenceBatch& batch, auto&& place) {
    place(batch.frames);
    place(batch.seen);
    place(batch.before);
    place(batch.picture_scale);
    for (std::span<float>* part : {&batch.action, &batch.keep, &batch.reward, &batch.discount, &batch.weight}) {
      place(*part);
    }
  };
  constexpr std::size_t kBorder = 256;
  std::size_t bytes = 0;
  SequenceBatch here = there;
  for_each(here, [&](auto& part) { bytes += (part.size_bytes() + kBorder - 1) / kBorder * kBorder; });
  memory = PinnedBuffer(bytes);
  std::byte* at = static_cast<std::byte*>(memory.data());
  for_each(here, [&](auto& part) {
    const std::size_t size = part.size_bytes();
    part = {reinterpret_cast<decltype(part.data())>(at), part.size()};
    at += (size + kBorder - 1) / kBorder * kBorder;
  });
  here.noise = {};
  return here;
}

void queue_values(const Stream& stream, std::span<float> to, std::span<const float> from) {
  queue_copy(stream, to.data(), from.data(), from.size_bytes());
}

constexpr std::size_t kFigures = sizeof(DreamerUpdate) / sizeof(float);

}  // namespace

struct DreamerLearner::Impl {
  DreamerLearnerSettings settings;
  OwnedStream own_stream;
  Stream stream;
  Random init;
  Group world;
  Group actor;
  Group critic;
  ParameterStore slow_critic;
  WorldModel model;
  DenseHead actor_head;
  DenseHead critic_head;
  DenseHead slow_head;
  DeviceFloats zeros;  // what weight decay moves towards
  DeviceValue<NoiseState> world_noise;
  DeviceValue<NoiseState> behaviour_noise;
  DeviceFloats mean_return;  // one number
  std::uint64_t updates = 0;
  Tape world_tape;
  WorldLossVars loss;
  Tape behaviour_tape;
  BehaviourVars behaviour;
  std::array<const float*, kFigures> figures{};  // where an update leaves the members of DreamerUpdate
  GraphedStep step;
  GraphedStep model_step;  // while the model learns alone: a graph of its own
  PinnedBuffer pinned;
  SequenceBatch batch;  // what the caller fills
  PinnedBuffer pinned_results;
  std::array<float, kFigures> plain_results{};
  std::vector<float> fetched;  // for reconstruction()

  Impl(const DreamerLearnerSettings& s, std::uint64_t seed)
      : settings(checked(s)),
        own_stream(s.device, s.threads),
        stream(own_stream.stream()),
        init(seed, kInitStream),
        model(s.world, world.store, init),
        actor_head("actor", s.world.feature(), s.world.latent(), s.world.units, s.world.head_layers, s.world.actions,
                   actor.store, init),
        critic_head("critic", s.world.feature(), s.world.latent(), s.world.units, s.world.head_layers, 1, critic.store,
                    init),
        slow_head("critic", s.world.feature(), s.world.latent(), s.world.units, s.world.head_layers, 1, slow_critic,
                  init),
        zeros(stream,
              std::max({world.store.values().size(), actor.store.values().size(), critic.store.values().size()})),
        world_noise(stream, {seed, kWorldNoiseStream, 0}),
        behaviour_noise(stream, {seed, kBehaviourNoiseStream, 0}),
        mean_return(stream, 1),
        world_tape(stream),
        behaviour_tape(stream) {
    std::ranges::copy(critic.store.values(), slow_critic.values().begin());
    world.finish(s, s.world_rate, stream);
    actor.finish(s, s.actor_rate, stream);
    critic.finish(s, s.critic_rate, stream);
    slow_critic.finish(false, stream);
    loss = record_world_loss(world_tape, model, world.store, settings.loss);
    world_tape.finish(loss.loss);
    behaviour =
        record_behaviour(behaviour_tape, model, world.store, actor_head, critic_head,
                         {actor.store, critic.store, slow_critic}, behaviour_tape.constant_of(world_tape, loss.stoch),
                         behaviour_tape.constant_of(world_tape, loss.deter), settings.behaviour);
    behaviour_tape.finish(behaviour.loss);
    const auto world_number = [&](Var x) { return world_tape.value(x).data; };
    figures = {world_number(loss.image_loss),
               world_number(loss.reward_loss),
               world_number(loss.discount_loss),
               world_number(loss.kl_loss),
               world_number(loss.foretold_reward_loss),
               world_number(loss.foretold_discount_loss),
               behaviour_tape.value(behaviour.actor_loss).data,
               behaviour_tape.value(behaviour.critic_loss).data,
               mean_return.span().data(),
               world.adam->device_norm(),
               actor.adam->device_norm(),
               critic.adam->device_norm()};
    batch = loss.batch;
    if (stream.device == Device::kCpu) return;
    batch = pinned_batch(loss.batch, pinned);
    pinned_results = PinnedBuffer(sizeof(DreamerUpdate));
  }
  ~Impl() { settle(stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  float* results() {
    return stream.device == Device::kCpu ? plain_results.data() : static_cast<float*>(pinned_results.data());
  }

  void queue_batch() {
    if (stream.device == Device::kCpu) return;
    queue_copy(stream, loss.batch.frames.data(), batch.frames.data(), batch.frames.size());
    if (!batch.seen.empty()) queue_copy(stream, loss.batch.seen.data(), batch.seen.data(), batch.seen.size());
    if (!batch.before.empty()) queue_copy(stream, loss.batch.before.data(), batch.before.data(), batch.before.size());
    if (!batch.picture_scale.empty()) queue_values(stream, loss.batch.picture_scale, batch.picture_scale);
    queue_values(stream, loss.batch.action, batch.action);
    queue_values(stream, loss.batch.keep, batch.keep);
    queue_values(stream, loss.batch.reward, batch.reward);
    queue_values(stream, loss.batch.discount, batch.discount);
    queue_values(stream, loss.batch.weight, batch.weight);
  }

  bool pictures_learn() const { return updates >= static_cast<std::uint64_t>(settings.rewards_first_updates); }
  bool behaviour_learns() const {
    return updates >= static_cast<std::uint64_t>(settings.model_first_updates) &&
           updates % static_cast<std::uint64_t>(settings.behaviour_period) == 0;
  }

  void queue_update(bool with_behaviour) {
    const float decay = settings.weight_decay;
    queue_batch();
    uniform_fill_next(stream, world_noise.data(), loss.batch.noise);
    world_tape.forward();
    world_tape.backward();
    world.queue_step(stream, decay, zeros.span());
    if (with_behaviour) queue_behaviour(decay);
    float* to = results();
    for (const float* from : figures) queue_copy(stream, to++, from, sizeof(float));
  }

  void queue_behaviour(float decay) {
    uniform_fill_next(stream, behaviour_noise.data(), behaviour.action_noise);
    uniform_fill_next(stream, behaviour_noise.data(), behaviour.noise);
    queue_values(stream, behaviour.discount, loss.batch.discount);
    queue_values(stream, behaviour.weight, loss.batch.weight);
    behaviour_tape.forward();
    behaviour_tape.backward();
    actor.queue_step(stream, decay, zeros.span());
    critic.queue_step(stream, decay, zeros.span());

    const View returns = behaviour_tape.value(behaviour.returns);
    sum_forward(stream, returns, 1.0F / static_cast<float>(returns.size()), {mean_return.span().data(), Shape{}});
  }

  void download() {
    for (ParameterStore* store : {&world.store, &actor.store, &critic.store}) store->download();
  }
};

DreamerLearner::DreamerLearner(const DreamerLearnerSettings& settings, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(settings, seed)) {}
DreamerLearner::~DreamerLearner() = default;
DreamerLearner::DreamerLearner(DreamerLearner&&) noexcept = default;
DreamerLearner& DreamerLearner::operator=(DreamerLearner&&) noexcept = default;

SequenceBatch DreamerLearner::batch() { return impl_->batch; }
std::uint64_t DreamerLearner::updates() const { return impl_->updates; }
const DreamerLearnerSettings& DreamerLearner::settings() const { return impl_->settings; }

DreamerUpdate DreamerLearner::update() {
  Impl& i = *impl_;
  const DeviceRange range(i.stream, "dreamer update");
  const bool with_behaviour = i.behaviour_learns();
  if (!i.batch.picture_scale.empty()) i.batch.picture_scale[0] = i.pictures_learn() ? 1.0F : 0.0F;
  GraphedStep& step = with_behaviour ? i.step : i.model_step;
  step.run(i.stream, 0, [&i, with_behaviour] { i.queue_update(with_behaviour); });
  ++i.updates;
  if (i.updates % static_cast<std::uint64_t>(i.settings.slow_copy_updates) == 0) {
    queue_values(i.stream, i.slow_critic.device_values(), i.critic.store.device_values());
  }
  wait_for(i.stream);
  std::array<float, kFigures> found{};
  std::copy_n(i.results(), kFigures, found.begin());
  return std::bit_cast<DreamerUpdate>(found);
}

DreamerParameters DreamerLearner::parameters() const {
  Impl& i = *impl_;
  i.download();
  return {i.world.store.values(), i.actor.store.values(), i.critic.store.values()};
}

void DreamerLearner::for_each_parameter(const ParameterVisitor& visit) const {
  impl_->download();
  for (const Group* group : {&impl_->world, &impl_->actor, &impl_->critic}) group->store.for_each(visit);
}

std::span<const float> DreamerLearner::reconstruction() const {
  Impl& i = *impl_;
  const View prediction = i.world_tape.value(i.loss.prediction);
  if (i.stream.device == Device::kCpu) return prediction.flat();
  i.fetched = i.world_tape.get(prediction);
  return i.fetched;
}

void DreamerLearner::save(ByteWriter& out) const {
  Impl& i = *impl_;
  out.put(static_cast<std::uint64_t>(i.zeros.size()));
  out.put(i.updates);
  out.put(i.world_noise.get());
  out.put(i.behaviour_noise.get());
  for (Group* group : {&i.world, &i.actor, &i.critic}) group->save(out);
  i.slow_critic.download();
  out.put_all(std::span<const float>(i.slow_critic.values()));
}

void DreamerLearner::load(ByteReader& in) {
  Impl& i = *impl_;
  std::uint64_t size = 0;
  in.get(size);
  if (size != i.zeros.size()) {
    throw UserError(text("dreamer learner: the saved state is of a world model of ", size, " parameters, this one has ",
                         i.zeros.size(), "; resume with the settings that it was saved with"));
  }
  in.get(i.updates);
  i.world_noise.put(in.get<NoiseState>());
  i.behaviour_noise.put(in.get<NoiseState>());
  for (Group* group : {&i.world, &i.actor, &i.critic}) group->load(in);
  in.get_all(i.slow_critic.values());
  i.slow_critic.upload();
}

}  // namespace sinv
