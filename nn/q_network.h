#pragma once

#include <optional>
#include <span>
#include <string>

#include "nn/conv_trunk.h"
#include "nn/q_head.h"

namespace sinv {

/// What a Q-network sees: a vector of numbers, or a stack of byte frames.
struct QInput {
  QInput(int numbers) : features(numbers) {}          // NOLINT: a number of features is an input
  QInput(const StackShape& stack) : frames(stack) {}  // NOLINT: likewise
  bool sees_frames() const { return features == 0 && frames.frames > 0; }
  /// Values of one observation.
  std::size_t size() const {
    return sees_frames() ? static_cast<std::size_t>(frames.frames) * static_cast<std::size_t>(frames.height) *
                               static_cast<std::size_t>(frames.width)
                         : static_cast<std::size_t>(features);
  }

  int features = 0;
  StackShape frames{0, 0, 0};
};

/// A network that maps observations to action values.
struct QNetworkSettings {
  std::optional<ConvTrunkSettings> trunk;  // of a network that sees frames
  QHeadSettings head;
};

/// The trunk of that name with the fully connected part of its source; noise and kind of head are the caller's choice.
/// deepmind, nips: 512, ReLU. columns: 256, ReLU. original, precise: 1,024 with LayerNorm and LeakyReLU. impala: 512,
/// ReLU, split dueling head. Errors: UserError naming the known ones.
QNetworkSettings conv_network_preset(const std::string& name);

/// Trunk, if there is one, and head: registers their parameters, then records their weights and any number of forward
/// passes. Parameters in order: the trunk's, the head's.
/// Thread: the owner's.
class QNetwork {
 public:
  /// The weights of one step on one tape.
  struct Weights {
    ConvTrunk::Weights trunk;
    QHead::Weights head;
  };
  /// Observations on a tape, one of the two, filled by the caller before each forward pass.
  struct Observations {
    Var features;                    // [m, features]
    std::span<std::uint8_t> frames;  // [m, frames, height, width]
  };

  /// Draws initial values from `init`; takes noise from `noise`. The caller finishes both stores.
  /// Errors: Error naming the setting, or if trunk and input do not go together.
  QNetwork(const QNetworkSettings& settings, const QInput& input, int actions, ParameterStore& store,
           NoiseSource& noise, Random& init);

  /// Room for m observations.
  Observations record_input(Tape& tape, std::int64_t m) const;
  /// The same in memory of the tape's device that the caller took: input_bytes(m), at a border of 64 bytes.
  Observations record_input(Tape& tape, std::int64_t m, std::byte* memory) const;
  std::size_t input_bytes(std::int64_t m) const;
  /// Once per tape. held: the parameters change only with Tape::refresh_held().
  Weights record_weights(Tape& tape, ParameterStore& store, bool held) const;
  /// q [m, actions].
  Var record(Tape& tape, const Weights& weights, const Observations& observations) const;
  /// The same weights, from the same or another tape, through which no gradient flows.
  static Weights constants(Tape& tape, const Tape& from, const Weights& weights) {
    return {ConvTrunk::constants(tape, from, weights.trunk), QHead::constants(tape, from, weights.head)};
  }

  const QInput& input() const { return input_; }
  int actions() const { return head_.actions(); }

 private:
  QInput input_;
  std::optional<ConvTrunk> trunk_;
  QHead head_;
};

}  // namespace sinv
