#include "nn/image_layers.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sinv {

ConvLayer::ConvLayer(const std::string& name, const ConvShape& shape, bool spectral, ParameterStore& store,
                     Random& init)
    : shape_(shape) {
  check_conv_shape(shape);
  const float bound = 1.0F / std::sqrt(static_cast<float>(shape.patch()));
  const Shape outputs{1, shape.outputs};
  weight_ = store.add_uniform(name + ".weight", shape.weight(), bound, init);
  bias_ = store.add_uniform(name + ".bias", outputs, bound, init);
  if (!spectral) return;
  u_ = store.add_uniform(name + ".u", outputs, 1.0F, init);
  const std::span<float> u = store.named(name + ".u");
  std::vector<float> v(static_cast<std::size_t>(shape.patch()));
  std::vector<float> normal(shape.weight().size());
  float sigma = 0.0F;
  spectral_norm_forward({}, {store.named(name + ".weight").data(), shape.weight()}, 15,
                        {u.data(), Shape{shape.outputs}}, {v.data(), Shape{shape.patch()}}, {&sigma, Shape{}},
                        {normal.data(), shape.weight()});
}

LinearVars ConvLayer::record(Tape& tape, ParameterStore& store, bool input_gradient, bool held) const {
  Var weight = store.on(tape, weight_);
  if (u_ >= 0) weight = spectral_norm(tape, weight, store.on(tape, u_), held ? 0 : 1, held);
  return {conv_pack(tape, shape_, weight, input_gradient, held), store.on(tape, bias_)};
}

GroupNormLayer::GroupNormLayer(const std::string& name, std::int64_t channels, std::int64_t groups,
                               ParameterStore& store)
    : groups_(groups) {
  SINV_CHECK(groups > 0 && channels % groups == 0, name, ": ", groups, " groups of ", channels,
             " channels, wanted a divisor");
  gain_ = store.add_constant(name + ".gain", Shape{1, channels}, 1.0F);
  bias_ = store.add(name + ".bias", Shape{1, channels});
}

LinearVars GroupNormLayer::record(Tape& tape, ParameterStore& store) const {
  return {store.on(tape, gain_), store.on(tape, bias_)};
}

}  // namespace sinv
