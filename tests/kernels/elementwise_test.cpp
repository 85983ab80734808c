// Every element-wise operation of the lists: forward against double precision, backward against central differences.
#include <array>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "kernels/ops.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

struct UnaryCase {
  Unary op;
  Domain domain;
};

std::vector<UnaryCase> unary_cases() {
  std::vector<UnaryCase> all;
#define SINV_CASE(Op) all.push_back({Unary::k##Op, Op::kDomain});
  SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  return all;
}

std::string unary_name(const ::testing::TestParamInfo<UnaryCase>& info) {
  return kUnaryNames[static_cast<int>(info.param.op)];
}

// The formulas once more, in double and from the definitions.
double reference(Unary op, double x) {
  switch (op) {
    case Unary::kIdentity:
      return x;
    case Unary::kRelu:
      return std::fmax(x, 0.0);
    case Unary::kLeakyRelu:
      return x > 0 ? x : 0.01 * x;
    case Unary::kElu:
      return x > 0 ? x : std::expm1(x);
    case Unary::kTanh:
      return std::tanh(x);
    case Unary::kSigmoid:
      return 0.5 * (1.0 + std::tanh(0.5 * x));
    case Unary::kExp:
      return std::exp(x);
  }
  return std::numeric_limits<double>::quiet_NaN();
}

class EveryUnary : public ::testing::TestWithParam<UnaryCase> {};

TEST_P(EveryUnary, ForwardIsTheFormulaAtEverySize) {
  const auto [op, domain] = GetParam();
  for (const std::int64_t n : {0, 1, 7, 8, 15, 16, 33, 1000}) {
    const std::vector<float> x = draw(static_cast<std::size_t>(n), 1, domain.low, domain.high);
    Guarded y(x.size());
    unary_forward({}, op, {x.data(), Shape{n}}, y.view(Shape{n}));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double wanted = reference(op, static_cast<double>(x[i]));
      // A few roundings of 2^-24 each; the sigmoid's 1 + e^x adds one of the sum, the product 0.01F one of the factor.
      EXPECT_NEAR(y[i], wanted, 4e-7 * std::abs(wanted) + 1e-12) << "x = " << x[i];
    }
  }
}

TEST_P(EveryUnary, BackwardIsTheSlopeOfForward) {
  const auto [op, domain] = GetParam();
  const std::vector<float> x = draw(400, 2, domain.low, domain.high);
  constexpr double kH = 1e-5;
  for (const float v : x) {
    if (std::abs(v) < 1e-3F) continue;  // a kink may sit at 0
    Guarded y(1);
    Guarded gx(1);
    const float gy = 0.75F;
    unary_forward({}, op, {&v, Shape{1}}, y.view(Shape{1}));
    unary_backward({}, op, y.view(Shape{1}), {&gy, Shape{1}}, GradientMode::kOverwrite, gx.view(Shape{1}));
    const double slope =
        (reference(op, static_cast<double>(v) + kH) - reference(op, static_cast<double>(v) - kH)) / (2 * kH);
    // The formulas read y: 1 - y loses up to 2^-24 absolute near saturation; the difference itself is good to 1e-9.
    EXPECT_NEAR(gx[0], 0.75 * slope, 2e-6 * std::abs(slope) + 2e-7) << "x = " << v;
  }
}

TEST_P(EveryUnary, BackwardAddsWhenAsked) {
  const Unary op = GetParam().op;
  for (const std::int64_t n : {0, 1, 9, 31, 257}) {
    const Shape shape{n};
    const std::vector<float> y = draw(shape.size(), 3, 0.1F, 0.9F);
    const std::vector<float> gy = draw(shape.size(), 4);
    Guarded once(y.size());
    Guarded twice(y.size());
    unary_backward({}, op, {y.data(), shape}, {gy.data(), shape}, GradientMode::kOverwrite, once.view(shape));
    std::fill(twice.span().begin(), twice.span().end(), 1.0F);
    unary_backward({}, op, {y.data(), shape}, {gy.data(), shape}, GradientMode::kAccumulate, twice.view(shape));
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(twice[i], 1.0F + once[i], 2.5e-7F);  // one rounding near 2
  }
}

INSTANTIATE_TEST_SUITE_P(Elementwise, EveryUnary, ::testing::ValuesIn(unary_cases()), unary_name);

TEST(Elementwise, RectifiersLetANotANumberThrough) {
  const std::array x{std::numeric_limits<float>::quiet_NaN(), -1.0F, 1.0F};
  for (const Unary op : {Unary::kRelu, Unary::kLeakyRelu}) {
    Guarded y(3);
    unary_forward({}, op, {x.data(), Shape{3}}, y.view(Shape{3}));
    EXPECT_TRUE(std::isnan(y[0]));
  }
}

TEST(Elementwise, BinaryOperationsAndTheirGradients) {
  struct Oracle {
    Binary op;
    double (*forward)(double, double);
    double (*ga)(double, double);
    double (*gb)(double, double);
  };
  const std::array<Oracle, 3> oracles{{
      {Binary::kAdd, [](double a, double b) { return a + b; }, [](double, double) { return 1.0; },
       [](double, double) { return 1.0; }},
      {Binary::kSubtract, [](double a, double b) { return a - b; }, [](double, double) { return 1.0; },
       [](double, double) { return -1.0; }},
      {Binary::kMultiply, [](double a, double b) { return a * b; }, [](double, double b) { return b; },
       [](double a, double) { return a; }},
  }};
  static_assert(std::size(kBinaryNames) == 3, "a new binary operation needs its line in the table above");
  for (const Oracle& oracle : oracles) {
    for (const std::int64_t n : {0, 1, 7, 17, 300}) {
      const Shape shape{n};
      const std::vector<float> a = draw(shape.size(), 5);
      const std::vector<float> b = draw(shape.size(), 6);
      const std::vector<float> gy = draw(shape.size(), 7);
      Guarded y(a.size());
      Guarded ga(a.size());
      Guarded gb(a.size());
      std::fill(gb.span().begin(), gb.span().end(), 0.5F);
      binary_forward({}, oracle.op, {a.data(), shape}, {b.data(), shape}, y.view(shape));
      binary_backward({}, oracle.op, {a.data(), shape}, {b.data(), shape}, {gy.data(), shape}, GradientMode::kOverwrite,
                      ga.view(shape), GradientMode::kAccumulate, gb.view(shape));
      for (std::size_t i = 0; i < a.size(); ++i) {
        const double da = static_cast<double>(a[i]);
        const double db = static_cast<double>(b[i]);
        const double g = static_cast<double>(gy[i]);
        EXPECT_NEAR(y[i], oracle.forward(da, db), 1.3e-7);  // one rounding of a value below 2
        EXPECT_NEAR(ga[i], g * oracle.ga(da, db), 1.3e-7);
        EXPECT_NEAR(gb[i], 0.5 + g * oracle.gb(da, db), 2.5e-7);
      }
    }
  }
}

TEST(Elementwise, HuberIsQuadraticInsideAndLinearOutside) {
  for (const float e : {-3.0F, -1.0F, -0.5F, 0.0F, 0.25F, 1.0F, 7.0F}) {
    const double a = std::abs(static_cast<double>(e));
    EXPECT_NEAR(huber(e, 1.0F), a <= 1 ? 0.5 * a * a : a - 0.5, 1e-6);
    EXPECT_NEAR(huber_slope(e, 1.0F), std::fmax(-1.0, std::fmin(1.0, static_cast<double>(e))), 1e-6);
    EXPECT_NEAR(huber(e, 0.0F), 0.5 * a * a, 2e-6);
    EXPECT_EQ(huber_slope(e, 0.0F), e);
  }
  EXPECT_TRUE(std::isnan(huber_slope(std::nanf(""), 1.0F)));
}

}  // namespace
}  // namespace sinv
