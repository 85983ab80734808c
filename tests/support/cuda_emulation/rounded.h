#pragma once

#include <bit>
#include <cstdint>

namespace sinv::cuda_emulation {

/// x rounded to `bits` bits of mantissa, to the nearest, ties to even: 10 is TF32, 7 is bfloat16, 23 changes nothing.
inline float rounded(float x, int bits) {
  const auto drop = static_cast<std::uint32_t>(23 - bits);
  if (drop == 0) return x;
  const auto all = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t odd = all >> drop & 1U;
  return std::bit_cast<float>((all + (1U << (drop - 1)) - 1U + odd) >> drop << drop);
}

}  // namespace sinv::cuda_emulation
