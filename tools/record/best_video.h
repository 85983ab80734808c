#pragma once

#include <filesystem>
#include <string>

#include "tools/record/game_replay.h"
#include "tools/rom_choice.h"

namespace sinv {

/// Plays the replay on a cabinet and records it under `path` (VideoWriter). Returns the score that was made.
/// Errors: UserError: as VideoWriter; or the replay is of another program than `rom`.
std::int64_t record_replay(const GameReplay& replay, const RomSet& rom, const std::filesystem::path& path);
/// The cabinet on which a replay plays. Errors: UserError: the replay is of another program than `rom`.
std::unique_ptr<Machine> cabinet_of(const GameReplay& replay, const RomSet& rom);

/// best.mp4 and best.gif of the run folder from its best.replay. Returns a line for people: where they are, or why not.
std::string record_best(const std::filesystem::path& folder, const RomSet& rom);

}  // namespace sinv
