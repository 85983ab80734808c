#pragma once

#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/error.h"
#include "cabinet/machine.h"

namespace sinv {

/// What happens at a frame of the game, counted from the first frame with control (of the first life).
struct FakeEvent {
  enum Kind { kPoints, kKill, kLand, kClearRack, kPoke };
  std::uint32_t frame = 0;
  Kind kind = kPoke;
  std::uint32_t value = 0;    // points; or the byte of kPoke
  std::uint16_t address = 0;  // of kPoke
};

/// A machine without a program: it writes the RAM fields that sections 8 to 10 of the hardware reference describe, by
/// its own small model (coin, start, prompt, gun, one shot, death), and lets a test say what else happens when.
/// Its shot scores 10 points when it passes Y 100 at an X that 3 divides, so that scores depend on the actions.
class FakeMachine final : public Machine {
 public:
  static constexpr std::uint32_t kPromptFrames = 176;
  static constexpr std::uint32_t kAppearFrames = 128;
  static constexpr std::uint32_t kExplodeFrames = 60;
  static constexpr std::uint32_t kOverTextFrames = 190;

  explicit FakeMachine(std::vector<FakeEvent> events = {}, bool works = true)
      : events_(std::move(events)), works_(works) {
    power_on();
  }

  void power_on() override {
    state_ = State{};
    ++power_ons;
  }
  void run(std::span<const std::uint8_t> buttons) override {
    for (const std::uint8_t mask : buttons) {
      if (lost_runs > 0 && state_.frame >= lose_from_frame) {
        --lost_runs;
        power_on();
        throw MachineLost("fake machine: its process ended");
      }
      if (fail_at_frame != 0 && state_.frame >= fail_at_frame) throw Error("fake machine: broke down");
      state_.before = state_.ram;
      ++state_.frame;
      masks.push_back(mask);
      if (works_) one_frame(mask);
    }
  }
  const Ram& ram() const override { return state_.ram; }
  const Ram& ram_before() const override { return state_.before; }
  std::uint64_t frame() const override { return state_.frame; }
  std::size_t state_bytes() const override { return sizeof(State); }
  void save(std::span<std::byte> to) const override {
    if (lost_saves > 0) {
      --lost_saves;
      state_ = State{};
      throw MachineLost("fake machine: its process ended");
    }
    if (to.size() != sizeof(State)) throw Error("fake machine: wrong state size");
    std::memcpy(to.data(), &state_, sizeof(State));
  }
  void restore(std::span<const std::byte> from) override {
    if (from.size() != sizeof(State)) throw Error("fake machine: wrong state size");
    std::memcpy(&state_, from.data(), sizeof(State));
    ++restores;
  }

  std::uint8_t& at(std::uint16_t address) { return state_.ram[address - kRamAddress]; }
  /// Frames of the game since first control.
  std::uint32_t game_frame() const { return state_.game_frame; }
  std::uint32_t shots() const { return state_.shots; }

  int power_ons = 0;
  int restores = 0;
  std::uint64_t fail_at_frame = 0;    // 0: never
  mutable int lost_saves = 0;         // so many calls of save() lose the machine
  int lost_runs = 0;                  // so many calls of run() lose the machine,
  std::uint64_t lose_from_frame = 0;  // from this frame on
  std::vector<std::uint8_t> masks;    // every mask that was run; not part of the state

 private:
  struct State {
    Ram ram{};
    Ram before{};
    std::uint64_t frame = 0;
    std::uint32_t wait = 0;
    std::uint32_t game_frame = 0;
    std::uint32_t shots = 0;
    std::uint32_t exploding = 0;
    std::uint8_t coin_before = 0;
    std::uint8_t counting = 0;  // the first control was given
    std::uint8_t unused[6] = {};
  };

  void begin_rack() {
    at(0x2007) = 0;
    at(0x2008) = 2;
    at(0x2009) = 0x78;
    at(0x200A) = 0x38;
    at(0x2010) = 0;
    at(0x2011) = kAppearFrames;
    at(0x2015) = 0xFF;
    at(0x201B) = 0x30;
    at(0x2025) = 0;
    at(0x202D) = 0;
    at(0x2067) = 0x21;
    at(0x2068) = 1;
    at(0x206D) = 0;
    at(0x207E) = 0xFC;
    at(0x2082) = 55;
    for (std::uint16_t i = 0; i < 55; ++i) at(static_cast<std::uint16_t>(0x2100 + i)) = 1;
  }

  void add_points(std::uint32_t points) {
    const std::uint32_t digits[4] = {at(0x20F9) / 16U, at(0x20F9) % 16U, at(0x20F8) / 16U, at(0x20F8) % 16U};
    std::uint32_t score = (digits[0] * 1000 + digits[1] * 100 + digits[2] * 10 + digits[3] + points) % 10000;
    at(0x20F9) = static_cast<std::uint8_t>(score / 1000 * 16 + score / 100 % 10);
    at(0x20F8) = static_cast<std::uint8_t>(score / 10 % 10 * 16 + score % 10);
  }

  void one_frame(std::uint8_t mask) {
    const bool coin = (mask & kCoin) != 0;
    if (at(0x20EF) == 0) {
      attract_frame(mask, coin && state_.coin_before == 0);
    } else if (at(0x20E9) == 0) {
      if (--state_.wait == 0) at(0x20E9) = 1;
    } else {
      game_frame_of(mask);
    }
    state_.coin_before = coin ? 1 : 0;
  }

  void attract_frame(std::uint8_t mask, bool coin_edge) {
    if (state_.frame >= 40 && at(0x2093) == 0) at(0x20E9) = 1;
    if (coin_edge && at(0x20E9) != 0) at(0x20EB) = static_cast<std::uint8_t>(at(0x20EB) + 1);
    if (at(0x2093) == 0) {
      if (at(0x20EB) != 0 && !coin_edge) {
        at(0x2093) = 1;
        at(0x20E9) = 0;
      }
      return;
    }
    if ((mask & kStart1) == 0) return;
    at(0x2093) = 0;
    at(0x20EB) = static_cast<std::uint8_t>(at(0x20EB) - 1);
    begin_rack();
    at(0x20EF) = 1;
    at(0x20E9) = 0;
    at(0x20E7) = 1;
    at(0x20F8) = at(0x20F9) = 0;
    at(0x21FE) = 0;
    at(0x21FF) = 2;
    state_.wait = kPromptFrames;
    state_.game_frame = 0;
    state_.counting = 0;
    state_.exploding = 0;
  }

  void game_frame_of(std::uint8_t mask) {
    if (at(0x20E7) == 0) {  // the text after the game
      if (--state_.wait == 0) at(0x20EF) = 0;
      return;
    }
    if (state_.counting != 0) ++state_.game_frame;
    if (state_.exploding != 0) {
      explode_frame();
    } else if (at(0x2011) != 0) {
      if (--at(0x2011) == 0) state_.counting = 1;
    } else {
      play_frame(mask);
    }
    if (state_.counting == 0) return;
    for (const FakeEvent& event : events_) {
      if (event.frame == state_.game_frame) happen(event);
    }
  }

  void play_frame(std::uint8_t mask) {
    if ((mask & kRight) != 0) {
      if (at(0x201B) < 0xD9) ++at(0x201B);
    } else if ((mask & kLeft) != 0 && at(0x201B) > 0x30) {
      --at(0x201B);
    }
    // The shot moves in the interrupt; the button is looked at after it, in the same frame.
    switch (at(0x2025)) {
      case 1:
        at(0x2025) = 2;
        at(0x2029) = 0x28;
        at(0x202A) = static_cast<std::uint8_t>(at(0x201B) + 8);
        break;
      case 2:
        at(0x2029) = static_cast<std::uint8_t>(at(0x2029) + 4);
        if (at(0x2029) == 100 && at(0x202A) % 3 == 0) add_points(10);
        if (at(0x2029) >= 0xD8) {
          at(0x2025) = 3;
          at(0x2026) = 16;
        }
        break;
      case 3:
        if (--at(0x2026) == 0) at(0x2025) = 0;
        break;
      default:
        break;
    }
    if (at(0x2025) != 0) return;
    if ((mask & kFire) == 0) {
      at(0x202D) = 0;
    } else if (at(0x202D) == 0) {
      at(0x202D) = 1;
      at(0x2025) = 1;
      ++state_.shots;
    }
  }

  void explode_frame() {
    at(0x2015) = static_cast<std::uint8_t>(state_.exploding / 5 % 2);
    if (--state_.exploding != 0) return;
    if (at(0x206D) != 0 || at(0x21FF) == 0) {
      at(0x20E7) = 0;
      state_.wait = kOverTextFrames;
      return;
    }
    --at(0x21FF);
    at(0x2015) = 0xFF;
    at(0x2011) = kAppearFrames;
  }

  void happen(const FakeEvent& event) {
    switch (event.kind) {
      case FakeEvent::kPoints:
        add_points(event.value);
        break;
      case FakeEvent::kLand:
        at(0x206D) = 1;
        [[fallthrough]];
      case FakeEvent::kKill:
        at(0x2015) = 1;
        at(0x2025) = 0;
        state_.exploding = kExplodeFrames;
        break;
      case FakeEvent::kClearRack: {
        const std::uint8_t next = static_cast<std::uint8_t>(at(0x21FE) % 8 + 1);
        begin_rack();
        at(0x21FE) = next;
        break;
      }
      case FakeEvent::kPoke:
        at(event.address) = static_cast<std::uint8_t>(event.value);
        break;
    }
  }

  std::vector<FakeEvent> events_;
  bool works_;
  mutable State state_;
};

}  // namespace sinv
