#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "rl/frame_replay.h"

namespace sinv {

/// The picture of step `payload`, a bit pattern of its own, as bytes of 0 and 255.
inline std::vector<std::uint8_t> pixels_of(const FrameShape& shape, int payload) {
  std::vector<std::uint8_t> pixels(shape.pixels());
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    const auto bit =
        i < 24 ? static_cast<unsigned>(payload) >> i : static_cast<unsigned>(payload) * 2654435761U >> i % 32;
    pixels[i] = (bit & 1U) != 0 ? 255 : 0;
  }
  return pixels;
}

/// The same in the form that replay stores.
inline std::vector<std::uint8_t> frame_of(const FrameShape& shape, int payload) {
  const std::vector<std::uint8_t> pixels = pixels_of(shape, payload);
  if (!shape.packed) return pixels;
  std::vector<std::uint8_t> bits(pixels.size() / 8);
  for (std::size_t i = 0; i < pixels.size(); ++i) {
    bits[i / 8] = static_cast<std::uint8_t>(bits[i / 8] | (pixels[i] & 1) << i % 8);
  }
  return bits;
}

/// Room for a batch.
struct FrameBatch {
  FrameBatch(int batch, int history_frames, const FrameShape& shape)
      : history(history_frames),
        pixels(shape.pixels()),
        observation_tm1(static_cast<std::size_t>(batch * history_frames) * shape.pixels()),
        observation_t(observation_tm1.size()),
        action(static_cast<std::size_t>(batch)),
        ret(action.size()),
        discount(action.size()),
        weight(action.size()) {}
  TransitionBatch<std::uint8_t> view() { return {observation_tm1, action, ret, discount, observation_t, weight}; }
  std::vector<std::uint8_t> frame_tm1(std::size_t i, int k) const { return frame(observation_tm1, i, k); }
  std::vector<std::uint8_t> frame_t(std::size_t i, int k) const { return frame(observation_t, i, k); }

  int history;
  std::size_t pixels;
  std::vector<std::uint8_t> observation_tm1, observation_t;
  std::vector<std::int32_t> action;
  std::vector<float> ret, discount, weight;

 private:
  std::vector<std::uint8_t> frame(const std::vector<std::uint8_t>& from, std::size_t i, int k) const {
    const std::size_t at = (i * static_cast<std::size_t>(history) + static_cast<std::size_t>(k)) * pixels;
    const auto first = from.begin() + static_cast<std::ptrdiff_t>(at);
    return {first, first + static_cast<std::ptrdiff_t>(pixels)};
  }
};

}  // namespace sinv
