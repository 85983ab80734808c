#pragma once

#include "kernels/conv.h"
#include "nn/tape.h"

/// The operations of a tape on images [m,h,w,c]: each records one node. Shapes and errors are those of the operation of
/// the same name in kernels/conv.h; the gradient goes to every input that wants one.
namespace sinv {

/// x under another shape of the same size: no copy.
Var reshape(Tape& tape, Var x, Shape shape);

/// The weight [kernel,kernel,c,outputs] in the layout of the device's convolutions. input_gradient: the layer's x wants
/// a gradient. held: packed anew only after Tape::refresh_held().
Var conv_pack(Tape& tape, const ConvShape& shape, Var weight, bool input_gradient, bool held = false);
/// activation(x * w + bias), bias of `outputs` elements.
Var conv(Tape& tape, const ConvShape& shape, Var x, Var packed_weight, Var bias, Activation activation);
/// The same of stacks of byte frames [m,c,h,w] in the caller's memory (Tape::frames, or memory that outlives the tape),
/// read in every forward() and backward().
Var conv(Tape& tape, const ConvShape& shape, std::span<const std::uint8_t> frames, Var packed_weight, Var bias,
         Activation activation);
Var group_norm(Tape& tape, Var x, std::int64_t groups, Var gain, Var bias, Activation activation,
               float epsilon = 1e-5F);
Var max_pool(Tape& tape, Var x, const PoolAxis& rows, const PoolAxis& columns);
/// weight / sigma. u is updated in place by `iterations` of power iteration at each forward(); it wants no gradient.
/// held: computed anew only after Tape::refresh_held().
Var spectral_norm(Tape& tape, Var weight, Var u, int iterations, bool held = false);

}  // namespace sinv
