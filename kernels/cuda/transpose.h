#pragma once

#include "kernels/ops.h"

namespace sinv {

/// y [n,m] = (or +=) the transpose of x [m,n]. Memory, order and errors as in kernels/cuda/cuda_ops.h.
void transpose(const Stream& s, ConstView x, GradientMode mode, View y);

}  // namespace sinv
