#include "base/random.h"

#include <algorithm>
#include <array>
#include <gtest/gtest.h>

#include "base/random_ahead.h"

namespace sinv {
namespace {

// Published known-answer vectors of Philox4x32-10 (Random123 distribution, kat_vectors).
TEST(Philox, AgreesWithThePublishedVectors) {
  const Philox::Block zero = Philox::at(0, 0, 0);
  const std::array<std::uint32_t, 4> want_zero{0x6627e8d5U, 0xe169c58dU, 0xbc57ac4cU, 0x9b00dbd8U};
  const Philox::Block ones = Philox::at(~0ULL, ~0ULL, ~0ULL);
  const std::array<std::uint32_t, 4> want_ones{0x408f276dU, 0x41c83b0eU, 0xa20bc7c6U, 0x6d5451fdU};
  const Philox::Block digits = Philox::at(0x299f31d0a4093822ULL, 0x85a308d3243f6a88ULL, 0x0370734413198a2eULL);
  const std::array<std::uint32_t, 4> want_digits{0xd16cfe09U, 0x94fdccebU, 0x5001e420U, 0x24126ea1U};
  for (std::size_t i = 0; i < 4; ++i) {
    EXPECT_EQ(zero.word[i], want_zero[i]);
    EXPECT_EQ(ones.word[i], want_ones[i]);
    EXPECT_EQ(digits.word[i], want_digits[i]);
  }
}

TEST(Random, ACopyContinuesTheSameStream) {
  Random a(7, 3);
  for (int i = 0; i < 5; ++i) a.bits();  // stops in the middle of a block
  Random b = a;
  for (int i = 0; i < 100; ++i) ASSERT_EQ(a.bits(), b.bits());
}

TEST(Random, WhatIsPeekedIsDrawnAndWhatIsSkippedIsNot) {
  for (int before = 0; before < 6; ++before) {
    for (std::uint64_t words = 0; words < 14; ++words) {
      Random drawn(7, 3);
      for (int i = 0; i < before; ++i) static_cast<void>(drawn.bits());
      Random skipped = drawn;
      for (std::uint64_t word = 0; word < words; ++word) {
        const std::uint32_t peeked = peek(skipped, word);
        ASSERT_EQ(peeked, drawn.bits()) << before << " before, word " << word;
      }
      skip(skipped, words);
      ASSERT_EQ(skipped.counter, drawn.counter);
      ASSERT_EQ(skipped.spares, drawn.spares);
      ASSERT_TRUE(std::equal(skipped.spare, skipped.spare + 4, drawn.spare)) << "saved bytes differ";
    }
  }
  Random random(7, 4);
  const double third = peek_double(random, 2);
  static_cast<void>(random.uniform_double());
  static_cast<void>(random.uniform_double());
  EXPECT_EQ(random.uniform_double(), third);
}

TEST(Random, StreamsOfOneSeedDiffer) {
  Random a(7, 0);
  Random b(7, 1);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) equal += a.bits() == b.bits() ? 1 : 0;
  EXPECT_EQ(equal, 0);
}

// 100,000 draws over 10 cells: expectation 10,000, standard deviation 95; 500 is beyond 5 of them.
TEST(Random, BelowIsEven) {
  Random random(11, 0);
  std::array<int, 10> seen{};
  for (int i = 0; i < 100'000; ++i) ++seen.at(random.below(10));
  for (const int count : seen) EXPECT_NEAR(count, 10'000, 500);
}

TEST(Random, UniformStaysInsideItsHalfOpenInterval) {
  EXPECT_EQ(unit_float(0), 0.0F);
  EXPECT_LT(unit_float(0xFFFFFFFFU), 1.0F);
}

}  // namespace
}  // namespace sinv
