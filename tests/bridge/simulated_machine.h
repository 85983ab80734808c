#pragma once

#include <cstring>

#include "base/error.h"
#include "cabinet/machine.h"

namespace sinv {

/// A machine without a program, plain data: every frame changes some bytes of work RAM and of the picture, by the
/// buttons and by all that was before. A few bytes take few values, so that rules of one or two tests hold at times.
class SimulatedMachine final : public Machine {
 public:
  void power_on() override { state_ = State{}; }
  void run(std::span<const std::uint8_t> buttons) override {
    for (const std::uint8_t mask : buttons) {
      state_.before = state_.ram;
      ++state_.frame;
      state_.noise = (state_.noise + mask + 1) * 6364136223846793005ULL + 1442695040888963407ULL;
      for (unsigned i = 0; i < 40; ++i)
        state_.ram[(state_.noise >> i) % kWorkRamBytes] = static_cast<std::uint8_t>(state_.noise >> (63 - i));
      for (unsigned i = 0; i < 40; ++i) {
        state_.ram[kWorkRamBytes + (state_.noise >> i) % (kRamBytes - kWorkRamBytes)] =
            static_cast<std::uint8_t>(state_.noise >> i);
      }
      state_.ram[0x25] = static_cast<std::uint8_t>(state_.noise >> 62);
      state_.ram[0x2D] = mask;
      state_.ram[0xE9] = static_cast<std::uint8_t>(state_.frame % 5);
    }
  }
  const Ram& ram() const override { return state_.ram; }
  const Ram& ram_before() const override { return state_.before; }
  std::uint64_t frame() const override { return state_.frame; }
  std::size_t state_bytes() const override { return sizeof(State); }
  void save(std::span<std::byte> to) const override {
    SINV_CHECK(to.size() == sizeof(State), "simulated machine: wrong state size");
    std::memcpy(to.data(), &state_, sizeof(State));
  }
  void restore(std::span<const std::byte> from) override {
    SINV_CHECK(from.size() == sizeof(State), "simulated machine: wrong state size");
    std::memcpy(&state_, from.data(), sizeof(State));
  }
  std::uint8_t& at(std::uint16_t address) { return state_.ram.at(static_cast<std::size_t>(address - kRamAddress)); }

 private:
  struct State {
    Ram ram{};
    Ram before{};
    std::uint64_t frame = 0;
    std::uint64_t noise = 1978;
  };
  State state_;
};

}  // namespace sinv
