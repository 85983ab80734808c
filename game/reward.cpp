#include "game/reward.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace sinv {
namespace {

// Where the reference alien of the first rack stands at its start.
constexpr int kStartY = 120;

}  // namespace

RewardSettings resolved(const RewardSettings& settings) {
  RewardSettings out = settings;
  if (settings.preset == "predecessor") {
    out.score_scale = 1.0;
    out.life_penalty = 20.0;
    out.game_over_penalty = 100.0;
    out.landing_penalty = 500.0;
    out.step_penalty = 0.01;
    out.descent_bonus = 0.001;  // (120 - y) / 10 * 0.01
    out.transform = "none";
    out.limit = 1.0;
  } else if (settings.preset != "score") {
    throw UserError(unknown_name("reward.preset", settings.preset, {"score", "predecessor"}));
  }
  if (out.transform != "none" && out.transform != "clip" && out.transform != "tanh") {
    throw UserError(unknown_name("reward.transform", out.transform, {"none", "clip", "tanh"}));
  }
  if (!(out.limit > 0)) throw UserError(text("reward.limit: is ", out.limit, ", must be above 0"));
  return out;
}

Reward::Reward(const RewardSettings& settings)
    : settings_(resolved(settings)),
      transform_(settings_.transform == "clip"   ? Transform::kClip
                 : settings_.transform == "tanh" ? Transform::kTanh
                                                 : Transform::kNone) {}

float Reward::operator()(const StepEvents& events) const {
  const int y = events.reference_y >= 0xE0 ? events.reference_y - 256 : events.reference_y;
  double r = settings_.score_scale * events.points - settings_.life_penalty * events.lives_lost -
             settings_.step_penalty + settings_.descent_bonus * (kStartY - y);
  if (events.game_over) r -= settings_.game_over_penalty;
  if (events.landed) r -= settings_.landing_penalty;
  switch (transform_) {
    case Transform::kNone:
      break;
    case Transform::kClip:
      r = std::clamp(r, -settings_.limit, settings_.limit);
      break;
    case Transform::kTanh:
      r = settings_.limit * std::tanh(r / settings_.limit);
      break;
  }
  return static_cast<float>(r);
}

}  // namespace sinv
