// The operations that are no single formula, against double precision or by hand.
#include "kernels/ops.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>

#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

TEST(Matmul, IsRightForEveryTransposition) {
  for (const auto& [m, k, n] : {std::array{1, 1, 1}, {0, 3, 2}, {2, 0, 3}, {5, 7, 3}, {33, 65, 17}}) {
    for (const bool ta : {false, true}) {
      for (const bool tb : {false, true}) {
        const auto size = [](int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); };
        const std::vector<float> a = draw(size(m, k), 1);
        const std::vector<float> b = draw(size(k, n), 2);
        for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
          Guarded c(size(m, n));
          std::ranges::fill(c.span(), 2.0F);
          matmul({}, {a.data(), ta ? Shape{k, m} : Shape{m, k}}, ta, {b.data(), tb ? Shape{n, k} : Shape{k, n}}, tb,
                 mode, c.view(Shape{m, n}));
          for (int i = 0; i < m; ++i) {
            for (int j = 0; j < n; ++j) {
              double sum = mode == GradientMode::kAccumulate ? 2.0 : 0.0;
              for (int s = 0; s < k; ++s) {
                sum += static_cast<double>(a[static_cast<std::size_t>(ta ? s * m + i : i * k + s)]) *
                       static_cast<double>(b[static_cast<std::size_t>(tb ? j * k + s : s * n + j)]);
              }
              EXPECT_NEAR(c[static_cast<std::size_t>(i * n + j)], sum, 1e-5);  // 65 roundings of sums below 8
            }
          }
        }
      }
    }
  }
}

// y = act(x w + b) and its three gradients by their definitions, in double.
// The first `sparse` columns of x are mostly zeros where that is not 0 and not all of them.
void check_linear(int m, int k, int n, int sparse) {
  const auto size = [](int a, int b) { return static_cast<std::size_t>(a) * static_cast<std::size_t>(b); };
  SCOPED_TRACE(text(m, " rows, ", k, "x", n, ", sparse ", sparse));
  std::vector<float> x = draw(size(m, k), 1);
  for (std::size_t i = 0; i < x.size() && sparse < k; ++i) {
    if (static_cast<int>(i) % k < sparse && i % 5 != 3) x[i] = 0.0F;
  }
  const std::vector<float> w = draw(size(k, n), 2);
  const std::vector<float> bias = draw(size(1, n), 3);
  const std::vector<float> gy = draw(size(m, n), 4);
  Guarded forward(packed_floats(Device::kCpu, k, n));
  Guarded backward(packed_floats(Device::kCpu, n, k));
  const PackedWeight packed{forward.data(), backward.data(), k, n, sparse};
  linear_pack({}, {w.data(), Shape{k, n}}, packed);
  Guarded y(size(m, n));
  linear_forward({}, {x.data(), Shape{m, k}}, packed, {bias.data(), Shape{n}}, Activation::kRelu, y.view(Shape{m, n}));
  Guarded g(size(m, n));
  std::copy(gy.begin(), gy.end(), g.data());
  Guarded gx(size(m, k));
  Guarded gw(size(k, n));
  Guarded gb(size(1, n));
  std::ranges::fill(gw.span(), 1.0F);
  Guarded scratch(packed_floats(Device::kCpu, m, n));
  LinearGradients gradients{gx.view(Shape{m, k}), gw.view(Shape{k, n}), gb.view(Shape{n})};
  gradients.w_mode = GradientMode::kAccumulate;
  linear_backward({}, {x.data(), Shape{m, k}}, packed, Activation::kRelu, y.view(Shape{m, n}), g.view(Shape{m, n}),
                  gradients, scratch.span());
  std::vector<double> pre(size(m, n));
  const auto at = [](const std::vector<float>& v, int i) {
    return static_cast<double>(v[static_cast<std::size_t>(i)]);
  };
  for (int i = 0; i < m; ++i) {
    for (int j = 0; j < n; ++j) {
      double sum = at(bias, j);
      for (int s = 0; s < k; ++s) sum += at(x, i * k + s) * at(w, s * n + j);
      EXPECT_NEAR(y[static_cast<std::size_t>(i * n + j)], std::fmax(sum, 0.0), 1e-5);
      // The slope of the rounded output decides, as in the operation.
      pre[static_cast<std::size_t>(i * n + j)] = y[static_cast<std::size_t>(i * n + j)] > 0 ? at(gy, i * n + j) : 0;
    }
  }
  for (int s = 0; s < k; ++s) {
    for (int j = 0; j < n; ++j) {
      double sum = 1;
      for (int i = 0; i < m; ++i) sum += at(x, i * k + s) * pre[static_cast<std::size_t>(i * n + j)];
      EXPECT_NEAR(gw[static_cast<std::size_t>(s * n + j)], sum, 2e-5);  // 130 roundings of sums below 20
    }
  }
  for (int j = 0; j < n; ++j) {
    double sum = 0;
    for (int i = 0; i < m; ++i) sum += pre[static_cast<std::size_t>(i * n + j)];
    EXPECT_NEAR(gb[static_cast<std::size_t>(j)], sum, 2e-5);
  }
  for (int i = 0; i < m; ++i) {
    for (int s = 0; s < k; ++s) {
      double sum = 0;
      for (int j = 0; j < n; ++j) sum += pre[static_cast<std::size_t>(i * n + j)] * at(w, s * n + j);
      EXPECT_NEAR(gx[static_cast<std::size_t>(i * k + s)], sum, 3e-5);  // 260 roundings of sums below 20
    }
  }
}

TEST(Linear, ForwardAndBackwardAreRightAtEverySize) {
  for (const auto& [m, k, n] : {std::array{1, 1, 1}, {0, 4, 3}, {2, 5, 7}, {7, 33, 18}, {130, 9, 40}, {3, 70, 260}}) {
    check_linear(m, k, n, 0);
  }
}

// Whatever x holds, and also where nothing is left for the dense product.
TEST(Linear, ZerosThatAreLeftOutChangeNothing) {
  for (const auto& [m, k, n] : {std::array{1, 1, 1}, {0, 4, 3}, {2, 5, 7}, {7, 33, 18}, {130, 9, 40}, {3, 70, 260}}) {
    check_linear(m, k, n, k);
    check_linear(m, k, n, k - k / 3);
  }
}

TEST(LayerNorm, HasMeanZeroAndVarianceOneBeforeTheGain) {
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {3, 7}, {2, 300}}) {
    const auto size = static_cast<std::size_t>(m * n);
    const std::vector<float> x = draw(size, 1, 100.0F, 103.0F);  // far from zero: mean(x^2) - mean^2 would cancel
    const std::vector<float> gain(static_cast<std::size_t>(n), 2.0F);
    const std::vector<float> bias(static_cast<std::size_t>(n), 0.5F);
    Guarded y(size);
    Guarded statistics(static_cast<std::size_t>(2 * m));
    layer_norm_forward({}, {x.data(), Shape{m, n}}, {gain.data(), Shape{n}}, {bias.data(), Shape{n}}, 1e-5F,
                       y.view(Shape{m, n}), statistics.view(Shape{m, 2}));
    for (int i = 0; i < m; ++i) {
      double mean = 0;
      double variance = 0;
      for (int j = 0; j < n; ++j) mean += static_cast<double>(x[static_cast<std::size_t>(i * n + j)]) / n;
      for (int j = 0; j < n; ++j)
        variance += std::pow(static_cast<double>(x[static_cast<std::size_t>(i * n + j)]) - mean, 2) / n;
      for (int j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>(i * n + j);
        const double wanted = (static_cast<double>(x[at]) - mean) / std::sqrt(variance + 1e-5) * 2 + 0.5;
        // The mean of values near 100 is good to 2^-17 each way; divided by a deviation near 0.9, times the gain.
        EXPECT_NEAR(y[at], n == 1 ? 0.5 : wanted, 1e-4);
      }
    }
  }
}

TEST(Dueling, QIsValuePlusAdvantageLessItsMean) {
  const std::vector<float> value{1, -2};
  const std::vector<float> advantage{1, 2, 6, 0, 0, 3};
  Guarded q(6);
  dueling_forward({}, {value.data(), Shape{2, 1}}, {advantage.data(), Shape{2, 3}}, q.view(Shape{2, 3}));
  const std::vector<float> wanted{-1, 0, 4, -3, -3, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(q[i], wanted[i]);
}

TEST(Gather, TakesTheNamedColumnAndGivesItsGradientBack) {
  const std::vector<float> x{1, 2, 3, 4, 5, 6};
  const std::vector<std::int32_t> index{2, 0};
  Guarded y(2);
  gather_forward({}, {x.data(), Shape{2, 3}}, index, y.view(Shape{2}));
  EXPECT_EQ(y[0], 3.0F);
  EXPECT_EQ(y[1], 4.0F);
  Guarded gx(6);
  gather_backward({}, index, {x.data(), Shape{2}}, GradientMode::kOverwrite, gx.view(Shape{2, 3}));
  const std::vector<float> wanted{0, 0, 1, 2, 0, 0};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(gx[i], wanted[i]);
}

TEST(DqnLoss, IsDoubleDqnWithHuberAndImportanceWeights) {
  const std::vector<float> q{1, 2, 3, 4, 5, 6};
  const std::vector<float> selector{0, 9, 1, 7, 7, 2};  // best: 1; then a tie, to the lower action: 0
  const std::vector<float> next{10, 20, 30, 40, 50, 60};
  const std::vector<std::int32_t> action{0, 2};
  const std::vector<float> reward{-19, 1};
  const std::vector<float> discount{1, 0.1F};
  const std::vector<float> weight{1, 0.5F};
  const Shape shape{2, 3};
  const DqnLossInputs in{
      {q.data(), shape}, {selector.data(), shape}, {next.data(), shape}, action, reward, discount, weight, 1.0F};
  Guarded loss(1);
  Guarded mean_q(1);
  Guarded error(2);
  dqn_loss_forward({}, in, {loss.view(Shape{}), mean_q.view(Shape{}), error.span()});
  EXPECT_FLOAT_EQ(error[0], 0.0F);  // 1 - (-19 + 1 * 20)
  EXPECT_FLOAT_EQ(error[1], 1.0F);  // 6 - (1 + 0.1 * 40)
  EXPECT_FLOAT_EQ(mean_q[0], 3.5F);
  EXPECT_FLOAT_EQ(loss[0], 0.125F);  // (0 + 0.5 * 0.5 * 1) / 2
  Guarded gq(6);
  const float one = 1.0F;
  dqn_loss_backward({}, in, error.span(), {&one, Shape{}}, GradientMode::kOverwrite, gq.view(shape));
  const std::vector<float> wanted{0, 0, 0, 0, 0, 0.25F};
  for (std::size_t i = 0; i < 6; ++i) EXPECT_FLOAT_EQ(gq[i], wanted[i]);
}

TEST(DqnLoss, ANonFiniteValueStaysVisible) {
  const std::vector<float> q{std::nanf(""), 2};
  const std::vector<std::int32_t> action{0};
  const std::vector<float> one{1};
  const DqnLossInputs in{
      {q.data(), Shape{1, 2}}, {q.data(), Shape{1, 2}}, {q.data(), Shape{1, 2}}, action, one, one, one, 1.0F};
  Guarded loss(1);
  Guarded mean_q(1);
  Guarded error(1);
  dqn_loss_forward({}, in, {loss.view(Shape{}), mean_q.view(Shape{}), error.span()});
  EXPECT_TRUE(std::isnan(loss[0]));
}

TEST(Sum, IsAccumulatedInDouble) {
  std::vector<float> x(3'000'000, 0.1F);
  Guarded y(1);
  sum_forward({}, {x.data(), Shape{static_cast<std::int64_t>(x.size())}}, 1.0F, y.view(Shape{}));
  EXPECT_NEAR(y[0], 3e6 * static_cast<double>(0.1F), 0.02);  // half an ulp near 3e5; float sums would be 5 % off
}

TEST(AverageUpdate, RateOneCopies) {
  const std::vector<float> value = draw(37, 1);
  Guarded target(37);
  average_update({}, 1.0F, value, target.span());
  EXPECT_TRUE(std::ranges::equal(value, target.span()));
}

}  // namespace
}  // namespace sinv
