#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>

#include "cabinet/cabinet.h"

namespace sinv {

/// Addresses and numbers below are those of the board's RAM contract (docs/rom.md), written as hex so that a test reads
/// like the page.

/// The 8 KiB that the build assembled. Throws when the build has not made them.
Rom load_own_rom();

/// The own game in the in-process cabinet, with what every test of a rule needs: play on, look, and set up a position.
class Play {
 public:
  explicit Play(std::uint8_t dips = 0);

  /// Runs `frames` frames with the same buttons.
  void run(int frames, std::uint8_t buttons = 0);
  /// Runs until `done`, at most `limit` frames; returns the frames run. Fails the test at the limit.
  int run_until(const std::function<bool()>& done, std::uint8_t buttons = 0, int limit = 20000);

  std::uint8_t at(int address) const { return cabinet.ram()[static_cast<std::size_t>(address - kRamAddress)]; }
  int word(int address) const { return at(address) | at(address + 1) << 8; }
  int signed_at(int address) const { return static_cast<std::int8_t>(at(address)); }
  void set(int address, int value) {
    cabinet.poke(static_cast<std::uint16_t>(address), static_cast<std::uint8_t>(value));
  }
  bool lit(int column, int row) const { return is_lit(cabinet.ram(), column, row); }
  int lit_in(int column, int row, int columns, int rows) const;
  void blank(int column, int row, int columns, int rows);

  /// One coin: pressed for two frames, released for two.
  void insert_coin();
  /// From power-on to the first frame of a game in which the objects run; RAM then is the initial image.
  void start(int players = 1);
  /// As start(), then on until the player can be moved.
  void start_controllable(int players = 1);
  /// Until the ship in turn can be moved.
  int wait_controllable();

  int live_aliens() const;
  /// Leaves only these aliens (index 0..54) alive and wipes the others from the picture.
  void keep_aliens(std::initializer_list<int> alive);
  void kill_all_aliens();
  /// Undoes a hit of the player, so that alien shots can be watched for long. Call between frames.
  void immortal();
  /// Puts a flying player shot at stored X and Y without drawing it.
  void put_shot(int x, int y);
  /// Puts an alien shot of the record at $2030, $2040 or $2050 into flight at stored X and Y, not yet drawn.
  void put_alien_shot(int record, int x, int y);
  bool controllable() const;

  Cabinet cabinet;
};

}  // namespace sinv
