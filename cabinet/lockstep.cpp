#include "cabinet/lockstep.h"

#include <algorithm>
#include <cstdio>
#include <vector>

#include "base/random.h"

namespace sinv {
namespace {

constexpr std::uint16_t kGameModeAddress = 0x20EF;
constexpr std::uint32_t kLongestHoldFrames = 24;

// A player at random: mostly stick and fire, now and then a coin or a start button.
std::uint8_t random_buttons(Random& random) {
  const std::uint32_t what = random.below(16);
  if (what == 0) return kCoin;
  if (what == 1) return kStart1;
  if (what == 2) return random.below(4) == 0 ? kStart2 : kStart1;
  return static_cast<std::uint8_t>(random.below(64) & (kFire | kLeft | kRight));
}

std::optional<Difference> compare(const Machine& a, const Machine& b, std::uint64_t step) {
  const auto [in_a, in_b] = std::mismatch(a.ram().begin(), a.ram().end(), b.ram().begin());
  if (in_a == a.ram().end()) return std::nullopt;
  return Difference{.step = step,
                    .frame = a.frame(),
                    .address = static_cast<std::uint16_t>(kRamAddress + (in_a - a.ram().begin())),
                    .a = *in_a,
                    .b = *in_b};
}

bool now(Random& random, std::uint32_t period_frames) { return period_frames != 0 && random.below(period_frames) == 0; }

}  // namespace

LockstepResult run_lockstep(Machine& a, Machine& b, const LockstepSettings& settings) {
  LockstepResult result;
  Random random(settings.seed, 0);
  std::vector<std::byte> state_a(a.state_bytes());
  std::vector<std::byte> state_b(b.state_bytes());
  bool saved = false;
  std::uint8_t buttons = 0;
  std::uint32_t hold_frames = 0;
  std::uint8_t mode = 0;
  a.power_on();
  b.power_on();
  result.difference = compare(a, b, 0);
  while (!result.difference && result.frames < settings.frames) {
    if (now(random, settings.power_on_period_frames)) {
      a.power_on();
      b.power_on();
      ++result.power_ons;
    } else if (now(random, settings.restore_period_frames)) {
      if (saved) {
        a.restore(state_a);
        b.restore(state_b);
        ++result.restores;
      } else {
        a.save(state_a);
        b.save(state_b);
      }
      saved = !saved;
    }
    if (hold_frames == 0) {
      buttons = random_buttons(random);
      hold_frames = 1 + random.below(kLongestHoldFrames);
      result.coins += (buttons & kCoin) != 0 ? 1 : 0;
    }
    --hold_frames;
    a.run(std::span(&buttons, 1));
    b.run(std::span(&buttons, 1));
    ++result.frames;
    result.difference = compare(a, b, result.frames);
    const std::uint8_t mode_now = a.ram()[kGameModeAddress - kRamAddress];
    result.games += mode == 0 && mode_now != 0 ? 1 : 0;
    mode = mode_now;
  }
  return result;
}

std::string to_text(const LockstepResult& result) {
  std::string out = text(result.frames, " frames, ", result.coins, " coins, ", result.games, " games, ",
                         result.power_ons, " power-ons, ", result.restores, " restores: ");
  if (!result.difference) return out + "all 8,192 bytes equal after every frame";
  const Difference& d = *result.difference;
  char where[96];
  std::snprintf(where, sizeof where, "$%04X differs, $%02X and $%02X", d.address, d.a, d.b);
  return out + where + text(", after ", d.step, " frames (frame ", d.frame, " since power-on)");
}

}  // namespace sinv
