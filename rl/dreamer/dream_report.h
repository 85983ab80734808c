#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "rl/dreamer/dream.h"
#include "rl/environments.h"
#include "rl/policy.h"

/// How well a world model knows the game: it is shown a few pictures of a game that it was not trained on, then goes on
/// alone with the actions that were played, and what it expects is compared with what happened.
namespace sinv {

/// A part of a picture, in its pixels; the right and lower ends excluded.
struct PictureBox {
  int left = 0;
  int top = 0;
  int right = 0;
  int bottom = 0;
};

struct DreamMoment {
  std::vector<std::uint8_t> picture;  // bytes, 0 to 255
  int action = 0;                     // that led here; of no meaning in the first moment of a window
  float reward = 0;                   // that came with it
  bool ended = false;                 // a life was lost on the way here
  std::vector<PictureBox> shots{};    // of player and aliens, in flight
  std::vector<PictureBox> player{};   // one, or none while it is not there
};

/// A stretch of one game.
using DreamWindow = std::vector<DreamMoment>;

/// What a watcher needs of an environment after a step: where shots and player stand in its picture.
using FindObjects = std::function<void(int env, DreamMoment& moment)>;

/// Plays with the policy until there are `windows` stretches of `length` moments, `gap` steps apart, each in one game.
/// Errors: UserError when the games are too short for one.
std::vector<DreamWindow> record_windows(Environments& envs, BatchPolicy& policy, const FindObjects& find, int windows,
                                        int length, int gap);

/// Of one step of the horizon, over all windows; step 0 is the last picture seen, reconstructed.
struct DreamStep {
  double error = 0;        // mean square of a pixel, which is 0 to 1
  double still_error = 0;  // the same of the last picture seen, taken for all that follow
  double lit_found = 0;    // share of lit pixels that the model shows, half as bright as the dimmest of them or more
  double lit_wrong = 0;    // share of what the model shows lit that is not
  double shots_found = 0;  // share of the lit pixels of shots
  double shots_still = 0;  // the same of the last picture seen
  double player_found = 0;
  double player_still = 0;
  std::int64_t shot_pixels = 0;
  double reward_correlation = 0;  // of expected and real reward over the windows; 0 when one does not vary
  double reward_expected = 0;     // mean over the windows
  double reward_real = 0;
  double ends_expected =
      0;  // chance: 1 - discount / the median of all discounts expected, which is of a life that goes on
  double ends_real = 0;
};

struct DreamReport {
  int context = 0;
  std::vector<DreamStep> steps;           // 1 + horizon
  double reward_correlation_seen = 0;     // over all moments of the context but the first
  double reward_correlation_dreamt = 0;   // over all moments of the horizon
  std::vector<DreamWindow> real;          // the windows as the model's camera shows them
  std::vector<std::vector<float>> shown;  // what the model showed: [moment][window, pixels], the context reconstructed
};

/// REQUIRES: as many windows as the dream has rows, all longer than `context`.
DreamReport dream_report(Dream& dream, const std::vector<DreamWindow>& windows, int context);

}  // namespace sinv
