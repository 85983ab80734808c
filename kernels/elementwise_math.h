#pragma once

#include <cmath>
#include <cstdint>

#include "base/hd.h"

/// The formulas of one element, shared by the CPU loops and the CUDA kernels.
/// Every unary gradient is computed from the OUTPUT y alone, so that the input need not be kept.
namespace sinv {

/// Inputs for which the tests hold an operation to its bound.
struct Domain {
  float low;
  float high;
};

/// exp(x) = scale (1 + rest), scale a power of two; plain arithmetic, so that loops over it vectorise. 0 below -87.7,
/// infinite from 88.4 on; a NaN stays one. Source: Cephes expf (Moshier), its minimax polynomial on +-ln 2 / 2.
struct SplitExp {
  float scale;
  float rest;
};
SINV_HD inline SplitExp split_exp(float x) {
  const float floor = x < -88.0F ? -88.0F : x;
  const float a = floor > 89.0F ? 89.0F : floor;
  const float shifted = a * 1.44269504F + 12582912.0F;  // 1.5 * 2^23: the fraction's bits hold the rounded product
  const std::int32_t exponent = __builtin_bit_cast(std::int32_t, shifted) - 0x4B400000;
  const float n = shifted - 12582912.0F;
  const float r = (a - n * 0.693359375F) + n * 2.12194440e-4F;
  float p = 1.9875691500e-4F;
  p = p * r + 1.3981999507e-3F;
  p = p * r + 8.3334519073e-3F;
  p = p * r + 4.1665795894e-2F;
  p = p * r + 1.6666665459e-1F;
  p = p * r + 5.0000001201e-1F;
  return {__builtin_bit_cast(float, (exponent + 127) << 23), p * r * r + r};
}
SINV_HD inline float fast_exp(float x) {
  const SplitExp e = split_exp(x);
  return e.scale * (1.0F + e.rest);
}
/// exp(x) - 1 without cancelling near 0.
SINV_HD inline float fast_exp_minus_one(float x) {
  const SplitExp e = split_exp(x);
  return e.scale * e.rest + (e.scale - 1.0F);
}

struct Identity {
  static constexpr const char* kName = "identity";
  static constexpr Domain kDomain{-30.0F, 30.0F};
  SINV_HD static float forward(float x) { return x; }
  SINV_HD static float backward(float, float gy) { return gy; }
};

struct Relu {
  static constexpr const char* kName = "relu";
  static constexpr Domain kDomain{-30.0F, 30.0F};
  SINV_HD static float forward(float x) { return x < 0.0F ? 0.0F : x; }  // a NaN stays visible
  SINV_HD static float backward(float y, float gy) { return y > 0.0F ? gy : 0.0F; }
};

/// Slope 0.01 below zero. Source: Maas et al., "Rectifier nonlinearities improve neural network acoustic models", 2013.
struct LeakyRelu {
  static constexpr const char* kName = "leaky_relu";
  static constexpr Domain kDomain{-30.0F, 30.0F};
  SINV_HD static float forward(float x) { return x > 0.0F ? x : 0.01F * x; }
  SINV_HD static float backward(float y, float gy) { return y > 0.0F ? gy : 0.01F * gy; }
};

/// Exponential linear unit, alpha = 1. Source: Clevert et al., arXiv:1511.07289.
struct Elu {
  static constexpr const char* kName = "elu";
  static constexpr Domain kDomain{-30.0F, 30.0F};
  // exp(x) - 1 cancels near 0; the other does not.
  SINV_HD static float forward(float x) { return x > 0.0F ? x : fast_exp_minus_one(x); }
  SINV_HD static float backward(float y, float gy) { return y > 0.0F ? gy : gy * (y + 1.0F); }
};

struct Tanh {
  static constexpr const char* kName = "tanh";
  static constexpr Domain kDomain{-10.0F, 10.0F};
  SINV_HD static float forward(float x) {
    const float e = fast_exp_minus_one(-2.0F * fabsf(x));
    return copysignf(-e / (e + 2.0F), x);
  }
  SINV_HD static float backward(float y, float gy) { return gy * (1.0F - y * y); }
};

struct Sigmoid {
  static constexpr const char* kName = "sigmoid";
  static constexpr Domain kDomain{-30.0F, 30.0F};
  SINV_HD static float forward(float x) { return 1.0F / (1.0F + fast_exp(-x)); }
  SINV_HD static float backward(float y, float gy) { return gy * y * (1.0F - y); }
};

struct Exp {
  static constexpr const char* kName = "exp";
  static constexpr Domain kDomain{-10.0F, 10.0F};
  SINV_HD static float forward(float x) { return expf(x); }
  SINV_HD static float backward(float y, float gy) { return gy * y; }
};

struct Add {
  static constexpr const char* kName = "add";
  SINV_HD static float forward(float a, float b) { return a + b; }
  SINV_HD static float backward_a(float, float, float gy) { return gy; }
  SINV_HD static float backward_b(float, float, float gy) { return gy; }
};

struct Subtract {
  static constexpr const char* kName = "subtract";
  SINV_HD static float forward(float a, float b) { return a - b; }
  SINV_HD static float backward_a(float, float, float gy) { return gy; }
  SINV_HD static float backward_b(float, float, float gy) { return -gy; }
};

struct Multiply {
  static constexpr const char* kName = "multiply";
  SINV_HD static float forward(float a, float b) { return a * b; }
  SINV_HD static float backward_a(float, float b, float gy) { return gy * b; }
  SINV_HD static float backward_b(float a, float, float gy) { return gy * a; }
};

// The lists. Backends, names and tests expand them; nothing else enumerates the operations.
#define SINV_UNARY_OPS(X) X(Identity) X(Relu) X(LeakyRelu) X(Elu) X(Tanh) X(Sigmoid) X(Exp)
#define SINV_BINARY_OPS(X) X(Add) X(Subtract) X(Multiply)

/// What a byte of a frame is multiplied with to be a pixel in 0 .. 1.
inline constexpr float kByteScale = 1.0F / 255.0F;

/// Huber loss of one error. delta 0 means 1/2 error^2. Source: Huber, Ann. Math. Stat. 35 (1964).
SINV_HD inline float huber(float error, float delta) {
  const float size = fabsf(error);
  return delta > 0.0F && size > delta ? delta * (size - 0.5F * delta) : 0.5F * error * error;
}
SINV_HD inline float huber_slope(float error, float delta) {
  if (!(delta > 0.0F && fabsf(error) > delta)) return error;  // so that a NaN stays visible
  return error > 0.0F ? delta : -delta;
}

/// One Adam step of one parameter. Source: Kingma and Ba, arXiv:1412.6980, in the form that PyTorch computes:
/// step_size = rate / (1 - beta1^t), root_scale = 1 / sqrt(1 - beta2^t).
struct AdamStep {
  float beta1;
  float beta2;
  float epsilon;
  float step_size;
  float root_scale;
};
SINV_HD inline void adam_element(const AdamStep& s, float gradient, float& value, float& moment1, float& moment2) {
  moment1 += (1.0F - s.beta1) * (gradient - moment1);
  moment2 += (1.0F - s.beta2) * (gradient * gradient - moment2);
  value -= s.step_size * moment1 / (sqrtf(moment2) * s.root_scale + s.epsilon);
}

}  // namespace sinv
