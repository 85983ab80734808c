#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/random.h"

namespace sinv {

/// Fresh numbers; `stream` tells the inputs of one case apart.
inline std::vector<float> draw(std::size_t count, std::uint64_t stream, float low = -1.0F, float high = 1.0F) {
  Random random(42, stream);
  std::vector<float> values(count);
  for (float& v : values) v = low + (high - low) * random.uniform();
  return values;
}

}  // namespace sinv
