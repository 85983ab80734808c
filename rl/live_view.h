#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "game/action.h"

namespace sinv {

/// A game as watchers see it. Plain data.
struct LiveGame {
  static constexpr std::size_t kPictureBytes = 7168;  // $2400-$3FFF: 1 bit a pixel, 32 bytes for each column
  std::int64_t score = 0;
  std::int32_t lives = 0;
  std::uint32_t racks = 0;   // cleared
  std::uint32_t frames = 0;  // of the game
  std::uint32_t action = 0;  // the last one
  std::uint32_t values = 0;  // Q values that follow
  std::array<float, kActions> q{};
  std::array<std::uint8_t, kPictureBytes> picture{};
};

/// The first games of a training and what the agent sees of the first: its newest observation. Plain data.
struct LiveView {
  static constexpr std::uint32_t kMostGames = 64;
  static constexpr std::uint32_t kMostValues = 1024;
  std::uint32_t games = 0;
  std::uint32_t values = 0;  // of the observation
  std::array<float, kMostValues> observation{};
  std::array<LiveGame, kMostGames> game{};

  std::size_t used_bytes() const { return offsetof(LiveView, game) + games * sizeof(LiveGame); }
};

/// The stack of pictures that the agent sees of the first game: what goes into its network; and what it dreams instead
/// of the newest. Plain data.
struct SeenPictures {
  static constexpr std::size_t kMostBytes = 4 * 192 * 192;  // the largest preset, four of them
  std::uint32_t width = 0;
  std::uint32_t height = 0;
  std::uint32_t pictures = 0;                   // that follow, the oldest first; without what is dreamt
  std::int32_t dreamt_steps = -1;               // for which it has not looked; -1: no dream, else one follows
  std::array<std::uint8_t, kMostBytes> grey{};  // a byte for each pixel, in row order, row 0 on top

  std::size_t used_bytes() const {
    const std::size_t all = pictures + (dreamt_steps >= 0 ? 1 : 0);
    return offsetof(SeenPictures, grey) + all * width * height;
  }
};

}  // namespace sinv
