#pragma once

#include <span>
#include <string>
#include <vector>

#include "nn/dense.h"

namespace sinv {

/// Most pixels change rarely, and what does is what matters: shots, ships, explosions.
inline constexpr float kChangeScale = 4.0F;

/// Sizes of a recurrent state-space model. The defaults are those of DreamerV2 on Atari: with six actions 19,968,179
/// parameters. Source: Hafner et al., arXiv:2010.02193, and its release.
struct WorldModelSettings {
  int height = 64;  // of the picture
  int width = 64;
  int channels = 1;
  int history = 1;  // pictures that the encoder looks back on, with its own; the decoder draws the newest
  int actions = 6;
  int deter = 600;      // the deterministic state h
  int hidden = 600;     // layers of the recurrent model
  int variables = 32;   // categorical variables of the stochastic state z
  int classes = 32;     // of each
  int depth = 48;       // channels of the first convolution
  int units = 400;      // of the heads' layers
  int head_layers = 4;  // of the reward and discount heads

  int latent() const { return variables * classes; }
  int feature() const { return latent() + deter; }  // [z, h], what the heads read
};

/// A model's parameters on one tape, packed once, and what they compute. Rows are states: of sequences or of
/// environments. Valid as long as the tape.
class WorldModelVars {
 public:
  /// What an encoder sees of histories of pictures, bytes [m,history,channels,height,width], oldest first: the newest
  /// picture, byte / 255 - 0.5, and how each older one changed until the next, kChangeScale times.
  Var look(std::span<const std::uint8_t> histories, std::int64_t m) const;
  /// [m,embedding] of what look() gives, [m,height,width,history * channels].
  Var embed(Var images) const;
  /// The next h of z, action (one-hot) and h.
  Var next_deter(Var stoch, Var action, Var deter) const;
  /// Logits [m,latent] of z from h alone.
  Var prior(Var deter) const;
  /// What the embedding adds to the posterior's hidden layer: for all steps of a sequence at once.
  Var embedding_part(Var embedding) const;
  /// Logits [m,latent] of z from h and the picture.
  Var posterior(Var deter, Var embedding_part) const;
  Var feature(Var stoch, Var deter) const;
  /// Mean of the picture [m,height,width,channels].
  Var decode(Var feature) const;
  Var reward(Var feature) const;          // mean [m,1]
  Var discount_logit(Var feature) const;  // of the expected discount [m,1]

 private:
  friend class WorldModel;
  Tape* tape_ = nullptr;
  const WorldModelSettings* settings_ = nullptr;
  std::vector<ConvShape> conv_shapes_;
  std::vector<DeconvShape> deconv_shapes_;
  std::vector<LinearVars> convs_;
  std::vector<LinearVars> deconvs_;
  LinearVars decoder_in_;
  LinearVars img_in_;
  LinearVars gates_;
  LinearVars norm_;
  LinearVars img_out_;
  LinearVars img_logits_;
  LinearVars obs_deter_;
  LinearVars obs_embed_;
  LinearVars obs_logits_;
  std::vector<LinearVars> reward_;
  std::vector<LinearVars> discount_;
};

/// Conv encoder, transposed-conv decoder, RSSM with a layer-normed GRU and categorical latents, reward and discount
/// heads. Encoder: four convolutions 4x4 stride 2 of depth, 2, 4 and 8 times depth, ELU. Decoder: a dense layer without
/// activation, then four transposed convolutions stride 2 of 4, 2 and 1 times depth and the picture's channels, with
/// kernel 5 or 6, whichever gives the size that the next one needs: 1, 5, 13, 30, 64 for a side of 64.
/// Errors: UserError for a picture that is too small, or whose sides need different kernels in one layer.
/// Thread: one owner.
class WorldModel {
 public:
  WorldModel(const WorldModelSettings& settings, ParameterStore& store, Random& init);
  WorldModelVars record(Tape& tape, ParameterStore& store, const LayerUse& use) const;
  const WorldModelSettings& settings() const { return settings_; }

 private:
  WorldModelSettings settings_;
  std::vector<GlorotConv> convs_;
  std::vector<GlorotDeconv> deconvs_;
  std::vector<DenseLayer> dense_;  // in the order of WorldModelVars
  LayerNormLayer norm_;
  DenseHead reward_;
  DenseHead discount_;
};

/// The geometry of both ends. Errors: as WorldModel.
std::vector<ConvShape> encoder_shapes(const WorldModelSettings& settings);
std::vector<DeconvShape> decoder_shapes(const WorldModelSettings& settings);

}  // namespace sinv
