#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "base/hd.h"
#include "game/ram_map.h"

namespace sinv {

// Where things will be: what a watcher can work out from the picture. Distances in pixels, times in frames, X as in
// RAM (column + 32). All functions are pure; thread: any.

/// Y at which the player's shot appears; it climbs 4 a frame and is 4 tall.
inline constexpr int kShotStartY = 0x28;
inline constexpr int kShotSpeed = 4;
inline constexpr int kShotTall = 4;
/// An X at which a lit pixel turns the rack round.
inline constexpr int kRightEdge = 0xF5;
inline constexpr int kLeftEdge = 0x29;
/// Aliens are lit up to this far from the middle (X + 8) of their cell, by row from below.
inline constexpr std::array<int, kRows> kHalfWidth{6, 6, 5, 5, 4};
inline constexpr std::array<int, kRows> kRowPoints{10, 10, 20, 20, 30};
/// Rows of the screen in which an alien shot kills: below the upper end of the player, above its feet.
inline constexpr int kKillsBelowY = 0x27;
inline constexpr int kHarmlessBelowY = 0x1E;
/// The player is 13 wide and an alien shot 3: they touch when their middles are no further apart than this.
inline constexpr int kTouch = 7;
inline constexpr int kSaucerY = 0xD0;

struct Place {
  int x = 0;
  int y = 0;
};

/// The rack as one reading of the RAM shows it.
struct Rack {
  std::array<std::uint16_t, kRows> row{};       // bit = column
  std::array<std::int16_t, kRows> before{};     // live aliens in lower rows
  std::array<std::int16_t, kColumns> lowest{};  // row of the lowest live alien, -1 when the column is empty
  int count = 0;
  int first_column = 0;
  int last_column = 0;
  int x = 0;  // reference alien
  int y = 0;
  int dx = 0;                    // per step
  bool drops = false;            // with the next step
  int drawn = 0;                 // live aliens that stand where this step has put them; the others follow, one a frame
  int steps_to_edge = -1;        // after so many steps more the rack turns; -1: it does not move
  std::uint32_t reciprocal = 0;  // 65536 / count + 1
  int pause_frames = 0;          // an explosion holds the rack
};

SINV_HD constexpr int live_in(std::uint32_t columns) {
  // 11 bits, counted in parallel; a library call costs more without the popcnt instruction.
  std::uint32_t v = columns - ((columns >> 1) & 0x555U);
  v = (v & 0x333U) + ((v >> 2) & 0x333U);
  return static_cast<int>((v + (v >> 4) + (v >> 8)) & 0xFU);
}

/// Live aliens with a lower index.
SINV_HD constexpr int rank_of(const Rack& rack, int row, int column) {
  return rack.before[static_cast<std::size_t>(row)] +
         live_in(rack.row[static_cast<std::size_t>(row)] & ((1U << column) - 1U));
}

/// 11 flags of a row, as bits. A flag is 1 or 0. Written so that a compiler makes two loads of it.
SINV_HD constexpr std::uint32_t row_bits(const Ram& ram, int row) {
  const std::size_t at = at::kAliens - kRamAddress + std::size_t{kColumns} * static_cast<std::size_t>(row);
  std::uint64_t low = 0;
  for (std::size_t i = 0; i < 8; ++i) low |= static_cast<std::uint64_t>(ram[at + i]) << (8 * i);
  low &= 0x0101010101010101U;
  const std::uint32_t high = (ram[at + 8] & 1U) | (ram[at + 9] & 1U) << 1 | (ram[at + 10] & 1U) << 2;
  // The product puts the low bit of byte i at bit 56 + i.
  return static_cast<std::uint32_t>((low * 0x0102040810204080U) >> 56) | high << 8;
}

SINV_HD constexpr Rack read_rack(const Ram& ram) {
  Rack rack;
  std::uint32_t any = 0;
  for (int r = 0; r < kRows; ++r) {
    const std::uint32_t bits = row_bits(ram, r);
    rack.row[static_cast<std::size_t>(r)] = static_cast<std::uint16_t>(bits);
    rack.before[static_cast<std::size_t>(r)] = static_cast<std::int16_t>(rack.count);
    rack.count += live_in(bits);
    any |= bits;
  }
  for (int c = 0; c < kColumns; ++c) rack.lowest[static_cast<std::size_t>(c)] = -1;
  std::uint32_t open = any;
  for (int r = 0; r < kRows && open != 0; ++r) {
    std::uint32_t found = rack.row[static_cast<std::size_t>(r)] & open;
    open ^= found;
    for (; found != 0; found &= found - 1) {
      rack.lowest[static_cast<std::size_t>(std::countr_zero(found))] = static_cast<std::int16_t>(r);
    }
  }
  if (any != 0) {
    rack.first_column = std::countr_zero(any);
    rack.last_column = 31 - std::countl_zero(any);
    rack.reciprocal = 65536U / static_cast<std::uint32_t>(rack.count) + 1;
  }
  rack.x = reference_x(ram);
  rack.y = reference_y(ram);
  rack.dx = peek_signed(ram, at::kRackDx);
  rack.drops = peek(ram, at::kPendingDrop) != 0;
  if (rack.dx > 0) {
    rack.steps_to_edge = (kRightEdge - (rack.x + kCellPixels * rack.last_column + 13) + rack.dx - 1) / rack.dx;
  } else if (rack.dx < 0) {
    rack.steps_to_edge = (rack.x + kCellPixels * rack.first_column + 2 - kLeftEdge - rack.dx - 1) / -rack.dx;
  }
  const int cursor = std::min<int>(peek(ram, at::kCursor), kAliensInRack - 1);
  rack.drawn = rank_of(rack, cursor / kColumns, cursor % kColumns);
  const bool cursor_lives = (rack.row[static_cast<std::size_t>(cursor / kColumns)] >> (cursor % kColumns) & 1) != 0;
  if (peek(ram, at::kAlienWaitsForDraw) == 0 && cursor_lives) ++rack.drawn;
  if (peek(ram, at::kAlienExploding) != 0) rack.pause_frames = peek(ram, at::kAlienExplosionFrames) & 31;
  return rack;
}

/// The reference place after `steps` more steps of the rack, with one turn at the edge; -1: the step before.
SINV_HD constexpr Place reference_after(const Rack& rack, int steps) {
  if (steps < 0) return {rack.x - (rack.drops ? -rack.dx : rack.dx), rack.y};
  Place place{rack.x + rack.dx * steps, rack.y - (rack.drops && steps > 0 ? 8 : 0)};
  if (!rack.drops && rack.steps_to_edge >= 0 && steps > rack.steps_to_edge) {
    place.x = rack.x + rack.dx * (2 * rack.steps_to_edge - steps);
    place.y -= 8;
  }
  return place;
}

/// The cell of a live alien, `frames` from now. REQUIRES: frames <= 255.
SINV_HD constexpr Place alien_place(const Rack& rack, int row, int column, int frames) {
  const int rank = rank_of(rack, row, column);
  const bool drawn = rank < rack.drawn;
  const int first = drawn ? rack.count - rack.drawn + rank : rank - rack.drawn;
  const int moving_frames = frames - rack.pause_frames;
  int steps = 0;  // draws of this alien within `frames`
  if (moving_frames > first) {
    // Division by the count, by its reciprocal: exact below 65536 / 55.
    steps = 1 + static_cast<int>((static_cast<std::uint32_t>(moving_frames - 1 - first) * rack.reciprocal) >> 16);
  }
  const Place reference = reference_after(rack, drawn ? steps : steps - 1);
  return {reference.x + kCellPixels * column, reference.y + kCellPixels * row};
}

/// Frames until the top of a shot that is now at `from_y` reaches `y`; a shot not fired yet takes one more to appear.
SINV_HD constexpr int flight_frames(int from_y, int y, bool fired) {
  const int frames = std::max(0, (y - from_y - kShotTall + kShotSpeed) / kShotSpeed);
  return frames + (fired ? 0 : 1);
}

struct Aim {
  int distance = 0;  // from the shot's X to the middle of the target at contact
  int frames = 0;    // until contact
  bool hits = false;
};

/// A shot that goes up at `shot_x` from `shot_y`, aimed at the lowest live alien of a column that is not empty.
SINV_HD constexpr Aim aim_at_column(const Rack& rack, int column, int shot_x, int shot_y, bool fired) {
  const int row = rack.lowest[static_cast<std::size_t>(column)];
  const int frames = flight_frames(shot_y, rack.y + kCellPixels * row, fired);
  const Place place = alien_place(rack, row, column, frames);
  const int distance = place.x + 8 - shot_x;
  return {
      distance, frames,
      distance <= kHalfWidth[static_cast<std::size_t>(row)] && -distance <= kHalfWidth[static_cast<std::size_t>(row)]};
}

/// The same for the saucer, which moves 2 px every 3 frames and is lit from 4 to 19 of its cell.
SINV_HD constexpr Aim aim_at_saucer(const Ram& ram, int shot_x, int shot_y, bool fired) {
  const int frames = flight_frames(shot_y, kSaucerY, fired);
  const int x = peek(ram, at::kSaucerX) + peek_signed(ram, at::kSaucerDx) * frames / 3;
  const int distance = x + 12 - shot_x;
  return {distance, frames, distance <= 7 && -distance <= 7};
}

/// An alien shot seen from the gun.
struct Threat {
  bool live = false;  // in flight and high enough to kill
  int distance = 0;   // of its middle from the gun's X
  int frames = 0;     // until it is as low as the player
};

SINV_HD constexpr int alien_shot_speed(const Ram& ram) { return std::max(1, -peek_signed(ram, at::kAlienShotDy)); }

/// Alien shots move once in 3 frames.
SINV_HD constexpr Threat threat_of(const Ram& ram, std::uint16_t record) {
  const int y = alien_shot_y(ram, record);
  const int speed = alien_shot_speed(ram);
  Threat threat;
  threat.live = alien_shot_live(ram, record) && y >= kHarmlessBelowY;
  threat.distance = alien_shot_x(ram, record) + 1 - (peek(ram, at::kPlayerX) + kGunOffset);
  threat.frames = 3 * std::max(0, (y - kKillsBelowY + speed) / speed);
  return threat;
}

/// Lit pixels, 0 to 16, of the shields in one column of the screen, given by its X; 0 beside them.
SINV_HD constexpr int shield_pixels(const Ram& ram, int x) {
  if (x < kShieldLeft) return 0;
  const int shield = (x - kShieldLeft) / kShieldPitch;
  if (shield >= kShieldCount || (x - kShieldLeft) % kShieldPitch >= kShieldColumns) return 0;
  const auto address = static_cast<std::uint16_t>(at::kShields + 32 * (x - kShieldLeft));
  return std::popcount(peek(ram, address)) + std::popcount(peek(ram, static_cast<std::uint16_t>(address + 1)));
}

}  // namespace sinv
