#pragma once

#include <cmath>
#include <functional>
#include <gtest/gtest.h>
#include <ostream>
#include <string>
#include <vector>

#include "kernels/ops.h"
#include "tests/kernels/guarded.h"

namespace sinv {

using Doubles = std::vector<double>;

/// An operation beside its definition in double precision: values against the definition, gradients against central
/// differences of the definition, both ways of writing a gradient, guard values around every output.
struct SlopeCase {
  std::string name;
  std::vector<std::size_t> inputs;  // elements of each input that gets a gradient
  std::size_t outputs;
  std::function<Doubles(const std::vector<Doubles>&)> definition;
  std::function<void(const std::vector<std::vector<float>>&, std::span<float> y)> forward;
  /// After forward: gy may be overwritten; one gradient per input.
  std::function<void(const std::vector<std::vector<float>>&, std::span<float> gy, GradientMode,
                     const std::vector<std::span<float>>&)>
      backward;
  double bound = 2e-6;  // of a value or slope, times 1 + its size
  float low = -2.0F;
  float high = 2.0F;
};
inline std::ostream& operator<<(std::ostream& out, const SlopeCase& c) { return out << c.name; }
inline std::string slope_case_name(const ::testing::TestParamInfo<SlopeCase>& info) { return info.param.name; }

inline void expect_definition_and_slopes(const SlopeCase& c) {
  std::vector<std::vector<float>> in;
  std::vector<Doubles> exact;
  for (std::size_t i = 0; i < c.inputs.size(); ++i) {
    in.push_back(draw(c.inputs[i], 100 + i, c.low, c.high));
    exact.emplace_back(in.back().begin(), in.back().end());
  }
  const std::vector<float> factor = draw(c.outputs, 99);
  const auto loss = [&] {
    const Doubles y = c.definition(exact);
    double total = 0;
    for (std::size_t i = 0; i < y.size(); ++i) total += y[i] * static_cast<double>(factor[i]);
    return total;
  };
  for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
    Guarded y(c.outputs);
    c.forward(in, y.span());
    const Doubles wanted = c.definition(exact);
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      ASSERT_NEAR(y[i], wanted[i], c.bound * (1 + std::abs(wanted[i]))) << "output " << i;
    }
    Guarded gy(c.outputs);
    std::copy(factor.begin(), factor.end(), gy.data());
    std::vector<Guarded> gradients;
    gradients.reserve(in.size());
    std::vector<std::span<float>> spans;
    for (const std::vector<float>& x : in) {
      gradients.emplace_back(x.size());
      for (float& g : gradients.back().span()) g = mode == GradientMode::kAccumulate ? 0.25F : std::nanf("");
      spans.push_back(gradients.back().span());
    }
    c.backward(in, gy.span(), mode, spans);
    for (std::size_t i = 0; i < exact.size(); ++i) {
      for (std::size_t j = 0; j < exact[i].size(); ++j) {
        constexpr double kH = 1e-5;  // h^2 f''' and 1e-16 / h: both below 1e-10
        const double kept = exact[i][j];
        exact[i][j] = kept + kH;
        const double up = loss();
        exact[i][j] = kept - kH;
        const double down = loss();
        exact[i][j] = kept;
        const double slope = (up - down) / (2 * kH) + (mode == GradientMode::kAccumulate ? 0.25 : 0.0);
        ASSERT_NEAR(spans[i][j], slope, 2 * c.bound * (1 + std::abs(slope))) << "input " << i << " element " << j;
      }
    }
  }
}

}  // namespace sinv
