#pragma once

#include <cstdint>
#include <string_view>

#include "cabinet/machine.h"
#include "game/ram_map.h"

namespace sinv {

/// Frames within which any state must lead to a running game; the longest known way (a game that has just ended, the
/// game-over text, titles, coin, start, prompt, first picture) is below 1,500.
inline constexpr std::uint32_t kStartLimitFrames = 6000;

/// Leads a machine in any state to a one-player game of which player 1 has just got control: inserts a coin when there
/// is no credit, presses start, waits through the prompts. A game that runs already is left by power_on().
/// Returns the frames run. Errors: Error when no game runs after kStartLimitFrames.
std::uint32_t start_game(Machine& machine);

/// Buttons of the next frame on the way to a game; `coin_clock` counts the frames without a credit, from 0.
std::uint8_t start_buttons(const Ram& ram, std::uint32_t& coin_clock);

std::string_view phase_name(Phase phase);

}  // namespace sinv
