#pragma once

#include <cstdint>
#include <string>

namespace sinv {

/// How a step's events become its reward:
///   r = score_scale * points - life_penalty * lives lost - game_over_penalty - landing_penalty - step_penalty
///       + descent_bonus * (120 - y of the reference alien)
/// and then the transform. A penalty counts in the step in which its event happens; the game-over and landing terms
/// come on top of the term of the last life.
struct RewardSettings {
  std::string preset = "score";    // "score": the values below; "predecessor": the old system's replace them all
  double score_scale = 0.1;        // per point: 10 points are 1, so that errors reach past the optimiser's epsilon
  double life_penalty = 0.0;       // per life lost
  double game_over_penalty = 0.0;  // once
  double landing_penalty = 0.0;    // once, when the aliens have landed
  double step_penalty = 0.0;       // per step
  double descent_bonus = 0.0;      // per step and pixel that the reference alien stands below 120
  std::string transform = "none";  // "none", "clip" to [-limit, limit], "tanh": limit * tanh(r / limit)
  double limit = 1.0;
};

/// What happened in one step.
struct StepEvents {
  std::uint32_t points = 0;
  std::uint32_t lives_lost = 0;
  bool game_over = false;
  bool landed = false;
  std::uint8_t reference_y = 120;  // at the end of the step; 0xE0 and above count as negative (below the screen)
};

/// The settings with the preset put in. Errors: UserError for an unknown preset or transform, or a limit <= 0.
RewardSettings resolved(const RewardSettings& settings);

/// A RewardSettings made ready for many calls. Errors: as resolved(). Thread: any.
class Reward {
 public:
  explicit Reward(const RewardSettings& settings);
  float operator()(const StepEvents& events) const;

 private:
  enum class Transform : std::uint8_t { kNone, kClip, kTanh };
  RewardSettings settings_;
  Transform transform_;
};

}  // namespace sinv
