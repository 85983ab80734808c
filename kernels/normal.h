#pragma once

#include <cmath>
#include <cstdint>

#include "base/hd.h"

namespace sinv {

/// Natural logarithm of a normal positive float, within 2 ulp; plain arithmetic, so that loops over it vectorise.
/// Source: Cephes logf (Moshier), its minimax polynomial on [sqrt(1/2), sqrt(2)].
SINV_HD inline float fast_log(float x) {
  const auto bits = __builtin_bit_cast(std::int32_t, x);
  // Exponent of x relative to sqrt(1/2), so that the mantissa lands in [sqrt(1/2), sqrt(2)).
  const std::int32_t exponent = (bits - 0x3F3504F3) >> 23;
  const float m = __builtin_bit_cast(float, bits - (exponent << 23)) - 1.0F;
  const auto e = static_cast<float>(exponent);
  float p = 7.0376836292e-2F;
  p = p * m - 1.1514610310e-1F;
  p = p * m + 1.1676998740e-1F;
  p = p * m - 1.2420140846e-1F;
  p = p * m + 1.4249322787e-1F;
  p = p * m - 1.6668057665e-1F;
  p = p * m + 2.0000714765e-1F;
  p = p * m - 2.4999993993e-1F;
  p = p * m + 3.3333331174e-1F;
  const float z = m * m;
  return e * 0.693359375F + (m + (p * m * z - 0.5F * z - e * 2.12194440e-4F));
}

/// A standard normal number from 32 random bits (23 are used), by the inverse of the error function; within 5.4 of 0.
/// Source: Giles, "Approximating the erfinv function", GPU Computing Gems Jade Edition, 2010 (single precision).
SINV_HD inline float normal_from_bits(std::uint32_t bits) {
  const float x = static_cast<float>(static_cast<std::int32_t>((bits >> 9) * 2U + 1U) - 0x800000) * 0x1p-23F;
  const float w = -fast_log((1.0F - x) * (1.0F + x));
  const float a = w - 2.5F;
  float p = 2.81022636e-08F;
  p = p * a + 3.43273939e-07F;
  p = p * a - 3.5233877e-06F;
  p = p * a - 4.39150654e-06F;
  p = p * a + 0.00021858087F;
  p = p * a - 0.00125372503F;
  p = p * a - 0.00417768164F;
  p = p * a + 0.246640727F;
  p = p * a + 1.50140941F;
  const float b = __builtin_sqrtf(w) - 3.0F;
  float q = -0.000200214257F;
  q = q * b + 0.000100950558F;
  q = q * b + 0.00134934322F;
  q = q * b - 0.00367342844F;
  q = q * b + 0.00573950773F;
  q = q * b - 0.0076224613F;
  q = q * b + 0.00943887047F;
  q = q * b + 1.00167406F;
  q = q * b + 2.83297682F;
  return 1.41421356F * x * (w < 5.0F ? p : q);
}

/// sign(x) sqrt|x|: the factor of factorised noise. Source: Fortunato et al., arXiv:1706.10295, section 3.
SINV_HD inline float noise_factor(float x) { return __builtin_copysignf(__builtin_sqrtf(__builtin_fabsf(x)), x); }

}  // namespace sinv
