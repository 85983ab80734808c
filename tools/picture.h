#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>

#include "cabinet/machine.h"

namespace sinv {

/// The upright picture of the cabinet as the player sees it: 224 wide, 256 high, row 0 on top.
inline constexpr int kPictureWidth = 224;
inline constexpr int kPictureHeight = 256;
inline constexpr double kFramesPerSecond = 59.541985;  // MAME mw8080bw.h: 4.992 MHz / 320 / 262

/// Is the pixel lit? x from the left, y from the top.
inline bool lit(const Ram& ram, int x, int y) {
  const int row = kPictureHeight - 1 - y;
  const std::uint8_t strip = ram[kWorkRamBytes + static_cast<std::size_t>(32 * x) + static_cast<std::size_t>(row / 8)];
  return ((strip >> (row % 8)) & 1) != 0;
}

/// Colour of the overlay at a place of the upright picture, 0xRRGGBB. Source: MAME's invaders.lay.
std::uint32_t overlay_colour(int x, int y);

/// Writes the picture with its overlay as a PNG, each pixel `scale` x `scale`. Errors: UserError (disk).
void write_png(const std::filesystem::path& path, const Ram& ram, int scale);

/// Writes grey pixels in row order, one byte each, as a PNG. Errors: UserError (disk).
void write_grey_png(const std::filesystem::path& path, int width, int height, std::span<const std::uint8_t> pixels);

/// The picture in Braille letters with 24-bit colours, 112 x 64 of them; `half`: 56 x 32, 2 x 2 pixels merged by OR.
/// One string per line of the terminal; `colours` off gives plain letters.
std::string braille_picture(const Ram& ram, bool half, bool colours);

/// Grey pixels in row order, one byte each, as Braille letters: a dot for each that is not black. (height + 3) / 4
/// lines.
std::string braille_grey(int width, int height, std::span<const std::uint8_t> pixels);

}  // namespace sinv
