// Normalisation, pooling and spectral normalisation of images, against double precision or by hand.
#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/conv.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

double at(std::span<const float> v, std::size_t i) { return static_cast<double>(v[i]); }

struct NormCase {
  std::int64_t m, h, w, c, groups;
};

// Forward and all three gradients by their definitions.
void check_norm(const NormCase& n, GradientMode mode) {
  SCOPED_TRACE(text(n.m, "x", n.h, "x", n.w, "x", n.c, " in ", n.groups));
  const Shape shape{n.m, n.h, n.w, n.c};
  const std::vector<float> x = draw(shape.size(), 1, 2.0F, 5.0F);
  const std::vector<float> gain = draw(static_cast<std::size_t>(n.c), 2, 0.5F, 1.5F);
  const std::vector<float> bias = draw(static_cast<std::size_t>(n.c), 3);
  const std::vector<float> gy = draw(shape.size(), 4);
  constexpr double kEpsilon = 1e-3;
  Guarded y(shape.size());
  Guarded statistics(static_cast<std::size_t>(2 * n.m * n.groups));
  const View stats = statistics.view(Shape{n.m, n.groups, 2});
  group_norm_forward({}, {x.data(), shape}, n.groups, {gain.data(), Shape{n.c}}, {bias.data(), Shape{n.c}},
                     static_cast<float>(kEpsilon), Activation::kLeakyRelu, y.view(shape), stats);
  const double start = mode == GradientMode::kAccumulate ? 0.25 : 0.0;
  Guarded g(shape.size());
  std::ranges::copy(gy, g.data());
  Guarded gx(shape.size());
  Guarded ggain(gain.size());
  Guarded gbias(bias.size());
  for (Guarded* found : {&gx, &ggain, &gbias}) std::ranges::fill(found->span(), 0.25F);
  group_norm_backward({}, {x.data(), shape}, n.groups, {gain.data(), Shape{n.c}}, stats, Activation::kLeakyRelu,
                      y.view(shape), g.view(shape),
                      {gx.view(shape), ggain.view(Shape{n.c}), gbias.view(Shape{n.c}), mode, mode, mode});
  std::vector<double> wanted_gain(gain.size(), start);
  std::vector<double> wanted_bias(bias.size(), start);
  const std::int64_t size = n.c / n.groups;
  for (std::int64_t i = 0; i < n.m; ++i) {
    for (std::int64_t group = 0; group < n.groups; ++group) {
      std::vector<std::size_t> members;
      for (std::int64_t p = 0; p < n.h * n.w; ++p) {
        for (std::int64_t j = group * size; j < (group + 1) * size; ++j) {
          members.push_back(static_cast<std::size_t>((i * n.h * n.w + p) * n.c + j));
        }
      }
      const auto count = static_cast<double>(members.size());
      double mean = 0;
      double variance = 0;
      for (const std::size_t k : members) mean += at(x, k) / count;
      for (const std::size_t k : members) variance += (at(x, k) - mean) * (at(x, k) - mean) / count;
      const double scale = 1 / std::sqrt(variance + kEpsilon);
      double sum_g = 0;
      double sum_gx = 0;
      const auto channel = [&](std::size_t k) { return k % gain.size(); };
      const auto pre = [&](std::size_t k) { return at(gy, k) * (y[k] > 0 ? 1.0 : 0.01); };
      for (const std::size_t k : members) {
        const double normal = (at(x, k) - mean) * scale;
        const double before = normal * at(gain, channel(k)) + at(bias, channel(k));
        // The mean of values near 4 is good to some 2^-21; times 1 / deviation (below 1.3 or sqrt(1/epsilon) = 32 of a
        // group of one, where the difference is 0).
        ASSERT_NEAR(y[k], before > 0 ? before : 0.01 * before, 1e-5);
        wanted_gain[channel(k)] += pre(k) * normal;
        wanted_bias[channel(k)] += pre(k);
        sum_g += pre(k) * at(gain, channel(k)) / count;
        sum_gx += pre(k) * at(gain, channel(k)) * normal / count;
      }
      for (const std::size_t k : members) {
        const double normal = (at(x, k) - mean) * scale;
        const double slope = scale * (pre(k) * at(gain, channel(k)) - sum_g - normal * sum_gx);
        // A group of one divides rounding by a deviation of sqrt(epsilon): 32 times as much.
        ASSERT_NEAR(gx[k], start + slope, count == 1 ? 2e-4 : 2e-5);
      }
    }
  }
  for (std::size_t j = 0; j < gain.size(); ++j) {
    const double bound = 1e-6 * static_cast<double>(n.m * n.h * n.w) + 1e-5;  // as many terms of a few units
    ASSERT_NEAR(ggain[j], wanted_gain[j], bound);
    ASSERT_NEAR(gbias[j], wanted_bias[j], bound);
  }
}

TEST(GroupNorm, ForwardAndBackwardAreRightForEverySize) {
  for (const NormCase& n : {NormCase{1, 1, 1, 1, 1},
                            {2, 3, 5, 4, 2},
                            {3, 1, 7, 9, 3},
                            {2, 20, 20, 32, 8},
                            {1, 13, 11, 64, 8},
                            {2, 4, 4, 128, 16},
                            {0, 4, 4, 8, 2},
                            {1, 2, 33, 17, 17}}) {
    check_norm(n, GradientMode::kOverwrite);
    check_norm(n, GradientMode::kAccumulate);
  }
}

TEST(GroupNorm, GroupsMustDivideTheChannels) {
  std::vector<float> room(64);
  const View x{room.data(), Shape{1, 2, 2, 6}};
  EXPECT_THAT(message([&] {
                group_norm_forward({}, x, 4, {room.data(), Shape{6}}, {room.data(), Shape{6}}, 1e-5F, Activation::kRelu,
                                   x, {room.data(), Shape{1, 4, 2}});
              }),
              HasSubstr("group_norm_forward: 4 groups of 6 channels"));
}

TEST(MaxPool, TakesTheMaximumOfEachWindowAndSendsTheGradientToItsFirstPlace) {
  struct Case {
    std::int64_t m, h, w, c, kernel, stride, padding;
  };
  for (const Case& n : {Case{1, 1, 1, 1, 1, 1, 0},
                        {2, 5, 4, 3, 2, 2, 0},
                        {1, 7, 9, 33, 3, 2, 1},
                        {2, 3, 3, 65, 3, 1, 1},
                        {0, 4, 4, 2, 2, 2, 0},
                        {1, 84, 12, 8, 3, 2, 1}}) {
    const PoolAxis rows = pool_axis(n.h, n.kernel, n.stride, n.padding);
    const PoolAxis columns = pool_axis(n.w, n.kernel, n.stride, n.padding);
    const Shape shape{n.m, n.h, n.w, n.c};
    const Shape out{n.m, rows.count, columns.count, n.c};
    std::vector<float> x = draw(shape.size(), 1);
    for (float& v : x) v = std::round(4 * v) / 4;  // nine values: windows have ties
    const std::vector<float> gy = draw(out.size(), 2);
    for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
      Guarded y(out.size());
      max_pool_forward({}, {x.data(), shape}, rows, columns, y.view(out));
      Guarded gx(shape.size());
      std::ranges::fill(gx.span(), 0.5F);
      max_pool_backward({}, {x.data(), shape}, rows, columns, y.view(out), {gy.data(), out}, mode, gx.view(shape));
      std::vector<double> wanted(shape.size(), mode == GradientMode::kAccumulate ? 0.5 : 0.0);
      std::size_t to = 0;
      for (std::int64_t i = 0; i < n.m; ++i) {
        for (std::int64_t r = 0; r < rows.count; ++r) {
          for (std::int64_t k = 0; k < columns.count; ++k) {
            for (std::int64_t c = 0; c < n.c; ++c, ++to) {
              std::size_t best = shape.size();
              for (std::int64_t a = r * n.stride - n.padding; a < r * n.stride - n.padding + n.kernel; ++a) {
                for (std::int64_t b = k * n.stride - n.padding; b < k * n.stride - n.padding + n.kernel; ++b) {
                  if (a < 0 || a >= n.h || b < 0 || b >= n.w) continue;
                  const auto here = static_cast<std::size_t>(((i * n.h + a) * n.w + b) * n.c + c);
                  if (best == shape.size() || x[here] > x[best]) best = here;
                }
              }
              ASSERT_EQ(y[to], x[best]);
              wanted[best] += at(gy, to);
            }
          }
        }
      }
      for (std::size_t i = 0; i < wanted.size(); ++i) ASSERT_NEAR(gx[i], wanted[i], 1e-6);  // at most 9 terms below 1
    }
  }
}

TEST(MaxPool, AdaptiveWindowsCoverTheAxis) {
  const PoolAxis axis = adaptive_pool_axis(11, 6);  // floor(11 i / 6) .. ceil(11 (i + 1) / 6)
  const std::vector<int> first{0, 1, 3, 5, 7, 9};
  const std::vector<int> last{2, 4, 6, 8, 10, 11};
  ASSERT_EQ(axis.count, 6);
  for (std::size_t i = 0; i < 6; ++i) {
    EXPECT_EQ(axis.first[i], first[i]);
    EXPECT_EQ(axis.last[i], last[i]);
  }
}

TEST(MaxPool, ANanWins) {
  const std::vector<float> x{1, std::nanf(""), 3, 2};
  Guarded y(1);
  const PoolAxis axis = pool_axis(2, 2, 2, 0);
  max_pool_forward({}, {x.data(), Shape{1, 2, 2, 1}}, axis, axis, y.view(Shape{1, 1, 1, 1}));
  EXPECT_TRUE(std::isnan(y[0]));
}

TEST(MaxPool, WhatDoesNotFitIsNamed) {
  std::vector<float> room(64);
  EXPECT_THAT(message([&] { pool_axis(2, 3, 1, 0); }), HasSubstr("pool: size 2, kernel 3"));
  EXPECT_THAT(message([&] { pool_axis(2, 1, 4, 3); }), HasSubstr("padding below the kernel"));
  EXPECT_THAT(message([&] { adaptive_pool_axis(5, 0); }), HasSubstr("pool: 0 windows on size 5"));
  const PoolAxis axis = pool_axis(6, 2, 2, 0);
  EXPECT_THAT(message([&] {
                max_pool_forward({}, {room.data(), Shape{1, 5, 6, 1}}, axis, axis, {room.data(), Shape{1, 3, 3, 1}});
              }),
              HasSubstr("the windows do not fit x [1,5,6,1]"));
}

TEST(SpectralNorm, DividesByTheLargestSingularValue) {
  // w = 3 a b^T + 1 c d^T with orthonormal a, c in R^4 and b, d in R^2: singular values 3 and 1.
  const std::vector<double> a{0.5, 0.5, 0.5, 0.5};
  const std::vector<double> c{0.5, -0.5, 0.5, -0.5};
  const std::vector<double> b{0.6, 0.8};
  const std::vector<double> d{0.8, -0.6};
  std::vector<float> w(8);
  for (std::size_t i = 0; i < 4; ++i) {
    for (std::size_t j = 0; j < 2; ++j) w[2 * i + j] = static_cast<float>(3 * a[i] * b[j] + c[i] * d[j]);
  }
  const Shape shape{2, 1, 2, 2};
  Guarded u(2);
  u.data()[0] = 1.0F;
  u.data()[1] = 0.0F;
  Guarded v(4);
  Guarded sigma(1);
  Guarded y(8);
  const auto run = [&](int iterations) {
    spectral_norm_forward({}, {w.data(), shape}, iterations, u.view(Shape{2}), v.view(Shape{4}), sigma.view(Shape{}),
                          y.view(shape));
  };
  run(1);  // by hand: w u = 1.8 a + 0.8 c, w^T of it = 5.4 b + 0.8 d
  const double length = std::hypot(5.4, 0.8);
  EXPECT_NEAR(u[0], (5.4 * 0.6 + 0.8 * 0.8) / length, 1e-6);
  EXPECT_NEAR(sigma[0], length / std::hypot(1.8, 0.8), 1e-6);
  run(20);  // each round shrinks the rest by 9
  EXPECT_NEAR(sigma[0], 3.0, 1e-6);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(y[i], w[i] / 3.0F, 1e-6);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_NEAR(std::abs(v[i]), a[i], 1e-6);
  const float kept = u[0];
  run(0);
  EXPECT_EQ(u[0], kept);
  EXPECT_NEAR(sigma[0], 3.0, 1e-6);
  for (float& x : u.span()) x *= 0.5F;  // as in an average of networks
  run(0);
  EXPECT_NEAR(sigma[0], 3.0, 1e-6);
  for (float& x : u.span()) x *= 2.0F;
  // The gradient of sum(gy * w / sigma) with d sigma / d w = v u^T = a b^T.
  const std::vector<float> gy = draw(8, 5);
  double along = 0;
  for (std::size_t i = 0; i < 8; ++i) along += at(gy, i) * static_cast<double>(w[i]) / 3;
  for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
    Guarded gw(8);
    std::ranges::fill(gw.span(), 0.5F);
    spectral_norm_backward({}, y.view(shape), u.view(Shape{2}), v.view(Shape{4}), sigma.view(Shape{}),
                           {gy.data(), shape}, mode, gw.view(shape));
    const double start = mode == GradientMode::kAccumulate ? 0.5 : 0.0;
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_NEAR(gw[i], start + (at(gy, i) - along * a[i / 2] * b[i % 2]) / 3, 1e-6);
    }
  }
}

TEST(SpectralNorm, WhatDoesNotFitIsNamed) {
  std::vector<float> room(64);
  const auto of = [&](Shape shape) { return View{room.data(), shape}; };
  EXPECT_THAT(message([&] {
                spectral_norm_forward({}, of(Shape{2, 3}), 1, of(Shape{2}), of(Shape{2}), of(Shape{}), of(Shape{2, 3}));
              }),
              HasSubstr("spectral_norm_forward: u is [2], wanted [3]"));
  EXPECT_THAT(
      message([&] {
        spectral_norm_forward({}, of(Shape{2, 3}), -1, of(Shape{3}), of(Shape{2}), of(Shape{}), of(Shape{2, 3}));
      }),
      HasSubstr("-1 iterations, wanted 0 or more"));
}

}  // namespace
}  // namespace sinv
