#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/hd.h"
#include "cabinet/machine.h"
#include "game/ram_map.h"

namespace sinv {

/// What a policy chooses once per step. The order is part of every saved model.
enum class Action : std::uint8_t { kStay, kFire, kLeft, kRight, kLeftFire, kRightFire };

inline constexpr std::size_t kActions = 6;
inline constexpr std::array<std::string_view, kActions> kActionNames{"stay",  "fire",      "left",
                                                                     "right", "left+fire", "right+fire"};

SINV_HD constexpr bool fires(Action action) {
  return action == Action::kFire || action == Action::kLeftFire || action == Action::kRightFire;
}

/// Buttons of a frame for `action`, to be run with rules::kGunReady as the press rule; or, given the RAM at the end of
/// the frame before, what is pressed.
/// The game shoots on a new press only, and notices the release only while no shot exists. So the fire button is
/// pressed exactly when a press can shoot (no shot, release noticed) and is up otherwise: a policy that chooses fire
/// at every step shoots in the frame after its shot's slot is free, which is as fast as the game allows.
SINV_HD constexpr FrameButtons buttons_for(Action action) {
  FrameButtons buttons;
  if (action == Action::kLeft || action == Action::kLeftFire) buttons.held = kLeft;
  if (action == Action::kRight || action == Action::kRightFire) buttons.held = kRight;
  if (fires(action)) buttons.ready = kFire;
  return buttons;
}
SINV_HD constexpr std::uint8_t buttons_for(Action action, const Ram& ram) {
  const FrameButtons buttons = buttons_for(action);
  return gun_ready(ram) ? static_cast<std::uint8_t>(buttons.held | buttons.ready) : buttons.held;
}

}  // namespace sinv
