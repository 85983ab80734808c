#include "nn/conv_trunk.h"

#include "base/text.h"

namespace sinv {
namespace {

// Windows of a stage's pooling along an axis.
PoolAxis stage_pool(int pool, std::int64_t size) {
  SINV_CHECK(pool == 2 || pool == 3, "conv trunk: pooling ", pool, ", known: 0 (none), 2, 3");
  return pool == 2 ? pool_axis(size, 2, 2, 0) : pool_axis(size, 3, 2, 1);
}

Var pool(Tape& tape, Var x, int kind) {
  const Shape shape = tape.shape(x);
  return max_pool(tape, x, stage_pool(kind, shape[1]), stage_pool(kind, shape[2]));
}

}  // namespace

ConvTrunkSettings conv_trunk_preset(const std::string& name) {
  ConvTrunkSettings settings;
  if (name == "deepmind") {
    settings.stages = {{.channels = 32, .kernel = 8, .stride = 4},
                       {.channels = 64, .kernel = 4, .stride = 2},
                       {.channels = 64, .kernel = 3}};
  } else if (name == "nips") {
    settings.stages = {{.channels = 16, .kernel = 8, .stride = 4}, {.channels = 32, .kernel = 4, .stride = 2}};
  } else if (name == "columns") {
    settings.stages = {{.channels = 16, .kernel = 4, .stride = 2}, {.channels = 64, .kernel = 0, .kernel_width = 1}};
  } else if (name == "original") {
    settings.stages = {{.channels = 32, .kernel = 8, .stride = 4, .groups = 8},
                       {.channels = 64, .kernel = 4, .stride = 2, .groups = 8},
                       {.channels = 64, .kernel = 3, .stride = 2, .groups = 8}};
  } else if (name == "precise") {
    settings.stages = {{.channels = 32, .kernel = 5, .padding = 2, .groups = 8, .pool = 2},
                       {.channels = 64, .kernel = 3, .padding = 1, .groups = 8, .pool = 2},
                       {.channels = 128, .kernel = 3, .padding = 1, .groups = 16, .pool = 2}};
  } else if (name == "impala") {
    for (const int channels : {32, 64, 64}) {
      settings.stages.push_back(
          {.channels = channels, .kernel = 3, .padding = 1, .rectify = false, .pool = 3, .residual_units = 2});
    }
    settings.spectral = true;
    settings.adaptive_pool = 6;
    settings.rectify_last = true;
  } else {
    throw UserError(unknown_name("network", name, {"deepmind", "nips", "columns", "original", "precise", "impala"}));
  }
  return settings;
}

ConvTrunk::ConvTrunk(const ConvTrunkSettings& settings, const StackShape& input, ParameterStore& store, Random& init)
    : settings_(settings), input_(input) {
  SINV_CHECK(!settings.stages.empty(), "conv trunk: no stages, wanted at least 1");
  std::int64_t height = input.height;
  std::int64_t width = input.width;
  std::int64_t channels = input.frames;
  for (std::size_t i = 0; i < settings.stages.size(); ++i) {
    const ConvStage& stage = settings.stages[i];
    const std::string name = text("conv", i);
    const std::int64_t kernel = stage.kernel == 0 ? height : stage.kernel;
    const ConvShape shape{height, width,        channels,      stage.channels,
                          kernel, stage.stride, stage.padding, stage.kernel_width};
    stages_.push_back({stage, ConvLayer(name, shape, false, store, init), std::nullopt, {}});
    channels = stage.channels;
    height = shape.out_height();
    width = shape.out_width();
    if (stage.groups > 0) stages_.back().norm.emplace(name + "_norm", channels, stage.groups, store);
    if (stage.pool != 0) {
      height = stage_pool(stage.pool, height).count;
      width = stage_pool(stage.pool, width).count;
    }
    const ConvShape plain{height, width, channels, channels, 3, 1, 1};
    for (int unit = 0; unit < stage.residual_units; ++unit) {
      for (const char* end : {"_a", "_b"}) {
        stages_.back().units.emplace_back(text(name, "_unit", unit, end), plain, settings.spectral, store, init);
      }
    }
  }
  if (settings.adaptive_pool > 0) height = width = settings.adaptive_pool;
  features_ = static_cast<int>(height * width * channels);
}

ConvTrunk::Weights ConvTrunk::record_weights(Tape& tape, ParameterStore& store, bool held) const {
  Weights weights;
  for (const Stage& stage : stages_) {
    weights.convs.push_back(stage.conv.record(tape, store, !weights.convs.empty(), held));
    if (stage.norm) weights.norms.push_back(stage.norm->record(tape, store));
    for (const ConvLayer& unit : stage.units) weights.convs.push_back(unit.record(tape, store, true, held));
  }
  return weights;
}

Var ConvTrunk::record(Tape& tape, const Weights& weights, std::span<const std::uint8_t> frames) const {
  Var x;
  auto next = weights.convs.begin();
  auto norm = weights.norms.begin();
  for (const Stage& stage : stages_) {
    const LinearVars& w = *next++;
    const Activation last = stage.settings.rectify ? Activation::kRelu : Activation::kIdentity;
    const Activation activation = stage.norm ? Activation::kIdentity : last;
    x = x.id < 0 ? conv(tape, stage.conv.shape(), frames, w.weight, w.bias, activation)
                 : conv(tape, stage.conv.shape(), x, w.weight, w.bias, activation);
    if (stage.norm) {
      x = group_norm(tape, x, stage.norm->groups(), norm->weight, norm->bias, last);
      ++norm;
    }
    if (stage.settings.pool != 0) x = pool(tape, x, stage.settings.pool);
    for (std::size_t i = 0; i < stage.units.size(); i += 2) {
      const LinearVars& a = *next++;
      const LinearVars& b = *next++;
      const Var inner =
          conv(tape, stage.units[i].shape(), unary(tape, Unary::kRelu, x), a.weight, a.bias, Activation::kRelu);
      x = binary(tape, Binary::kAdd, x,
                 conv(tape, stage.units[i + 1].shape(), inner, b.weight, b.bias, Activation::kIdentity));
    }
  }
  if (settings_.adaptive_pool > 0) {
    const Shape shape = tape.shape(x);
    x = max_pool(tape, x, adaptive_pool_axis(shape[1], settings_.adaptive_pool),
                 adaptive_pool_axis(shape[2], settings_.adaptive_pool));
  }
  if (settings_.rectify_last) x = unary(tape, Unary::kRelu, x);
  return reshape(tape, x, Shape{tape.shape(x)[0], features_});
}

ConvTrunk::Weights ConvTrunk::constants(Tape& tape, const Tape& from, const Weights& weights) {
  const auto constant = [&](const LinearVars& vars) {
    return LinearVars{tape.constant_of(from, vars.weight), tape.constant_of(from, vars.bias)};
  };
  Weights out;
  for (const LinearVars& vars : weights.convs) out.convs.push_back(constant(vars));
  for (const LinearVars& vars : weights.norms) out.norms.push_back(constant(vars));
  return out;
}

}  // namespace sinv
