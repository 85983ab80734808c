#pragma once

#include <span>

#include "kernels/deconv.h"
#include "kernels/rssm.h"
#include "nn/tape.h"

/// The operations of a tape for world models: each records one node. Shapes and errors are those of the operation of
/// the same name in kernels/rssm.h and kernels/deconv.h; the gradient goes to every input that wants one.
namespace sinv {

/// The next state of a GRU cell. gates [m,3d]: the product of its layer, without activation.
Var gru(Tape& tape, Var gates, Var gain, Var bias, Var h, float epsilon = 1e-3F);
/// A one-hot sample of each run of `classes` logits, straight through. noise [m, n / classes].
Var categorical(Tape& tape, Var logits, std::int64_t classes, Var noise);

struct KlVars {
  Var loss;
  View divergence;  // [m] nats of each row
};
KlVars kl_balance(Tape& tape, Var posterior, Var prior, std::int64_t classes, Var weight, float free_nats,
                  float balance);
Var lambda_return(Tape& tape, Var reward, Var discount, Var value, float lambda);
/// No gradient flows through the weights.
Var discount_weight(Tape& tape, Var discount);
Var policy_score(Tape& tape, Var logits, Var action, Var advantage, float entropy_scale);
Var bernoulli(Tape& tape, Var logit, Var label);
Var scale_rows(Tape& tape, Var x, Var factor);
/// Rows first .. first + count - 1 of x [m,n]: no copy.
Var rows(Tape& tape, Var x, std::int64_t first, std::int64_t count);
/// The rows of each part [.,n], one part after the other.
Var stack(Tape& tape, std::span<const Var> parts);

/// The weight [kernel,kernel,outputs,c] in the layout of the device's transposed convolutions. held: packed anew only
/// after Tape::refresh_held().
Var deconv_pack(Tape& tape, const DeconvShape& shape, Var weight, bool input_gradient, bool held = false);
/// activation(x transposed-convolved with w + bias), bias of `outputs` elements.
Var deconv(Tape& tape, const DeconvShape& shape, Var x, Var packed_weight, Var bias, Activation activation);
/// Images byte / 255 + offset of byte frames [m,c,h,w] in the caller's memory, read in every forward().
Var frames(Tape& tape, std::span<const std::uint8_t> frames, float offset, Shape images);
/// Each picture of a pixel's history but the newest becomes `scale` times what changed until the next one. No gradient.
Var picture_changes(Tape& tape, Var x, std::int64_t channels, float scale);
/// One number per image.
Var image_error(Tape& tape, Var prediction, Var target, const ImageWeights& weights);

}  // namespace sinv
