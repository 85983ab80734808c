// Products that leave out zeros, of every instruction set that this machine runs, against double precision.
#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "kernels/cpu/isa.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/isa_tables.h"

namespace sinv {
namespace {

struct Size {
  int m, k, sparse, n;
};
// Nothing, less and more than 32 columns and than 1,024; outputs below, at and past a register, a panel and six panels.
constexpr Size kSizes[] = {{1, 3, 3, 1},        {2, 40, 32, 8},    {3, 70, 33, 9},      {5, 64, 64, 33},
                           {2, 50, 0, 7},       {4, 130, 96, 200}, {7, 1100, 1030, 17}, {2, 1224, 1024, 230},
                           {3, 2080, 2050, 70}, {0, 40, 32, 8}};

std::size_t area(int rows, int columns) { return static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns); }

// One value in each 32 columns of the sparse part, none in every fifth row; two side by side and the last column too.
std::vector<float> few_values(const Size& size) {
  std::vector<float> x = draw(area(size.m, size.k), 1);
  for (int i = 0; i < size.m; ++i) {
    for (int s = 0; s < size.sparse; ++s) {
      const bool kept = i % 5 != 4 && (s % 32 == (7 * i + s / 32) % 32 || s == 1 || s == 2 || s + 1 == size.sparse);
      if (!kept) x[area(i, size.k) + static_cast<std::size_t>(s)] = 0.0F;
    }
  }
  return x;
}

class EveryIsaSparse : public ::testing::TestWithParam<const IsaKernels*> {};

TEST_P(EveryIsaSparse, WithTheOtherColumnsItIsTheWholeProduct) {
  const IsaKernels& isa = *GetParam();
  for (const Size& size : kSizes) {
    const auto& [m, k, sparse, n] = size;
    const std::vector<float> x = few_values(size);
    const std::vector<float> w = draw(area(k, n), 2);
    const std::vector<float> bias = draw(static_cast<std::size_t>(n), 3);
    Guarded panels(panel_floats(isa, k, n));
    isa.pack(k, n, 0, n, w.data(), panels.data());
    Guarded y(area(m, n));
    std::ranges::fill(y.span(), 7.0F);  // what was there must not matter
    Gemm call{m, n, k, x.data(), k, 1, panels.data(), y.data(), n, bias.data(), Activation::kRelu, false, sparse};
    isa.sparse_rows(call);
    call.accumulate = true;
    isa.gemm(call);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = static_cast<double>(bias[static_cast<std::size_t>(j)]);
        int terms = 1;
        for (int s = 0; s < k; ++s) {
          const float left = x[area(i, k) + static_cast<std::size_t>(s)];
          terms += left != 0.0F ? 1 : 0;
          sum += static_cast<double>(left) * static_cast<double>(w[area(s, n) + static_cast<std::size_t>(j)]);
        }
        // Sums below 20; as many roundings of 2^-24 of that.
        ASSERT_NEAR(y[area(i, n) + static_cast<std::size_t>(j)], std::max(sum, 0.0), 1.2e-6 * terms)
            << isa.name << " " << m << "x" << k << " (" << sparse << ") x" << n << " at " << i << "," << j;
      }
    }
  }
}

TEST_P(EveryIsaSparse, WeightGradientsAreAddedInTheColumnsAskedFor) {
  const IsaKernels& isa = *GetParam();
  for (const Size& size : kSizes) {
    const auto& [m, k, sparse, n] = size;
    const std::vector<float> x = few_values(size);
    const std::vector<float> gy = draw(area(m, n), 4);
    const int first = n / 3;
    const int last = n - n / 5;
    Guarded dw(area(sparse, n));
    std::ranges::fill(dw.span(), 0.5F);
    isa.sparse_weights(m, n, sparse, first, last, x.data(), k, gy.data(), dw.data());
    for (int s = 0; s < sparse; ++s) {
      for (int j = 0; j < n; ++j) {
        double sum = 0.5;
        for (int i = 0; i < m && j >= first && j < last; ++i) {
          sum += static_cast<double>(x[area(i, k) + static_cast<std::size_t>(s)]) *
                 static_cast<double>(gy[area(i, n) + static_cast<std::size_t>(j)]);
        }
        ASSERT_NEAR(dw[area(s, n) + static_cast<std::size_t>(j)], sum, 1e-6 * (m + 1))  // sums below 8
            << isa.name << " " << m << "x" << k << " (" << sparse << ") x" << n << " at " << s << "," << j;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryIsaSparse, ::testing::ValuesIn(isa_tables()), [](const auto& info) {
  std::string name = info.param->name;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
});

}  // namespace
}  // namespace sinv
