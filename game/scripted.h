#pragma once

#include <functional>
#include <vector>

#include "base/random.h"
#include "game/action.h"
#include "game/env.h"
#include "game/vec_env.h"

namespace sinv {

// Policies without learning, as reference scores.

/// Each action with the same chance. Thread: the owner of `random`.
Action random_action(Random& random);

/// Dodges and shoots, from what the picture shows and nothing else: of moving left or right for 0 to 60 frames it takes
/// the plan that no alien shot in flight hits and that ends nearest to where a shot hits a column of aliens or the
/// saucer; it fires when a shot would hit. Pure; thread: any.
Action scripted_action(const Ram& ram);

/// What acts in play_games().
using Policy = std::function<Action(const Env& env)>;

/// Plays `games` whole games, each after its own reset(). Errors: as Env.
std::vector<EpisodeRecord> play_games(Env& env, const Policy& policy, std::size_t games);

}  // namespace sinv
