// The loops of every instruction set that this machine runs, against double precision.
#include "kernels/cpu/isa.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>
#include <string>

#include "tests/kernels/guarded.h"
#include "tests/kernels/isa_tables.h"

namespace sinv {
namespace {

class EveryIsa : public ::testing::TestWithParam<const IsaKernels*> {};

struct Size {
  int m, k, n;
};
// 0, 1, odd, a tile's rows and one more, a panel and one more, past the blocks of 256 steps and of 96 or 192 rows.
const std::vector<Size> kSizes{{1, 1, 1},     {1, 0, 5},     {1, 128, 256}, {2, 40, 130}, {3, 7, 33},   {5, 3, 6},
                               {6, 16, 16},   {7, 17, 17},   {12, 9, 32},   {13, 31, 65}, {32, 64, 48}, {1, 300, 100},
                               {97, 257, 18}, {193, 20, 40}, {4, 513, 7},   {2, 600, 70}};

TEST_P(EveryIsa, ProductsAreRightForEverySizeAndUse) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, k, n] : kSizes) {
    const auto count = [](int rows, int columns) {
      return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns);
    };
    const std::vector<float> a = draw(count(m, k), 1);
    const std::vector<float> w = draw(count(k, n), 2);
    const std::vector<float> bias = draw(static_cast<std::size_t>(n), 3);
    Guarded panels(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    for (const bool columns_first : {false, true}) {  // a read by rows, then the transpose read by columns
      std::vector<float> at(a.size());
      for (int i = 0; i < m; ++i) {
        for (int s = 0; s < k; ++s) at[static_cast<std::size_t>(s * m + i)] = a[static_cast<std::size_t>(i * k + s)];
      }
      for (const Activation op : {Activation::kIdentity, Activation::kRelu, Activation::kTanh}) {
        for (const bool accumulate : {false, true}) {
          if (accumulate && op != Activation::kIdentity) continue;
          Guarded c(count(m, n));
          std::fill(c.span().begin(), c.span().end(), 0.5F);
          const float* left = columns_first ? at.data() : a.data();
          isa.gemm({m, n, k, left, columns_first ? 1 : k, columns_first ? m : 1, panels.data(), c.data(), n,
                    accumulate ? nullptr : bias.data(), op, accumulate});
          for (int i = 0; i < m; ++i) {
            for (int j = 0; j < n; ++j) {
              double sum = accumulate ? 0.5 : static_cast<double>(bias[static_cast<std::size_t>(j)]);
              for (int s = 0; s < k; ++s) {
                sum += static_cast<double>(a[static_cast<std::size_t>(i * k + s)]) *
                       static_cast<double>(w[static_cast<std::size_t>(s * n + j)]);
              }
              if (op == Activation::kRelu) sum = std::fmax(sum, 0.0);
              if (op == Activation::kTanh) sum = std::tanh(sum);
              // Partial sums of k terms below 1 stay below sqrt(k) * 2 or so here; k roundings of 2^-24 of that.
              const double bound = 1.2e-7 * (2 + k) * (1 + std::sqrt(static_cast<double>(k))) / 4 + 3e-7;
              ASSERT_NEAR(c[static_cast<std::size_t>(i * n + j)], sum, bound)
                  << isa.name << " m " << m << " k " << k << " n " << n << " at " << i << "," << j;
            }
          }
        }
      }
    }
  }
}

TEST_P(EveryIsa, ARowDoesNotDependOnTheOtherRows) {
  const IsaKernels& isa = *GetParam();
  constexpr int kRows = 37;
  constexpr int kK = 300;
  constexpr int kN = 70;
  const std::vector<float> a = draw(kRows * kK, 1);
  const std::vector<float> w = draw(kK * kN, 2);
  std::vector<float> panels(panel_floats(isa, kK, kN));
  isa.pack(kK, kN, 0, kN, w.data(), panels.data());
  std::vector<float> all(kRows * kN);
  isa.gemm({kRows, kN, kK, a.data(), kK, 1, panels.data(), all.data(), kN, nullptr, Activation::kIdentity, false});
  for (const int rows : {1, 2, 3, 5, 6, 13}) {
    std::vector<float> some(static_cast<std::size_t>(rows) * kN);
    isa.gemm({rows, kN, kK, a.data(), kK, 1, panels.data(), some.data(), kN, nullptr, Activation::kIdentity, false});
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows << " rows";
  }
}

TEST_P(EveryIsa, PanelsOfTheTransposeAreThoseOfTheTransposedMatrix) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, k, n] : kSizes) {
    if (k == 0) continue;
    const std::vector<float> w = draw(static_cast<std::size_t>(k * n), 2);
    std::vector<float> wt(w.size());
    for (int s = 0; s < k; ++s) {
      for (int j = 0; j < n; ++j) wt[static_cast<std::size_t>(j * k + s)] = w[static_cast<std::size_t>(s * n + j)];
    }
    Guarded panels(panel_floats(isa, k, n));
    Guarded transposed(panel_floats(isa, n, k));
    Guarded wanted(panel_floats(isa, n, k));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    isa.transpose(k, n, 0, k, panels.data(), transposed.data());
    isa.pack(n, k, 0, k, wt.data(), wanted.data());
    EXPECT_TRUE(std::equal(wanted.span().begin(), wanted.span().end(), transposed.span().begin())) << k << "x" << n;
  }
}

TEST_P(EveryIsa, NoisyPanelsAreThePanelsOfTheMixedWeight) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [k, n] : {std::pair{1, 1}, {7, 6}, {5, 16}, {9, 150}, {256, 256}}) {
    const auto size = static_cast<std::size_t>(k * n);
    const std::vector<float> mu = draw(size, 1);
    const std::vector<float> sigma = draw(size, 2);
    const std::vector<float> in = draw(static_cast<std::size_t>(k), 3, -2, 2);
    const std::vector<float> out = draw(static_cast<std::size_t>(n), 4, -2, 2);
    Guarded mixed(size);
    Guarded panels(panel_floats(isa, k, n));
    Guarded wanted(panel_floats(isa, k, n));
    isa.noisy_mix(k, n, mu.data(), sigma.data(), in.data(), out.data(), mixed.data());
    isa.pack_noisy(k, n, 0, n, mu.data(), sigma.data(), in.data(), out.data(), panels.data());
    for (int s = 0; s < k; ++s) {
      for (int j = 0; j < n; ++j) {
        const auto at = static_cast<std::size_t>(s * n + j);
        const double w = static_cast<double>(mu[at]) + static_cast<double>(sigma[at]) *
                                                           static_cast<double>(in[static_cast<std::size_t>(s)]) *
                                                           static_cast<double>(out[static_cast<std::size_t>(j)]);
        EXPECT_NEAR(mixed[at], w, 1e-6);  // three roundings of values below 5
      }
    }
    isa.pack(k, n, 0, n, mixed.data(), wanted.data());
    // The same formula; only fused or unfused additions may differ, by one rounding of a value below 8.
    for (std::size_t i = 0; i < wanted.span().size(); ++i) EXPECT_NEAR(panels[i], wanted[i], 1e-6);
  }
}

TEST_P(EveryIsa, SumOfSquaresIsExactEnough) {
  const IsaKernels& isa = *GetParam();
  for (const std::size_t count : {0U, 1U, 255U, 256U, 257U, 5000U}) {
    const std::vector<float> x = draw(count, 9);
    double wanted = 0;
    for (const float v : x) wanted += static_cast<double>(v) * static_cast<double>(v);
    EXPECT_NEAR(isa.sum_of_squares(x.data(), count), wanted, 5e-7 * wanted);  // eight float additions, then double
  }
}

TEST_P(EveryIsa, ActivationGradientAndBiasGradientComeInOnePass) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, n] : {std::pair{0, 3}, {1, 1}, {5, 9}, {33, 40}}) {
    const auto size = static_cast<std::size_t>(m * n);
    const std::vector<float> y = draw(size, 1);
    const std::vector<float> gy = draw(size, 2);
    for (const GradientMode mode : {GradientMode::kOverwrite, GradientMode::kAccumulate}) {
      Guarded g(size);
      std::copy(gy.begin(), gy.end(), g.data());
      Guarded db(static_cast<std::size_t>(n));
      std::fill(db.span().begin(), db.span().end(), 2.0F);
      isa.activation_backward(Activation::kLeakyRelu, m, n, y.data(), g.data(), mode, db.data());
      for (int j = 0; j < n; ++j) {
        double sum = mode == GradientMode::kAccumulate ? 2.0 : 0.0;
        for (int i = 0; i < m; ++i) {
          const auto at = static_cast<std::size_t>(i * n + j);
          const double wanted = static_cast<double>(gy[at]) * (y[at] > 0 ? 1.0 : 0.01);
          EXPECT_NEAR(g[at], wanted, 1e-7);
          sum += wanted;
        }
        EXPECT_NEAR(db[static_cast<std::size_t>(j)], sum, 1e-5);  // 33 roundings of sums below 10
      }
    }
  }
}

TEST_P(EveryIsa, AveragingMovesByTheRate) {
  const IsaKernels& isa = *GetParam();
  for (const std::size_t count : {0U, 1U, 9U, 100U}) {
    const std::vector<float> value = draw(count, 1);
    const std::vector<float> before = draw(count, 2);
    Guarded target(count);
    std::copy(before.begin(), before.end(), target.data());
    isa.average(0.25F, count, value.data(), target.data());
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(target[i], 0.75F * before[i] + 0.25F * value[i], 3e-7F);
  }
}

TEST_P(EveryIsa, NoiseIsTheSameWithinRounding) {
  const IsaKernels& isa = *GetParam();
  for (const std::size_t count : {0U, 1U, 5U, 255U, 256U, 1031U}) {
    Guarded here(count);
    std::vector<float> base(count);
    isa.noise(3, 4, 17, count, here.data());
    kIsaBase.noise(3, 4, 17, count, base.data());
    // The root doubles nothing; polynomials with fused additions differ by a few ulp of values below 2.4.
    for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(here[i], base[i], 4e-6F) << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryIsa, ::testing::ValuesIn(isa_tables()), [](const auto& info) {
  std::string name = info.param->name;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
});

// Inline functions of these objects would be shared with files that must run on any machine.
TEST(Isa, ObjectsOfAnInstructionSetShareNoFunctions) {
#if !defined(__OPTIMIZE__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "only for an optimised build without sanitizers";
#endif
  std::FILE* pipe = ::popen((std::string("nm -A ") + SINV_KERNELS_LIBRARY + " 2>/dev/null").c_str(), "r");
  ASSERT_NE(pipe, nullptr);
  int seen = 0;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe) != nullptr) {
    const std::string text(line);
    if (text.find("isa_avx") == std::string::npos) continue;
    ++seen;
    EXPECT_TRUE(text.find(" W ") == std::string::npos && text.find(" u ") == std::string::npos) << text;
  }
  ::pclose(pipe);
  EXPECT_GT(seen, 0);
}

// Products and convolutions run the widest loops that the processor has: nothing else is ever picked by itself.
TEST(Isa, IsTheWidestOfThisProcessorAndNeverThePortableOneWithAvx2) {
  if (std::getenv("SINV_ISA") != nullptr) GTEST_SKIP() << "SINV_ISA asks for another one";
#if defined(SINV_X86)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
    EXPECT_NE(&isa(), &kIsaBase) << isa().name;
  }
  if (isa_tables().back() == &kIsaAvx512) {
    EXPECT_EQ(&isa(), &kIsaAvx512) << isa().name;
  }
#endif
}

}  // namespace
}  // namespace sinv
