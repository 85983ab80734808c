#include "kernels/normal.h"

#include <cmath>
#include <gtest/gtest.h>

#include "kernels/ops.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

TEST(Normal, TheLogarithmIsRightOverAllExponents) {
  for (int e = -24; e <= 24; ++e) {
    for (int i = 0; i < 200; ++i) {
      const float x = std::ldexp(1.0F + static_cast<float>(i) / 200.0F, e);
      const double wanted = std::log(static_cast<double>(x));
      EXPECT_NEAR(fast_log(x), wanted, 2.5e-7 * std::abs(wanted) + 6e-8) << x;
    }
  }
}

// Oracle: the distribution function of the C library. Phi(x(u)) must be u again.
TEST(Normal, IsTheInverseOfTheDistributionFunction) {
  for (std::uint32_t i = 0; i < 4000; ++i) {
    const std::uint32_t bits = i * 1073741U;
    const double u = (static_cast<double>(bits >> 9) + 0.5) / 8388608.0;
    const double x = static_cast<double>(normal_from_bits(bits));
    const double back = 0.5 * std::erfc(-x / std::sqrt(2.0));
    // A relative error of 2e-6 of x (Giles gives 4e-7, the rest is rounding) times the density: x phi(x) <= 0.25.
    EXPECT_NEAR(back, u, 6e-7) << "bits " << bits;
  }
}

TEST(Normal, TheEndsAreFinite) {
  EXPECT_NEAR(normal_from_bits(0), -5.2947, 1e-3);  // Phi^-1(2^-24)
  EXPECT_NEAR(normal_from_bits(0xFFFFFFFFU), 5.2947, 1e-3);
}

TEST(Noise, HasTheMomentsOfFactorisedNoise) {
  std::vector<float> e(400'000);
  noise_fill({}, 1, 2, 0, e);
  double mean = 0;
  double square = 0;
  double fourth = 0;
  for (const float v : e) {
    const double x = static_cast<double>(v);
    mean += x;
    square += x * x;
    fourth += x * x * x * x;
  }
  const double n = static_cast<double>(e.size());
  // f(x)^2 = |x|, whose mean is sqrt(2 / pi) and variance 1 - 2 / pi; f(x)^4 = x^2: mean 1, variance 2.
  EXPECT_NEAR(mean / n, 0, 5 * std::sqrt(0.798 / n));
  EXPECT_NEAR(square / n, std::sqrt(2 / M_PI), 5 * std::sqrt(0.363 / n));
  EXPECT_NEAR(fourth / n, 1, 5 * std::sqrt(2 / n));
}

TEST(Noise, IsAFunctionOfSeedStreamAndCounter) {
  std::vector<float> all(1000);
  noise_fill({}, 7, 3, 0, all);
  Guarded part(500);
  noise_fill({}, 7, 3, 25, part.span());  // a block is four numbers
  for (std::size_t i = 0; i < 500; ++i) EXPECT_EQ(part[i], all[100 + i]);
  Guarded other(500);
  noise_fill({}, 7, 4, 25, other.span());
  EXPECT_NE(part[0], other[0]);
  EXPECT_EQ(noise_blocks(0), 0U);
  EXPECT_EQ(noise_blocks(5), 2U);
}

}  // namespace
}  // namespace sinv
