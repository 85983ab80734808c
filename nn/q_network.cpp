#include "nn/q_network.h"

namespace sinv {
namespace {

std::optional<ConvTrunk> make_trunk(const QNetworkSettings& settings, const QInput& input, ParameterStore& store,
                                    Random& init) {
  SINV_CHECK(settings.trunk.has_value() == input.sees_frames(),
             "q network: ", input.sees_frames() ? "frames want a trunk" : "a trunk wants frames");
  if (!settings.trunk) return std::nullopt;
  return std::optional<ConvTrunk>(std::in_place, *settings.trunk, input.frames, store, init);
}

}  // namespace

QNetworkSettings conv_network_preset(const std::string& name) {
  QNetworkSettings settings;
  settings.trunk = conv_trunk_preset(name);
  if (name == "original" || name == "precise") {
    settings.head.hidden = {1024};
    settings.head.layer_norm = true;
    settings.head.activation = Activation::kLeakyRelu;
  }
  if (name == "columns") settings.head.hidden = {256};
  if (name == "impala") settings.head.kind = QHeadKind::kDuelingSplit;
  return settings;
}

QNetwork::QNetwork(const QNetworkSettings& settings, const QInput& input, int actions, ParameterStore& store,
                   NoiseSource& noise, Random& init)
    : input_(input),
      trunk_(make_trunk(settings, input, store, init)),
      head_(settings.head, trunk_ ? trunk_->features() : input.features, actions, store, noise, init) {}

std::size_t QNetwork::input_bytes(std::int64_t m) const {
  return static_cast<std::size_t>(m) * input_.size() * (trunk_ ? sizeof(std::uint8_t) : sizeof(float));
}

QNetwork::Observations QNetwork::record_input(Tape& tape, std::int64_t m) const {
  return record_input(tape, m, reinterpret_cast<std::byte*>(tape.frames(input_bytes(m)).data()));
}

QNetwork::Observations QNetwork::record_input(Tape& tape, std::int64_t m, std::byte* memory) const {
  Observations observations;
  if (trunk_) {
    observations.frames = {reinterpret_cast<std::uint8_t*>(memory), input_bytes(m)};
  } else {
    observations.features = tape.external(reinterpret_cast<float*>(memory), nullptr, Shape{m, input_.features});
  }
  return observations;
}

QNetwork::Weights QNetwork::record_weights(Tape& tape, ParameterStore& store, bool held) const {
  Weights weights;
  if (trunk_) weights.trunk = trunk_->record_weights(tape, store, held);
  weights.head = head_.record_weights(tape, store, trunk_.has_value(), held);
  return weights;
}

Var QNetwork::record(Tape& tape, const Weights& weights, const Observations& observations) const {
  return head_.record(tape, weights.head,
                      trunk_ ? trunk_->record(tape, weights.trunk, observations.frames) : observations.features);
}

}  // namespace sinv
