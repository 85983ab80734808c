#pragma once

#include <vector>

#include "rl/dreamer/dream.h"
#include "rl/environments.h"
#include "rl/policy.h"

/// Does a world model know what its actions change? At moments of games that it was not trained on, every action is
/// taken for some steps, in the game, which is then set back, and in dreams. An actor can learn from dreams only what
/// differs between actions there as it does in the game.
namespace sinv {

/// What came of one action.
struct ChoiceOutcome {
  double ended = 0;   // the chance that a life was lost; in the game 0 or 1
  double reward = 0;  // the sum, until then
};
/// A moment: by action.
struct Choice {
  std::vector<ChoiceOutcome> real;
  std::vector<ChoiceOutcome> dreamt;
};

struct ChoiceSettings {
  int moments = 200;
  int steps = 12;   // for which one action is taken
  int context = 5;  // pictures that the model is shown before
  int apart = 25;   // steps between two moments of a game
};

/// Plays with the policy until there are so many moments; each has seen no life lost for `context` pictures. The games
/// go on as if nothing had been tried. Where an action's dream has several rows, their mean counts.
/// REQUIRES: a multiple of envs.count() rows in the dream; row r follows environment r % envs.count().
/// Errors: UserError when lives are too short.
std::vector<Choice> record_choices(Environments& envs, BatchPolicy& policy, Dream& dream,
                                   const ChoiceSettings& settings);

/// Over all moments and actions, an action having the same weight as any other.
struct ChoiceReport {
  double ended_expected = 0;
  double ended_real = 0;
  double ended_correlation = 0;  // of expected and real, each less its mean over the moment's actions; 0: none varies
  double ended_safest = 0;       // really, after the action that is the safest one in the dream
  double ended_least = 0;        // really, after the action that is the safest one in the game
  double reward_expected = 0;
  double reward_real = 0;
  double reward_correlation = 0;  // likewise
};
/// REQUIRES: at least one moment.
ChoiceReport choice_report(const std::vector<Choice>& choices);

}  // namespace sinv
