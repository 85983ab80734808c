// Operations on images of the CUDA backend, against the CPU.
#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

CheckResult group_norm_forward_and_backward_at_every_size() {
  CheckResult result;
  struct Case {
    std::int64_t m, h, w, c, groups;
    Activation activation;
  };
  for (const Case& n : {Case{1, 1, 1, 1, 1, Activation::kIdentity},
                        {2, 3, 5, 4, 2, Activation::kRelu},
                        {3, 1, 7, 9, 3, Activation::kElu},
                        {2, 20, 20, 32, 8, Activation::kLeakyRelu},
                        {1, 2, 33, 17, 17, Activation::kRelu},
                        {1, 2, 3, 700, 7, Activation::kTanh},
                        {1, 3, 2, 1024, 1, Activation::kRelu},
                        {0, 4, 4, 8, 2, Activation::kRelu}}) {
    const std::string where = text(n.m, "x", n.h, "x", n.w, "x", n.c, " in ", n.groups);
    const Shape shape{n.m, n.h, n.w, n.c};
    const Shape channels{n.c};
    const Shape kept{n.m, n.groups, 2};
    const std::vector<float> x = draw(shape.size(), 1, 1.0F, 3.0F);
    const std::vector<float> gain = draw(channels.size(), 2, 0.5F, 1.5F);
    const std::vector<float> bias = draw(channels.size(), 3);
    const std::vector<float> gy = draw(shape.size(), 4);
    std::vector<float> y(shape.size());
    std::vector<float> statistics(kept.size());
    Cpu::group_norm_forward({}, {x.data(), shape}, n.groups, {gain.data(), channels}, {bias.data(), channels}, 1e-3F,
                            n.activation, {y.data(), shape}, {statistics.data(), kept});
    const bool single = n.h * n.w * n.c == n.groups;  // groups of one: rounding divided by sqrt(epsilon) = 1/32
    compare(result, where, [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      // Means of up to 6,144 values near 2, each side within some 2^-21 of them, times 1 / deviation (1.7).
      ops.group_norm_forward(
          side.stream(), side.in(x, shape), n.groups, side.in(gain, channels), side.in(bias, channels), 1e-3F,
          n.activation, side.out("y", shape, {2e-6, single ? 1e-5 : 4e-6}), side.out("statistics", kept, {2e-6, 0}));
    });
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dx = side.in(x, shape);
        const ConstView dgain = side.in(gain, channels);
        const ConstView stats = side.in(statistics, kept);
        const ConstView out = side.in(y, shape);
        // Sums of as many terms of size 1 as there are positions (800 at most), in another order.
        const Bound column{2e-6, 5e-5};
        ops.group_norm_backward(
            side.stream(), dx, n.groups, dgain, stats, n.activation, out, side.out("gy", shape, {1.2e-7, 1e-7}, gy),
            {side.out("gx", shape, {2e-6, single ? 2e-4 : 4e-6}), side.out("ggain", channels, column),
             side.out("gbias", channels, column), mode, mode, mode});
        ops.group_norm_backward(side.stream(), dx, n.groups, dgain, stats, n.activation, out,
                                side.out("gy again", shape, {1.2e-7, 1e-7}, gy),
                                {{}, side.out("ggain alone", channels, column), {}, mode, mode, mode});
        ops.group_norm_backward(side.stream(), dx, n.groups, dgain, stats, n.activation, out,
                                side.out("gy at last", shape, {1.2e-7, 1e-7}, gy), {});
      });
    }
  }
  return result;
}

CheckResult max_pool_forward_and_backward_with_ties() {
  CheckResult result;
  struct Case {
    std::int64_t m, h, w, c, kernel, stride, padding;
  };
  for (const Case& n : {Case{1, 1, 1, 1, 1, 1, 0},
                        {2, 5, 4, 3, 2, 2, 0},
                        {1, 7, 9, 33, 3, 2, 1},
                        {2, 3, 3, 65, 3, 1, 1},
                        {0, 4, 4, 2, 2, 2, 0},
                        {1, 42, 12, 8, 3, 2, 1}}) {
    const std::string where = text(n.m, "x", n.h, "x", n.w, "x", n.c, " by ", n.kernel);
    const PoolAxis rows = pool_axis(n.h, n.kernel, n.stride, n.padding);
    const PoolAxis columns = pool_axis(n.w, n.kernel, n.stride, n.padding);
    const Shape shape{n.m, n.h, n.w, n.c};
    const Shape pooled{n.m, rows.count, columns.count, n.c};
    std::vector<float> x = draw(shape.size(), 1);
    for (float& v : x) v = std::round(4 * v) / 4;  // nine values: windows have ties
    if (x.size() > 20) x[17] = std::nanf("");
    const std::vector<float> gy = draw(pooled.size(), 2);
    std::vector<float> y(pooled.size());
    Cpu::max_pool_forward({}, {x.data(), shape}, rows, columns, {y.data(), pooled});
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dx = side.in(x, shape);
        ops.max_pool_forward(side.stream(), dx, rows, columns, side.out("y", pooled, {}));
        // The same terms in the same order.
        ops.max_pool_backward(side.stream(), dx, rows, columns, side.in(y, pooled), side.in(gy, pooled), mode,
                              side.out("gx", shape, {}));
      });
    }
  }
  return result;
}

CheckResult max_pool_adaptive_windows_overlap() {
  CheckResult result;
  const PoolAxis rows = adaptive_pool_axis(11, 6);
  const PoolAxis columns = adaptive_pool_axis(5, 3);
  const Shape shape{2, 11, 5, 3};
  const Shape pooled{2, 6, 3, 3};
  const std::vector<float> x = draw(shape.size(), 1);
  const std::vector<float> gy = draw(pooled.size(), 2);
  std::vector<float> y(pooled.size());
  Cpu::max_pool_forward({}, {x.data(), shape}, rows, columns, {y.data(), pooled});
  compare(result, "", [&](auto& side) {
    auto ops = typename std::decay_t<decltype(side)>::Operations{};
    ops.max_pool_backward(side.stream(), side.in(x, shape), rows, columns, side.in(y, pooled), side.in(gy, pooled),
                          GradientMode::kOverwrite, side.out("gx", shape, {}));
  });
  return result;
}

CheckResult spectral_norm_forward_and_backward() {
  CheckResult result;
  for (const auto& [k, n] : {std::pair{1, 1}, {9, 4}, {36, 33}, {5, 70}, {144, 32}}) {
    for (const int iterations : {0, 1, 3}) {
      const std::string where = text(k, "x", n, ", ", iterations, " rounds");
      const Shape shape{k, n};
      const std::vector<float> w = draw(shape.size(), 1);
      std::vector<float> u = draw(static_cast<std::size_t>(n), 2, 0.5F, 1.0F);
      double length = 0;
      for (const float v : u) length += static_cast<double>(v) * static_cast<double>(v);
      for (float& v : u) v = static_cast<float>(static_cast<double>(v) / std::sqrt(length));
      const std::vector<float> gy = draw(shape.size(), 3);
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        // Sums of up to 144 terms in another order, in up to six products one after another.
        const Bound bound{1e-5, 2e-6};
        const View du = side.out("u", Shape{n}, bound, u);
        const View v = side.out("v", Shape{k}, bound);
        const View sigma = side.out("sigma", Shape{}, bound);
        const View y = side.out("y", shape, bound);
        ops.spectral_norm_forward(side.stream(), side.in(w, shape), iterations, du, v, sigma, y);
        for (const GradientMode mode : kModes) {
          ops.spectral_norm_backward(side.stream(), y, du, v, sigma, side.in(gy, shape), mode,
                                     side.out(text("gw", static_cast<int>(mode)), shape, {1e-5, 1e-5}));
        }
      });
    }
  }
  return result;
}

}  // namespace

const std::vector<Check>& image_cases() {
  static const std::vector<Check> all{
      {"CudaGroupNorm.ForwardAndBackwardAtEverySize", group_norm_forward_and_backward_at_every_size},
      {"CudaMaxPool.ForwardAndBackwardWithTies", max_pool_forward_and_backward_with_ties},
      {"CudaMaxPool.AdaptiveWindowsOverlap", max_pool_adaptive_windows_overlap},
      {"CudaSpectralNorm.ForwardAndBackward", spectral_norm_forward_and_backward},
  };
  return all;
}

}  // namespace sinv
