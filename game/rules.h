#pragma once

#include <array>

#include "game/ram_map.h"

namespace sinv {

// Questions of ram_map.h as data, so that a machine in another process can ask them after each frame by itself.
// Each rule equals its predicate for every RAM; a test compares them.

namespace rules {

inline constexpr std::array kGunReadyTests{
    RamTest{.group = 0, .mask = 0xFF, .address = at::kShotStatus, .value = 0},
    RamTest{.group = 0, .mask = 0xFF, .address = at::kFireDebounce, .value = 0},
};
inline constexpr std::array kGameOverTests{
    RamTest{.group = 0, .mask = 0xFF, .address = at::kGameMode, .value = 0},
    RamTest{.group = 1, .mask = 0xFF, .address = at::kPlayer1InGame, .value = 0},
};
inline constexpr std::array kLifeLostOrOverTests{
    RamTest{.group = 0, .mask = 0xFF, .address = at::kGameMode, .value = 0},
    RamTest{.group = 1, .mask = 0xFF, .address = at::kPlayer1InGame, .value = 0},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kPlayerAlive, .value = 0xFF, .equal = 0},
};
inline constexpr std::array kControlLostOrOverTests{
    RamTest{.group = 0, .mask = 0xFF, .address = at::kGameMode, .value = 0},
    RamTest{.group = 1, .mask = 0xFF, .address = at::kPlayer1InGame, .value = 0},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kPlayerAlive, .value = 0xFF, .equal = 0},
    RamTest{.group = 3, .mask = 0xFF, .address = at::kTasks, .value = 0},
    RamTest{.group = 4, .mask = 0xFF, .address = at::kStartDelayHigh, .value = 0, .equal = 0},
    RamTest{.group = 5, .mask = 0xFF, .address = at::kStartDelayLow, .value = 0, .equal = 0},
};
inline constexpr std::array kControllableOrOverTests{
    RamTest{.group = 0, .mask = 0xFF, .address = at::kGameMode, .value = 0},
    RamTest{.group = 1, .mask = 0xFF, .address = at::kPlayer1InGame, .value = 0},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kTasks, .value = 0, .equal = 0},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kPlayerAlive, .value = 0xFF},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kStartDelayHigh, .value = 0},
    RamTest{.group = 2, .mask = 0xFF, .address = at::kStartDelayLow, .value = 0},
};

inline constexpr RamRule kGunReady{1, kGunReadyTests};                      // gun_ready
inline constexpr RamRule kGameOver{2, kGameOverTests};                      // game_over
inline constexpr RamRule kLifeLostOrOver{3, kLifeLostOrOverTests};          // !player_alive or game_over
inline constexpr RamRule kControlLostOrOver{4, kControlLostOrOverTests};    // !controllable or game_over
inline constexpr RamRule kControllableOrOver{5, kControllableOrOverTests};  // controllable or game_over

}  // namespace rules

}  // namespace sinv
