#include "rl/dreamer/camera.h"

#include <algorithm>

#include "base/error.h"

namespace sinv {
namespace {

constexpr int kSide = 64;      // of field-64 and grey-64, whose pixels are three by three of the screen's
constexpr int kShipsRow = 60;  // screen rows 33 to 35 from below: the ship at its widest, 13 of its columns
constexpr int kShipWidth = 4;  // columns that are lit at least; shots have three at most

}  // namespace

Camera::Camera(const FrameShape& shape, bool follows_ship) : shape_(shape), follows_ship_(follows_ship) {
  if (follows_ship && (shape.width != kSide || shape.height != kSide)) {
    throw UserError(text("dreamer.follow_ship wants env.pixels to be field-64 or grey-64, these pictures are ",
                         shape.width, " x ", shape.height));
  }
}

void Camera::unpack(std::span<const std::uint8_t> stored, std::span<std::uint8_t> pixels) const {
  SINV_CHECK(stored.size() == shape_.stored_bytes() && pixels.size() == shape_.pixels(), "camera: ", stored.size(),
             " bytes for ", pixels.size(), " pixels");
  unpack_stored(shape_, stored, pixels);
}

int Camera::aim(std::span<const std::uint8_t> pixels) const {
  if (!follows_ship_) return 0;
  const std::span<const std::uint8_t> row = pixels.subspan(kShipsRow * kSide, kSide);
  int best = 0;
  int middle = kSide / 2;
  for (int start = 0; start < kSide; ++start) {
    int end = start;
    while (end < kSide && row[static_cast<std::size_t>(end)] != 0) ++end;
    if (end - start >= kShipWidth && end - start > best) {
      best = end - start;
      middle = start + best / 2;
    }
    start = end;
  }
  return middle - kSide / 2;
}

void Camera::move(std::span<std::uint8_t> pixels, int columns) const {
  if (columns == 0) return;
  const auto width = static_cast<std::ptrdiff_t>(shape_.width);
  for (auto row = pixels.begin(); row != pixels.end(); row += width) {
    if (columns > 0) {
      const auto end = std::copy(row + columns, row + width, row);
      std::fill(end, row + width, kBeyond);
    } else {
      std::copy_backward(row, row + width + columns, row + width);
      std::fill(row, row - columns, kBeyond);
    }
  }
}

void Camera::look(std::span<const std::uint8_t> stored, std::span<std::uint8_t> pixels) const {
  const std::size_t bytes = shape_.stored_bytes();
  const std::size_t size = shape_.pixels();
  SINV_CHECK(!stored.empty() && stored.size() % bytes == 0 && pixels.size() / size == stored.size() / bytes,
             "camera: ", stored.size(), " bytes of pictures for ", pixels.size(), " pixels");
  const std::size_t history = stored.size() / bytes;
  for (std::size_t i = 0; i < history; ++i) {
    unpack(stored.subspan(i * bytes, bytes), pixels.subspan(i * size, size));
  }
  const int columns = aim(pixels.last(size));
  for (std::size_t i = 0; i < history; ++i) move(pixels.subspan(i * size, size), columns);
}

}  // namespace sinv
