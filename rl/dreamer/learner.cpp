#include "rl/dreamer/learner.h"

#include <algorithm>

#include "nn/adam.h"

namespace sinv {
namespace {

// Streams of the learner's seed.
constexpr std::uint64_t kInitStream = 0;
constexpr std::uint64_t kWorldNoiseStream = 1;
constexpr std::uint64_t kBehaviourNoiseStream = 2;

const DreamerLearnerSettings& checked(const DreamerLearnerSettings& s) {
  SINV_CHECK(s.loss.batch >= 1 && s.loss.steps >= 1, "dreamer learner: ", s.loss.batch, " sequences of ", s.loss.steps,
             " steps, wanted at least 1");
  SINV_CHECK(s.slow_copy_updates >= 1, "dreamer learner: slow_copy_updates is ", s.slow_copy_updates,
             ", wanted at least 1");
  SINV_CHECK(s.weight_decay >= 0 && s.weight_decay < 1, "dreamer learner: weight_decay is ", s.weight_decay,
             ", wanted 0 to below 1");
  SINV_CHECK(s.behaviour.reinforce_share >= 0 && s.behaviour.reinforce_share <= 1,
             "dreamer learner: reinforce_share is ", s.behaviour.reinforce_share, ", wanted 0 to 1");
  return s;
}

// One group of parameters with its optimiser.
struct Group {
  ParameterStore store;
  std::unique_ptr<Adam> adam;

  void finish(const DreamerLearnerSettings& s, float rate) {
    store.finish(true);
    adam = std::make_unique<Adam>(AdamSettings{rate, 0.9F, 0.999F, s.adam_epsilon, s.clip_norm}, store.values().size());
  }
  float step(const Stream& stream, float decay, std::span<const float> zeros) {
    if (decay > 0.0F) average_update(stream, decay, zeros.first(store.values().size()), store.values());
    return adam->step(stream, store.device_gradients(), store.device_values());
  }
  void save(ByteWriter& out) const {
    out.put_all(store.values());
    adam->save(out);
  }
  void load(ByteReader& in) {
    in.get_all(store.values());
    adam->load(in);
  }
};

}  // namespace

struct DreamerLearner::Impl {
  DreamerLearnerSettings settings;
  Random init;
  Group world;
  Group actor;
  Group critic;
  ParameterStore slow_critic;
  WorldModel model;
  DenseHead actor_head;
  DenseHead critic_head;
  DenseHead slow_head;
  LargeFloats zeros;  // what weight decay moves towards
  NoiseState world_noise;
  NoiseState behaviour_noise;
  std::uint64_t updates = 0;
  Tape world_tape;
  WorldLossVars loss;
  Tape behaviour_tape;
  BehaviourVars behaviour;

  Impl(const DreamerLearnerSettings& s, std::uint64_t seed)
      : settings(checked(s)),
        init(seed, kInitStream),
        model(s.world, world.store, init),
        actor_head("actor", s.world.feature(), s.world.units, s.world.head_layers, s.world.actions, actor.store, init),
        critic_head("critic", s.world.feature(), s.world.units, s.world.head_layers, 1, critic.store, init),
        slow_head("critic", s.world.feature(), s.world.units, s.world.head_layers, 1, slow_critic, init),
        zeros(std::max({world.store.values().size(), actor.store.values().size(), critic.store.values().size()}), 0.0F),
        world_noise{seed, kWorldNoiseStream, 0},
        behaviour_noise{seed, kBehaviourNoiseStream, 0} {
    world.finish(s, s.world_rate);
    actor.finish(s, s.actor_rate);
    critic.finish(s, s.critic_rate);
    slow_critic.finish(false);
    copy_critic();
    loss = record_world_loss(world_tape, model, world.store, settings.loss);
    world_tape.finish(loss.loss);
    behaviour =
        record_behaviour(behaviour_tape, model, world.store, actor_head, critic_head,
                         {actor.store, critic.store, slow_critic}, behaviour_tape.constant_of(world_tape, loss.stoch),
                         behaviour_tape.constant_of(world_tape, loss.deter), settings.behaviour);
    behaviour_tape.finish(behaviour.loss);
  }
  void copy_critic() { std::ranges::copy(critic.store.values(), slow_critic.values().begin()); }
  float number(const Tape& tape, Var x) const { return tape.value(x).data[0]; }
};

DreamerLearner::DreamerLearner(const DreamerLearnerSettings& settings, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(settings, seed)) {}
DreamerLearner::~DreamerLearner() = default;
DreamerLearner::DreamerLearner(DreamerLearner&&) noexcept = default;
DreamerLearner& DreamerLearner::operator=(DreamerLearner&&) noexcept = default;

SequenceBatch DreamerLearner::batch() { return impl_->loss.batch; }
std::uint64_t DreamerLearner::updates() const { return impl_->updates; }
const DreamerLearnerSettings& DreamerLearner::settings() const { return impl_->settings; }

DreamerUpdate DreamerLearner::update() {
  Impl& i = *impl_;
  const float decay = i.settings.weight_decay;
  const Stream& stream = i.world_tape.stream();
  DreamerUpdate out;
  uniform_fill_next(stream, &i.world_noise, i.loss.batch.noise);
  i.world_tape.forward();
  i.world_tape.backward();
  out.world_norm = i.world.step(stream, decay, i.zeros);

  uniform_fill_next(stream, &i.behaviour_noise, i.behaviour.action_noise);
  uniform_fill_next(stream, &i.behaviour_noise, i.behaviour.noise);
  std::ranges::copy(i.loss.batch.discount, i.behaviour.discount.begin());
  std::ranges::copy(i.loss.batch.weight, i.behaviour.weight.begin());
  i.behaviour_tape.forward();
  i.behaviour_tape.backward();
  out.actor_norm = i.actor.step(stream, decay, i.zeros);
  out.critic_norm = i.critic.step(stream, decay, i.zeros);
  ++i.updates;
  if (i.updates % static_cast<std::uint64_t>(i.settings.slow_copy_updates) == 0) i.copy_critic();

  out.image_loss = i.number(i.world_tape, i.loss.image_loss);
  out.reward_loss = i.number(i.world_tape, i.loss.reward_loss);
  out.discount_loss = i.number(i.world_tape, i.loss.discount_loss);
  out.kl = i.number(i.world_tape, i.loss.kl_loss);
  out.actor_loss = i.number(i.behaviour_tape, i.behaviour.actor_loss);
  out.critic_loss = i.number(i.behaviour_tape, i.behaviour.critic_loss);
  const View returns = i.behaviour_tape.value(i.behaviour.returns);
  sum_forward(stream, returns, 1.0F / static_cast<float>(returns.size()), {&out.mean_return, Shape{}});
  return out;
}

DreamerParameters DreamerLearner::parameters() const {
  const Impl& i = *impl_;
  return {i.world.store.values(), i.actor.store.values(), i.critic.store.values()};
}

void DreamerLearner::for_each_parameter(const ParameterVisitor& visit) const {
  for (const Group* group : {&impl_->world, &impl_->actor, &impl_->critic}) group->store.for_each(visit);
}

std::span<const float> DreamerLearner::reconstruction() const {
  return impl_->world_tape.value(impl_->loss.prediction).flat();
}

void DreamerLearner::save(ByteWriter& out) const {
  const Impl& i = *impl_;
  out.put(static_cast<std::uint64_t>(i.zeros.size()));
  out.put(i.updates);
  out.put(i.world_noise);
  out.put(i.behaviour_noise);
  for (const Group* group : {&i.world, &i.actor, &i.critic}) group->save(out);
  out.put_all(i.slow_critic.values());
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
  in.get(i.world_noise);
  in.get(i.behaviour_noise);
  for (Group* group : {&i.world, &i.actor, &i.critic}) group->load(in);
  in.get_all(i.slow_critic.values());
}

}  // namespace sinv
