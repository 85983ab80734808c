#pragma once

#include <cstdint>
#include <span>

#include "nn/world_model.h"

/// What DreamerV2 trains: the loss of the world model over sequences, and those of actor and critic over what the model
/// imagines. Source: Hafner et al., arXiv:2010.02193, and its release.
namespace sinv {

struct WorldLossSettings {
  int batch = 16;  // sequences
  int steps = 50;  // of each
  float kl_scale = 0.1F;
  float kl_balance = 0.8F;  // the share that trains the prior
  float free_nats = 0.0F;
  float reward_scale = 1.0F;
  float discount_scale = 5.0F;
  float lit_above = 0.0F;      // pixels above this, of -0.5 to 0.5, ...
  float lit_weight = 1.0F;     // ... count so much more in the image loss
  bool pictures_wait = false;  // the image loss has a factor that can be set from update to update
  int overshooting = 0;        // imagined steps after every state whose rewards and ends are foretold too
  float moved_weight = 0.0F;   // and a pixel that went from dark to lit, or back, 1 + this; one of grey in proportion
};

/// What the caller fills before forward(), in the order of time: row t * batch + b is step t of sequence b. The action
/// of a row is the one that led to its picture; it is all zeros, and so is `keep`, where an episode begins.
struct SequenceBatch {
  std::span<std::uint8_t> frames;  // [steps,batch,channels,height,width]
  std::span<std::uint8_t> seen;    // [steps,batch,history,channels,height,width] when history is above 1, else empty
  std::span<float> action;         // [steps,batch,actions] one-hot
  std::span<float> keep;           // [steps,batch] 0 where an episode begins, else 1
  std::span<float> reward;         // [steps,batch] already squashed
  std::span<float> discount;       // [steps,batch] gamma, or 0 after the last step of a game
  std::span<float> weight;         // [steps,batch] 0 where padded; the others sum to 1
  std::span<float> noise;          // [steps,batch,variables] in [0, 1); then those of overshooting
  std::span<float> picture_scale;  // [1] of the image loss, when pictures_wait; else empty
  std::span<std::uint8_t> before;  // as `frames`, of the step before each, when moved_weight is above 0; else empty
};

struct WorldLossVars {
  SequenceBatch batch;
  Var loss;
  Var image_loss;  // scalars, before their scales
  Var reward_loss;
  Var discount_loss;
  Var kl_loss;
  Var foretold_reward_loss;  // of overshooting; without it 0
  Var foretold_discount_loss;
  Var stoch;  // posterior states [steps * batch, ..]
  Var deter;
  Var prediction;  // of the pictures
};

/// Records the whole loss:
///   -picture_scale log N(picture) summed over pixels - reward_scale log N(reward) - discount_scale log
///   Bernoulli(discount)
///   + kl_scale KL,
/// weighted over rows, the normals of unit variance and without their constants. The sequence is unrolled on the tape.
/// Overshooting: from every state the model goes on alone for up to so many steps with the actions that were taken, and
/// the losses of reward and discount there, their mean over the number of steps, are added with the same scales. What
/// foretells them must then stand in the state. What lies in another episode does not count. Source of the idea: latent
/// overshooting, Hafner et al., arXiv:1811.04551, which foretells latent states.
WorldLossVars record_world_loss(Tape& tape, const WorldModel& model, ParameterStore& store,
                                const WorldLossSettings& settings);

struct BehaviourSettings {
  int horizon = 15;
  float lambda = 0.95F;
  float entropy_scale = 1e-3F;
  float reinforce_share = 1.0F;  // of the actor's gradient; the rest flows back through the model
};

/// Actor, critic and the critic's slow copy: heads that read a feature. Stores of their own, so that each has its
/// optimiser.
struct BehaviourStores {
  ParameterStore& actor;
  ParameterStore& critic;
  ParameterStore& slow_critic;  // without gradients
};

struct BehaviourVars {
  std::span<float> action_noise;  // [horizon,starts], filled by the caller
  std::span<float> noise;         // [horizon,starts,variables]
  std::span<float> discount;      // [starts] gamma, or 0 for a start that is the end of a game
  std::span<float> weight;        // [starts] 0 for padded starts; the others sum to 1
  Var loss;                       // actor_loss + critic_loss: their gradients go to different stores
  Var actor_loss;
  Var critic_loss;
  Var returns;  // [horizon,starts]
  Var values;   // of the slow critic [horizon + 1,starts]
};

/// Records `horizon` imagined steps from the states stoch, deter [starts,..], whose memory may be another tape's, and
/// both losses. The actor sees features without a gradient; rewards, discounts and the slow critic are constants unless
/// reinforce_share is below 1.
BehaviourVars record_behaviour(Tape& tape, const WorldModel& model, ParameterStore& world, const DenseHead& actor,
                               const DenseHead& critic, const BehaviourStores& stores, Var stoch, Var deter,
                               const BehaviourSettings& settings);

}  // namespace sinv
