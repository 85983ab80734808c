#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace sinv {

/// Buttons of the cabinet, as bits of one mask; 1 = pressed. The inputs file of `trace` uses the same bits.
inline constexpr std::uint8_t kCoin = 0x01;
inline constexpr std::uint8_t kStart1 = 0x02;
inline constexpr std::uint8_t kFire = 0x04;
inline constexpr std::uint8_t kLeft = 0x08;
inline constexpr std::uint8_t kRight = 0x10;
inline constexpr std::uint8_t kStart2 = 0x20;

/// RAM of the board: $2000-$23FF work RAM, $2400-$3FFF the 1-bit picture; element 0 is $2000.
inline constexpr std::uint16_t kRamAddress = 0x2000;
inline constexpr std::size_t kRamBytes = 0x2000;
inline constexpr std::size_t kWorkRamBytes = 0x0400;
using Ram = std::array<std::uint8_t, kRamBytes>;

/// The seam of the engine: something that runs the cabinet frame by frame. Everything above sees only this, so what
/// is trained on one machine plays on another.
/// A frame ends at the start of vertical blanking, before the handler of that interrupt has run; buttons given for a
/// frame are seen by the handler that opens it and by all code until the next frame ends.
/// Thread: one owner. Errors: a machine that can fail (a process, a socket) throws Error from run().
class Machine {
 public:
  virtual ~Machine() = default;

  /// As after switching on: memory cleared, frame() = 0.
  virtual void power_on() = 0;

  /// Runs one frame per mask, in order. An empty span does nothing.
  virtual void run(std::span<const std::uint8_t> buttons) = 0;

  /// RAM at the end of the last frame run.
  virtual const Ram& ram() const = 0;

  /// RAM as it was one frame before ram(), so that two frames can be merged; equals ram() right after power_on().
  virtual const Ram& ram_before() const = 0;

  /// Frames run since power-on.
  virtual std::uint64_t frame() const = 0;

  /// The complete state, as plain bytes of a fixed size. What is restored continues bit for bit.
  virtual std::size_t state_bytes() const = 0;
  virtual void save(std::span<std::byte> state) const = 0;
  virtual void restore(std::span<const std::byte> state) = 0;
};

}  // namespace sinv
