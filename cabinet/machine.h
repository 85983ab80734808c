#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "base/error.h"

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

/// A question about one byte of work RAM at the end of a frame: is (byte & mask) equal to value, or (equal = 0) not?
struct RamTest {
  std::uint8_t group;  // tests of one group must all hold
  std::uint8_t mask;
  std::uint16_t address;
  std::uint8_t value;
  std::uint8_t equal = 1;
};

/// Holds when all tests of any one group hold; without tests it never holds. Tests of a group stand side by side.
/// A machine in another process keeps copies by `id`: one id, one rule, for as long as the machine lives.
struct RamRule {
  std::uint8_t id;  // 1 to 255
  std::span<const RamTest> tests;

  constexpr bool holds(const Ram& ram) const {
    bool group_holds = true;
    for (std::size_t i = 0; i < tests.size(); ++i) {
      const RamTest& test = tests[i];
      if (i > 0 && test.group != tests[i - 1].group) {
        if (group_holds) return true;
        group_holds = true;
      }
      const bool same = (ram[test.address - kRamAddress] & test.mask) == test.value;
      group_holds = group_holds && same == (test.equal != 0);
    }
    return !tests.empty() && group_holds;
  }
};

/// Buttons of one frame: `held`, and `ready` as well when the rule of the stretch held at the end of the frame before.
struct FrameButtons {
  std::uint8_t held = 0;
  std::uint8_t ready = 0;
};

/// Frames most of which no decision interrupts, so that a machine in another process needs one answer for all.
inline constexpr std::uint32_t kStretchFrames = 64;
struct Stretch {
  std::uint32_t frames = 1;               // at most; 1 to kStretchFrames
  std::span<const FrameButtons> buttons;  // of each frame; the last stands for all behind it
  const RamRule* press = nullptr;         // when FrameButtons::ready are pressed; null: never
  const RamRule* stop = nullptr;          // asked after each frame; null: all frames are run
};

/// Told of every frame of a stretch, in order.
class FrameSink {
 public:
  /// Work RAM is that of the end of the frame; the picture is valid only after the last frame of the stretch.
  virtual void frame(const Ram& ram) = 0;

 protected:
  ~FrameSink() = default;
};

/// The machine is gone or does not answer (a process that died). After it, the machine is another one that stands where
/// power_on() leads: power_on() or restore() must come next.
class MachineLost : public Error {
 public:
  using Error::Error;
};

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

  /// Runs frames until `stretch.stop` holds or all are run, and returns how many (at least 1).
  /// REQUIRES: 1 <= frames <= kStretchFrames, buttons not empty.
  virtual std::uint32_t run_stretch(const Stretch& stretch, FrameSink& sink);

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
