#include "nn/conv_network.h"

namespace sinv {

ConvNetworkSettings conv_network_preset(const std::string& name) {
  ConvNetworkSettings settings;
  settings.trunk = conv_trunk_preset(name);
  if (name == "original" || name == "precise") {
    settings.head.hidden = {1024};
    settings.head.layer_norm = true;
    settings.head.activation = Activation::kLeakyRelu;
  }
  if (name == "impala") settings.head.kind = QHeadKind::kDuelingSplit;
  return settings;
}

}  // namespace sinv
