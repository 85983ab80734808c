#include <algorithm>

#include "rl/dreamer/learner.h"

namespace sinv {
namespace {
constexpr std::uint64_t kActingNoiseStream = 3;  // beside the learner's streams of the seed
constexpr std::uint64_t kGreedyNoiseSeed = 0x677265656479;
}  // namespace

struct DreamerActor::Impl {
  DreamerLearnerSettings settings;
  std::int64_t most;
  Random init;  // draws parameters that set_parameters() replaces
  ParameterStore world;
  ParameterStore actor;
  WorldModel model;
  DenseHead head;
  NoiseState noise;
  Tape tape;
  std::span<std::uint8_t> frames;
  std::vector<std::uint8_t> first;
  std::vector<std::uint32_t> steps;  // of the episode
  Var stoch;                         // before the step
  Var deter;
  Var action;
  Var latent_noise;
  Var action_noise;
  Var next_stoch;
  Var next_deter;
  Var logits;
  Var sample;

  Impl(const DreamerLearnerSettings& s, int count, std::uint64_t seed)
      : settings(s),
        most(count),
        init(seed, 0),
        model(s.world, world, init),
        head("actor", s.world.feature(), s.world.units, s.world.head_layers, s.world.actions, actor, init),
        noise{seed, kActingNoiseStream, 0},
        first(static_cast<std::size_t>(count), 1),
        steps(static_cast<std::size_t>(count), 0) {
    world.finish(false);
    actor.finish(false);
    const WorldModelSettings& sizes = settings.world;
    const Shape images{most, sizes.height, sizes.width, sizes.channels};
    frames = tape.frames(images.size());
    stoch = tape.input(Shape{most, sizes.latent()});
    deter = tape.input(Shape{most, sizes.deter});
    action = tape.input(Shape{most, sizes.actions});
    latent_noise = tape.input(Shape{most, sizes.variables});
    action_noise = tape.input(Shape{most, 1});
    const LayerUse use{.input_gradient = false, .frozen = true, .held = true};
    const WorldModelVars vars = model.record(tape, world, use);
    const std::vector<LinearVars> actor_vars = head.record(tape, actor, use);
    const Var embedded = vars.embedding_part(vars.embed(sinv::frames(tape, frames, -0.5F, images)));
    next_deter = vars.next_deter(stoch, action, deter);
    next_stoch = categorical(tape, vars.posterior(next_deter, embedded), sizes.classes, latent_noise);
    logits = apply_head(tape, actor_vars, vars.feature(next_stoch, next_deter));
    sample = categorical(tape, logits, sizes.actions, action_noise);
    tape.finish();
  }
  void fill_greedy_noise() {
    for (std::size_t env = 0; env < steps.size(); ++env) {
      Random random(kGreedyNoiseSeed, steps[env]);
      for (float& u : row(latent_noise, env)) u = random.uniform();
    }
  }
  std::span<float> row(Var x, std::size_t env) const {
    const std::span<float> all = tape.value(x).flat();
    const std::size_t size = all.size() / static_cast<std::size_t>(most);
    return all.subspan(env * size, size);
  }
};

DreamerActor::DreamerActor(const DreamerLearnerSettings& settings, int most, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(settings, most, seed)) {}
DreamerActor::~DreamerActor() = default;
DreamerActor::DreamerActor(DreamerActor&&) noexcept = default;
DreamerActor& DreamerActor::operator=(DreamerActor&&) noexcept = default;

void DreamerActor::set_parameters(const DreamerParameters& parameters) {
  Impl& i = *impl_;
  SINV_CHECK(parameters.world.size() == i.world.values().size() && parameters.actor.size() == i.actor.values().size(),
             "dreamer actor: ", parameters.world.size(), " and ", parameters.actor.size(), " parameters, wanted ",
             i.world.values().size(), " and ", i.actor.values().size());
  std::ranges::copy(parameters.world, i.world.values().begin());
  std::ranges::copy(parameters.actor, i.actor.values().begin());
  i.tape.refresh_held();
}

void DreamerActor::for_each_parameter(const ParameterVisitor& visit) const {
  impl_->world.for_each(visit);
  impl_->actor.for_each(visit);
}

std::span<std::uint8_t> DreamerActor::frames() { return impl_->frames; }
std::span<std::uint8_t> DreamerActor::first() { return impl_->first; }

void DreamerActor::act(bool greedy, std::span<std::uint8_t> actions) {
  Impl& i = *impl_;
  SINV_CHECK(actions.size() == i.first.size(), "dreamer actor: room for ", actions.size(), " actions, wanted ",
             i.first.size());
  for (std::size_t env = 0; env < i.first.size(); ++env) {
    if (i.first[env] == 0) continue;
    for (const Var x : {i.stoch, i.deter, i.action}) std::ranges::fill(i.row(x, env), 0.0F);
    i.first[env] = 0;
    i.steps[env] = 0;
  }
  if (greedy) {
    i.fill_greedy_noise();
  } else {
    uniform_fill_next(i.tape.stream(), &i.noise, i.tape.value(i.latent_noise).flat());
    uniform_fill_next(i.tape.stream(), &i.noise, i.tape.value(i.action_noise).flat());
  }
  for (std::uint32_t& step : i.steps) ++step;
  i.tape.forward();
  std::ranges::copy(i.tape.value(i.next_stoch).flat(), i.tape.value(i.stoch).data);
  std::ranges::copy(i.tape.value(i.next_deter).flat(), i.tape.value(i.deter).data);
  for (std::size_t env = 0; env < actions.size(); ++env) {
    const std::span<float> choice = i.row(greedy ? i.logits : i.sample, env);
    const auto best = std::ranges::max_element(choice) - choice.begin();
    actions[env] = static_cast<std::uint8_t>(best);
    set_action(static_cast<int>(env), static_cast<int>(best));
  }
}

void DreamerActor::set_action(int env, int action) {
  const std::span<float> row = impl_->row(impl_->action, static_cast<std::size_t>(env));
  SINV_CHECK(action >= 0 && static_cast<std::size_t>(action) < row.size(), "dreamer actor: action ", action,
             ", wanted 0 to ", row.size() - 1);
  std::ranges::fill(row, 0.0F);
  row[static_cast<std::size_t>(action)] = 1.0F;
}

void DreamerActor::save(ByteWriter& out) const {
  const Impl& i = *impl_;
  out.put(i.noise);
  out.put_all(std::span<const std::uint8_t>(i.first));
  out.put_all(std::span<const std::uint32_t>(i.steps));
  for (const Var x : {i.stoch, i.deter, i.action}) out.put_all(std::span<const float>(i.tape.value(x).flat()));
}

void DreamerActor::load(ByteReader& in) {
  Impl& i = *impl_;
  in.get(i.noise);
  in.get_all(std::span<std::uint8_t>(i.first));
  in.get_all(std::span<std::uint32_t>(i.steps));
  for (const Var x : {i.stoch, i.deter, i.action}) in.get_all(i.tape.value(x).flat());
}

}  // namespace sinv
