#include "game/start.h"

#include <array>
#include <span>

#include "base/error.h"

namespace sinv {
namespace {

// The coin switch is sampled once per frame and counts on its edge: pressed long enough for any sampling, then open
// long enough for the credit to be seen before the next try.
constexpr std::uint32_t kCoinPeriodFrames = 32;
constexpr std::uint32_t kCoinFromFrames = 8;
constexpr std::uint32_t kCoinToFrames = 12;

}  // namespace

std::string_view phase_name(Phase phase) {
  constexpr std::array<std::string_view, 9> kNames{"attract",   "demo",          "waiting for start",
                                                   "prompt",    "getting ready", "playing",
                                                   "exploding", "rack cleared",  "game over"};
  return kNames.at(static_cast<std::size_t>(phase));
}

std::uint8_t start_buttons(const Ram& ram, std::uint32_t& coin_clock) {
  if (in_game(ram)) return 0;
  if (peek(ram, at::kWaitingForStart) != 0) return kStart1;
  // Before the first task runs nobody counts coins.
  if (!tasks_run(ram) || credits(ram) > 0) return 0;
  const std::uint32_t at = coin_clock++ % kCoinPeriodFrames;
  return at >= kCoinFromFrames && at < kCoinToFrames ? kCoin : 0;
}

std::uint32_t start_game(Machine& machine) {
  if (!game_over(machine.ram())) machine.power_on();
  std::uint32_t coin_clock = 0;
  for (std::uint32_t frames = 0; frames < kStartLimitFrames; ++frames) {
    const Ram& ram = machine.ram();
    if (!game_over(ram) && controllable(ram)) return frames;
    const std::uint8_t buttons = start_buttons(ram, coin_clock);
    machine.run(std::span(&buttons, 1));
  }
  throw Error(text("env: no game runs after ", kStartLimitFrames,
                   " frames of coin and start; the machine is in phase \"", phase_name(phase(machine.ram())),
                   "\"; wanted a Space Invaders program with the RAM map of the Midway set"));
}

}  // namespace sinv
