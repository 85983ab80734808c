// Operations on rows and the DQN loss of the CUDA backend, against the CPU.
#include <limits>

#include "kernels/cuda/transpose.h"
#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

constexpr Bound kOnce{1.2e-7, 1.2e-7};

std::vector<std::int32_t> draw_index(std::int64_t m, std::int64_t n) {
  Random random(5, 5);
  std::vector<std::int32_t> index(static_cast<std::size_t>(m));
  for (std::int32_t& i : index) i = static_cast<std::int32_t>(random.below(static_cast<std::uint32_t>(n)));
  return index;
}

CheckResult layer_norm_forward_and_backward_at_every_size() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {3, 7}, {2, 300}, {5, 600}, {3, 1800}, {700, 36}}) {
    const std::string where = text(m, "x", n);
    const Shape shape{m, n};
    const std::vector<float> x = draw(shape.size(), 1, 1.0F, 4.0F);
    const std::vector<float> gain = draw(static_cast<std::size_t>(n), 2, 0.5F, 1.5F);
    const std::vector<float> bias = draw(static_cast<std::size_t>(n), 3);
    const std::vector<float> gy = draw(shape.size(), 4);
    compare(result, where, [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      const ConstView dx = side.in(x, shape);
      const ConstView dgain = side.in(gain, Shape{n});
      // The CPU adds a row in order: the mean of n values below 4 is good to some n/2 * 2^-24 * 4 at the worst, a
      // tenth of that in fact; times 1 / deviation (1.2), or sqrt(1 / epsilon) = 32 for one element.
      const double sum = 1e-7 * static_cast<double>(n) + 2e-6;
      ops.layer_norm_forward(side.stream(), dx, dgain, side.in(bias, Shape{n}), 1e-3F,
                             side.out("y", shape, {1e-6, sum}), side.out("statistics", Shape{m, 2}, {sum, 0}));
    });
    // Gradients from the same statistics on both sides.
    std::vector<float> y(shape.size());
    std::vector<float> statistics(static_cast<std::size_t>(2 * m));
    Cpu::layer_norm_forward({}, {x.data(), shape}, {gain.data(), Shape{n}}, {bias.data(), Shape{n}}, 1e-3F,
                            {y.data(), shape}, {statistics.data(), Shape{m, 2}});
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dx = side.in(x, shape);
        const ConstView dgain = side.in(gain, Shape{n});
        const ConstView stats = side.in(statistics, Shape{m, 2});
        const ConstView dgy = side.in(gy, shape);
        // Sums of n (or m) terms of size 1 in another order.
        const Bound row{1e-6, n == 1 ? 1e-5 : 1e-8 * static_cast<double>(n) + 1e-6};
        const Bound column{1e-6, 1e-7 * static_cast<double>(m) + 1e-6};
        ops.layer_norm_backward(side.stream(), dx, dgain, stats, dgy, mode, side.out("gx", shape, row), mode,
                                side.out("ggain", Shape{n}, column), mode, side.out("gbias", Shape{n}, column));
        ops.layer_norm_backward(side.stream(), dx, dgain, stats, dgy, mode, {}, mode,
                                side.out("ggain alone", Shape{n}, column), mode,
                                side.out("gbias alone", Shape{n}, column));
      });
    }
  }
  return result;
}

CheckResult rows_dueling_concat_and_gather() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {3, 6}, {300, 5}, {2, 65}}) {
    const std::string where = text(m, "x", n);
    const Shape shape{m, n};
    const Shape beside{m, 3};
    const std::vector<float> value = draw(static_cast<std::size_t>(m), 1);
    const std::vector<float> x = draw(shape.size(), 2);
    const std::vector<float> b = draw(beside.size(), 3);
    const std::vector<float> gy = draw(static_cast<std::size_t>(m * (n + 3)), 4);
    const std::vector<std::int32_t> index = draw_index(m, n);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dx = side.in(x, shape);
        const Bound mean{2e-7, 1e-6};  // the compiler may add up to 65 terms in another order
        ops.dueling_forward(side.stream(), side.in(value, Shape{m, 1}), dx, side.out("q", shape, mean));
        ops.dueling_backward(side.stream(), dx, mode, side.out("gvalue", Shape{m, 1}, {2e-7, 2e-6}), mode,
                             side.out("gadvantage", shape, mean));
        const auto columns = side.list(index);
        ops.gather_forward(side.stream(), dx, columns, side.out("taken", Shape{m}, {}));
        ops.gather_backward(side.stream(), columns, side.in(value, Shape{m}), mode, side.out("gtaken", shape, {}));
        ops.concat_forward(side.stream(), dx, side.in(b, beside), side.out("joined", Shape{m, n + 3}, {}));
        const ConstView joined = side.in(gy, Shape{m, n + 3});
        ops.concat_backward(side.stream(), joined, mode, side.out("ga", shape, {}), mode, side.out("gb", beside, {}));
        View nothing;
        nothing.shape = beside;
        ops.concat_backward(side.stream(), joined, mode, side.out("ga alone", shape, {}), mode, nothing);
      });
    }
  }
  return result;
}

// Without a twin on the CPU: there a weight is turned while it is packed.
CheckResult rows_transpose() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {4, 0}, {3, 7}, {32, 32}, {33, 65}, {200, 31}}) {
    const std::string where = text(m, "x", n);
    const Shape shape{m, n};
    const std::vector<float> x = draw(shape.size(), 1);
    const std::vector<float> y = draw(shape.size(), 2);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        const View out = side.out("y", Shape{n, m}, kOnce, y);
        if constexpr (std::decay_t<decltype(side)>::kIsCuda) {
          transpose(side.stream(), side.in(x, shape), mode, out);
        } else {
          for (std::int64_t i = 0; i < m * n; ++i) {
            float& to = out.data[i % n * m + i / n];
            to = x[static_cast<std::size_t>(i)] + (mode == GradientMode::kAccumulate ? to : 0.0F);
          }
        }
      });
    }
  }
  return result;
}

CheckResult rows_an_index_outside_its_row_gives_a_not_a_number_and_touches_nothing_else() {
  CheckResult result;
  CudaSide side(0);
  const std::vector<float> x = draw(12, 1);
  const std::vector<std::int32_t> index{3, -1, 2};
  const std::vector<float> ones(3, 1.0F);
  const ConstView q = side.in(x, Shape{3, 3});
  const View y = side.out("y", Shape{3}, {});
  const View g = side.out("g", Shape{3, 3}, {});
  const View error = side.out("error", Shape{3}, {});
  const View loss = side.out("loss", Shape{}, {});
  const View mean = side.out("mean", Shape{}, {});
  Cuda::gather_forward(side.stream(), q, side.list(index), y);
  Cuda::gather_backward(side.stream(), side.list(index), side.in(ones, Shape{3}), GradientMode::kOverwrite, g);
  const auto one = side.list(ones);
  Cuda::dqn_loss_forward(side.stream(), {q, q, q, side.list(index), one, one, one, 1.0F}, {loss, mean, error.flat()});
  const auto outputs = side.outputs();
  const auto nan = [&](std::size_t output, std::size_t i) { return std::isnan(outputs[output].values[i]); };
  SINV_CHECK(nan(0, 0) && nan(0, 1) && outputs[0].values[2] == x[8], "gather_forward gives ", outputs[0].values[0],
             ", ", outputs[0].values[1], ", ", outputs[0].values[2]);
  for (std::size_t i = 0; i < 9; ++i) {
    SINV_CHECK(outputs[1].values[i] == (i == 8 ? 1.0F : 0.0F), "gradient ", i, " is ", outputs[1].values[i]);
  }
  SINV_CHECK(nan(2, 0) && nan(2, 1) && !nan(2, 2), "errors: ", outputs[2].values[0], ", ", outputs[2].values[1], ", ",
             outputs[2].values[2]);
  SINV_CHECK(nan(3, 0), "the loss is ", outputs[3].values[0]);
  return result;
}

CheckResult dqn_loss_forward_and_backward_of_every_batch() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {32, 6}, {257, 6}, {1500, 3}}) {
    for (const float delta : {0.0F, 1.0F}) {
      const std::string where = text(m, "x", n, ", delta ", delta);
      const Shape shape{m, n};
      const auto rows = static_cast<std::size_t>(m);
      const std::vector<float> q = draw(shape.size(), 1, -2.0F, 2.0F);
      std::vector<float> selector = draw(shape.size(), 2);
      for (float& v : selector) v = std::round(2 * v) / 2;  // five values: ties go to the lower action
      const std::vector<float> next = draw(shape.size(), 3, -2.0F, 2.0F);
      const std::vector<float> reward = draw(rows, 4);
      const std::vector<float> discount = draw(rows, 5, 0.0F, 1.0F);
      const std::vector<float> weight = draw(rows, 6, 0.0F, 1.0F);
      const std::vector<float> error = draw(rows, 7, -2.0F, 2.0F);
      const std::vector<std::int32_t> action = draw_index(m, n);
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const DqnLossInputs in{side.in(q, shape), side.in(selector, shape), side.in(next, shape), side.list(action),
                               side.list(reward), side.list(discount),      side.list(weight),    delta};
        // Sums in double of terms that agree to a few roundings.
        ops.dqn_loss_forward(side.stream(), in,
                             {side.out("loss", Shape{}, {4e-7, 1e-7}), side.out("mean_q", Shape{}, {1.2e-7, 1e-9}),
                              side.out("td_error", Shape{m}, {0, 5e-7}).flat()});
        for (const GradientMode mode : kModes) {
          ops.dqn_loss_backward(side.stream(), in, side.list(error), side.in({0.5F}, Shape{}), mode,
                                side.out(text("gq", static_cast<int>(mode)), shape, {3e-7, 0}));
        }
      });
    }
  }
  return result;
}

CheckResult dqn_loss_a_non_finite_value_stays_visible() {
  CheckResult result;
  const std::vector<float> q{std::nanf(""), 2.0F, 1.0F, std::numeric_limits<float>::infinity()};
  const std::vector<float> ones(2, 1.0F);
  const std::vector<std::int32_t> action{0, 1};
  compare(result, "", [&](auto& side) {
    auto ops = typename std::decay_t<decltype(side)>::Operations{};
    const ConstView v = side.in(q, Shape{2, 2});
    ops.dqn_loss_forward(
        side.stream(), {v, v, v, side.list(action), side.list(ones), side.list(ones), side.list(ones), 1.0F},
        {side.out("loss", Shape{}, {}), side.out("mean_q", Shape{}, {}), side.out("td_error", Shape{2}, {}).flat()});
  });
  return result;
}

}  // namespace

const std::vector<Check>& rows_cases() {
  static const std::vector<Check> all{
      {"CudaLayerNorm.ForwardAndBackwardAtEverySize", layer_norm_forward_and_backward_at_every_size},
      {"CudaRows.DuelingConcatAndGather", rows_dueling_concat_and_gather},
      {"CudaRows.Transpose", rows_transpose},
      {"CudaRows.AnIndexOutsideItsRowGivesANotANumberAndTouchesNothingElse",
       rows_an_index_outside_its_row_gives_a_not_a_number_and_touches_nothing_else},
      {"CudaDqnLoss.ForwardAndBackwardOfEveryBatch", dqn_loss_forward_and_backward_of_every_batch},
      {"CudaDqnLoss.ANonFiniteValueStaysVisible", dqn_loss_a_non_finite_value_stays_visible},
  };
  return all;
}

}  // namespace sinv
