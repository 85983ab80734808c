#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// The pictures that an agent can be shown. All are upright: row 0 is the top of the screen, column 0 its left side.
enum class PixelView : std::uint8_t {
  /// The whole screen (224 wide, 256 high) by exact area averaging to 84 x 84: a pixel covers 8/3 columns and 64/21
  /// rows, and its value is floor((255 S + 256) / 512), S = sum over the covered pixels of (3 * share of its width) *
  /// (21 * share of its height), 0 to 512: 255 times the lit share of the area, to the nearest, halves upwards.
  kDeepmind,
  /// Columns 16..207 and rows 16..215 from the bottom (from the ground line to the saucer's highest row), each 2 x 2
  /// pixels one, lit when any of them is: 96 wide, 100 high.
  kPlayField,
  /// Columns 16..207 and rows 24..215 from the bottom, pixel by pixel: 192 wide, 192 high.
  kFull,
  /// The same crop, each 3 x 3 pixels one, lit when any of them is, so that a shot one pixel wide stays: 64 wide, 64
  /// high.
  kField64,
  /// kField64 moved sideways so that the ship stands in column 32: what the field does not reach is lit, and what is
  /// more than 97 columns of the screen to its left or 94 to its right is out of sight. The ship is found in the
  /// picture: where kShipColumns neighbouring columns are lit in its kShipRows lowest rows; where there is none (before
  /// it comes, while it explodes), the field's middle stands there.
  kShip64,
  /// The crop of kField64, each 3 x 3 pixels one of grey: 0 when none of the nine is lit, 120 + 15 n when n are. A shot
  /// one pixel wide stays more than half bright, and an exploding alien is darker than a living one.
  kGrey64,
};
// Source of the crops: the predecessor's, which takes columns 16 to 207. They hold all that can touch or be touched:
// the ship moves in columns 18..199 and its shots in 24..193, shields stand in 32..188. What moves in 8..15 and
// 208..213 are the ends of the rack, and alien shots from there, which fall straight down past the ship.

inline constexpr int kFieldLowestRow = 24;  // of kFull and what is made of it, from the bottom
inline constexpr int kShipRow = 32;         // the ship's lowest, from the bottom
inline constexpr int kShipRows = 4;
inline constexpr int kShipColumns = 11;  // two less than it has; aliens end the game before they are so low

struct PixelPreset {
  const char* name;
  int width;
  int height;
  bool binary;  // only 0 and 255, so that a packed form exists
  PixelView view;

  constexpr std::size_t pixels() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
  /// Of the packed form: pixel i = row * width + column is bit i % 8 (0 the lowest) of byte i / 8.
  constexpr std::size_t packed_bytes() const { return pixels() / 8; }
};

/// A picture as it is kept: a byte a pixel, or a bit (the packed form, an eighth of the memory).
struct FrameShape {
  int width = 84;
  int height = 84;
  bool packed = false;

  constexpr std::size_t pixels() const { return static_cast<std::size_t>(width) * static_cast<std::size_t>(height); }
  constexpr std::size_t stored_bytes() const { return packed ? pixels() / 8 : pixels(); }
  bool operator==(const FrameShape&) const = default;
};
/// Of what is not shown as a picture.
inline constexpr FrameShape kNoFrame{.width = 0, .height = 0};

/// How pictures of a preset are kept: packed when there is such a form.
constexpr FrameShape stored_shape(const PixelPreset& preset) { return {preset.width, preset.height, preset.binary}; }

/// deepmind, play-field, full, field-64, ship-64, grey-64.
std::span<const PixelPreset> pixel_presets();
/// Errors: UserError naming the known ones.
const PixelPreset& pixel_preset_of(std::string_view name);

/// Which implementation makes the pictures; all make the same bytes.
enum class PixelCode : std::uint8_t { kPortable, kAvx2 };
/// Those that this machine runs, the quickest last.
std::vector<PixelCode> pixel_codes();

/// The picture of two frames, a pixel lit when it is lit in either, as bytes in row order; lit is 255.
/// `newest` is Machine::ram(), `before` Machine::ram_before(): what a frame's end caught between erasing and drawing is
/// whole in the other one.
/// Thread: any. Errors: Error if `out` does not have preset.pixels() bytes.
void render_pixels(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out);
/// The same, packed. Errors: Error if the preset is not binary or `out` does not have preset.packed_bytes() bytes.
void render_packed(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out);
/// In the form of stored_shape(). Errors: Error if `out` does not have its stored_bytes().
void render_stored(const PixelPreset& preset, const Ram& newest, const Ram& before, std::span<std::uint8_t> out);
/// 8 pixels of 0 or 255 from each byte. Errors: Error if `out` is not 8 times as long.
void unpack_pixels(std::span<const std::uint8_t> packed, std::span<std::uint8_t> out);
/// A byte for each pixel of any number of pictures in the form of `shape`. Errors: Error for spans of other sizes.
void unpack_stored(const FrameShape& shape, std::span<const std::uint8_t> stored, std::span<std::uint8_t> out);

/// Of this object, by a certain implementation: for tests and measurements. REQUIRES: the code is one of pixel_codes().
void render_pixels(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before,
                   std::span<std::uint8_t> out);
void render_packed(PixelCode code, const PixelPreset& preset, const Ram& newest, const Ram& before,
                   std::span<std::uint8_t> out);
void unpack_pixels(PixelCode code, std::span<const std::uint8_t> packed, std::span<std::uint8_t> out);

}  // namespace sinv
