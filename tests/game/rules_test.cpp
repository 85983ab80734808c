#include "game/rules.h"

#include <array>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sinv {
namespace {

// Every byte that a rule or its predicate looks at takes the values at which either could turn, all at once.
TEST(Rules, EqualTheirPredicatesInEveryState) {
  constexpr std::array<std::uint16_t, 8> kAddresses{at::kShotStatus,     at::kFireDebounce, at::kGameMode,
                                                    at::kPlayer1InGame,  at::kTasks,        at::kPlayerAlive,
                                                    at::kStartDelayHigh, at::kStartDelayLow};
  constexpr std::array<std::uint8_t, 4> kValues{0, 1, 0xFF, 0x80};
  std::array<int, 5> held{};
  constexpr std::uint32_t kCases = 1U << (2 * kAddresses.size());
  Ram ram{};
  for (std::uint32_t i = 0; i < kCases; ++i) {
    for (std::size_t a = 0; a < kAddresses.size(); ++a) ram[kAddresses[a] - kRamAddress] = kValues[i >> (2 * a) & 3];
    ASSERT_EQ(rules::kGunReady.holds(ram), gun_ready(ram));
    ASSERT_EQ(rules::kGameOver.holds(ram), game_over(ram));
    ASSERT_EQ(rules::kLifeLostOrOver.holds(ram), !player_alive(ram) || game_over(ram));
    ASSERT_EQ(rules::kControlLostOrOver.holds(ram), !controllable(ram) || game_over(ram));
    ASSERT_EQ(rules::kControllableOrOver.holds(ram), controllable(ram) || game_over(ram));
    held[0] += gun_ready(ram) ? 1 : 0;
    held[1] += game_over(ram) ? 1 : 0;
    held[2] += player_alive(ram) ? 1 : 0;
    held[3] += controllable(ram) ? 1 : 0;
  }
  for (int k = 0; k < 4; ++k) EXPECT_GT(held[static_cast<std::size_t>(k)], 0) << k;
}

TEST(Rules, HaveDifferentNumbers) {
  const std::array<RamRule, 5> all{rules::kGunReady, rules::kGameOver, rules::kLifeLostOrOver,
                                   rules::kControlLostOrOver, rules::kControllableOrOver};
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_NE(all[i].id, 0);
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(all[i].id, all[j].id);
  }
}

}  // namespace
}  // namespace sinv
