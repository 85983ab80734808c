#pragma once

#include <cstdint>

#include "base/hd.h"
#include "game/ram_map.h"

namespace sinv {

/// The true score of one game. The display holds 4 digits and wraps at 10,000; the machine may be stopped between the
/// two stores of a score, so a reading that is no BCD number, or that is more than kMostPoints above the one before,
/// is left out until the next frame. Plain data. Thread: one owner.
struct ScoreCounter {
  /// More than one frame can give: a saucer (300) and an alien (30).
  static constexpr std::uint32_t kMostPoints = 500;
  /// A reading that stays absurd this many frames is no torn one: counting goes on from it, without points.
  static constexpr std::uint32_t kPatienceFrames = 8;

  std::int64_t total = 0;
  std::uint32_t shown = 0;     // last accepted reading
  std::uint32_t rejected = 0;  // readings in a row that were left out

  /// A new game: counts from what is shown now.
  SINV_HD constexpr void begin(const Ram& ram) {
    total = 0;
    rejected = 0;
    const int reading = shown_score(ram);
    shown = reading < 0 ? 0 : static_cast<std::uint32_t>(reading);
  }

  /// Once per frame. Returns the points made since the last accepted reading.
  SINV_HD constexpr std::uint32_t update(const Ram& ram) {
    const int reading = shown_score(ram);
    if (reading == static_cast<int>(shown)) {
      rejected = 0;
      return 0;
    }
    if (reading >= 0) {
      const std::uint32_t points = (static_cast<std::uint32_t>(reading) + 10000U - shown) % 10000U;
      if (points <= kMostPoints) {
        shown = static_cast<std::uint32_t>(reading);
        total += points;
        rejected = 0;
        return points;
      }
    }
    if (++rejected >= kPatienceFrames && reading >= 0) {
      shown = static_cast<std::uint32_t>(reading);
      rejected = 0;
    }
    return 0;
  }
};

}  // namespace sinv
