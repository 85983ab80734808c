#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

#include "base/error.h"

namespace sinv {

/// How far a run has come. A frame is 1/60 s of one game; a step is one decision of one environment; an update is one
/// gradient step.
struct Clock {
  std::int64_t frames = 0;
  std::int64_t steps = 0;
  std::int64_t updates = 0;
};

enum class Curve { kConstant, kLinear, kCosine };
enum class Unit { kFrames, kSteps, kUpdates };

/// A value that goes from `from` to `to` while the clock goes from `begin` to `begin + length`, and stays there. The
/// unit is part of the type, so that steps cannot be taken for frames.
template <Unit unit>
struct Schedule {
  Curve curve = Curve::kConstant;
  double from = 0;
  double to = 0;
  std::int64_t begin = 0;
  std::int64_t length = 0;

  static Schedule constant(double value) { return {Curve::kConstant, value, value, 0, 0}; }
  static Schedule linear(double from, double to, std::int64_t begin, std::int64_t length) {
    return {Curve::kLinear, from, to, begin, length};
  }
  static Schedule cosine(double from, double to, std::int64_t begin, std::int64_t length) {
    return {Curve::kCosine, from, to, begin, length};
  }

  double at(const Clock& clock) const {
    if (curve == Curve::kConstant) return from;
    std::int64_t now = clock.frames;
    if constexpr (unit == Unit::kSteps) now = clock.steps;
    if constexpr (unit == Unit::kUpdates) now = clock.updates;
    if (now <= begin) return from;
    if (now >= begin + length) return to;
    const double part = static_cast<double>(now - begin) / static_cast<double>(length);
    if (curve == Curve::kLinear) return from + (to - from) * part;
    return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * part));
  }
};

using FrameSchedule = Schedule<Unit::kFrames>;
using StepSchedule = Schedule<Unit::kSteps>;
using UpdateSchedule = Schedule<Unit::kUpdates>;

/// Learning-rate reduction on plateau: after `patience` scores in a row that do not beat the best by more than
/// `threshold` of its size, the factor is multiplied by `factor`, down to `least`. Plain data.
struct PlateauReduction {
  double factor = 0.5;
  double least = 0.1;
  double threshold = 0.01;
  std::int32_t patience = 0;  // 0 = never reduce
  std::int32_t waited = 0;
  double best = 0;
  bool any = false;
  double current = 1;

  /// Takes a score (higher is better) and returns what to multiply the learning rate by.
  double observe(double score) {
    if (patience <= 0) return current;
    if (!any || score > best + threshold * std::abs(best)) {
      any = true;
      best = score;
      waited = 0;
    } else if (++waited >= patience) {
      waited = 0;
      current = std::max(least, current * factor);
    }
    return current;
  }
};

/// Epsilon of environment `index` of `count`: all the same with spread = 0, else the ladder of Ape-X,
/// epsilon^(1 + spread * index / (count - 1)). Source: Horgan et al., arXiv:1803.00933, section 4.1 (0.4, spread 7).
inline double epsilon_on_ladder(double epsilon, double spread, int index, int count) {
  SINV_CHECK(count > 0 && index >= 0 && index < count, "epsilon_on_ladder: ", index, " of ", count);
  if (epsilon <= 0) return 0;
  if (spread == 0 || count == 1) return epsilon;
  return std::pow(epsilon, 1.0 + spread * static_cast<double>(index) / static_cast<double>(count - 1));
}

}  // namespace sinv
