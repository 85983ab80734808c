// Every operation of functional.h against central differences of its own forward pass.
// A case is data: how to build the graph, and the bound with its arithmetic.
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <ostream>
#include <string>

#include "base/random.h"
#include "nn/functional.h"

namespace sinv {
namespace {

struct Case {
  std::string name;
  std::vector<Shape> inputs;  // each gets a gradient
  std::function<Var(Tape&, const std::vector<Var>&)> build;
  float low = -2.0F;
  float high = 2.0F;
};
std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.name; }

// Constants for a case, the same in every graph.
Var constant(Tape& tape, Shape shape, std::uint64_t stream, float low = -1.0F, float high = 1.0F) {
  const Var x = tape.input(shape);
  Random random(77, stream);
  for (float& v : tape.value(x).flat()) v = low + (high - low) * random.uniform();
  return x;
}
std::span<const std::int32_t> columns(Tape& tape, std::size_t count, std::uint32_t below) {
  const std::span<std::int32_t> index = tape.indices(count);
  Random random(78, 0);
  for (std::int32_t& i : index) i = static_cast<std::int32_t>(random.below(below));
  return index;
}
ConstView noise(std::int64_t count, std::uint64_t stream) {
  static std::map<std::pair<std::int64_t, std::uint64_t>, std::vector<float>> kept;
  std::vector<float>& values = kept[{count, stream}];
  values.resize(static_cast<std::size_t>(count));
  noise_fill({}, 5, stream, 0, values);
  return {values.data(), Shape{count}};
}

Case linear_case(std::int64_t m, std::int64_t k, std::int64_t n, Activation op) {
  return {
      text("linear_", m, "x", k, "x", n, "_", kUnaryNames[static_cast<int>(op)]),
      {Shape{m, k}, Shape{k, n}, Shape{n}},
      [op](Tape& tape, const std::vector<Var>& in) { return linear(tape, in[0], pack(tape, in[1], true), in[2], op); }};
}

std::vector<Case> cases() {
  std::vector<Case> all;
  for (const auto& [m, n] : {std::pair{1, 1}, {3, 7}, {5, 33}}) {
    const Shape shape{m, n};
#define SINV_CASE(Op)                                                                                   \
  all.push_back({text(Op::kName, "_", m, "x", n), {shape}, [](Tape& tape, const std::vector<Var>& in) { \
                   return unary(tape, Unary::k##Op, in[0]);                                             \
                 }});
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
#define SINV_CASE(Op)                                                                                          \
  all.push_back({text(Op::kName, "_", m, "x", n), {shape, shape}, [](Tape& tape, const std::vector<Var>& in) { \
                   return binary(tape, Binary::k##Op, in[0], in[1]);                                           \
                 }});
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
    all.push_back(
        {text("sum_", m, "x", n), {shape}, [](Tape& t, const std::vector<Var>& in) { return sum(t, in[0]); }});
    all.push_back(
        {text("mean_", m, "x", n), {shape}, [](Tape& t, const std::vector<Var>& in) { return mean(t, in[0]); }});
    all.push_back({text("gather_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                     return gather(t, in[0], columns(t, static_cast<std::size_t>(m), static_cast<std::uint32_t>(n)));
                   }});
    all.push_back({text("concat_", m, "x", n), {shape, Shape{m, 2}}, [](Tape& t, const std::vector<Var>& in) {
                     return concat(t, in[0], in[1]);
                   }});
    all.push_back({text("dueling_", m, "x", n), {Shape{m, 1}, shape}, [](Tape& t, const std::vector<Var>& in) {
                     return dueling(t, in[0], in[1]);
                   }});
    for (const float delta : {0.0F, 0.5F}) {
      all.push_back({text("huber_", delta, "_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                       return huber(t, in[0], constant(t, shape, 1), constant(t, shape, 2, 0.2F, 1.0F), delta);
                     }});
    }
    all.push_back({text("noisy_mix_", m, "x", n), {shape, shape}, [=](Tape& t, const std::vector<Var>& in) {
                     return noisy_mix(t, in[0], in[1], noise(m, 1), noise(n, 2));
                   }});
    all.push_back({text("dqn_loss_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                     DqnLossInputs loss;
                     const auto rows = static_cast<std::size_t>(m);
                     loss.action_tm1 = columns(t, rows, static_cast<std::uint32_t>(n));
                     loss.return_t = t.value(constant(t, Shape{m}, 3)).flat();
                     loss.discount_t = t.value(constant(t, Shape{m}, 4, 0.0F, 1.0F)).flat();
                     loss.weight = t.value(constant(t, Shape{m}, 5, 0.2F, 1.0F)).flat();
                     return dqn_loss(t, in[0], constant(t, shape, 6), constant(t, shape, 7), loss).loss;
                   }});
  }
  for (const auto& [m, n] : {std::pair{1, 2}, {3, 7}, {2, 65}}) {
    all.push_back({text("layer_norm_", m, "x", n),
                   {Shape{m, n}, Shape{n}, Shape{n}},
                   [](Tape& t, const std::vector<Var>& in) { return layer_norm(t, in[0], in[1], in[2], 1e-2F); }});
  }
  for (const int flags : {0, 1, 2, 3}) {
    const bool ta = (flags & 1) != 0;
    const bool tb = (flags & 2) != 0;
    all.push_back({text("matmul_", flags),
                   {ta ? Shape{5, 3} : Shape{3, 5}, tb ? Shape{7, 5} : Shape{5, 7}},
                   [=](Tape& t, const std::vector<Var>& in) { return matmul(t, in[0], ta, in[1], tb); }});
  }
  all.push_back(linear_case(1, 1, 1, Activation::kIdentity));
  all.push_back(linear_case(2, 5, 3, Activation::kIdentity));
  all.push_back(linear_case(7, 9, 17, Activation::kTanh));
  all.push_back(linear_case(3, 33, 6, Activation::kLeakyRelu));
  all.push_back(linear_case(13, 4, 17, Activation::kRelu));
  all.push_back(
      {"pack_noisy", {Shape{4, 9}, Shape{9, 18}, Shape{9, 18}, Shape{18}}, [](Tape& t, const std::vector<Var>& in) {
         const Var w = pack_noisy(t, in[1], in[2], noise(9, 1), noise(18, 2), true);
         return linear(t, in[0], w, in[3], Activation::kIdentity);
       }});
  return all;
}

class EveryOperation : public ::testing::TestWithParam<Case> {};

// One graph: the inputs, and loss = sum of the result times fixed factors, so that every output element counts.
struct Graph {
  Tape tape;
  std::vector<Var> inputs;
  Var out;
  Var loss;
  explicit Graph(const Case& c) {
    Random random(3, 9);
    for (const Shape& shape : c.inputs) {
      inputs.push_back(tape.input(shape, true));
      // A kink may sit at 0 (rectifiers) or where differences of sizes below 1/32 meet: values stay clear of it.
      for (float& v : tape.value(inputs.back()).flat()) {
        v = c.low + (c.high - c.low) * random.uniform();
        if (std::abs(v) < 0.05F) v = 0.1F;
      }
    }
    out = c.build(tape, inputs);
    factors = constant(tape, tape.shape(out), 50);
    loss = sum(tape, binary(tape, Binary::kMultiply, out, factors));
    tape.finish(loss);
  }
  // In double, so that only the operation itself rounds to float.
  double value() {
    tape.forward();
    double total = 0;
    const auto y = tape.value(out).flat();
    const auto f = tape.value(factors).flat();
    for (std::size_t i = 0; i < y.size(); ++i) total += static_cast<double>(y[i]) * static_cast<double>(f[i]);
    return total;
  }
  Var factors;
};

TEST_P(EveryOperation, BackwardIsTheSlopeOfForward) {
  Graph graph(GetParam());
  graph.value();
  graph.tape.backward();
  constexpr float kH = 1.0F / 64;
  int kinks = 0;
  int checked = 0;
  for (const Var x : graph.inputs) {
    const std::span<float> values = graph.tape.value(x).flat();
    const std::vector<float> analytic(graph.tape.gradient(x).flat().begin(), graph.tape.gradient(x).flat().end());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float kept = values[i];
      values[i] = kept + kH;
      const double up = graph.value();
      values[i] = kept - kH;
      const double down = graph.value();
      values[i] = kept + kH / 2;
      const double half_up = graph.value();
      values[i] = kept - kH / 2;
      const double half_down = graph.value();
      values[i] = kept;
      const double wide = (up - down) / (2 * static_cast<double>(kH));
      const double narrow = (half_up - half_down) / static_cast<double>(kH);
      // Halving the step divides the error of a smooth function by 4; a kink in reach leaves a first-order gap.
      if (std::abs(wide - narrow) > 2e-3 + 2e-3 * std::abs(narrow)) {
        ++kinks;
        continue;
      }
      ++checked;
      // Richardson: the h^2 terms cancel, h^4 f5 / 480 is left: 1e-9 here. Outputs below 16 carry errors up to 2^-20,
      // some ten of them over h = 2^-6 give 6e-4; the analytic side adds as much.
      const double slope = (4 * narrow - wide) / 3;
      EXPECT_NEAR(analytic[i], slope, 2e-3 + 1e-3 * std::abs(slope)) << "input " << x.id << " element " << i;
    }
  }
  EXPECT_LE(kinks, checked / 2 + 1);  // kinks are the exception; the check must not skip its way to success
}

TEST_P(EveryOperation, ASecondUseAddsTheSameGradient) {
  const Case& c = GetParam();
  Graph once(c);
  once.tape.forward();
  once.tape.backward();
  Case twice = c;
  twice.build = [&c](Tape& tape, const std::vector<Var>& in) {
    const Var first = c.build(tape, in);
    return binary(tape, Binary::kAdd, first, c.build(tape, in));
  };
  Graph both(twice);
  both.tape.forward();
  both.tape.backward();
  for (std::size_t i = 0; i < once.inputs.size(); ++i) {
    const auto one = once.tape.gradient(once.inputs[i]).flat();
    const auto two = both.tape.gradient(both.inputs[i]).flat();
    // Doubling is exact; the sums inside may be started from a stored part, one rounding of a value below 32.
    for (std::size_t j = 0; j < one.size(); ++j) EXPECT_NEAR(two[j], 2 * one[j], 1e-5 * (1 + std::abs(one[j])));
  }
}

INSTANTIATE_TEST_SUITE_P(Functional, EveryOperation, ::testing::ValuesIn(cases()), [](const auto& info) {
  std::string name = info.param.name;
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  return name;
});

}  // namespace
}  // namespace sinv
