#include <algorithm>

#include "kernels/owned_stream.h"
#include "nn/graphed_step.h"
#include "rl/dreamer/learner.h"

namespace sinv {
namespace {
constexpr std::uint64_t kActingNoiseStream = 3;  // beside the learner's streams of the seed
constexpr std::uint64_t kGreedyNoiseSeed = 0x677265656479;
}  // namespace

struct DreamerActor::Impl {
  DreamerLearnerSettings settings;
  OwnedStream own_stream;
  Stream stream;
  std::int64_t most;
  Random init;  // draws parameters that set_parameters() replaces
  ParameterStore world;
  ParameterStore actor;
  WorldModel model;
  DenseHead head;
  DeviceValue<NoiseState> noise;
  Tape tape;
  std::span<std::uint8_t> seen;  // the pictures, where the tape reads them
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
  GraphedStep step;
  // What the host fills and reads: on the CPU the tape's own memory.
  PinnedBuffer pinned;
  std::span<std::uint8_t> frames;
  std::span<float> last_action;
  std::span<float> greedy_noise;
  std::span<float> scores;
  std::span<float> drawn;

  Impl(const DreamerLearnerSettings& s, int count, std::uint64_t seed)
      : settings(s),
        own_stream(s.device),
        stream(own_stream.stream()),
        most(count),
        init(seed, 0),
        model(s.world, world, init),
        head("actor", s.world.feature(), s.world.latent(), s.world.units, s.world.head_layers, s.world.actions, actor,
             init),
        noise(stream, {seed, kActingNoiseStream, 0}),
        tape(stream),
        first(static_cast<std::size_t>(count), 1),
        steps(static_cast<std::size_t>(count), 0) {
    world.finish(false, stream);
    actor.finish(false, stream);
    const WorldModelSettings& sizes = settings.world;
    seen = tape.frames(Shape{most, sizes.height, sizes.width, sizes.history * sizes.channels}.size());
    stoch = tape.input(Shape{most, sizes.latent()});
    deter = tape.input(Shape{most, sizes.deter});
    action = tape.input(Shape{most, sizes.actions});
    latent_noise = tape.input(Shape{most, sizes.variables});
    action_noise = tape.input(Shape{most, 1});
    const LayerUse use{.input_gradient = false, .frozen = true, .held = true};
    const WorldModelVars vars = model.record(tape, world, use);
    const std::vector<LinearVars> actor_vars = head.record(tape, actor, use);
    const Var embedded = vars.embedding_part(vars.embed(vars.look(seen, most)));
    next_deter = vars.next_deter(stoch, action, deter);
    next_stoch = categorical(tape, vars.posterior(next_deter, embedded), sizes.classes, latent_noise);
    logits = apply_head(tape, actor_vars, vars.feature(next_stoch, next_deter));
    sample = categorical(tape, logits, sizes.actions, action_noise);
    tape.finish();
    place();
  }
  ~Impl() { settle(stream); }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  void place() {
    frames = seen;
    std::span<float>* parts[] = {&last_action, &greedy_noise, &scores, &drawn};
    const Var values[] = {action, latent_noise, logits, sample};
    std::size_t floats = 0;
    for (std::size_t i = 0; i < std::size(parts); ++i) {
      *parts[i] = tape.value(values[i]).flat();
      floats += parts[i]->size();
    }
    if (stream.device == Device::kCpu) return;
    pinned = PinnedBuffer(floats * sizeof(float) + frames.size());
    auto* at = static_cast<float*>(pinned.data());
    for (std::span<float>* part : parts) {
      *part = {at, part->size()};
      at += part->size();
    }
    frames = {reinterpret_cast<std::uint8_t*>(at), frames.size()};
  }
  void fill_greedy_noise() {
    for (std::size_t env = 0; env < steps.size(); ++env) {
      Random random(kGreedyNoiseSeed, steps[env]);
      for (float& u : row(greedy_noise, env)) u = random.uniform();
    }
  }
  std::span<float> row(std::span<float> all, std::size_t env) const {
    const std::size_t size = all.size() / static_cast<std::size_t>(most);
    return all.subspan(env * size, size);
  }
  std::span<float> values(Var x) const { return tape.value(x).flat(); }
  // Between the host's memory and the tape's, which are one on the CPU.
  template <class Value>
  void carry(std::span<Value> to, std::span<Value> from) {
    if (to.data() != from.data()) queue_copy(stream, to.data(), from.data(), from.size_bytes());
  }
  void queue_step() {
    carry(seen, frames);
    carry(values(action), last_action);
    tape.forward();
    carry(values(stoch), values(next_stoch));
    carry(values(deter), values(next_deter));
    carry(scores, values(logits));
    carry(drawn, values(sample));
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
  i.world.upload();
  i.actor.upload();
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
  const DeviceRange range(i.stream, "dreamer act");
  SINV_CHECK(actions.size() == i.first.size(), "dreamer actor: room for ", actions.size(), " actions, wanted ",
             i.first.size());
  for (std::size_t env = 0; env < i.first.size(); ++env) {
    if (i.first[env] == 0) continue;
    std::ranges::fill(i.row(i.last_action, env), 0.0F);
    for (const Var x : {i.stoch, i.deter}) {
      const std::span<float> state = i.row(i.values(x), env);
      queue_clear(i.stream, state.data(), state.size_bytes());
    }
    i.first[env] = 0;
    i.steps[env] = 0;
  }
  if (greedy) {
    i.fill_greedy_noise();
    i.carry(i.values(i.latent_noise), i.greedy_noise);
  } else {
    uniform_fill_next(i.stream, i.noise.data(), i.values(i.latent_noise));
    uniform_fill_next(i.stream, i.noise.data(), i.values(i.action_noise));
  }
  for (std::uint32_t& step : i.steps) ++step;
  i.step.run(i.stream, i.tape.held_is_stale() ? 1 : 0, [&i] { i.queue_step(); });
  i.tape.held_are_computed();
  wait_for(i.stream);
  for (std::size_t env = 0; env < actions.size(); ++env) {
    const std::span<float> choice = i.row(greedy ? i.scores : i.drawn, env);
    const auto best = std::ranges::max_element(choice) - choice.begin();
    actions[env] = static_cast<std::uint8_t>(best);
    set_action(static_cast<int>(env), static_cast<int>(best));
  }
}

void DreamerActor::set_action(int env, int action) {
  const std::span<float> row = impl_->row(impl_->last_action, static_cast<std::size_t>(env));
  SINV_CHECK(action >= 0 && static_cast<std::size_t>(action) < row.size(), "dreamer actor: action ", action,
             ", wanted 0 to ", row.size() - 1);
  std::ranges::fill(row, 0.0F);
  row[static_cast<std::size_t>(action)] = 1.0F;
}

void DreamerActor::save(ByteWriter& out) const {
  const Impl& i = *impl_;
  out.put(i.noise.get());
  out.put_all(std::span<const std::uint8_t>(i.first));
  out.put_all(std::span<const std::uint32_t>(i.steps));
  for (const Var x : {i.stoch, i.deter}) out.put_all(std::span<const float>(i.tape.get(i.tape.value(x))));
  out.put_all(std::span<const float>(i.last_action));
}

void DreamerActor::load(ByteReader& in) {
  Impl& i = *impl_;
  i.noise.put(in.get<NoiseState>());
  in.get_all(std::span<std::uint8_t>(i.first));
  in.get_all(std::span<std::uint32_t>(i.steps));
  for (const Var x : {i.stoch, i.deter}) {
    std::vector<float> state(i.values(x).size());
    in.get_all(std::span<float>(state));
    i.tape.put(x, state);
  }
  in.get_all(i.last_action);
}

}  // namespace sinv
