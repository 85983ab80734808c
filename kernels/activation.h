#pragma once

#include <cstdint>

namespace sinv {

/// What a fused product applies to its result. The formulas stand in kernels/elementwise_math.h.
enum class Activation : std::uint8_t { kNone, kRelu, kLeakyRelu, kElu, kTanh, kSigmoid };

}  // namespace sinv
