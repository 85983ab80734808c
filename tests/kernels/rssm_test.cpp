// The operations of kernels/rssm.h against their definitions in double precision and central differences of those.
#include "kernels/rssm.h"

#include <algorithm>
#include <gmock/gmock.h>

#include "base/random.h"
#include "tests/kernels/slope_case.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;
using Inputs = std::vector<Floats>;
using Gradients = std::vector<std::span<float>>;

View view(std::span<float> values, Shape shape) { return {values.data(), shape}; }
View view(Floats& values, Shape shape) { return {values.data(), shape}; }
ConstView view(const Floats& values, Shape shape) { return {values.data(), shape}; }
double logistic(double x) { return 1 / (1 + std::exp(-x)); }
std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }

SlopeCase gru_case(std::int64_t m, std::int64_t d) {
  constexpr float kEpsilon = 1e-3F;
  const Shape gates{m, 3 * d};
  const Shape row{3 * d};
  const Shape h{m, d};
  const auto kept = std::make_shared<Floats>(gates.size());
  const auto statistics = std::make_shared<Floats>(as_size(2 * m));
  SlopeCase c{text("gru_", m, "x", d), {gates.size(), row.size(), row.size(), h.size()}, h.size(), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles next;
    const auto n = as_size(3 * d);
    for (std::size_t i = 0; i < as_size(m); ++i) {
      double mean = 0;
      double variance = 0;
      for (std::size_t j = 0; j < n; ++j) mean += in[0][i * n + j] / static_cast<double>(n);
      for (std::size_t j = 0; j < n; ++j) variance += std::pow(in[0][i * n + j] - mean, 2) / static_cast<double>(n);
      const auto normal = [&](std::size_t j) {
        return (in[0][i * n + j] - mean) / std::sqrt(variance + 1e-3) * in[1][j] + in[2][j];
      };
      for (std::size_t j = 0; j < as_size(d); ++j) {
        const double r = logistic(normal(j));
        const double candidate = std::tanh(r * normal(as_size(d) + j));
        const double u = logistic(normal(2 * as_size(d) + j) - 1);
        next.push_back(u * candidate + (1 - u) * in[3][i * as_size(d) + j]);
      }
    }
    return next;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    gru_forward({}, view(in[0], gates), view(in[1], row), view(in[2], row), kEpsilon, view(in[3], h), view(y, h),
                view(*statistics, Shape{m, 2}), view(*kept, gates));
    Guarded again(h.size());  // nothing kept: the same result
    gru_forward({}, view(in[0], gates), view(in[1], row), view(in[2], row), kEpsilon, view(in[3], h), again.view(h), {},
                {});
    EXPECT_TRUE(std::ranges::equal(again.span(), y));
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    gru_backward({}, view(in[0], gates), view(in[1], row), view(in[2], row), view(in[3], h),
                 view(*statistics, Shape{m, 2}), view(*kept, gates), view(gy, h),
                 {view(g[0], gates), view(g[1], row), view(g[2], row), view(g[3], h), mode, mode, mode, mode});
  };
  c.bound = 5e-6;  // the norm of values of 2 divides by a deviation near 1: some ten roundings of 2^-24 each
  return c;
}

Doubles softmax(const Doubles& x, std::size_t first, std::size_t count) {
  Doubles p;
  double sum = 0;
  for (std::size_t j = 0; j < count; ++j) sum += std::exp(x[first + j]);
  for (std::size_t j = 0; j < count; ++j) p.push_back(std::exp(x[first + j]) / sum);
  return p;
}

// The probabilities; the sample has a test of its own. Straight through means that both have this gradient.
SlopeCase categorical_case(std::int64_t m, std::int64_t variables, std::int64_t classes) {
  const Shape shape{m, variables * classes};
  const auto probability = std::make_shared<Floats>(shape.size());
  SlopeCase c{text("categorical_", m, "x", variables, "x", classes), {shape.size()}, shape.size(), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles all;
    for (std::size_t i = 0; i < in[0].size(); i += as_size(classes)) {
      for (const double p : softmax(in[0], i, as_size(classes))) all.push_back(p);
    }
    return all;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    const Floats noise = draw(as_size(m * variables), 7, 0.0F, 1.0F);
    Guarded sample(shape.size());
    categorical_forward({}, view(in[0], shape), classes, view(noise, Shape{m, variables}), view(y, shape),
                        sample.view(shape));
    std::copy(y.begin(), y.end(), probability->begin());
  };
  c.backward = [=](const Inputs&, std::span<float> gy, GradientMode mode, const Gradients& g) {
    categorical_backward({}, view(*probability, shape), classes, view(gy, shape), mode, view(g[0], shape));
  };
  return c;
}

// One side at a time is differentiated: the other is a constant there.
SlopeCase kl_case(std::int64_t m, std::int64_t variables, std::int64_t classes, bool prior_side) {
  const Shape shape{m, variables * classes};
  const Floats other = draw(shape.size(), 8, -2.0F, 2.0F);
  const Floats weight = draw(as_size(m), 9, 0.2F, 1.0F);
  const auto divergence = std::make_shared<Floats>(as_size(m));
  SlopeCase c{text("kl_", prior_side ? "prior_" : "posterior_", m, "x", variables, "x", classes),
              {shape.size()},
              1,
              {},
              {},
              {}};
  const auto run = [=](const Floats& x, std::span<float> y) {
    kl_balance_forward({}, view(prior_side ? other : x, shape), view(prior_side ? x : other, shape), classes,
                       view(weight, Shape{m}), 0.0F, view(*divergence, Shape{m}), view(y, Shape{}));
  };
  c.definition = [=](const std::vector<Doubles>& in) {
    const Doubles fixed(other.begin(), other.end());
    double total = 0;
    for (std::size_t i = 0; i < shape.size(); i += as_size(classes)) {
      const Doubles p = softmax(prior_side ? fixed : in[0], i, as_size(classes));
      const Doubles q = softmax(prior_side ? in[0] : fixed, i, as_size(classes));
      double nats = 0;
      for (std::size_t j = 0; j < p.size(); ++j) nats += p[j] * std::log(p[j] / q[j]);
      total += nats * static_cast<double>(weight[i / as_size(variables * classes)]);
    }
    return Doubles{total};
  };
  c.forward = [=](const Inputs& in, std::span<float> y) { run(in[0], y); };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    // Balance 0.75 gives 3/4 to the prior and 1/4 to the posterior: exact in binary, so undone exactly.
    KlGradients gradients;
    (prior_side ? gradients.prior : gradients.posterior) = view(g[0], shape);
    (prior_side ? gradients.prior_mode : gradients.posterior_mode) = mode;
    gy[0] /= prior_side ? 0.75F : 0.25F;
    kl_balance_backward({}, view(prior_side ? other : in[0], shape), view(prior_side ? in[0] : other, shape), classes,
                        view(weight, Shape{m}), 0.0F, 0.75F, view(*divergence, Shape{m}), view(gy, Shape{}), gradients);
  };
  return c;
}

SlopeCase lambda_case(std::int64_t h, std::int64_t n) {
  const Shape shape{h, n};
  const Shape values{h + 1, n};
  const auto y_kept = std::make_shared<Floats>();
  SlopeCase c{text("lambda_return_", h, "x", n), {shape.size(), shape.size(), values.size()}, shape.size(), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y(shape.size());
    for (std::size_t j = 0; j < as_size(n); ++j) {
      double after = in[2][as_size(h * n) + j];
      for (std::size_t t = as_size(h); t-- > 0;) {
        const std::size_t at = t * as_size(n) + j;
        after = in[0][at] + in[1][at] * (static_cast<double>(1.0F - 0.9F) * in[2][at + as_size(n)] +
                                         static_cast<double>(0.9F) * after);
        y[at] = after;
      }
    }
    return y;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    lambda_return_forward({}, view(in[0], shape), view(in[1], shape), view(in[2], values), 0.9F, view(y, shape));
    y_kept->assign(y.begin(), y.end());
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    lambda_return_backward({}, view(in[1], shape), view(in[2], values), 0.9F, view(*y_kept, shape), view(gy, shape),
                           {view(g[0], shape), view(g[1], shape), view(g[2], values), mode, mode, mode});
  };
  c.low = 0.0F;
  c.high = 1.0F;
  return c;
}

SlopeCase policy_case(std::int64_t m, std::int64_t n) {
  const Shape shape{m, n};
  const Floats advantage = draw(as_size(m), 3);
  Floats action(shape.size());
  for (std::int64_t i = 0; i < m; ++i) action[as_size(i * n + (3 * i) % n)] = 1.0F;
  SlopeCase c{text("policy_score_", m, "x", n), {shape.size()}, as_size(m), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y;
    for (std::size_t i = 0; i < as_size(m); ++i) {
      const Doubles p = softmax(in[0], i * as_size(n), as_size(n));
      double score = 0;
      for (std::size_t j = 0; j < p.size(); ++j) {
        score += static_cast<double>(action[i * as_size(n) + j] * advantage[i]) * std::log(p[j]);
        score -= 0.5 * p[j] * std::log(p[j]);
      }
      y.push_back(score);
    }
    return y;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    policy_score_forward({}, view(in[0], shape), view(action, shape), view(advantage, Shape{m}), 0.5F,
                         view(y, Shape{m}));
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    policy_score_backward({}, view(in[0], shape), view(action, shape), view(advantage, Shape{m}), 0.5F,
                          view(gy, Shape{m}), mode, view(g[0], shape));
  };
  return c;
}

SlopeCase bernoulli_case(std::int64_t m) {
  const Shape shape{m, 1};
  const Floats label = draw(as_size(m), 4, 0.0F, 1.0F);
  SlopeCase c{text("bernoulli_", m), {as_size(m)}, as_size(m), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y;
    for (std::size_t i = 0; i < in[0].size(); ++i) {
      const double p = logistic(in[0][i]);
      const auto target = static_cast<double>(label[i]);
      y.push_back(-target * std::log(p) - (1 - target) * std::log(1 - p));
    }
    return y;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    bernoulli_forward({}, view(in[0], shape), view(label, shape), view(y, shape));
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    bernoulli_backward({}, view(in[0], shape), view(label, shape), view(gy, shape), mode, view(g[0], shape));
  };
  c.low = -12.0F;
  c.high = 12.0F;
  return c;
}

SlopeCase scale_rows_case(std::int64_t m, std::int64_t n) {
  const Shape shape{m, n};
  const Floats factor = draw(as_size(m), 5);
  SlopeCase c{text("scale_rows_", m, "x", n), {shape.size()}, shape.size(), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y = in[0];
    for (std::size_t i = 0; i < y.size(); ++i) y[i] *= static_cast<double>(factor[i / as_size(n)]);
    return y;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    scale_rows_forward({}, view(in[0], shape), view(factor, Shape{m}), view(y, shape));
  };
  c.backward = [=](const Inputs&, std::span<float> gy, GradientMode mode, const Gradients& g) {
    scale_rows_backward({}, view(factor, Shape{m}), view(gy, shape), mode, view(g[0], shape));
  };
  return c;
}

SlopeCase rows_case(std::int64_t m, std::int64_t n, std::int64_t first, std::int64_t count) {
  SlopeCase c{text("rows_", first, "of", m), {as_size(m * n)}, as_size(count * n), {}, {}, {}};
  const auto from = static_cast<std::ptrdiff_t>(first * n);
  c.definition = [=](const std::vector<Doubles>& in) {
    return Doubles(in[0].begin() + from, in[0].begin() + from + count * n);
  };
  c.forward = [=](const Inputs& in, std::span<float> y) { std::copy_n(in[0].begin() + from, y.size(), y.begin()); };
  c.backward = [=](const Inputs&, std::span<float> gy, GradientMode mode, const Gradients& g) {
    rows_backward({}, first, view(gy, Shape{count, n}), mode, view(g[0], Shape{m, n}));
  };
  return c;
}

class EveryRssmOperation : public ::testing::TestWithParam<SlopeCase> {};

TEST_P(EveryRssmOperation, MatchesItsDefinitionAndItsSlopes) { expect_definition_and_slopes(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rssm, EveryRssmOperation,
                         ::testing::Values(gru_case(1, 1), gru_case(2, 5), gru_case(3, 17), gru_case(1, 67),
                                           categorical_case(1, 1, 1), categorical_case(2, 3, 5),
                                           categorical_case(1, 2, 33), kl_case(1, 1, 2, true), kl_case(3, 2, 7, true),
                                           kl_case(2, 1, 33, true), kl_case(1, 1, 2, false), kl_case(3, 2, 7, false),
                                           kl_case(2, 1, 33, false), lambda_case(1, 1), lambda_case(5, 3),
                                           lambda_case(2, 9), policy_case(1, 1), policy_case(5, 6), policy_case(2, 18),
                                           bernoulli_case(1), bernoulli_case(37), scale_rows_case(3, 5),
                                           scale_rows_case(1, 33), rows_case(5, 3, 0, 2), rows_case(5, 3, 4, 1)),
                         slope_case_name);

TEST(Rssm, ASampleIsTheFirstClassWhoseCumulatedProbabilityIsAboveTheNoise) {
  // Probabilities 0.5, 0.25, 0.25 of three variables.
  const float half = std::log(2.0F);
  const Floats logits{half, 0, 0, half, 0, 0, half, 0, 0};
  const Floats noise{0.49F, 0.51F, 0.9999999F};
  Guarded probability(9);
  Guarded sample(9);
  categorical_forward({}, view(logits, Shape{1, 9}), 3, view(noise, Shape{1, 3}), probability.view(Shape{1, 9}),
                      sample.view(Shape{1, 9}));
  EXPECT_THAT(Floats(sample.span().begin(), sample.span().end()), ::testing::ElementsAre(1, 0, 0, 0, 1, 0, 0, 0, 1));
}

TEST(Rssm, SamplesHaveTheFrequenciesOfTheirProbabilities) {
  const Floats row{0.3F, -1.2F, 0.9F, 0.0F};
  constexpr std::int64_t kRows = 20000;
  Floats logits;
  for (std::int64_t i = 0; i < kRows; ++i) logits.insert(logits.end(), row.begin(), row.end());
  NoiseState state{11, 3, 5};
  Floats noise(kRows);
  uniform_fill_next({}, &state, noise);
  EXPECT_EQ(state.counter, 5U + kRows / 4);
  EXPECT_EQ(noise[1], unit_float(Philox::at(11, 5, 3).word[1]));
  EXPECT_EQ(noise[6], unit_float(Philox::at(11, 6, 3).word[2]));
  Floats probability(logits.size());
  Floats sample(logits.size());
  const Shape shape{kRows, 4};
  categorical_forward({}, view(logits, shape), 4, view(noise, Shape{kRows, 1}), view(probability, shape),
                      view(sample, shape));
  for (std::size_t j = 0; j < 4; ++j) {
    double count = 0;
    for (std::size_t i = 0; i < as_size(kRows); ++i) count += static_cast<double>(sample[4 * i + j]);
    // Four standard deviations of a share of 20,000: below 4 / 2 / sqrt(20,000).
    EXPECT_NEAR(count / kRows, static_cast<double>(probability[j]), 0.015);
  }
}

TEST(Rssm, NothingFlowsWhileFreeNatsAreLeft) {
  const Shape shape{2, 4};
  const Floats posterior = draw(8, 1);
  const Floats prior = draw(8, 2);
  const Floats weight{0.5F, 0.5F};
  Guarded divergence(2);
  Guarded loss(1);
  const auto run = [&](float free_nats) {
    kl_balance_forward({}, view(posterior, shape), view(prior, shape), 2, view(weight, Shape{2}), free_nats,
                       divergence.view(Shape{2}), loss.view(Shape{}));
  };
  run(0.0F);
  const float nats = loss[0];
  EXPECT_NEAR(nats, 0.5 * static_cast<double>(divergence[0] + divergence[1]), 1e-6);
  for (const float free_nats : {nats * 0.5F, nats * 2.0F}) {
    run(free_nats);
    EXPECT_FLOAT_EQ(loss[0], std::max(nats, free_nats));
    const Floats one{1.0F};
    Guarded gposterior(8);
    Guarded gprior(8);
    kl_balance_backward({}, view(posterior, shape), view(prior, shape), 2, view(weight, Shape{2}), free_nats, 0.8F,
                        divergence.view(Shape{2}), view(one, Shape{}), {gposterior.view(shape), gprior.view(shape)});
    for (std::size_t i = 0; i < 8; ++i) {
      EXPECT_EQ(gposterior[i] != 0.0F, free_nats < nats);
      EXPECT_EQ(gprior[i] != 0.0F, free_nats < nats);
    }
  }
}

TEST(Rssm, WeightsAreTheProductOfTheDiscountsBefore) {
  const Floats discount{0.5F, 1.0F, 0.25F, 0.5F, 9.0F, 9.0F};
  Guarded weight(6);
  discount_weight({}, view(discount, Shape{3, 2}), weight.view(Shape{3, 2}));
  EXPECT_THAT(Floats(weight.span().begin(), weight.span().end()),
              ::testing::ElementsAre(1.0F, 1.0F, 0.5F, 1.0F, 0.125F, 0.5F));
}

Floats memory(256);
View of(Shape shape) { return {memory.data(), shape}; }
#define EXPECT_REFUSED(call, words) EXPECT_THAT(message([&] { call; }), HasSubstr(words))

TEST(RssmErrors, NameWhatDoesNotFit) {
  constexpr GradientMode kSet = GradientMode::kOverwrite;
  const Shape h{2, 3};
  const Shape gates{2, 9};
  const Shape row{9};
  EXPECT_REFUSED(gru_forward({}, of(h), of(row), of(row), 1e-3F, of(h), of(h), {}, {}),
                 "gru_forward: gates is [2,3], wanted [2,9]");
  EXPECT_REFUSED(gru_forward({}, of(gates), of(row), of(row), 1e-3F, of(h), of(gates), {}, {}),
                 "gru_forward: next is [2,9], wanted [2,3]");
  EXPECT_REFUSED(gru_backward({}, of(gates), of(row), of(row), of(h), of(h), of(gates), of(h), {}),
                 "gru_backward: statistics is [2,3], wanted [2,2]");
  EXPECT_REFUSED(categorical_forward({}, of(h), 2, of(h), of(h), of(h)), "2 classes in rows of 3, wanted a divisor");
  EXPECT_REFUSED(categorical_forward({}, of(Shape{1, 257}), 257, of(Shape{1, 1}), of(h), of(h)),
                 "257 classes in rows of 257, wanted a divisor of 1 to 256");
  EXPECT_REFUSED(categorical_forward({}, of(h), 3, of(h), of(h), of(h)), "noise is [2,3], wanted [2,1]");
  EXPECT_REFUSED(categorical_backward({}, of(h), 3, of(gates), kSet, of(h)), "gsample is [2,9], wanted [2,3]");
  EXPECT_REFUSED(uniform_fill_next({}, nullptr, memory), "uniform_fill_next: no state");
  EXPECT_REFUSED(kl_balance_forward({}, of(h), of(gates), 3, of(Shape{2}), 0, of(Shape{2}), of(Shape{})),
                 "kl_balance_forward: prior is [2,9], wanted [2,3]");
  EXPECT_REFUSED(kl_balance_backward({}, of(h), of(h), 3, of(Shape{2}), 0, 0.8F, of(Shape{2}), of(Shape{1}), {}),
                 "kl_balance_backward: gloss is [1], wanted []");
  EXPECT_REFUSED(lambda_return_forward({}, of(h), of(h), of(h), 0.9F, of(h)), "value is [2,3], wanted [3,3]");
  EXPECT_REFUSED(lambda_return_backward({}, of(h), of(Shape{3, 3}), 0.9F, of(h), of(row), {}), "gy is [9], wanted");
  EXPECT_REFUSED(discount_weight({}, of(h), of(row)), "discount_weight: weight is [9], wanted [2,3]");
  EXPECT_REFUSED(policy_score_forward({}, of(h), of(h), of(h), 0, of(Shape{2})), "advantage is [2,3], wanted [2]");
  EXPECT_REFUSED(policy_score_forward({}, of(Shape{1, 257}), of(h), of(h), 0, of(Shape{2})),
                 "257 actions, wanted 1 to");
  EXPECT_REFUSED(policy_score_backward({}, of(h), of(h), of(Shape{2}), 0, of(Shape{2}), kSet, of(row)),
                 "glogits is [9], wanted [2,3]");
  EXPECT_REFUSED(bernoulli_forward({}, of(h), of(row), of(h)), "bernoulli_forward: label is [9], wanted [2,3]");
  EXPECT_REFUSED(bernoulli_backward({}, of(h), of(h), of(h), kSet, of(row)), "glogit is [9], wanted [2,3]");
  EXPECT_REFUSED(scale_rows_forward({}, of(h), of(h), of(h)), "factor is [2,3], wanted [2]");
  EXPECT_REFUSED(scale_rows_backward({}, of(Shape{2}), of(row), kSet, of(h)), "gy is [9], wanted [2,3]");
  EXPECT_REFUSED(rows_backward({}, 1, of(h), kSet, of(h)), "rows_backward: rows 1 to 3 of x [2,3]");
}

}  // namespace
}  // namespace sinv
