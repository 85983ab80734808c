#pragma once

#include <cctype>
#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <string>

#include "base/random.h"
#include "nn/functional.h"

/// Operations of a tape against central differences of their own forward pass: a case is data, and a file of cases
/// instantiates EveryOperation over them.
namespace sinv {

struct GradientCase {
  std::string name;
  std::vector<Shape> inputs;  // each gets a gradient
  std::function<Var(Tape&, const std::vector<Var>&)> build;
  float low = -2.0F;
  float high = 2.0F;
};
inline std::ostream& operator<<(std::ostream& out, const GradientCase& c) { return out << c.name; }

// Constants for a case, the same in every graph.
inline Var constant(Tape& tape, Shape shape, std::uint64_t stream, float low = -1.0F, float high = 1.0F) {
  const Var x = tape.input(shape);
  Random random(77, stream);
  for (float& v : tape.value(x).flat()) v = low + (high - low) * random.uniform();
  return x;
}
// One graph: the inputs, and loss = sum of the result times fixed factors, so that every output element counts.
struct Graph {
  Tape tape;
  std::vector<Var> inputs;
  Var out;
  Var loss;
  explicit Graph(const GradientCase& c) {
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

inline void expect_backward_is_the_slope(const GradientCase& c) {
  Graph graph(c);
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

inline void expect_second_use_adds(const GradientCase& c) {
  Graph once(c);
  once.tape.forward();
  once.tape.backward();
  GradientCase twice = c;
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

inline std::string case_name(const ::testing::TestParamInfo<GradientCase>& info) {
  std::string name = info.param.name;
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) != 0 ? letter : '_';
  return name;
}

}  // namespace sinv
