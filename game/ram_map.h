#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "base/hd.h"
#include "cabinet/machine.h"

namespace sinv {

// What the game keeps where, and how it is read. Only fields on which the original and our own ROM agree are named.
// Source: the Computer Archeology RAM map and code (topherCantrell/computerarcheology), checked against loadzero/si78c.
// X in RAM = column + 32, so 32..255 are on the screen; Y = row, 0 at the bottom. Position words hold Y before X.
// All functions are pure; thread: any.

SINV_HD constexpr std::uint8_t peek(const Ram& ram, std::uint16_t address) { return ram[address - kRamAddress]; }
SINV_HD constexpr int peek_signed(const Ram& ram, std::uint16_t address) {
  return static_cast<std::int8_t>(peek(ram, address));
}

namespace at {
// Rack of aliens.
inline constexpr std::uint16_t kAlienWaitsForDraw = 0x2000;
inline constexpr std::uint16_t kAlienExploding = 0x2002;
inline constexpr std::uint16_t kAlienExplosionFrames = 0x2003;
inline constexpr std::uint16_t kCursor = 0x2006;
inline constexpr std::uint16_t kPendingDrop = 0x2007;
inline constexpr std::uint16_t kRackDx = 0x2008;
inline constexpr std::uint16_t kReferenceY = 0x2009;
inline constexpr std::uint16_t kReferenceX = 0x200A;
inline constexpr std::uint16_t kRackDirection = 0x200D;
// Player.
inline constexpr std::uint16_t kStartDelayHigh = 0x2010;
inline constexpr std::uint16_t kStartDelayLow = 0x2011;
inline constexpr std::uint16_t kPlayerAlive = 0x2015;
inline constexpr std::uint16_t kPlayerX = 0x201B;
// The player's shot.
inline constexpr std::uint16_t kShotStatus = 0x2025;
inline constexpr std::uint16_t kShotExplosionFrames = 0x2026;
inline constexpr std::uint16_t kShotY = 0x2029;
inline constexpr std::uint16_t kShotX = 0x202A;
inline constexpr std::uint16_t kFireDebounce = 0x202D;
// Alien shots: records of 16 bytes.
inline constexpr std::uint16_t kRolling = 0x2030;
inline constexpr std::uint16_t kPlunger = 0x2040;
inline constexpr std::uint16_t kSquiggly = 0x2050;
// Shared.
inline constexpr std::uint16_t kPlayerPage = 0x2067;
inline constexpr std::uint16_t kPlayerOk = 0x2068;
inline constexpr std::uint16_t kAlienFireEnabled = 0x2069;
inline constexpr std::uint16_t kAlienFireDelayFrames = 0x206A;
inline constexpr std::uint16_t kInvaded = 0x206D;
inline constexpr std::uint16_t kAlienShotDy = 0x207E;
inline constexpr std::uint16_t kAlienCount = 0x2082;
inline constexpr std::uint16_t kSaucerLive = 0x2084;
inline constexpr std::uint16_t kSaucerHit = 0x2085;
inline constexpr std::uint16_t kSaucerX = 0x208A;
inline constexpr std::uint16_t kSaucerDx = 0x208C;
inline constexpr std::uint16_t kShotsEnded = 0x208F;
inline constexpr std::uint16_t kSaucerTimerLow = 0x2091;
inline constexpr std::uint16_t kSaucerTimerHigh = 0x2092;
inline constexpr std::uint16_t kWaitingForStart = 0x2093;
inline constexpr std::uint16_t kAttractTask = 0x20C1;
inline constexpr std::uint16_t kReload = 0x20CF;
inline constexpr std::uint16_t kPlayer1InGame = 0x20E7;
inline constexpr std::uint16_t kTasks = 0x20E9;
inline constexpr std::uint16_t kCredits = 0x20EB;
inline constexpr std::uint16_t kGameMode = 0x20EF;
inline constexpr std::uint16_t kScoreLow = 0x20F8;
inline constexpr std::uint16_t kScoreHigh = 0x20F9;
// Page of player 1.
inline constexpr std::uint16_t kAliens = 0x2100;
inline constexpr std::uint16_t kRackNumber = 0x21FE;
inline constexpr std::uint16_t kReserve = 0x21FF;
// Picture.
inline constexpr std::uint16_t kPicture = 0x2400;
inline constexpr std::uint16_t kShields = 0x2806;
}  // namespace at

inline constexpr int kRows = 5;
inline constexpr int kColumns = 11;
inline constexpr int kAliensInRack = kRows * kColumns;
inline constexpr int kCellPixels = 16;
/// X of column 0 of the screen.
inline constexpr int kScreenLeft = 0x20;
inline constexpr int kPlayerLeftmost = 0x30;
inline constexpr int kPlayerRightmost = 0xD9;
/// The gun stands this far right of the player's X.
inline constexpr int kGunOffset = 8;
/// Shields: 4 of 22 columns and 16 rows (48..63), 45 columns apart; the leftmost begins at X $40.
inline constexpr int kShieldCount = 4;
inline constexpr int kShieldColumns = 22;
inline constexpr int kShieldPitch = 45;
inline constexpr int kShieldLeft = 0x40;

/// Decimal value of a BCD byte; -1 when a digit is above 9.
SINV_HD constexpr int from_bcd(std::uint8_t byte) {
  const int high = byte >> 4;
  const int low = byte & 15;
  return high > 9 || low > 9 ? -1 : high * 10 + low;
}

/// The 4 digits of player 1; -1 when a digit is above 9.
SINV_HD constexpr int shown_score(const Ram& ram) {
  const int high = from_bcd(peek(ram, at::kScoreHigh));
  const int low = from_bcd(peek(ram, at::kScoreLow));
  return high < 0 || low < 0 ? -1 : high * 100 + low;
}

SINV_HD constexpr bool alien_alive(const Ram& ram, int index) {
  return peek(ram, static_cast<std::uint16_t>(at::kAliens + index)) != 0;
}
SINV_HD constexpr int count_aliens(const Ram& ram) {
  int count = 0;
  for (int i = 0; i < kAliensInRack; ++i) count += alien_alive(ram, i) ? 1 : 0;
  return count;
}
/// Y of the reference alien (bottom left); low rows that are dead may lie below the screen, as negative Y.
SINV_HD constexpr int reference_y(const Ram& ram) {
  const int y = peek(ram, at::kReferenceY);
  return y >= 0xE0 ? y - 256 : y;
}
/// X of the reference alien. The leftmost columns may be dead and left of the screen; then the byte has wrapped.
SINV_HD constexpr int reference_x(const Ram& ram) {
  const int x = peek(ram, at::kReferenceX);
  return x >= 0xE8 ? x - 256 : x;
}

SINV_HD constexpr bool player_alive(const Ram& ram) { return peek(ram, at::kPlayerAlive) == 0xFF; }
SINV_HD constexpr int start_delay_frames(const Ram& ram) {
  return peek(ram, at::kStartDelayHigh) * 256 + peek(ram, at::kStartDelayLow);
}
SINV_HD constexpr bool in_game(const Ram& ram) { return peek(ram, at::kGameMode) != 0; }
SINV_HD constexpr bool tasks_run(const Ram& ram) { return peek(ram, at::kTasks) != 0; }
/// The gun obeys the buttons. True in the pause after a rack as well: shots still fly then and can be dodged.
SINV_HD constexpr bool controllable(const Ram& ram) {
  return in_game(ram) && tasks_run(ram) && player_alive(ram) && start_delay_frames(ram) == 0;
}
/// A press of fire in the next frame shoots.
SINV_HD constexpr bool gun_ready(const Ram& ram) {
  return peek(ram, at::kShotStatus) == 0 && peek(ram, at::kFireDebounce) == 0;
}
/// Player 1 has no ship left or the aliens have landed, and the explosion is over; true after the game as well.
SINV_HD constexpr bool game_over(const Ram& ram) { return !in_game(ram) || peek(ram, at::kPlayer1InGame) == 0; }
SINV_HD constexpr bool landed(const Ram& ram) { return peek(ram, at::kInvaded) != 0; }
SINV_HD constexpr int ships_in_reserve(const Ram& ram) { return peek(ram, at::kReserve); }
SINV_HD constexpr int credits(const Ram& ram) { return from_bcd(peek(ram, at::kCredits)); }

/// Status of the player's shot.
enum class Shot : std::uint8_t { kFree, kRequested, kFlying, kExploding, kFinished, kAlienExploding };
SINV_HD constexpr bool player_shot_live(const Ram& ram) {
  const int status = peek(ram, at::kShotStatus);
  return status == 1 || status == 2;
}

/// A record of an alien shot is that of a shot in flight (not exploding).
SINV_HD constexpr bool alien_shot_live(const Ram& ram, std::uint16_t record) {
  return (peek(ram, static_cast<std::uint16_t>(record + 5)) & 0x81) == 0x80;
}
SINV_HD constexpr int alien_shot_y(const Ram& ram, std::uint16_t record) {
  return peek(ram, static_cast<std::uint16_t>(record + 0x0D));
}
SINV_HD constexpr int alien_shot_x(const Ram& ram, std::uint16_t record) {
  return peek(ram, static_cast<std::uint16_t>(record + 0x0E));
}

SINV_HD constexpr bool saucer_flies(const Ram& ram) {
  return peek(ram, at::kSaucerLive) != 0 && peek(ram, at::kSaucerHit) == 0;
}

/// Where the game stands.
enum class Phase : std::uint8_t {
  kAttract,          // titles, score table, or before the first picture
  kDemo,             // the attract mode plays by itself
  kWaitingForStart,  // credit in
  kPrompt,           // "play player" and other texts of a game
  kGettingReady,     // the rack runs, the player is not there yet
  kPlaying,          // the gun obeys
  kExploding,        // the player was hit
  kRackCleared,      // no alien is left; the gun obeys
  kGameOver,         // the game has ended, its text still shows
};
SINV_HD constexpr Phase phase(const Ram& ram) {
  if (!in_game(ram)) {
    if (peek(ram, at::kWaitingForStart) != 0) return Phase::kWaitingForStart;
    return peek(ram, at::kAttractTask) == 1 ? Phase::kDemo : Phase::kAttract;
  }
  if (peek(ram, at::kPlayer1InGame) == 0) return Phase::kGameOver;
  if (!player_alive(ram)) return Phase::kExploding;
  if (!tasks_run(ram)) return Phase::kPrompt;
  if (start_delay_frames(ram) != 0) return Phase::kGettingReady;
  return peek(ram, at::kAlienCount) == 0 ? Phase::kRackCleared : Phase::kPlaying;
}

}  // namespace sinv
