// The cases of the CUDA kernels in the emulation, and that a case would see a fault.
#include <algorithm>
#include <gmock/gmock.h>

#include "tests/kernels/cuda/two_sides.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

class CudaKernels : public testing::TestWithParam<Check> {};
INSTANTIATE_TEST_SUITE_P(Cases, CudaKernels, testing::ValuesIn(kernel_cases()), [](const auto& check) {
  std::string name = check.param.name;
  std::ranges::replace(name, '.', '_');
  return name;
});

TEST_P(CudaKernels, AgreeWithTheCpu) {
  const std::uint64_t before = cuda_emulation::threads_run();
  const CheckResult result = run_check(GetParam());
  EXPECT_TRUE(result.passed()) << result.problem;
  EXPECT_GT(cuda_emulation::threads_run(), before) << "no kernel ran";
}

// What compare() makes of one output, which the CUDA side leaves as `there`.
CheckResult compared(float here, float there, Bound bound) {
  CheckResult result;
  compare(result, "where", [&](auto& side) {
    side.out("y", Shape{2}, bound, std::vector<float>{1.0F, std::decay_t<decltype(side)>::kIsCuda ? there : here});
  });
  return result;
}

TEST(CudaComparison, ADifferencePastItsBoundIsTheProblem) {
  EXPECT_EQ(compared(2.0F, 2.5F, {}).problem, "where, order 0, shift 0: y[1] is 2.5, the CPU gives 2, bound 0");
  EXPECT_EQ(compared(2.0F, 2.5F, {0.2, 0.05}).problem,
            "where, order 0, shift 0: y[1] is 2.5, the CPU gives 2, bound 0.45");
  EXPECT_TRUE(compared(2.0F, std::nanf(""), {0, 1e30}).problem.starts_with("where, order 0, shift 0: y[1] is nan"));
  EXPECT_NEAR(compared(2.0F, 2.5F, {0.25, 0.5}).worst, 0.5, 1e-9);
  EXPECT_TRUE(compared(std::nanf(""), std::nanf(""), {}).passed());
}

TEST(CudaComparison, AWriteOutsideAnArrayAndAFaultOfACaseAreErrorsThatSayWhere) {
  CheckResult result;
  EXPECT_THAT(message([&] {
                compare(result, "where", [](auto& side) {
                  const View y = side.out("y", Shape{3}, {});
                  if (std::decay_t<decltype(side)>::kIsCuda) y.data[3] = 1.0F;
                });
              }),
              HasSubstr("where, order 0, shift 0: y: written outside, at 3 of 3"));
  EXPECT_THAT(message([&] { compare(result, "where", [](auto& side) { SINV_CHECK(!side.kIsCuda, "it is wrong"); }); }),
              HasSubstr("where, order 0, shift 0: it is wrong"));
}

}  // namespace
}  // namespace sinv
