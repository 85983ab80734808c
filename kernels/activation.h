#pragma once

#include <cstdint>

#include "kernels/elementwise_math.h"

namespace sinv {

#define SINV_NAME_OP(Op) k##Op,
/// An element-wise operation of one or two inputs, by name.
enum class Unary : std::uint8_t { SINV_UNARY_OPS(SINV_NAME_OP) };
enum class Binary : std::uint8_t { SINV_BINARY_OPS(SINV_NAME_OP) };
/// What a layer applies to its result.
using Activation = Unary;
#undef SINV_NAME_OP

#define SINV_NAME_OP(Op) Op::kName,
inline constexpr const char* kUnaryNames[] = {SINV_UNARY_OPS(SINV_NAME_OP)};
inline constexpr const char* kBinaryNames[] = {SINV_BINARY_OPS(SINV_NAME_OP)};
#undef SINV_NAME_OP

}  // namespace sinv
