// Every operation of rssm.h against central differences of its own forward pass.
#include "nn/rssm.h"
#include "tests/nn/gradient_case.h"

namespace sinv {
namespace {

using Inputs = std::vector<Var>;

Var one_hot(Tape& tape, std::int64_t m, std::int64_t n) {
  const Var x = tape.input(Shape{m, n});
  for (std::int64_t i = 0; i < m; ++i) tape.value(x).data[i * n + (5 * i) % n] = 1.0F;
  return x;
}

GradientCase deconv_case(const DeconvShape& shape, std::int64_t m, Activation op) {
  return {text("deconv_", shape.height, "x", shape.width, "x", shape.channels, "_to_", shape.outputs),
          {shape.input(m), shape.weight(), Shape{1, shape.outputs}},
          [=](Tape& tape, const Inputs& in) {
            return deconv(tape, shape, in[0], deconv_pack(tape, shape, in[1], true), in[2], op);
          }};
}

std::vector<GradientCase> cases() {
  std::vector<GradientCase> all;
  for (const auto& [m, d] : {std::pair{1, 2}, {3, 5}, {2, 9}}) {
    all.push_back({text("gru_", m, "x", d),
                   {Shape{m, 3 * d}, Shape{1, 3 * d}, Shape{1, 3 * d}, Shape{m, d}},
                   [](Tape& t, const Inputs& in) { return gru(t, in[0], in[1], in[2], in[3], 1e-2F); }});
    all.push_back({text("lambda_return_", m, "x", d),
                   {Shape{m, d}, Shape{m, d}, Shape{m + 1, d}},
                   [](Tape& t, const Inputs& in) { return lambda_return(t, in[0], in[1], in[2], 0.9F); },
                   -1.0F,
                   1.0F});
    all.push_back({text("policy_score_", m, "x", d), {Shape{m, d}}, [=, m = m, d = d](Tape& t, const Inputs& in) {
                     return policy_score(t, in[0], one_hot(t, m, d), constant(t, Shape{m}, 2), 0.5F);
                   }});
    all.push_back({text("bernoulli_", m, "x", d), {Shape{m, d}}, [=, m = m, d = d](Tape& t, const Inputs& in) {
                     return bernoulli(t, in[0], constant(t, Shape{m, d}, 1, 0.0F, 1.0F));
                   }});
    all.push_back({text("scale_rows_", m, "x", d), {Shape{m, d}}, [=, m = m](Tape& t, const Inputs& in) {
                     return scale_rows(t, in[0], constant(t, Shape{m}, 1));
                   }});
    all.push_back(
        {text("rows_and_stack_", m, "x", d), {Shape{2 * m, d}, Shape{m, d}}, [m = m](Tape& t, const Inputs& in) {
           const Var middle = rows(t, in[0], m / 2, m);
           const std::array parts{middle, in[1], rows(t, in[0], m, m), middle};
           return stack(t, parts);
         }});
    all.push_back({text("image_error_", m, "x", d), {Shape{m, d, 2, 1}}, [=, m = m, d = d](Tape& t, const Inputs& in) {
                     return image_error(t, in[0], constant(t, Shape{m, d, 2, 1}, 1),
                                        {0.25F, 3.0F, 2.0F, t.value(constant(t, Shape{m, d, 2, 1}, 2))});
                   }});
  }
  all.push_back(deconv_case({1, 1, 5, 3, 4, 2}, 2, Activation::kTanh));
  all.push_back(deconv_case({2, 3, 2, 9, 3, 2}, 1, Activation::kIdentity));
  return all;
}

class EveryRssmOperation : public ::testing::TestWithParam<GradientCase> {};

TEST_P(EveryRssmOperation, BackwardIsTheSlopeOfForward) { expect_backward_is_the_slope(GetParam()); }
TEST_P(EveryRssmOperation, ASecondUseAddsTheSameGradient) { expect_second_use_adds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Rssm, EveryRssmOperation, ::testing::ValuesIn(cases()), case_name);

// The two that are no plain derivatives: straight through, and each side of the divergence on its own.
TEST(RssmGradients, ASampleHasTheGradientOfItsProbabilities) {
  Tape tape;
  const Var logits = tape.input(Shape{1, 4}, true);
  const std::vector<float> values{0.5F, -1.0F, 2.0F, 0.0F};
  std::copy(values.begin(), values.end(), tape.value(logits).data);
  const Var noise = constant(tape, Shape{1, 1}, 3, 0.0F, 1.0F);
  const Var factors = constant(tape, Shape{1, 4}, 4);
  const Var sample = categorical(tape, logits, 4, noise);
  tape.finish(sum(tape, binary(tape, Binary::kMultiply, sample, factors)));
  tape.forward();
  tape.backward();
  double sum_exp = 0;
  for (const float v : values) sum_exp += std::exp(static_cast<double>(v));
  double mean = 0;
  const auto f = [&](std::size_t i) { return static_cast<double>(tape.value(factors).data[i]); };
  const auto p = [&](std::size_t i) { return std::exp(static_cast<double>(values[i])) / sum_exp; };
  for (std::size_t i = 0; i < 4; ++i) mean += p(i) * f(i);
  double ones = 0;
  for (std::size_t i = 0; i < 4; ++i) {
    ones += static_cast<double>(tape.value(sample).data[i]);
    EXPECT_NEAR(tape.gradient(logits).data[i], p(i) * (f(i) - mean), 1e-6);
  }
  EXPECT_EQ(ones, 1.0);
}

TEST(RssmGradients, TheDivergenceIsSharedBetweenItsSides) {
  const auto slopes = [](float balance, bool to_posterior) {
    Tape tape;
    const Var posterior = tape.input(Shape{2, 6}, true);
    const Var prior = tape.input(Shape{2, 6}, true);
    Random random(9, 1);
    for (float& v : tape.value(posterior).flat()) v = random.uniform();
    for (float& v : tape.value(prior).flat()) v = random.uniform();
    tape.finish(kl_balance(tape, posterior, prior, 3, constant(tape, Shape{2}, 5, 0.5F, 1.0F), 0.0F, balance).loss);
    tape.forward();
    tape.backward();
    const View found = tape.gradient(to_posterior ? posterior : prior);
    return std::vector<float>(found.flat().begin(), found.flat().end());
  };
  const std::vector<float> prior_all = slopes(1.0F, false);
  const std::vector<float> posterior_all = slopes(0.0F, true);
  for (std::size_t i = 0; i < prior_all.size(); ++i) {
    EXPECT_NE(prior_all[i], 0.0F);
    EXPECT_NEAR(slopes(0.75F, false)[i], 0.75F * prior_all[i], 1e-7);
    EXPECT_NEAR(slopes(0.75F, true)[i], 0.25F * posterior_all[i], 1e-7);
    EXPECT_EQ(slopes(1.0F, true)[i], 0.0F);
  }
}

}  // namespace
}  // namespace sinv
