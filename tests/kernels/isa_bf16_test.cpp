// The products of bf16 inputs, the processor's and the emulated ones, against double precision products of inputs that
// were rounded here. A product of two bf16 numbers is exact in float32, so only sums round.
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "kernels/cpu/isa.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/isa_tables.h"

namespace sinv {
namespace {

class EveryBf16 : public ::testing::TestWithParam<const IsaKernels*> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(EveryBf16);

std::size_t as_size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }

// To the nearest number of eight significant bits, ties to even.
double rounded(float x) {
  int exponent = 0;
  const double mantissa = std::frexp(static_cast<double>(x), &exponent);
  return std::ldexp(std::nearbyint(std::ldexp(mantissa, 8)), exponent - 8);
}
double at(const std::vector<float>& v, std::ptrdiff_t i) { return rounded(v[as_size(i)]); }

// Element (s, j) of a [k,n] matrix in panels of words.
float in_panels(const IsaKernels& isa, const float* panels, int k, int n, int s, int j) {
  const int first = j / isa.panel * isa.panel;
  const float* word = panels + static_cast<std::ptrdiff_t>(first) * k + s / 2 * panel_width(isa, n, first) + j - first;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(*word) << (s % 2 == 0 ? 16U : 0U) & 0xFFFF0000U);
}

struct Size {
  int m, k, n;
};
// 0, 1, odd, a tile's rows and one more, a panel and one more, past the blocks of 640 steps and of 96 rows.
const std::vector<Size> kSizes{{1, 1, 1},    {1, 0, 5},     {0, 3, 5},     {1, 128, 256}, {2, 40, 130},
                               {3, 7, 33},   {5, 3, 6},     {6, 16, 16},   {7, 17, 17},   {12, 9, 32},
                               {13, 31, 65}, {32, 64, 48},  {1, 300, 100}, {97, 257, 18}, {193, 20, 40},
                               {4, 641, 7},  {1, 1283, 65}, {2, 642, 70},  {98, 1290, 33}};

TEST_P(EveryBf16, ProductsAreThoseOfRoundedInputsForEverySizeAndUse) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, k, n] : kSizes) {
    const std::vector<float> a = draw(as_size(m) * as_size(k), 1);
    const std::vector<float> w = draw(as_size(k) * as_size(n), 2);
    const std::vector<float> bias = draw(as_size(n), 3);
    std::vector<float> columns(a.size());
    for (int i = 0; i < m; ++i) {
      for (int s = 0; s < k; ++s) columns[as_size(s * m + i)] = a[as_size(i * k + s)];
    }
    std::vector<double> sums(as_size(m) * as_size(n));
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        for (int s = 0; s < k; ++s) sums[as_size(i * n + j)] += at(a, i * k + s) * at(w, s * n + j);
      }
    }
    Guarded panels(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    for (const bool by_columns : {false, true}) {  // a read by rows, then the transpose read by columns
      for (const Activation op : {Activation::kIdentity, Activation::kRelu, Activation::kTanh}) {
        for (const bool accumulate : {false, true}) {
          if (accumulate && op != Activation::kIdentity) continue;
          Guarded c(sums.size());
          std::ranges::fill(c.span(), 0.5F);
          isa.gemm({m, n, k, by_columns ? columns.data() : a.data(), by_columns ? 1 : k, by_columns ? m : 1,
                    panels.data(), c.data(), n, accumulate ? nullptr : bias.data(), op, accumulate});
          for (std::size_t i = 0; i < sums.size(); ++i) {
            double sum = sums[i] + static_cast<double>(accumulate ? 0.5F : bias[i % bias.size()]);
            if (op == Activation::kRelu) sum = std::fmax(sum, 0.0);
            if (op == Activation::kTanh) sum = std::tanh(sum);
            // Partial sums of k terms below 1 stay below sqrt(k) * 2 or so here; k roundings of 2^-24 of that.
            const double bound = 1.2e-7 * (2 + k) * (1 + std::sqrt(static_cast<double>(k))) / 4 + 3e-7;
            ASSERT_NEAR(c[i], sum, bound) << isa.name << " m " << m << " k " << k << " n " << n << " at " << i;
          }
        }
      }
    }
  }
}

// Columns before an odd one and an even one, up to none and all; past 1,024 and past a block of 640 steps.
TEST_P(EveryBf16, SparseColumnsAndTheOthersAreTheWholeProduct) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, k, sparse, n] : {std::array{1, 3, 3, 1},
                                        {2, 40, 0, 7},
                                        {3, 40, 33, 9},
                                        {5, 64, 32, 33},
                                        {0, 40, 32, 8},
                                        {4, 1100, 1030, 200},
                                        {2, 1800, 1101, 230}}) {
    std::vector<float> x = draw(as_size(m * k), 1);
    for (int i = 0; i < m; ++i) {
      for (int s = 0; s < sparse; ++s) {
        const bool kept = i % 5 != 4 && (s % 32 == (7 * i + s / 32) % 32 || s == 1 || s == 2 || s + 1 == sparse);
        if (!kept) x[as_size(i * k + s)] = 0.0F;
      }
    }
    const std::vector<float> w = draw(as_size(k * n), 2);
    const std::vector<float> bias = draw(as_size(n), 3);
    Guarded panels(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    Guarded y(as_size(m * n));
    std::ranges::fill(y.span(), 7.0F);  // what was there must not matter
    Gemm call{m, n, k, x.data(), k, 1, panels.data(), y.data(), n, bias.data(), Activation::kRelu, false, sparse};
    isa.sparse_rows(call);
    call.accumulate = true;
    isa.gemm(call);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = static_cast<double>(bias[as_size(j)]);
        for (int s = 0; s < k; ++s) sum += at(x, i * k + s) * at(w, s * n + j);
        // Sums below 40; as many roundings of 2^-24 of that as there are terms that are not zero.
        ASSERT_NEAR(y[as_size(i * n + j)], std::max(sum, 0.0), 2.4e-6 * (k - sparse + sparse / 32 + 5))
            << isa.name << " " << m << "x" << k << " (" << sparse << ") x" << n << " at " << i << "," << j;
      }
    }
  }
}

TEST_P(EveryBf16, ARowDoesNotDependOnTheOtherRows) {
  const IsaKernels& isa = *GetParam();
  constexpr int kRows = 37;
  constexpr int kK = 701;
  constexpr int kN = 70;
  const std::vector<float> a = draw(kRows * kK, 1);
  const std::vector<float> w = draw(kK * kN, 2);
  std::vector<float> panels(panel_floats(isa, kK, kN));
  isa.pack(kK, kN, 0, kN, w.data(), panels.data());
  std::vector<float> all(kRows * kN);
  isa.gemm({kRows, kN, kK, a.data(), kK, 1, panels.data(), all.data(), kN, nullptr, Activation::kIdentity, false});
  for (const int rows : {1, 2, 3, 5, 6, 13}) {
    std::vector<float> some(as_size(rows) * kN);
    isa.gemm({rows, kN, kK, a.data(), kK, 1, panels.data(), some.data(), kN, nullptr, Activation::kIdentity, false});
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << rows << " rows";
  }
}

// How a team shares the work (kernels/cpu/shared_loops.h).
TEST_P(EveryBf16, PanelsMadeAndMultipliedApartGiveTheSameBits) {
  const IsaKernels& isa = *GetParam();
  constexpr int kM = 14;
  constexpr int kK = 99;
  constexpr int kN = 150;
  const std::vector<float> a = draw(kM * kK, 1);
  const std::vector<float> w = draw(kK * kN, 2);
  const std::vector<float> bias = draw(kN, 3);
  Guarded whole(panel_floats(isa, kK, kN));
  Guarded parts(panel_floats(isa, kK, kN));
  Guarded whole_transpose(panel_floats(isa, kN, kK));
  Guarded parts_transpose(panel_floats(isa, kN, kK));
  isa.pack(kK, kN, 0, kN, w.data(), whole.data());
  isa.transpose(kK, kN, 0, kK, whole.data(), whole_transpose.data());
  std::vector<float> c(kM * kN);
  std::vector<float> c_parts(kM * kN);
  isa.gemm({kM, kN, kK, a.data(), kK, 1, whole.data(), c.data(), kN, bias.data(), Activation::kRelu, false});
  for (const auto& [first, last] : {std::pair{0, 64}, {64, 96}, {96, kN}}) {
    isa.pack(kK, kN, first, last, w.data(), parts.data());
    isa.gemm({kM, last - first, kK, a.data(), kK, 1, parts.data() + first * kK, c_parts.data() + first, kN,
              bias.data() + first, Activation::kRelu, false});
  }
  for (const auto& [first, last] : {std::pair{0, 32}, {32, kK}}) {
    isa.transpose(kK, kN, first, last, parts.data(), parts_transpose.data());
  }
  EXPECT_TRUE(std::ranges::equal(whole.span(), parts.span()));
  EXPECT_TRUE(std::ranges::equal(whole_transpose.span(), parts_transpose.span()));
  EXPECT_EQ(c, c_parts);
}

TEST_P(EveryBf16, PanelsOfTheTransposeAreThoseOfTheTransposedMatrix) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [m, k, n] : kSizes) {
    if (k == 0) continue;
    const std::vector<float> w = draw(as_size(k * n), 2);
    std::vector<float> wt(w.size());
    for (int s = 0; s < k; ++s) {
      for (int j = 0; j < n; ++j) wt[as_size(j * k + s)] = w[as_size(s * n + j)];
    }
    Guarded panels(panel_floats(isa, k, n));
    Guarded transposed(panel_floats(isa, n, k));
    Guarded wanted(panel_floats(isa, n, k));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    isa.transpose(k, n, 0, k, panels.data(), transposed.data());
    isa.pack(n, k, 0, k, wt.data(), wanted.data());
    for (std::size_t i = 0; i < wanted.span().size(); ++i) {
      ASSERT_EQ(std::bit_cast<std::uint32_t>(transposed[i]), std::bit_cast<std::uint32_t>(wanted[i]))
          << k << "x" << n << " word " << i;
    }
  }
}

TEST_P(EveryBf16, PanelsHoldTheRoundedWeightAndZerosBehindIt) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [k, n] : {std::pair{1, 1}, {7, 6}, {5, 16}, {9, 150}, {256, 256}}) {
    const std::vector<float> mu = draw(as_size(k * n), 1);
    const std::vector<float> sigma = draw(as_size(k * n), 2);
    const std::vector<float> in = draw(as_size(k), 3, -2, 2);
    const std::vector<float> out = draw(as_size(n), 4, -2, 2);
    Guarded plain(panel_floats(isa, k, n));
    Guarded noisy(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, mu.data(), plain.data());
    isa.pack_noisy(k, n, 0, n, mu.data(), sigma.data(), in.data(), out.data(), noisy.data());
    const int width = (n - 1) / isa.panel * isa.panel;
    for (int s = 0; s < k + k % 2; ++s) {
      for (int j = 0; j < width + panel_width(isa, n, width); ++j) {
        const auto i = as_size(s * n + j);
        const float found = in_panels(isa, plain.data(), k, n, s, j);
        const float found_noisy = in_panels(isa, noisy.data(), k, n, s, j);
        if (s >= k || j >= n) {
          ASSERT_EQ(found, 0.0F) << s << "," << j;
          ASSERT_EQ(found_noisy, 0.0F) << s << "," << j;
          continue;
        }
        ASSERT_EQ(static_cast<double>(found), rounded(mu[i])) << s << "," << j;
        const double w = static_cast<double>(mu[i]) + static_cast<double>(sigma[i]) *
                                                          static_cast<double>(in[as_size(s)]) *
                                                          static_cast<double>(out[as_size(j)]);
        // Half a step of eight bits is 2^-8 of the value at most; before, three float32 roundings of values below 5.
        ASSERT_NEAR(found_noisy, w, std::abs(w) * 0x1p-8 + 1e-6) << s << "," << j;
      }
    }
  }
}

TEST_P(EveryBf16, RoundingIsToNearestEvenAndKeepsWhatIsNotFinite) {
  const IsaKernels& isa = *GetParam();
  const float nan = std::bit_cast<float>(0x7FFFFFFFU);
  const float infinity = std::numeric_limits<float>::infinity();
  const std::vector<float> w{1.0F + 0x1p-8F,
                             1.0F + 0x3p-8F,
                             1.0F + 0x1.002p-8F,
                             -1.0F - 0x1p-8F,
                             -0.0F,
                             infinity,
                             -infinity,
                             nan,
                             -nan,
                             3.4e38F,
                             0.1F,
                             1e-30F,
                             1.0F - 0x1p-9F};
  const std::vector<float> wanted{1.0F,
                                  1.0F + 0x1p-6F,
                                  1.0F + 0x1p-7F,
                                  -1.0F,
                                  -0.0F,
                                  infinity,
                                  -infinity,
                                  nan,
                                  nan,
                                  infinity,
                                  static_cast<float>(rounded(0.1F)),
                                  static_cast<float>(rounded(1e-30F)),
                                  1.0F};
  // Beside each other as the two steps of a word, and in rows of their own.
  const int count = static_cast<int>(w.size());
  for (const bool as_column : {false, true}) {
    const int k = as_column ? count : 1;
    const int n = as_column ? 1 : count;
    Guarded panels(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    for (int i = 0; i < count; ++i) {
      const float found = in_panels(isa, panels.data(), k, n, as_column ? i : 0, as_column ? 0 : i);
      if (std::isnan(wanted[as_size(i)])) {
        EXPECT_TRUE(std::isnan(found)) << i;
      } else {
        EXPECT_EQ(found, wanted[as_size(i)]) << i;
        EXPECT_EQ(std::signbit(found), std::signbit(wanted[as_size(i)])) << i;
      }
    }
  }
}

// A product of a convolution's shape: positions rows x columns, a patch of segments x length, n channels.
struct ConvSize {
  int rows, columns, segments, length, n;
};
// 0 and 1; a tile's 12 rows and more; panels of 16 and 32, and one more; odd runs and numbers of positions; past a
// block of 96 rows, of 256 positions and of 640 steps.
const std::vector<ConvSize> kConvSizes{{1, 1, 1, 1, 1},     {0, 5, 2, 3, 4},    {2, 3, 1, 7, 8},   {3, 4, 2, 5, 9},
                                       {7, 1, 3, 6, 16},    {5, 5, 3, 12, 33},  {9, 9, 4, 13, 24}, {20, 20, 2, 32, 40},
                                       {2, 150, 1, 11, 17}, {3, 3, 3, 216, 48}, {2, 5, 7, 97, 20}};

TEST_P(EveryBf16, ConvolutionsAndTheirWeightGradientsAreThoseOfRoundedInputs) {
  const IsaKernels& isa = *GetParam();
  for (const ConvSize& z : kConvSizes) {
    const int k = z.segments * z.length;
    const std::ptrdiff_t column_step = 2;  // patches overlap, as those of a convolution do
    const std::ptrdiff_t row_step = 2 * z.columns + z.length;
    const std::ptrdiff_t pitch = row_step + 3;
    // No float more than the last patch reaches: what is read behind it is seen by the address sanitizer.
    const std::ptrdiff_t floats =
        z.rows == 0 ? 0 : (z.rows - 1) * row_step + (z.columns - 1) * column_step + (z.segments - 1) * pitch + z.length;
    const std::vector<float> image = draw(as_size(floats), 1);
    const std::vector<float> w = draw(as_size(k * z.n), 2);
    const std::vector<float> bias = draw(as_size(z.n), 3);
    const std::vector<float> g = draw(as_size(z.rows * z.columns * z.n), 4);
    Guarded panels(panel_floats(isa, k, z.n));
    isa.pack(k, z.n, 0, z.n, w.data(), panels.data());
    const auto a = [&](int p, int s) {
      return at(image, p / z.columns * row_step + p % z.columns * column_step + (s / z.length) * pitch + s % z.length);
    };
    for (const bool accumulate : {false, true}) {
      Guarded c(g.size());
      std::ranges::fill(c.span(), 0.5F);
      isa.conv({image.data(), row_step, column_step, pitch, z.rows, z.columns, z.segments, z.length, z.n, panels.data(),
                c.data(), static_cast<std::ptrdiff_t>(z.columns) * z.n, z.n, accumulate ? nullptr : bias.data(),
                !accumulate, accumulate});
      for (int p = 0; p < z.rows * z.columns; ++p) {
        for (int j = 0; j < z.n; ++j) {
          double sum = accumulate ? 0.5 : static_cast<double>(bias[as_size(j)]);
          for (int s = 0; s < k; ++s) sum += a(p, s) * at(w, s * z.n + j);
          if (!accumulate) sum = std::fmax(sum, 0.0);
          // k roundings of 2^-24 of sums below 4 here.
          ASSERT_NEAR(c[as_size(p * z.n + j)], sum, 2.4e-7 * k + 3e-7) << isa.name << " position " << p << ", " << j;
        }
      }
    }
    const int positions = z.rows * z.columns;
    Guarded g_panels(panel_floats(isa, positions, z.n));
    Guarded gy(g.size());
    std::ranges::copy(g, gy.data());
    Guarded db(as_size(z.n));
    std::ranges::fill(db.span(), 0.25F);
    isa.gradient_panels(Activation::kIdentity, positions, z.n, g.data(), gy.data(), db.data(), g_panels.data());
    Guarded gw(w.size());
    std::ranges::fill(gw.span(), 0.5F);
    if (z.rows > 0) {
      isa.conv_weights({image.data(), row_step, column_step, pitch, z.rows, z.columns, z.segments, z.length, z.n,
                        g_panels.data(), gw.data()});
    }
    for (int j = 0; j < z.n; ++j) {
      double column = 0.25;  // of gradients as they are: nothing is rounded for the bias
      for (int p = 0; p < positions; ++p) column += static_cast<double>(g[as_size(p * z.n + j)]);
      ASSERT_NEAR(db[as_size(j)], column, 2.4e-7 * positions + 3e-7);
      for (int s = 0; s < k; ++s) {
        double sum = 0.5;
        for (int p = 0; p < positions; ++p) sum += a(p, s) * at(g, p * z.n + j);
        ASSERT_NEAR(gw[as_size(s * z.n + j)], sum, 2.4e-7 * positions + 3e-7) << isa.name << " row " << s;
      }
    }
  }
}

TEST_P(EveryBf16, TapsArePackedAsTransposes) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [taps, c, n] :
       {std::array{1, 1, 1}, {4, 5, 3}, {9, 16, 8}, {2, 33, 17}, {1, 64, 64}, {3, 24, 40}, {2, 20, 261}}) {
    const std::vector<float> w = draw(as_size(taps * c * n), 1);
    const std::size_t each = panel_floats(isa, n, c);
    Guarded found(as_size(taps) * each);
    isa.pack_taps(taps, c, n, w.data(), found.data());
    for (int tap = 0; tap < taps; ++tap) {
      for (int i = 0; i < c; ++i) {
        for (int j = 0; j < n + n % 2; ++j) {
          const float* panels = found.data() + as_size(tap) * each;
          ASSERT_EQ(static_cast<double>(in_panels(isa, panels, n, c, j, i)), j < n ? at(w, (tap * c + i) * n + j) : 0.0)
              << isa.name << " tap " << tap << " channel " << i << " output " << j;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryBf16, ::testing::ValuesIn(bf16_tables()), [](const auto& info) {
  std::string name = info.param->name;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
});

}  // namespace
}  // namespace sinv
