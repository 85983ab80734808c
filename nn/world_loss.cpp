#include "nn/world_loss.h"

#include <tuple>
#include <utility>
#include <vector>

#include "nn/functional.h"
#include "nn/images.h"

namespace sinv {
namespace {

Var flat(Tape& tape, Var x) { return reshape(tape, x, Shape{static_cast<std::int64_t>(tape.shape(x).size())}); }
// Sum of the products, times a factor.
Var weighted_sum(Tape& tape, Var x, Var weight, float scale) {
  return scaled_sum(tape, binary(tape, Binary::kMultiply, x, weight), scale);
}

// Noise of the sequences' rows, then of overshooting: one row for each state that is so many steps from the end.
std::int64_t noise_rows(const WorldLossSettings& settings) {
  std::int64_t steps = settings.steps;
  for (int ahead = 1; ahead <= settings.overshooting; ++ahead) steps += settings.steps - ahead;
  return settings.batch * steps;
}

// Inputs by row, and what a model made of them.
struct SequenceVars {
  Var action;
  Var keep;
  Var reward;
  Var discount;
  Var weight;
  Var noise;
  Var stoch;
  Var deter;
};

// Losses of reward and discount, each the mean over the number of steps ahead.
std::pair<Var, Var> record_overshooting(Tape& tape, const WorldModel& model, const WorldModelVars& vars,
                                        const WorldLossSettings& settings, const SequenceVars& real) {
  std::vector<Var> features;
  std::vector<Var> rewards;
  std::vector<Var> discounts;
  std::vector<Var> weights;
  Var stoch = real.stoch;
  Var deter = real.deter;
  Var same_episode;
  std::int64_t drawn = std::int64_t{settings.batch} * settings.steps;
  for (int ahead = 1; ahead <= settings.overshooting; ++ahead) {
    const std::int64_t count = std::int64_t{settings.batch} * (settings.steps - ahead);
    const auto before = [&](Var x) { return rows(tape, x, 0, count); };
    const auto then = [&](Var x) { return rows(tape, x, std::int64_t{ahead} * settings.batch, count); };
    const auto times = [&](Var a, Var b) { return binary(tape, Binary::kMultiply, a, b); };
    deter = vars.next_deter(before(stoch), then(real.action), before(deter));
    stoch = categorical(tape, vars.prior(deter), model.settings().classes, rows(tape, real.noise, drawn, count));
    drawn += count;
    same_episode = ahead == 1 ? then(real.keep) : times(before(same_episode), then(real.keep));
    features.push_back(vars.feature(stoch, deter));
    rewards.push_back(then(real.reward));
    discounts.push_back(then(real.discount));
    weights.push_back(times(then(real.weight), same_episode));
  }
  const float share = 1.0F / static_cast<float>(settings.overshooting);
  const Var feature = stack(tape, features);
  const Var weight = stack(tape, weights);
  const Var reward_errors = huber(tape, vars.reward(feature), stack(tape, rewards), weight, 0.0F);
  return {scaled_sum(tape, reward_errors, share),
          weighted_sum(tape, bernoulli(tape, vars.discount_logit(feature), stack(tape, discounts)), weight, share)};
}

}  // namespace

WorldLossVars record_world_loss(Tape& tape, const WorldModel& model, ParameterStore& store,
                                const WorldLossSettings& settings) {
  const WorldModelSettings& sizes = model.settings();
  const std::int64_t batch = settings.batch;
  const std::int64_t all = batch * settings.steps;
  const Shape images{all, sizes.height, sizes.width, sizes.channels};
  const Var action = tape.input(Shape{all, sizes.actions});
  const Var keep = tape.input(Shape{all, 1});
  const Var reward = tape.input(Shape{all, 1});
  const Var discount = tape.input(Shape{all, 1});
  const Var weight = tape.input(Shape{all, 1});
  SINV_CHECK(settings.overshooting >= 0 && settings.overshooting < settings.steps, "world loss: overshooting of ",
             settings.overshooting, " steps in sequences of ", settings.steps);
  const Var noise = tape.input(Shape{noise_rows(settings), sizes.variables});
  WorldLossVars out;
  out.batch = {tape.frames(images.size()),
               tape.frames(sizes.history > 1 ? static_cast<std::size_t>(sizes.history) * images.size() : 0),
               tape.value(action).flat(),
               tape.value(keep).flat(),
               tape.value(reward).flat(),
               tape.value(discount).flat(),
               tape.value(weight).flat(),
               tape.value(noise).flat(),
               {},
               tape.frames(settings.moved_weight > 0.0F ? images.size() : 0)};

  const WorldModelVars vars = model.record(tape, store, {});
  const Var target = frames(tape, out.batch.frames, -0.5F, images);
  const Var looked_at = sizes.history > 1 ? vars.look(out.batch.seen, all) : target;
  ConstView before;
  if (settings.moved_weight > 0.0F) before = tape.value(frames(tape, out.batch.before, -0.5F, images));
  const Var embedded = vars.embedding_part(vars.embed(looked_at));
  std::vector<Var> stochs;
  std::vector<Var> deters;
  std::vector<Var> posteriors;
  Var stoch = tape.input(Shape{batch, sizes.latent()});  // zeros: a sequence starts from nothing
  Var deter = tape.input(Shape{batch, sizes.deter});
  for (std::int64_t t = 0; t < settings.steps; ++t) {
    const auto now = [&](Var x) { return rows(tape, x, t * batch, batch); };
    const Var kept = flat(tape, now(keep));
    deter = vars.next_deter(scale_rows(tape, stoch, kept), now(action), scale_rows(tape, deter, kept));
    posteriors.push_back(vars.posterior(deter, now(embedded)));
    stoch = categorical(tape, posteriors.back(), sizes.classes, now(noise));
    stochs.push_back(stoch);
    deters.push_back(deter);
  }
  out.stoch = stack(tape, stochs);
  out.deter = stack(tape, deters);
  const Var feature = vars.feature(out.stoch, out.deter);
  const Var row_weight = flat(tape, weight);
  out.prediction = vars.decode(feature);
  out.image_loss = weighted_sum(tape,
                                image_error(tape, out.prediction, target,
                                            {settings.lit_above, settings.lit_weight, settings.moved_weight, before}),
                                row_weight, 1.0F);
  out.reward_loss = sum(tape, huber(tape, vars.reward(feature), reward, weight, 0.0F));
  out.discount_loss = weighted_sum(tape, bernoulli(tape, vars.discount_logit(feature), discount), weight, 1.0F);
  out.kl_loss = kl_balance(tape, stack(tape, posteriors), vars.prior(out.deter), sizes.classes, row_weight,
                           settings.free_nats, settings.kl_balance)
                    .loss;
  const auto plus = [&](Var a, Var b) { return binary(tape, Binary::kAdd, a, b); };
  Var image_loss = out.image_loss;
  if (settings.pictures_wait) {
    const Var scale = tape.input(tape.shape(image_loss));
    out.batch.picture_scale = tape.value(scale).flat();
    image_loss = binary(tape, Binary::kMultiply, image_loss, scale);
  }
  Var reward_loss = out.reward_loss;
  Var discount_loss = out.discount_loss;
  if (settings.overshooting > 0) {
    std::tie(out.foretold_reward_loss, out.foretold_discount_loss) = record_overshooting(
        tape, model, vars, settings, {action, keep, reward, discount, weight, noise, out.stoch, out.deter});
    reward_loss = plus(reward_loss, out.foretold_reward_loss);
    discount_loss = plus(discount_loss, out.foretold_discount_loss);
  } else {
    out.foretold_reward_loss = out.foretold_discount_loss = tape.input(tape.shape(out.reward_loss));
  }
  out.loss = plus(
      plus(image_loss, scaled_sum(tape, reward_loss, settings.reward_scale)),
      plus(scaled_sum(tape, discount_loss, settings.discount_scale), scaled_sum(tape, out.kl_loss, settings.kl_scale)));
  return out;
}

BehaviourVars record_behaviour(Tape& tape, const WorldModel& model, ParameterStore& world, const DenseHead& actor,
                               const DenseHead& critic, const BehaviourStores& stores, Var stoch, Var deter,
                               const BehaviourSettings& settings) {
  const WorldModelSettings& sizes = model.settings();
  const std::int64_t horizon = settings.horizon;
  const std::int64_t starts = tape.shape(stoch)[0];
  const bool dynamics = settings.reinforce_share < 1.0F;
  SINV_CHECK(horizon >= 2, "behaviour: a horizon of ", horizon, ", wanted at least 2");
  const Var action_noise = tape.input(Shape{horizon * starts, 1});
  const Var noise = tape.input(Shape{horizon * starts, sizes.variables});
  const Var first_discount = tape.input(Shape{1, starts});
  const Var start_weight = tape.input(Shape{1, starts});
  BehaviourVars out;
  out.action_noise = tape.value(action_noise).flat();
  out.noise = tape.value(noise).flat();
  out.discount = tape.value(first_discount).flat();
  out.weight = tape.value(start_weight).flat();

  const LayerUse fixed{dynamics, true};
  const WorldModelVars vars = model.record(tape, world, fixed);
  const std::vector<LinearVars> actor_vars = actor.record(tape, stores.actor, {false, false});
  const std::vector<LinearVars> critic_vars = critic.record(tape, stores.critic, {false, false});
  const std::vector<LinearVars> slow_vars = critic.record(tape, stores.slow_critic, fixed);
  const Shape row{1, starts};
  std::vector<Var> logits;
  std::vector<Var> actions;
  std::vector<Var> rewards;
  std::vector<Var> discounts{first_discount};
  std::vector<Var> slow_values;
  std::vector<Var> values;
  for (std::int64_t t = 0; t <= horizon; ++t) {
    const Var feature = vars.feature(stoch, deter);
    slow_values.push_back(reshape(tape, apply_head(tape, slow_vars, feature), row));
    if (t == horizon) break;
    const Var seen = tape.stop_gradient(feature);
    rewards.push_back(reshape(tape, vars.reward(feature), row));
    values.push_back(reshape(tape, apply_head(tape, critic_vars, seen), row));
    if (t > 0) {
      const Var expected = unary(tape, Unary::kSigmoid, vars.discount_logit(feature));
      discounts.push_back(reshape(tape, expected, row));
    }
    const Var choice = apply_head(tape, actor_vars, seen);
    const Var action = categorical(tape, choice, sizes.actions, rows(tape, action_noise, t * starts, starts));
    if (t + 1 < horizon) {  // the last action has no return that it could change
      logits.push_back(choice);
      actions.push_back(tape.stop_gradient(action));
    }
    deter = vars.next_deter(stoch, dynamics ? action : tape.stop_gradient(action), deter);
    stoch = categorical(tape, vars.prior(deter), sizes.classes, rows(tape, noise, t * starts, starts));
  }
  out.values = stack(tape, slow_values);
  const Var discount = stack(tape, discounts);
  out.returns = lambda_return(tape, stack(tape, rewards), discount, out.values, settings.lambda);

  // Cumulated discounts, each times the weight of its start: the start's weight stands where a discount before it
  // would.
  const std::array weighted{start_weight, discount};
  const Var weight = rows(tape, discount_weight(tape, stack(tape, weighted)), 1, horizon);
  const Var later = rows(tape, out.returns, 1, horizon - 1);
  const Var actor_weight = flat(tape, rows(tape, weight, 0, horizon - 1));
  const float share = settings.reinforce_share;
  const float per_step = 1.0F / static_cast<float>(horizon - 1);
  const Var advantage =
      flat(tape, tape.stop_gradient(binary(tape, Binary::kSubtract, later, rows(tape, out.values, 0, horizon - 1))));
  // share (advantage log pi + entropy / share) = share advantage log pi + entropy.
  const Var score = policy_score(tape, stack(tape, logits), stack(tape, actions),
                                 share > 0.0F ? advantage : tape.input(tape.shape(advantage)),
                                 share > 0.0F ? settings.entropy_scale / share : settings.entropy_scale);
  out.actor_loss = weighted_sum(tape, score, actor_weight, -(share > 0.0F ? share : 1.0F) * per_step);
  if (dynamics) {
    const Var through_model = weighted_sum(tape, flat(tape, later), actor_weight, -(1.0F - share) * per_step);
    out.actor_loss = binary(tape, Binary::kAdd, out.actor_loss, through_model);
  }
  const Var errors = huber(tape, stack(tape, values), tape.stop_gradient(out.returns), weight, 0.0F);
  out.critic_loss = scaled_sum(tape, errors, 1.0F / static_cast<float>(horizon));
  out.loss = binary(tape, Binary::kAdd, out.actor_loss, out.critic_loss);
  return out;
}

}  // namespace sinv
