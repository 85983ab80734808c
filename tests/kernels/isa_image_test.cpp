// The image loops of every instruction set that this machine runs, against double precision. The operations' own tests
// (conv_test.cpp, image_test.cpp) see only the set that isa() picks.
#include <cmath>
#include <gtest/gtest.h>

#include "kernels/cpu/isa.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/isa_tables.h"

namespace sinv {
namespace {

class EveryIsaImage : public ::testing::TestWithParam<const IsaKernels*> {};

std::size_t as_size(std::ptrdiff_t n) { return static_cast<std::size_t>(n); }
double at(const std::vector<float>& v, std::ptrdiff_t i) { return static_cast<double>(v[as_size(i)]); }

// A product of a convolution's shape: positions rows x columns, a patch of segments x length, n channels.
struct Size {
  int rows, columns, segments, length, n;
};
// 0 and 1; tiles of 6 and 12 rows, and one more; panels of 8, 16 and 32, and one more; past a block of 128 positions.
const std::vector<Size> kSizes{{1, 1, 1, 1, 1},   {0, 5, 2, 3, 4},     {2, 3, 1, 7, 8},
                               {3, 4, 2, 5, 9},   {7, 1, 3, 6, 16},    {5, 5, 3, 12, 33},
                               {9, 9, 4, 13, 24}, {20, 20, 2, 32, 40}, {2, 150, 1, 11, 17}};

TEST_P(EveryIsaImage, ProductsInPlaceAreRightForEverySize) {
  const IsaKernels& isa = *GetParam();
  for (const Size& z : kSizes) {
    const int k = z.segments * z.length;
    const std::ptrdiff_t column_step = 2;  // patches overlap, as those of a convolution do
    const std::ptrdiff_t row_step = 2 * z.columns + z.length;
    const std::ptrdiff_t pitch = row_step + 3;
    const std::vector<float> image = draw(as_size((z.rows + 1) * row_step + z.segments * pitch + z.length), 1);
    const std::vector<float> w = draw(as_size(k * z.n), 2);
    const std::vector<float> bias = draw(as_size(z.n), 3);
    const std::vector<float> g = draw(as_size(z.rows * z.columns * z.n), 4);
    Guarded panels(panel_floats(isa, k, z.n));
    isa.pack(k, z.n, 0, z.n, w.data(), panels.data());
    const auto a = [&](int y, int x, int s) {
      return at(image, y * row_step + x * column_step + (s / z.length) * pitch + s % z.length);
    };
    for (const bool accumulate : {false, true}) {
      Guarded c(g.size());
      std::ranges::fill(c.span(), 0.5F);
      isa.conv({image.data(), row_step, column_step, pitch, z.rows, z.columns, z.segments, z.length, z.n, panels.data(),
                c.data(), static_cast<std::ptrdiff_t>(z.columns) * z.n, z.n, accumulate ? nullptr : bias.data(),
                !accumulate, accumulate});
      for (int p = 0; p < z.rows * z.columns; ++p) {
        for (int j = 0; j < z.n; ++j) {
          double sum = accumulate ? 0.5 : at(bias, j);
          for (int s = 0; s < k; ++s) sum += a(p / z.columns, p % z.columns, s) * at(w, s * z.n + j);
          if (!accumulate) sum = std::fmax(sum, 0.0);
          ASSERT_NEAR(c[as_size(p * z.n + j)], sum, 2.4e-7 * k + 3e-7) << isa.name << " position " << p << ", " << j;
        }
      }
    }
    Guarded g_panels(panel_floats(isa, z.rows * z.columns, z.n));
    Guarded gy(g.size());
    std::ranges::copy(g, gy.data());
    Guarded db(as_size(z.n));
    std::ranges::fill(db.span(), 0.25F);
    isa.gradient_panels(Activation::kIdentity, z.rows * z.columns, z.n, g.data(), gy.data(), db.data(),
                        g_panels.data());
    Guarded gw(w.size());
    std::ranges::fill(gw.span(), 0.5F);
    if (z.rows > 0) {
      isa.conv_weights({image.data(), row_step, column_step, pitch, z.rows, z.columns, z.segments, z.length, z.n,
                        g_panels.data(), gw.data()});
    }
    for (int j = 0; j < z.n; ++j) {
      double column = 0.25;
      for (int p = 0; p < z.rows * z.columns; ++p) column += at(g, p * z.n + j);
      ASSERT_NEAR(db[as_size(j)], column, 2.4e-7 * z.rows * z.columns + 3e-7);
      for (int s = 0; s < k; ++s) {
        double sum = 0.5;
        for (int p = 0; p < z.rows * z.columns; ++p) sum += a(p / z.columns, p % z.columns, s) * at(g, p * z.n + j);
        ASSERT_NEAR(gw[as_size(s * z.n + j)], sum, 2.4e-7 * z.rows * z.columns + 3e-7) << isa.name << " row " << s;
      }
    }
  }
}

TEST_P(EveryIsaImage, TapsArePackedAsTransposes) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [taps, c, n] : {std::array{1, 1, 1}, {4, 5, 3}, {9, 16, 8}, {2, 33, 17}, {1, 64, 64}, {3, 24, 40}}) {
    const std::vector<float> w = draw(as_size(taps * c * n), 1);
    const std::size_t each = panel_floats(isa, n, c);
    Guarded found(as_size(taps) * each);
    isa.pack_taps(taps, c, n, w.data(), found.data());
    for (int tap = 0; tap < taps; ++tap) {
      std::vector<float> transposed(as_size(n * c));
      for (int i = 0; i < c; ++i) {
        for (int j = 0; j < n; ++j) transposed[as_size(j * c + i)] = w[as_size((tap * c + i) * n + j)];
      }
      std::vector<float> panels(each);
      isa.pack(n, c, 0, c, transposed.data(), panels.data());
      ASSERT_TRUE(std::ranges::equal(panels, found.span().subspan(as_size(tap) * each, each))) << isa.name;
    }
  }
}

// The rest against the plain loops, whose results conv_test.cpp and image_test.cpp hold to double precision.
TEST_P(EveryIsaImage, NormsAndPoolsAgreeWithThePlainLoops) {
  const IsaKernels& isa = *GetParam();
  for (const auto& [positions, c, groups] : {std::array{1, 1, 1}, {5, 6, 3}, {70, 32, 8}, {131, 24, 2}, {9, 65, 5}}) {
    const auto count = as_size(positions * c);
    const std::vector<float> x = draw(count, 1, 1.0F, 3.0F);
    const std::vector<float> gain = draw(as_size(c), 2);
    const std::vector<float> bias = draw(as_size(c), 3);
    const std::vector<float> gy = draw(count, 4);
    std::vector<std::vector<float>> results;
    for (const IsaKernels* each : {&kIsaBase, &isa}) {
      Guarded y(count);
      Guarded statistics(as_size(2 * groups));
      Guarded gx(count);
      Guarded sums(as_size(2 * c));
      std::ranges::fill(sums.span(), 0.0F);
      Guarded best(as_size(c));
      Guarded best_gx(count);
      std::ranges::fill(best_gx.span(), 0.0F);
      each->group_norm(positions, c, groups, x.data(), gain.data(), bias.data(), 1e-2F, Activation::kRelu, y.data(),
                       statistics.data());
      each->group_norm_backward(positions, c, groups, x.data(), gain.data(), statistics.data(), gy.data(),
                                GradientMode::kOverwrite, gx.data(), sums.data(), sums.data() + c);
      each->max_window(1, positions, c, x.data(), 0, best.data());
      each->max_window_backward(1, positions, c, x.data(), 0, best.data(), gy.data(), best_gx.data());
      std::vector<float> all;
      for (Guarded* part : {&y, &statistics, &gx, &sums, &best, &best_gx}) {
        all.insert(all.end(), part->span().begin(), part->span().end());
      }
      results.push_back(all);
    }
    for (std::size_t i = 0; i < results[0].size(); ++i) {
      ASSERT_NEAR(results[0][i], results[1][i], 3e-5 * (1 + std::abs(results[0][i]))) << isa.name << " element " << i;
    }
  }
}

TEST_P(EveryIsaImage, FramesAreInterleavedAndScaled) {
  const IsaKernels& isa = *GetParam();
  for (const int c : {1, 2, 4, 7}) {
    for (const std::size_t count : {0U, 1U, 13U, 64U, 131U}) {
      const std::size_t step = count + 5;
      std::vector<std::uint8_t> bytes(as_size(c) * step);
      Random random(5, 0);
      for (std::uint8_t& byte : bytes) byte = static_cast<std::uint8_t>(random.below(256));
      Guarded pixels(as_size(c) * count);
      isa.frames(c, count, bytes.data(), step, pixels.data());
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t k = 0; k < as_size(c); ++k) {
          ASSERT_FLOAT_EQ(pixels[i * as_size(c) + k], static_cast<float>(bytes[k * step + i]) / 255.0F) << isa.name;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, EveryIsaImage, ::testing::ValuesIn(isa_tables()), [](const auto& info) {
  std::string name = info.param->name;
  for (char& letter : name) letter = letter == '-' ? '_' : letter;
  return name;
});

}  // namespace
}  // namespace sinv
