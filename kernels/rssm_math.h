#pragma once

#include <cmath>

#include "base/hd.h"
#include "kernels/elementwise_math.h"

/// The formulas of one element of kernels/rssm.h, shared by the CPU loops and the CUDA kernels.
namespace sinv {

/// log(1 + exp(logit)) - label logit, without overflow.
SINV_HD inline float bernoulli_loss(float logit, float label) {
  return log1pf(expf(-fabsf(logit))) + (logit > 0.0F ? logit : 0.0F) - label * logit;
}
SINV_HD inline float bernoulli_slope(float logit, float label) { return Sigmoid::forward(logit) - label; }

/// What a lambda return at time t discounts.
SINV_HD inline float lambda_next(float value_tp1, float return_tp1, float lambda) {
  return (1.0F - lambda) * value_tp1 + lambda * return_tp1;
}

}  // namespace sinv
