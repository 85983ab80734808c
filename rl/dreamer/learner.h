#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "nn/parameters.h"
#include "rl/dreamer/settings.h"

namespace sinv {

/// Losses of one update, before their scales, and the gradients' norms before clipping.
struct DreamerUpdate {
  float image_loss = 0;  // sum over pixels, mean over steps
  float reward_loss = 0;
  float discount_loss = 0;
  float kl = 0;                    // nats of a step
  float foretold_reward_loss = 0;  // of overshooting; 0 without it
  float foretold_discount_loss = 0;
  float actor_loss = 0;
  float critic_loss = 0;
  float mean_return = 0;  // of the imagined steps
  float world_norm = 0;
  float actor_norm = 0;
  float critic_norm = 0;
};

/// The three groups of parameters, one buffer each.
struct DreamerParameters {
  std::span<const float> world;
  std::span<const float> actor;
  std::span<const float> critic;
};

/// DreamerV2: world model, actor, critic and slow critic, their optimisers and noise streams. One update trains the
/// world model on sequences, then actor and critic on what the trained model imagines from every state of them.
/// Same settings, seed and batches give the same parameters bit for bit on one kind of CPU.
/// On settings.device; there an update is one graph after the first, and what the host reads is fetched in each call.
/// A step allocates nothing. Thread: one owner. Shares nothing with a DreamerActor; carry parameters() over.
class DreamerLearner {
 public:
  /// Errors: UserError as WorldModel; Error naming a setting that is out of range.
  DreamerLearner(const DreamerLearnerSettings& settings, std::uint64_t seed);
  ~DreamerLearner();
  DreamerLearner(DreamerLearner&&) noexcept;
  DreamerLearner& operator=(DreamerLearner&&) noexcept;

  /// The learner's own input buffers, the same memory in every call; `noise` is drawn by update(), on a device unseen.
  SequenceBatch batch();
  /// One update of all three groups on what batch() holds. A group whose gradient is not finite stays as it is.
  DreamerUpdate update();
  std::uint64_t updates() const;
  const DreamerLearnerSettings& settings() const;

  DreamerParameters parameters() const;
  /// All three groups: names are unique.
  void for_each_parameter(const ParameterVisitor& visit) const;
  /// Means of the pictures that the last update reconstructed [steps,batch,height,width,channels], -0.5 to 0.5.
  std::span<const float> reconstruction() const;

  /// Everything that decides the future. After load(), later updates are bit-identical.
  /// Errors of load(): UserError if the sizes differ.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Acts with its own copy of the parameters: keeps h, z and the last action of `most` environments, and answers for all
/// of them at once. On settings.device; there a step is one graph. A row does not depend on the others.
/// Thread: one owner.
class DreamerActor {
 public:
  DreamerActor(const DreamerLearnerSettings& settings, int most, std::uint64_t seed);
  ~DreamerActor();
  DreamerActor(DreamerActor&&) noexcept;
  DreamerActor& operator=(DreamerActor&&) noexcept;

  /// The critic's are not looked at. Errors: Error if a count differs.
  void set_parameters(const DreamerParameters& parameters);
  /// World model, then actor.
  void for_each_parameter(const ParameterVisitor& visit) const;
  /// Bytes of the newest pictures [most,channels,height,width], to be filled before act().
  std::span<std::uint8_t> frames();
  /// 1 where the picture is the first of an episode [most]: the state before it is forgotten. act() clears it.
  std::span<std::uint8_t> first();
  /// One action per environment, sampled, or the most likely one when greedy; the state moves on with it. Greedy, the
  /// latent state is drawn with numbers that hang on the step of the episode alone.
  /// Errors: Error if `actions` has not `most` elements.
  void act(bool greedy, std::span<std::uint8_t> actions);
  /// What led to the newest picture when it was not the action that act() chose.
  void set_action(int env, int action);

  /// States, last actions and the noise stream, not the parameters.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sinv
