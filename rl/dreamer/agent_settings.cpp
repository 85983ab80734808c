#include "rl/dreamer/agent_settings.h"

#include "base/error.h"
#include "base/option.h"
#include "kernels/device_module.h"

namespace sinv {

void describe(Options& options, DreamerSettings& s) {
  WorldModelSettings& world = s.learner.world;
  WorldLossSettings& loss = s.learner.loss;
  BehaviourSettings& behaviour = s.learner.behaviour;
  options.add("dreamer.preset", s.preset,
              "sizes and defaults: the paper's for Atari, one for a CPU, or the predecessor's", dreamer_presets());
  options.add("dreamer.depth", world.depth, "channels of the first convolution", 1, 1024);
  options.add("dreamer.deter", world.deter, "size of the deterministic state", 1, 16384);
  options.add("dreamer.hidden", world.hidden, "size of the recurrent model's layers", 1, 16384);
  options.add("dreamer.variables", world.variables, "categorical variables of the stochastic state", 1, 1024);
  options.add("dreamer.classes", world.classes, "classes of each of them", 2, 1024);
  options.add("dreamer.units", world.units, "size of the heads' layers (reward, discount, actor, critic)", 1, 16384);
  options.add("dreamer.head_layers", world.head_layers, "layers of each head", 1, 16);
  options.add("dreamer.batch", loss.batch, "sequences per update", 1, 4096);
  options.add("dreamer.sequence", loss.steps, "steps of each sequence", 1, 4096);
  options.add("dreamer.kl_scale", loss.kl_scale, "weight of the divergence in the model's loss", 0, 1e6);
  options.add("dreamer.kl_balance", loss.kl_balance, "share of it that trains the prior", 0, 1);
  options.add("dreamer.free_nats", loss.free_nats, "divergence that costs nothing", 0, 1e6);
  options.add("dreamer.reward_scale", loss.reward_scale, "weight of the reward in the model's loss", 0, 1e6);
  options.add("dreamer.discount_scale", loss.discount_scale, "weight of the discount in the model's loss", 0, 1e6);
  options.add("dreamer.lit_weight", loss.lit_weight, "how much a lit pixel counts in the picture's loss; a dark one 1",
              0, 1e6);
  options.add("dreamer.moved_weight", loss.moved_weight,
              "how much more a pixel counts that has changed since the step before; of grey ones in proportion", 0,
              1e6);
  options.add("dreamer.overshooting", loss.overshooting,
              "imagined steps after every state whose rewards and ends the model learns to foretell too", 0, 1000);
  options.add("dreamer.horizon", behaviour.horizon, "imagined steps", 2, 1000);
  options.add("dreamer.lambda", behaviour.lambda, "of the lambda returns", 0, 1);
  options.add("dreamer.entropy_scale", behaviour.entropy_scale, "weight of the actor's entropy", 0, 1e6);
  options.add("dreamer.reinforce_share", behaviour.reinforce_share,
              "share of REINFORCE in the actor's gradient; the rest flows back through the model", 0, 1);
  options.add("dreamer.world_rate", s.learner.world_rate, "learning rate of the world model", 0, 1);
  options.add("dreamer.actor_rate", s.learner.actor_rate, "learning rate of the actor", 0, 1);
  options.add("dreamer.critic_rate", s.learner.critic_rate, "learning rate of the critic", 0, 1);
  options.add("dreamer.adam_epsilon", s.learner.adam_epsilon, "of Adam", 0, 1);
  options.add("dreamer.clip_norm", s.learner.clip_norm, "largest gradient norm of each of the three; 0: no clipping", 0,
              1e9);
  options.add("dreamer.weight_decay", s.learner.weight_decay, "share that all parameters lose in an update", 0, 0.5);
  options.add("dreamer.slow_copy_updates", s.learner.slow_copy_updates, "updates between copies of the critic", 1,
              1'000'000'000);
  options.add("dreamer.rewards_first_updates", s.learner.rewards_first_updates,
              "updates in which the world model learns rewards and ends alone, before it learns pictures too", 0,
              1'000'000'000);
  options.add("dreamer.model_first_updates", s.learner.model_first_updates,
              "updates of the world model alone, before actor and critic begin to learn", 0, 1'000'000'000);
  options.add("dreamer.follow_ship", s.learner.follow_ship,
              "pictures are moved so that the ship stands in the middle; with env.pixels field-64 or grey-64");
  options.add("dreamer.behaviour_period", s.learner.behaviour_period,
              "updates of the world model for one of actor and critic", 1, 1'000'000);
  options.add("dreamer.gamma", s.gamma, "discount per step", 0, 1);
  options.add("dreamer.steps_per_update", s.steps_per_update, "environment steps for one update", 0.001, 1e9);
  options.add("dreamer.warmup_steps", s.warmup_steps, "steps with random actions before learning begins", 1,
              1'000'000'000);
  options.add("dreamer.ends_share", s.ends_share,
              "share of the sequences that are drawn around a step that lost a life", 0, 1);
  options.add("dreamer.replay_steps", s.replay_steps, "steps that replay holds", 64, 1'000'000'000);
}

void choose_preset(DreamerSettings& s) {
  const std::string preset = s.preset;
  s = DreamerSettings{};
  s.preset = preset;
  s.learner = dreamer_preset(preset);
  if (preset == "small") {
    s.gamma = 0.99;
    s.learner.loss.batch = 4;  // twice the updates of half the size: there are few in an hour
    s.steps_per_update = 32;
    s.warmup_steps = 5000;
    s.ends_share = 0.5F;  // lives are lost once in a hundred steps
    s.replay_steps = 200'000;
  } else if (preset == "predecessor") {
    s.warmup_steps = 20'000;
    s.replay_steps = 100'000;
  }
}

void check(const DreamerSettings& s) {
  dreamer_preset(s.preset);
  if (s.steps_per_update <= 0) {
    throw UserError(text("dreamer.steps_per_update is ", s.steps_per_update, ", wanted above 0"));
  }
  const WorldLossSettings& loss = s.learner.loss;
  if (loss.overshooting >= loss.steps) {
    throw UserError(
        text("dreamer.overshooting is ", loss.overshooting, ", wanted below dreamer.sequence, which is ", loss.steps));
  }
}

DreamerLearnerSettings learner_settings(const DreamerSettings& settings, const FrameShape& picture, int history,
                                        int actions, int threads) {
  check(settings);
  if (picture == kNoFrame) {
    throw UserError("the agent dreamer sees pictures, but env.pixels gives none; set env.pixels to field-64");
  }
  DreamerLearnerSettings out = settings.learner;
  out.world.height = picture.height;
  out.world.width = picture.width;
  out.world.channels = 1;
  out.world.history = history;
  out.world.actions = actions;
  out.device = chosen_device();
  out.threads = threads;
  return out;
}

}  // namespace sinv
