#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "cabinet/machine.h"
#include "game/pixels.h"

namespace sinv {

// What the implementations of game/pixels.h share. The picture is kept by columns of 32 bytes, the lowest 8 rows
// first, so all of them turn bytes first: a "plane" is one byte of each of 32 columns side by side, that is 8 rows of
// 32 pixels, and what is done to rows is then done to whole registers.

inline constexpr std::size_t kPictureAt = kWorkRamBytes;  // inside Ram
inline constexpr int kColumnBytes = 32;
inline constexpr int kLanes = 32;

// Crops of the binary views.
inline constexpr int kCropLeft = 16;
inline constexpr int kTopByte = 26;         // of a column: rows 208..215
inline constexpr int kFullBytes = 24;       // down to row 24
inline constexpr int kPlayFieldBytes = 25;  // down to row 16
inline constexpr int kFullWidth = 192;
inline constexpr int kPlayFieldWidth = 96;

// Area averaging. 8 columns give 3 pixels with column weights 3 3 2 | 1 3 3 1 | 2 3 3; 64 rows give 21 pixels, of which
// number y (from below) takes rows 3y .. 3y + 3 with weights 21 - y, 21, 21, y + 1.
inline constexpr int kAreaSize = 84;
inline constexpr int kAreaGroups = 28;  // of 8 columns
inline constexpr int kAreaRows = 21;    // of a word of 64 rows

/// One implementation. `a` and `b` are merged by OR. Outputs as in game/pixels.h.
struct PixelLoops {
  void (*deepmind)(const Ram& a, const Ram& b, std::uint8_t* out);
  void (*play_field)(const Ram& a, const Ram& b, std::uint8_t* out);
  void (*full)(const Ram& a, const Ram& b, std::uint8_t* out);
  void (*play_field_packed)(const Ram& a, const Ram& b, std::uint8_t* out);
  void (*full_packed)(const Ram& a, const Ram& b, std::uint8_t* out);
  void (*unpack)(const std::uint8_t* packed, std::size_t bytes, std::uint8_t* out);
};

extern const PixelLoops kPixelLoopsPortable;
#if defined(__x86_64__)
extern const PixelLoops kPixelLoopsAvx2;
#endif

}  // namespace sinv
