#include "game/env_settings.h"

#include "base/error.h"
#include "base/option.h"
#include "game/features.h"
#include "game/pixels.h"

namespace sinv {
namespace {

constexpr int kMostNoopsFrames = 30;
constexpr int kLeastCapFrames = 60;  // above the most idle start frames
constexpr int kMostCapFrames = 100'000'000;
constexpr int kMostHistory = 8;

template <class T>
void check_range(const char* key, T value, T low, T high) {
  if (!(value >= low && value <= high)) throw UserError(text(key, ": is ", value, ", must be ", low, " to ", high));
}

}  // namespace

void describe(Options& options, EnvSettings& settings) {
  options.add("env.frames_per_step", settings.frames_per_step, "frames that one action is held", 1, kMostFramesPerStep);
  options.add("env.noop_max_frames", settings.noop_max_frames,
              "a game starts after 0 to this many idle frames, drawn for each game", 0, kMostNoopsFrames);
  options.add("env.sticky", settings.sticky, "chance per frame that the action of the frame before goes on", 0.0, 1.0);
  options.add("env.frame_cap", settings.frame_cap, "frames after which a game is truncated (not terminated)",
              kLeastCapFrames, kMostCapFrames);
  options.add("env.life_is_terminal", settings.life_is_terminal,
              "a lost life has discount 0 in the returns; the game goes on");
  options.add("env.skip_unplayable", settings.skip_unplayable,
              "frames without control (explosion, prompts) run inside the step that led to them");
  options.add("env.cache_start", settings.cache_start,
              "a new game restores the machine as it was when the first game began");
  options.add("env.features", settings.features, "version of the state vector", feature_set_names());
  std::vector<std::string> pictures{"none"};
  for (const PixelPreset& preset : pixel_presets()) pictures.emplace_back(preset.name);
  options.add("env.pixels", settings.pixels, "pictures instead of the state vector", pictures);
  options.add(
      "env.history", settings.history,
      "observations stacked, oldest first; 0: 4 for pictures and the predecessor's vectors, 1 for the rich ones", 0,
      kMostHistory);
  RewardSettings& reward = settings.reward;
  options.add("reward.preset", reward.preset, "score: the values below; predecessor: its values replace them all",
              {"score", "predecessor"});
  options.add("reward.score_scale", reward.score_scale, "per point of score");
  options.add("reward.life_penalty", reward.life_penalty, "taken off for a lost life");
  options.add("reward.game_over_penalty", reward.game_over_penalty, "taken off once, at the end of a game");
  options.add("reward.landing_penalty", reward.landing_penalty, "taken off once, when the aliens have landed");
  options.add("reward.step_penalty", reward.step_penalty, "taken off in every step");
  options.add("reward.descent_bonus", reward.descent_bonus,
              "per step and pixel that the reference alien stands below 120 (below 0 it is a penalty)");
  options.add("reward.transform", reward.transform, "what is done to the sum", {"none", "clip", "tanh"});
  options.add("reward.limit", reward.limit, "bound of clip; scale and bound of tanh", 1e-6, 1e9);
}

void check(const EnvSettings& settings) {
  check_range("env.frames_per_step", settings.frames_per_step, 1, kMostFramesPerStep);
  check_range("env.noop_max_frames", settings.noop_max_frames, 0, kMostNoopsFrames);
  check_range("env.sticky", settings.sticky, 0.0, 1.0);
  check_range("env.frame_cap", settings.frame_cap, kLeastCapFrames, kMostCapFrames);
  check_range("env.history", settings.history, 0, kMostHistory);
  feature_set_of(settings.features);
  if (settings.pixels != "none") pixel_preset_of(settings.pixels);
  resolved(settings.reward);
}

}  // namespace sinv
