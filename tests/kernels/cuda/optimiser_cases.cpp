// Adam of the CUDA backend, against the CPU.
#include <limits>

#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

struct Start {
  std::vector<float> gradient, value, moment1, moment2;
  explicit Start(std::size_t n)
      : gradient(draw(n, 1)), value(draw(n, 2)), moment1(draw(n, 3)), moment2(draw(n, 4, 0.0F, 1.0F)) {}
};

// The norm is one rounding of a sum in double; the step 1e-2 times a quotient that is good to a few roundings.
constexpr Bound kNorm{1.2e-7, 0};
constexpr Bound kMoment{2.5e-7, 1e-8};
constexpr Bound kValue{1.2e-7, 2e-8};

CheckResult adam_one_step_with_and_without_clipping() {
  CheckResult result;
  for (const std::size_t n : {0U, 1U, 7U, 1025U, 4099U, 600001U}) {
    const Start start(n);
    const Shape shape{static_cast<std::int64_t>(n)};
    const AdamStep step{0.9F, 0.999F, 1.5e-4F, 0.01F, 3.0F};
    for (const float clip : {0.0F, 0.5F, 1e9F}) {
      if (n > 100000 && clip != 0.5F) continue;  // past kMostBlocks: once
      const std::string where = text(n, " parameters, clip ", clip);
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        ops.adam_update(side.stream(), step, clip, side.in(start.gradient, shape).flat(),
                        side.out("value", shape, kValue, start.value).flat(),
                        side.out("moment1", shape, kMoment, start.moment1).flat(),
                        side.out("moment2", shape, kMoment, start.moment2).flat(), side.out("norm", Shape{}, kNorm));
      });
    }
  }
  return result;
}

CheckResult adam_a_non_finite_norm_leaves_everything_as_it_was() {
  CheckResult result;
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    Start start(300);
    start.gradient[299] = bad;
    const Shape shape{300};
    compare(result, text(bad), [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      const View value = side.out("value", shape, {}, start.value);
      const View moment1 = side.out("moment1", shape, {}, start.moment1);
      const View moment2 = side.out("moment2", shape, {}, start.moment2);
      ops.adam_update(side.stream(), {0.9F, 0.999F, 1e-8F, 0.01F, 1.0F}, 1.0F, side.in(start.gradient, shape).flat(),
                      value.flat(), moment1.flat(), moment2.flat(), side.out("norm", Shape{}, {}));
      AdamState before;
      before.steps = 4;
      auto* state = side.state(before);
      ops.adam_step(side.stream(), state, side.in(start.gradient, shape).flat(), value.flat(), moment1.flat(),
                    moment2.flat());
      const AdamState left = side.read(state);
      SINV_CHECK(left.steps == 4 && !std::isfinite(left.norm), "step ", left.steps, ", norm ", left.norm);
    });
  }
  return result;
}

CheckResult adam_counts_its_own_steps() {
  CheckResult result;
  const Start start(1500);
  const Shape shape{1500};
  AdamState first;
  first.learning_rate = 0.02F;
  first.clip_norm = 3.0F;
  compare(result, "", [&](auto& side) {
    auto ops = typename std::decay_t<decltype(side)>::Operations{};
    auto* state = side.state(first);
    const View value = side.out("value", shape, {1.2e-7, 3e-7}, start.value);  // five steps of 0.02
    const View moment1 = side.out("moment1", shape, {1e-6, 1e-7}, start.moment1);
    const View moment2 = side.out("moment2", shape, {1e-6, 1e-7}, start.moment2);
    for (int t = 1; t <= 5; ++t) {
      ops.adam_step(side.stream(), state, side.in(start.gradient, shape).flat(), value.flat(), moment1.flat(),
                    moment2.flat());
      const AdamState now = side.read(state);
      const AdamStep wanted = adam_constants(0.02F, 0.9F, 0.999F, 1e-8F, static_cast<std::uint64_t>(t));
      SINV_CHECK(now.steps == static_cast<std::uint64_t>(t), "it counts ", now.steps, " steps, wanted ", t);
      SINV_CHECK(std::abs(now.step.step_size - wanted.step_size) <= 2.5e-7F * wanted.step_size &&
                     std::abs(now.step.root_scale - wanted.root_scale) <= 2.5e-7F * wanted.root_scale,
                 "constants of step ", t, ": ", now.step.step_size, " and ", now.step.root_scale, ", wanted ",
                 wanted.step_size, " and ", wanted.root_scale);
      SINV_CHECK(now.learning_rate == 0.02F, "the learning rate is ", now.learning_rate);
    }
  });
  return result;
}

}  // namespace

const std::vector<Check>& optimiser_cases() {
  static const std::vector<Check> all{
      {"CudaAdam.OneStepWithAndWithoutClipping", adam_one_step_with_and_without_clipping},
      {"CudaAdam.ANonFiniteNormLeavesEverythingAsItWas", adam_a_non_finite_norm_leaves_everything_as_it_was},
      {"CudaAdam.CountsItsOwnSteps", adam_counts_its_own_steps},
  };
  return all;
}

}  // namespace sinv
