#pragma once

#include <cstdint>
#include <span>

#include "game/pixels.h"

namespace sinv {

/// How a Dreamer looks at pictures that are stored in the form of `shape`: a byte for each pixel, and, when it follows
/// the ship, all pictures of a history moved sideways together so that the ship of the newest one stands in the middle.
/// Distances from the ship are then places in the picture, and what moves between two pictures is what moved on the
/// screen. Thread: any.
class Camera {
 public:
  /// Of what a picture that was moved does not reach: neither dark nor lit.
  static constexpr std::uint8_t kBeyond = 50;

  /// Errors: UserError when it is to follow the ship in pictures that are not those of field-64 or grey-64 in size.
  Camera(const FrameShape& shape, bool follows_ship);

  /// A byte for each pixel of one picture. Errors: Error for spans of other sizes.
  void unpack(std::span<const std::uint8_t> stored, std::span<std::uint8_t> pixels) const;
  /// The column of a picture that belongs into the middle, less the middle: the ship's, found as the widest lit thing
  /// in its row; 0 where there is none (it has exploded), and for a camera that stands still.
  int aim(std::span<const std::uint8_t> pixels) const;
  /// Moves a picture to the left by `columns`, below 0 to the right.
  void move(std::span<std::uint8_t> pixels, int columns) const;
  /// A whole history, oldest first, as its newest picture wants it. Errors: Error for spans of other sizes.
  void look(std::span<const std::uint8_t> stored, std::span<std::uint8_t> pixels) const;

 private:
  FrameShape shape_;
  bool follows_ship_;
};

}  // namespace sinv
