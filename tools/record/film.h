#pragma once

#include <string>

#include "tools/record/game_replay.h"

namespace sinv {

/// The pictures of a whole game, small enough for a page to fetch at once: of each frame the score and the bytes of
/// picture memory that changed, as one zlib stream. Some 100 KB for a minute. Format: docs/formats.md.
/// Errors: as play_replay().
std::string film_of(const GameReplay& replay, Machine& machine);

}  // namespace sinv
