#pragma once

#include <cstddef>

#include "cabinet/machine.h"
#include "game/features.h"

namespace sinv {

// The two parts of the rich state vector. Their rows are described, in this order, by feature_table().
inline constexpr std::size_t kRichCount = 240;
inline constexpr std::size_t kHiddenCount = 16;

/// Writes kRichCount values and returns the place after them. Thread: any.
float* put_rich(const Ram& ram, const FeatureMemory& memory, float* out);
/// Writes kHiddenCount values.
float* put_hidden(const Ram& ram, float* out);

}  // namespace sinv
