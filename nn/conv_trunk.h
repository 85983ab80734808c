#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/image_layers.h"

namespace sinv {

/// One stage of a trunk, in this order: convolution, normalisation, rectifier, pooling, residual units.
struct ConvStage {
  int channels;
  int kernel;            // 0: as high as what it reads
  int kernel_width = 0;  // 0: as high
  int stride = 1;
  int padding = 0;
  int groups = 0;          // GroupNorm with so many groups; 0: none
  bool rectify = true;     // ReLU
  int pool = 0;            // 2: maximum of 2x2; 3: of 3x3 at every second place, with a border of 1; 0: none
  int residual_units = 0;  // x + conv3x3(relu(conv3x3(relu(x)))), plain in size
};

/// The part of a network that turns frames into features.
struct ConvTrunkSettings {
  std::vector<ConvStage> stages;
  bool spectral = false;      // spectral normalisation of the convolutions in residual units
  int adaptive_pool = 0;      // n: a last maximum over n x n windows that cover the image; 0: none
  bool rectify_last = false;  // ReLU at the end
};

/// deepmind: 32 8x8/4, 64 4x4/2, 64 3x3/1. Source: Mnih et al., Nature 518 (2015).
/// nips:     16 8x8/4, 32 4x4/2; a third of deepmind's work. Source: Mnih et al., arXiv:1312.5602.
/// columns:  16 4x4/2, 64 as high as the picture; what stands above what is then seen in one place, wherever it is.
/// original: 32 8x8/4, 64 4x4/2, 64 3x3/2, GroupNorm of 8 groups before each ReLU (the predecessor's).
/// precise:  32 5x5 (8 groups), 64 3x3 (8), 128 3x3 (16), padded, each with ReLU and 2x2 pooling (the predecessor's).
/// impala:   channels 32, 64, 64, each conv 3x3, 3x3/2 pooling, two residual units with spectral normalisation; then
///           6x6 adaptive pooling and ReLU. Sources: Espeholt et al., arXiv:1802.01561 (16, 32, 32 channels); Clark et
///           al., "Beyond the Rainbow", arXiv:2411.03820 (twice the width, spectral normalisation, pooling).
/// Errors: UserError naming the known ones.
ConvTrunkSettings conv_trunk_preset(const std::string& name);

/// Stacks of byte frames [m, frames, height, width].
struct StackShape {
  int frames;
  int height;
  int width;
};

/// The layers of one trunk: registers its parameters, then records its weights and any number of forward passes.
/// Parameters in order: conv0, conv0_norm, conv0_unit0_a, conv0_unit0_b, ..., conv1, ...
/// Thread: the owner's.
class ConvTrunk {
 public:
  /// The weights of one step on one tape, in the order of the parameters.
  struct Weights {
    std::vector<LinearVars> convs;
    std::vector<LinearVars> norms;
  };

  /// Draws initial values from `init`. The caller finishes the store.
  /// Errors: Error naming the layer's geometry if the image is too small for it.
  ConvTrunk(const ConvTrunkSettings& settings, const StackShape& input, ParameterStore& store, Random& init);
  /// Once per tape. held: the parameters change only with Tape::refresh_held(), see ConvLayer::record.
  Weights record_weights(Tape& tape, ParameterStore& store, bool held) const;
  /// Features [m, features()] in the order (y, x, channel), of frames in the caller's memory (Tape::frames).
  Var record(Tape& tape, const Weights& weights, std::span<const std::uint8_t> frames) const;

  /// The same weights, from the same or another tape, through which no gradient flows.
  static Weights constants(Tape& tape, const Tape& from, const Weights& weights);

  const StackShape& input() const { return input_; }
  std::size_t stack_bytes() const {
    return static_cast<std::size_t>(input_.frames) * static_cast<std::size_t>(input_.height) *
           static_cast<std::size_t>(input_.width);
  }
  int features() const { return features_; }

 private:
  struct Stage {
    ConvStage settings;
    ConvLayer conv;
    std::optional<GroupNormLayer> norm;
    std::vector<ConvLayer> units;  // two per unit
  };
  ConvTrunkSettings settings_;
  StackShape input_;
  std::vector<Stage> stages_;
  int features_;
};

}  // namespace sinv
