#pragma once

#include "nn/tape.h"

/// The operations of a tape: each records one node. Shapes and errors are those of the operation of the same name in
/// kernels/ops.h; the gradient goes to every input that wants one.
namespace sinv {

Var unary(Tape& tape, Unary op, Var x);
Var binary(Tape& tape, Binary op, Var a, Var b);
/// op(a) op(b), each transposed or not.
Var matmul(Tape& tape, Var a, bool transpose_a, Var b, bool transpose_b);

/// The weight [in,out] in the layout of the device's products. input_gradient: the layer's x wants a gradient.
/// held: packed anew only after Tape::refresh_held(). sparse: of x's first columns so many are mostly zeros, which a
/// CPU leaves out; the result is the same for any x.
Var pack(Tape& tape, Var weight, bool input_gradient, bool held = false, std::int64_t sparse = 0);
/// The noisy weight mu + sigma * eps_in eps_out^T, packed. eps: constants of the caller, [in] and [out].
Var pack_noisy(Tape& tape, Var mu, Var sigma, ConstView eps_in, ConstView eps_out, bool input_gradient);
/// The same, unpacked; for a bias [1,out], eps_in has the one element 1.
Var noisy_mix(Tape& tape, Var mu, Var sigma, ConstView eps_in, ConstView eps_out);
/// activation(x w + bias): x [m,in], w packed [in,out], bias of out elements.
Var linear(Tape& tape, Var x, Var packed_weight, Var bias, Activation activation);
Var layer_norm(Tape& tape, Var x, Var gain, Var bias, float epsilon = 1e-5F);
Var dueling(Tape& tape, Var value, Var advantage);
/// index: from Tape::indices, one column per row of x.
Var gather(Tape& tape, Var x, std::span<const std::int32_t> index);
Var concat(Tape& tape, Var a, Var b);
Var sum(Tape& tape, Var x);
/// scale times the sum.
Var scaled_sum(Tape& tape, Var x, float scale);
Var mean(Tape& tape, Var x);
/// weight * huber(prediction - target) per element; a gradient to the prediction only.
Var huber(Tape& tape, Var prediction, Var target, Var weight, float delta);

/// The DQN loss: `in` refers to buffers that live as long as the tape; its q views are filled in here.
struct DqnLossVars {
  std::span<float> results;  // the three below in one piece: errors, mean q, loss
  Var loss;
  View mean_q;
  std::span<float> td_error;
};
DqnLossVars dqn_loss(Tape& tape, Var q_tm1, Var q_t_selector, Var q_t_value, DqnLossInputs in);

}  // namespace sinv
