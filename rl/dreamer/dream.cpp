#include "rl/dreamer/dream.h"

#include <algorithm>
#include <vector>

#include "nn/functional.h"
#include "nn/rssm.h"
#include "nn/world_model.h"

namespace sinv {

struct Dream::Impl {
  DreamerLearnerSettings settings;
  std::int64_t rows;
  Random init;  // draws parameters that set_parameters() replaces
  ParameterStore world;
  WorldModel model;
  Random draws;
  Tape step;  // from one moment to the next, both ways
  std::span<std::uint8_t> frames;
  Var stoch;  // before the step
  Var deter;
  Var action;
  Var noise;
  Var next_deter;
  Var seen;
  Var imagined;
  Tape view;  // what the moment looks like
  Var view_stoch;
  Var view_deter;
  Var shown;
  Var reward;
  Var discount;
  std::vector<float> picture;

  Impl(const DreamerLearnerSettings& s, int count, std::uint64_t seed)
      : settings(s), rows(count), init(seed, 0), model(s.world, world, init), draws(seed, 1) {
    world.finish(false);
    const WorldModelSettings& sizes = settings.world;
    const Shape images{rows, sizes.height, sizes.width, sizes.channels};
    const LayerUse use{.input_gradient = false, .frozen = true, .held = true};
    frames = step.frames(static_cast<std::size_t>(sizes.history) * images.size());
    stoch = step.input(Shape{rows, sizes.latent()});
    deter = step.input(Shape{rows, sizes.deter});
    action = step.input(Shape{rows, sizes.actions});
    noise = step.input(Shape{rows, sizes.variables});
    const WorldModelVars vars = model.record(step, world, use);
    next_deter = vars.next_deter(stoch, action, deter);
    const Var embedded = vars.embedding_part(vars.embed(vars.look(frames, rows)));
    seen = categorical(step, vars.posterior(next_deter, embedded), sizes.classes, noise);
    imagined = categorical(step, vars.prior(next_deter), sizes.classes, noise);
    step.finish();

    view_stoch = view.input(Shape{rows, sizes.latent()});
    view_deter = view.input(Shape{rows, sizes.deter});
    const WorldModelVars looked = model.record(view, world, use);
    const Var feature = looked.feature(view_stoch, view_deter);
    shown = looked.decode(feature);
    reward = looked.reward(feature);
    discount = unary(view, Unary::kSigmoid, looked.discount_logit(feature));
    view.finish();
    picture.resize(images.size());
  }
  void copy(const Tape& from_tape, Var from, const Tape& to_tape, Var to) const {
    std::ranges::copy(from_tape.value(from).flat(), to_tape.value(to).data);
  }
  void advance(bool sees) {
    for (float& u : step.value(noise).flat()) u = draws.uniform();
    step.forward();
    copy(step, sees ? seen : imagined, step, stoch);
    copy(step, next_deter, step, deter);
    std::ranges::fill(step.value(action).flat(), 0.0F);
    copy(step, stoch, view, view_stoch);
    copy(step, deter, view, view_deter);
    view.forward();
    std::ranges::transform(view.value(shown).flat(), picture.begin(), [](float x) { return x + 0.5F; });
  }
};

Dream::Dream(const DreamerLearnerSettings& settings, int rows, std::uint64_t seed)
    : impl_(std::make_unique<Impl>(settings, rows, seed)) {}
Dream::~Dream() = default;
Dream::Dream(Dream&&) noexcept = default;
Dream& Dream::operator=(Dream&&) noexcept = default;

void Dream::set_parameters(std::span<const float> world) {
  Impl& i = *impl_;
  SINV_CHECK(world.size() == i.world.values().size(), "dream: ", world.size(), " parameters, wanted ",
             i.world.values().size());
  std::ranges::copy(world, i.world.values().begin());
  i.step.refresh_held();
  i.view.refresh_held();
}

void Dream::for_each_parameter(const ParameterVisitor& visit) const { impl_->world.for_each(visit); }

void Dream::begin() {
  const Impl& i = *impl_;
  for (const Var x : {i.stoch, i.deter, i.action}) std::ranges::fill(i.step.value(x).flat(), 0.0F);
}

std::span<std::uint8_t> Dream::frames() { return impl_->frames; }

void Dream::set_action(int row, int action) {
  const Impl& i = *impl_;
  const int actions = i.settings.world.actions;
  SINV_CHECK(action >= 0 && action < actions, "dream: action ", action, ", wanted 0 to ", actions - 1);
  i.step.value(i.action).data[std::ptrdiff_t{row} * actions + action] = 1.0F;
}

void Dream::observe() { impl_->advance(true); }
void Dream::imagine() { impl_->advance(false); }
int Dream::history() const { return impl_->settings.world.history; }
bool Dream::follows_ship() const { return impl_->settings.follow_ship; }
int Dream::width() const { return impl_->settings.world.width; }
std::span<const float> Dream::picture() const { return impl_->picture; }
std::span<const float> Dream::reward() const { return impl_->view.value(impl_->reward).flat(); }
std::span<const float> Dream::discount() const { return impl_->view.value(impl_->discount).flat(); }

}  // namespace sinv
