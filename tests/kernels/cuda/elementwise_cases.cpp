// Element-wise operations of the CUDA backend, epilogues and noise, against the CPU.
#include "base/random.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/elementwise_math.h"
#include "kernels/normal.h"
#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

// 0, 1, odd, past a block of 256 threads with four elements each, and with a tail of every length.
const std::int64_t kSizes[] = {0, 1, 7, 1023, 1026, 3000};

struct UnaryCase {
  Unary op;
  Domain domain;
};
#define SINV_CASE(Op) UnaryCase{Unary::k##Op, Op::kDomain},
const UnaryCase kUnary[] = {SINV_UNARY_OPS(SINV_CASE)};
#undef SINV_CASE
#define SINV_CASE(Op) Binary::k##Op,
const Binary kBinary[] = {SINV_BINARY_OPS(SINV_CASE)};
#undef SINV_CASE

// expf, tanhf and expm1f differ between libraries by a few units in the last place.
constexpr Bound kFunction{5e-7, 1e-30};
// One operation, or two with the product fused into the sum or not.
constexpr Bound kOnce{1.2e-7, 1.2e-7};

CheckResult elementwise_unary_forward_and_backward() {
  CheckResult result;
  for (const auto& [op, domain] : kUnary) {
    for (const std::int64_t n : kSizes) {
      const std::string where = text(kUnaryNames[static_cast<int>(op)], " of ", n);
      const Shape shape{n};
      const std::vector<float> x = draw(shape.size(), 1, domain.low, domain.high);
      const std::vector<float> y = draw(shape.size(), 2);
      const std::vector<float> gy = draw(shape.size(), 3);
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        ops.unary_forward(side.stream(), op, side.in(x, shape), side.out("y", shape, kFunction));
        for (const GradientMode mode : kModes) {
          ops.unary_backward(side.stream(), op, side.in(y, shape), side.in(gy, shape), mode,
                             side.out(text("gx", static_cast<int>(mode)), shape, kOnce));
        }
        const View in_place = side.out("in place", shape, kFunction, x);
        ops.unary_forward(side.stream(), op, in_place, in_place);
      });
    }
  }
  return result;
}

CheckResult elementwise_a_not_a_number_stays_visible() {
  CheckResult result;
  const std::vector<float> x{std::nanf(""), -1.0F, 2.0F};
  compare(result, "", [&](auto& side) {
    auto ops = typename std::decay_t<decltype(side)>::Operations{};
    for (const Unary op : {Unary::kRelu, Unary::kLeakyRelu}) {
      ops.unary_forward(side.stream(), op, side.in(x, Shape{3}),
                        side.out(kUnaryNames[static_cast<int>(op)], Shape{3}, kOnce));
    }
  });
  return result;
}

CheckResult elementwise_binary_forward_and_backward() {
  CheckResult result;
  for (const Binary op : kBinary) {
    for (const std::int64_t n : kSizes) {
      const std::string where = text(kBinaryNames[static_cast<int>(op)], " of ", n);
      const Shape shape{n};
      const std::vector<float> a = draw(shape.size(), 1);
      const std::vector<float> b = draw(shape.size(), 2);
      const std::vector<float> gy = draw(shape.size(), 3);
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView da = side.in(a, shape);
        const ConstView db = side.in(b, shape);
        const ConstView dg = side.in(gy, shape);
        ops.binary_forward(side.stream(), op, da, db, side.out("y", shape, kOnce));
        ops.binary_backward(side.stream(), op, da, db, dg, GradientMode::kOverwrite, side.out("ga", shape, kOnce),
                            GradientMode::kAccumulate, side.out("gb", shape, kOnce));
        ops.binary_backward(side.stream(), op, da, db, dg, GradientMode::kAccumulate, side.out("only a", shape, kOnce),
                            GradientMode::kOverwrite, {});
        // A value used twice: both gradients go to one array.
        const View both = side.out("both", shape, kOnce);
        ops.binary_backward(side.stream(), op, da, da, dg, GradientMode::kOverwrite, both, GradientMode::kAccumulate,
                            both);
      });
    }
  }
  return result;
}

CheckResult elementwise_huber_and_its_gradient() {
  CheckResult result;
  for (const std::int64_t n : kSizes) {
    const Shape shape{n};
    const std::vector<float> prediction = draw(shape.size(), 1, -3.0F, 3.0F);
    const std::vector<float> target = draw(shape.size(), 2, -3.0F, 3.0F);
    const std::vector<float> weight = draw(shape.size(), 3, 0.0F, 1.0F);
    const std::vector<float> gy = draw(shape.size(), 4);
    for (const float delta : {0.0F, 1.0F}) {
      compare(result, text(n), [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView p = side.in(prediction, shape);
        const ConstView t = side.in(target, shape);
        const ConstView w = side.in(weight, shape);
        // Three products and a difference of numbers below 18.
        ops.huber_forward(side.stream(), p, t, w, delta, side.out("y", shape, {3e-7, 1e-6}));
        for (const GradientMode mode : kModes) {
          ops.huber_backward(side.stream(), p, t, w, delta, side.in(gy, shape), mode,
                             side.out(text("g", static_cast<int>(mode)), shape, {3e-7, 1e-6}));
        }
      });
    }
  }
  return result;
}

CheckResult elementwise_sums_of_any_size_and_their_gradient() {
  CheckResult result;
  for (const std::int64_t n : {0, 1, 255, 1025, 70001}) {
    const Shape shape{n};
    const std::vector<float> x = draw(shape.size(), 1, -1.0F, 3.0F);
    compare(result, text(n), [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      // Both add in double: one rounding to float.
      ops.sum_forward(side.stream(), side.in(x, shape), 0.25F, side.out("sum", Shape{}, {6e-8, 0}));
      for (const GradientMode mode : kModes) {
        ops.sum_backward(side.stream(), side.in({1.5F}, Shape{}), 0.25F, mode,
                         side.out(text("g", static_cast<int>(mode)), shape, {}));
      }
    });
  }
  return result;
}

CheckResult elementwise_average_update() {
  CheckResult result;
  for (const std::int64_t n : kSizes) {
    const Shape shape{n};
    const std::vector<float> value = draw(shape.size(), 1);
    const std::vector<float> target = draw(shape.size(), 2);
    for (const float rate : {0.005F, 1.0F}) {
      compare(result, text(n), [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        ops.average_update(side.stream(), rate, side.in(value, shape).flat(),
                           side.out("target", shape, rate == 1.0F ? Bound{} : kOnce, target).flat());
      });
    }
  }
  return result;
}

// The bits are the same; the function of them may be rounded otherwise, since one compiler fuses a product and a sum
// that another does not. fast_log cancels near 1, where the numbers are near 0: hence the absolute part.
constexpr Bound kNoise{4e-6, 4e-4};

CheckResult noise_fills_as_the_cpu_does_and_counts_its_own_blocks() {
  CheckResult result;
  for (const std::size_t n : {0U, 1U, 3U, 4U, 1027U, 5000U}) {
    const Shape shape{static_cast<std::int64_t>(n)};
    compare(result, text(n), [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      ops.noise_fill(side.stream(), 11, 5, (1ULL << 32) - 3, side.out("by value", shape, kNoise).flat());
      auto* state = side.state(NoiseState{11, 5, (1ULL << 32) - 3});
      ops.noise_fill_next(side.stream(), state, side.out("first", shape, kNoise).flat());
      ops.noise_fill_next(side.stream(), state, side.out("second", shape, kNoise).flat());
      const NoiseState left = side.read(state);
      SINV_CHECK(left.counter == (1ULL << 32) - 3 + 2 * noise_blocks(n), "the counter is ", left.counter);
      SINV_CHECK(left.seed == 11, "the seed is ", left.seed);
    });
  }
  return result;
}

// That the bits are the same, exactly: every number leads back to the bits that made it. 2^-23 apart at least, they
// are told apart where the slope is largest: in the bulk of the distribution.
CheckResult noise_the_random_bits_are_the_same() {
  CheckResult result;
  const std::size_t n = 4000;
  CudaSide side(0);
  const View out = side.out("out", Shape{static_cast<std::int64_t>(n)}, {});
  Cuda::noise_fill(side.stream(), 3, 9, 21, out.flat());
  const std::vector<float> found = side.outputs()[0].values;
  for (std::size_t i = 0; i < n; ++i) {
    const Philox::Block block = Philox::at(3, 21 + i / 4, 9);
    const float wanted = noise_factor(normal_from_bits(block.word[i % 4]));
    const double difference = std::abs(static_cast<double>(found[i]) - static_cast<double>(wanted));
    SINV_CHECK(difference <= 4e-4 + 4e-6 * std::abs(static_cast<double>(wanted)), "number ", i, " is ", found[i],
               ", its bits give ", wanted);
    const float other = noise_factor(normal_from_bits(block.word[(i + 1) % 4]));
    if (std::abs(other - wanted) > 1e-2F) {
      SINV_CHECK(std::abs(found[i] - other) > 5e-3F, "number ", i, " is not told from its neighbour");
    }
  }
  return result;
}

CheckResult noise_mix_and_gradients() {
  CheckResult result;
  for (const auto& [k, n] : {std::pair{1, 1}, {0, 4}, {3, 7}, {1, 513}, {64, 36}, {37, 130}}) {
    const Shape shape{k, n};
    const std::vector<float> mu = draw(shape.size(), 1);
    const std::vector<float> sigma = draw(shape.size(), 2);
    const std::vector<float> eps_in = draw(static_cast<std::size_t>(k), 3);
    const std::vector<float> eps_out = draw(static_cast<std::size_t>(n), 4);
    const std::vector<float> dw = draw(shape.size(), 5);
    compare(result, text(k, "x", n), [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      const ConstView in = side.in(eps_in, Shape{k});
      const ConstView out = side.in(eps_out, Shape{n});
      ops.noisy_mix(side.stream(), side.in(mu, shape), side.in(sigma, shape), in, out, side.out("w", shape, kOnce));
      for (const GradientMode mode : kModes) {
        const auto m = static_cast<int>(mode);
        ops.noisy_backward(side.stream(), side.in(dw, shape), in, out, mode, side.out(text("dmu", m), shape, kOnce),
                           mode, side.out(text("dsigma", m), shape, kOnce));
      }
      const View same = side.out("in place", shape, kOnce, dw);
      ops.noisy_backward(side.stream(), same, in, out, GradientMode::kOverwrite, same, GradientMode::kAccumulate,
                         side.out("dsigma beside", shape, kOnce));
    });
  }
  return result;
}

// The epilogues have no twin of their own on the CPU: there they are part of the products.
CheckResult epilogue_bias_and_activation() {
  CheckResult result;
  for (const auto& [op, domain] : kUnary) {
    for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {5, 7}, {33, 64}, {300, 6}}) {
      const std::string where = text(kUnaryNames[static_cast<int>(op)], " of ", m, "x", n);
      const Shape shape{m, n};
      const std::vector<float> y = draw(shape.size(), 1, -2.0F, 2.0F);
      const std::vector<float> bias = draw(static_cast<std::size_t>(n), 2);
      compare(result, where, [&](auto& side) {
        const View with = side.out("with bias", shape, {6e-7, 1e-7}, y);
        const View without = side.out("without", shape, kFunction, y);
        if constexpr (std::decay_t<decltype(side)>::kIsCuda) {
          bias_activation(side.stream(), op, side.in(bias, Shape{n}), with);
          bias_activation(side.stream(), op, {}, without);
        } else {
          for (std::size_t i = 0; i < y.size(); ++i) with.data[i] += bias[i % bias.size()];
          Cpu::unary_forward({}, op, with, with);
          Cpu::unary_forward({}, op, without, without);
        }
      });
    }
  }
  return result;
}

CheckResult epilogue_gradient_before_the_activation_and_of_the_bias() {
  CheckResult result;
  for (const auto& [op, domain] : kUnary) {
    for (const auto& [m, n] : {std::pair{1, 1}, {0, 4}, {5, 7}, {257, 33}, {700, 6}}) {
      if (m == 700 && op != Unary::kElu) continue;  // three chunks of rows: once
      const std::string where = text(kUnaryNames[static_cast<int>(op)], " of ", m, "x", n);
      const Shape shape{m, n};
      const std::vector<float> y = draw(shape.size(), 1, 0.0F, 1.0F);
      const std::vector<float> gy = draw(shape.size(), 2);
      for (const GradientMode mode : kModes) {
        compare(result, where, [&](auto& side) {
          const ConstView out = side.in(y, shape);
          const View g = side.out("gy", shape, kOnce, gy);
          const View plain = side.out("gy without bias", shape, kOnce, gy);
          // m terms below 2, added in another order: m * 2^-24 each way at the worst, sqrt(m) in the mean.
          const View gbias = side.out("gbias", Shape{n}, {0, 1e-6 + 6e-8 * static_cast<double>(m)});
          if constexpr (std::decay_t<decltype(side)>::kIsCuda) {
            bias_activation_backward(side.stream(), op, out, g, mode, gbias);
            bias_activation_backward(side.stream(), op, out, plain, mode, {});
          } else {
            Cpu::unary_backward({}, op, out, g, GradientMode::kOverwrite, g);
            Cpu::unary_backward({}, op, out, plain, GradientMode::kOverwrite, plain);
            for (std::int64_t j = 0; j < n; ++j) {
              double sum = mode == GradientMode::kAccumulate ? static_cast<double>(gbias.data[j]) : 0.0;
              for (std::int64_t i = 0; i < m; ++i) sum += static_cast<double>(g.data[i * n + j]);
              gbias.data[j] = static_cast<float>(sum);
            }
          }
        });
      }
    }
  }
  return result;
}

CheckResult epilogue_frames_become_pixels() {
  CheckResult result;
  for (const auto& [m, c, h, w] :
       {std::array{1, 1, 1, 1}, {2, 4, 6, 10}, {1, 4, 3, 5}, {0, 4, 4, 4}, {3, 2, 9, 31}, {1, 4, 84, 84}}) {
    const Shape shape{m, h, w, c};
    std::vector<std::uint8_t> frames(shape.size());
    Random random(1, 2);
    for (std::uint8_t& byte : frames) byte = static_cast<std::uint8_t>(random.below(256));
    compare(result, text(m, "x", c, "x", h, "x", w), [&](auto& side) {
      const View pixels = side.out("pixels", shape, {});
      const auto bytes = side.list(frames);
      if constexpr (std::decay_t<decltype(side)>::kIsCuda) {
        frames_to_pixels(side.stream(), bytes, pixels);
      } else {
        const auto plane = static_cast<std::size_t>(h * w);
        const auto channels = static_cast<std::size_t>(c);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
          const std::size_t at = (i / channels / plane * channels + i % channels) * plane + i / channels % plane;
          pixels.data[i] = static_cast<float>(bytes[at]) * kByteScale;
        }
      }
    });
  }
  return result;
}

}  // namespace

const std::vector<Check>& elementwise_cases() {
  static const std::vector<Check> all{
      {"CudaElementwise.UnaryForwardAndBackward", elementwise_unary_forward_and_backward},
      {"CudaElementwise.ANotANumberStaysVisible", elementwise_a_not_a_number_stays_visible},
      {"CudaElementwise.BinaryForwardAndBackward", elementwise_binary_forward_and_backward},
      {"CudaElementwise.HuberAndItsGradient", elementwise_huber_and_its_gradient},
      {"CudaElementwise.SumsOfAnySizeAndTheirGradient", elementwise_sums_of_any_size_and_their_gradient},
      {"CudaElementwise.AverageUpdate", elementwise_average_update},
      {"CudaNoise.FillsAsTheCpuDoesAndCountsItsOwnBlocks", noise_fills_as_the_cpu_does_and_counts_its_own_blocks},
      {"CudaNoise.TheRandomBitsAreTheSame", noise_the_random_bits_are_the_same},
      {"CudaNoise.MixAndGradients", noise_mix_and_gradients},
      {"CudaEpilogue.BiasAndActivation", epilogue_bias_and_activation},
      {"CudaEpilogue.GradientBeforeTheActivationAndOfTheBias", epilogue_gradient_before_the_activation_and_of_the_bias},
      {"CudaEpilogue.FramesBecomePixels", epilogue_frames_become_pixels},
  };
  return all;
}

}  // namespace sinv
