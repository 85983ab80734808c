#pragma once

#include <string>

#include "nn/conv_trunk.h"
#include "nn/q_head.h"

namespace sinv {

/// A Q-network that sees frames.
struct ConvNetworkSettings {
  ConvTrunkSettings trunk;
  QHeadSettings head;
};

/// The trunk of that name with the fully connected part of its source; noise and kind of head are the caller's choice.
/// deepmind: 512, ReLU. original, precise: 1,024 with LayerNorm and LeakyReLU. impala: 512, ReLU, split dueling head.
/// Errors: UserError naming the known ones.
ConvNetworkSettings conv_network_preset(const std::string& name);

/// Trunk and head in one: registers their parameters, then records their weights and any number of forward passes.
/// Thread: the owner's.
class ConvNetwork {
 public:
  /// The weights of one step on one tape.
  struct Weights {
    ConvTrunk::Weights trunk;
    QHead::Weights head;
  };

  /// Draws initial values from `init`; takes noise from `noise`. The caller finishes both stores.
  ConvNetwork(const ConvNetworkSettings& settings, const FrameShape& input, int actions, ParameterStore& store,
              NoiseSource& noise, Random& init)
      : trunk_(settings.trunk, input, store, init),
        head_(settings.head, trunk_.features(), actions, store, noise, init) {}

  /// Once per tape. held: the parameters change only with Tape::refresh_held().
  Weights record_weights(Tape& tape, ParameterStore& store, bool held) const {
    return {trunk_.record_weights(tape, store, held), head_.record_weights(tape, store, true, held)};
  }
  /// q [m, actions] of stacks of byte frames [m, frames, height, width] in the caller's memory (Tape::frames).
  Var record(Tape& tape, const Weights& weights, std::span<const std::uint8_t> frames) const {
    return head_.record(tape, weights.head, trunk_.record(tape, weights.trunk, frames));
  }
  /// The same weights, from the same or another tape, through which no gradient flows.
  static Weights constants(Tape& tape, const Tape& from, const Weights& weights) {
    return {ConvTrunk::constants(tape, from, weights.trunk), QHead::constants(tape, from, weights.head)};
  }

  const ConvTrunk& trunk() const { return trunk_; }
  int actions() const { return head_.actions(); }

 private:
  ConvTrunk trunk_;
  QHead head_;
};

}  // namespace sinv
