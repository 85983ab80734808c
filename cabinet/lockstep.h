#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "cabinet/machine.h"

namespace sinv {

/// What happens on the way besides random buttons; each at random frames, about once in so many. 0: never.
struct LockstepSettings {
  std::uint64_t seed = 1;
  std::uint64_t frames = 36'000;
  std::uint32_t power_on_period_frames = 9'000;  // both machines are switched off and on
  std::uint32_t restore_period_frames = 3'000;   // both go back to a state saved earlier
};

/// The first byte in which two machines differ.
struct Difference {
  std::uint64_t step = 0;   // frames run in all, restores and power-ons not deducted
  std::uint64_t frame = 0;  // of machine a
  std::uint16_t address = 0;
  std::uint8_t a = 0;
  std::uint8_t b = 0;
};

struct LockstepResult {
  std::uint64_t frames = 0;  // compared, all 8 KiB each
  std::uint32_t power_ons = 0;
  std::uint32_t restores = 0;
  std::uint32_t coins = 0;  // presses of the coin switch
  std::uint32_t games = 0;  // times that a game began ($20EF from 0)
  std::optional<Difference> difference;
};

/// Runs two machines from power-on on the same random buttons (held for random times; coins, starts, stick and fire)
/// and compares all of RAM after every frame, until the frames are run or a byte differs. The buttons depend on the
/// seed alone. Thread: the machines' owner. Errors: what the machines throw.
LockstepResult run_lockstep(Machine& a, Machine& b, const LockstepSettings& settings);

/// One line for people.
std::string to_text(const LockstepResult& result);

}  // namespace sinv
