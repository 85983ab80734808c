// The operations as a process with --device cpu --precision bf16 has them. Inputs are small multiples of 1/8, which
// bf16 holds, and their products' sums multiples of 1/64, which float32 holds: results are equal to the definitions.
#include <algorithm>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/cpu/isa.h"
#include "kernels/deconv.h"
#include "kernels/device_module.h"
#include "kernels/team.h"
#include "tests/kernels/conv_reference.h"
#include "tests/kernels/guarded.h"
#include "tests/kernels/isa_tables.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Doubles = std::vector<double>;

std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }
double at(const std::vector<float>& v, std::size_t i) { return static_cast<double>(v[i]); }

// Within -1 and 1.
std::vector<float> eighths(std::size_t count, std::uint64_t stream) {
  std::vector<float> values = draw(count, stream);
  for (float& v : values) v = std::nearbyint(8.0F * v) / 8.0F;
  return values;
}

// The table is chosen once in a process, so each test wants one of its own, as ctest gives it.
class Bf16Operations : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_bf16_products()) GTEST_SKIP() << "this processor has no AVX512_BF16";
    try {
      choose_device("cpu", Precision::kBf16);
    } catch (const Error& error) {
      GTEST_SKIP() << "not the first test of its process: " << error.what();
    }
    ASSERT_EQ(std::string(isa().name), "avx512-bf16");
  }
  // Calls test(stream) without a team and with one.
  static void on_streams(const std::function<void(const Stream&)>& test) {
    test({});
    Team team(3);
    test({Device::kCpu, &team});
  }
};

void expect_equal(const char* what, Guarded& found, const Doubles& wanted) {
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    ASSERT_EQ(static_cast<double>(found[i]), wanted[i]) << what << " " << i;
  }
}

// Forward and backward of a layer whose products `each` names: use(index in x, in w, in y).
struct Layer {
  std::size_t x_count;
  std::size_t w_count;
  std::size_t y_count;
  std::size_t outputs;
  std::function<void(const std::function<void(std::size_t, std::size_t, std::size_t)>& use)> each;

  std::vector<float> x = eighths(x_count, 1);
  std::vector<float> w = eighths(w_count, 2);
  std::vector<float> bias = eighths(outputs, 3);
  std::vector<float> gy = eighths(y_count, 4);

  Doubles y() const {
    Doubles sums(y_count);
    for (std::size_t i = 0; i < y_count; ++i) sums[i] = at(bias, i % outputs);
    each([&](std::size_t from, std::size_t by, std::size_t to) { sums[to] += at(x, from) * at(w, by); });
    for (double& v : sums) v = std::max(v, 0.0);
    return sums;
  }
  // Gradients where y is above 0, on top of a half.
  struct Gradients {
    Doubles x, w, bias;
  };
  Gradients gradients() const {
    const Doubles out = y();
    Gradients g{Doubles(x_count, 0.5), Doubles(w_count, 0.5), Doubles(outputs, 0.5)};
    const auto slope = [&](std::size_t i) { return out[i] > 0 ? at(gy, i) : 0.0; };
    each([&](std::size_t from, std::size_t by, std::size_t to) {
      g.x[from] += slope(to) * at(w, by);
      g.w[by] += slope(to) * at(x, from);
    });
    for (std::size_t i = 0; i < y_count; ++i) g.bias[i % outputs] += slope(i);
    return g;
  }
};

// forward(y) and backward(y, gy, gradients with the shapes of the operation) against the definition.
void check_layer(const Layer& layer, const Shape& x_shape, const Shape& w_shape, const Shape& y_shape,
                 const std::function<void(View)>& forward,
                 const std::function<void(ConstView, View, const LinearGradients&)>& backward) {
  Guarded y(layer.y_count);
  forward(y.view(y_shape));
  expect_equal("y", y, layer.y());
  Guarded g(layer.y_count);
  std::ranges::copy(layer.gy, g.data());
  Guarded gx(layer.x_count);
  Guarded gw(layer.w_count);
  Guarded gbias(layer.outputs);
  for (Guarded* gradient : {&gx, &gw, &gbias}) std::ranges::fill(gradient->span(), 0.5F);
  constexpr GradientMode kAdd = GradientMode::kAccumulate;
  backward(y.view(y_shape), g.view(y_shape),
           {gx.view(x_shape), gw.view(w_shape), gbias.view(Shape{static_cast<std::int64_t>(layer.outputs)}), kAdd, kAdd,
            kAdd});
  const Layer::Gradients wanted = layer.gradients();
  expect_equal("gx", gx, wanted.x);
  expect_equal("gw", gw, wanted.w);
  expect_equal("gbias", gbias, wanted.bias);
}

TEST_F(Bf16Operations, LinearLayersAreTheirDefinition) {
  struct Sizes {
    std::int64_t m, k, n;
  };
  // The last is cut between the threads of a team.
  for (const auto& [m, k, n] : {Sizes{1, 1, 1}, {3, 7, 33}, {32, 65, 48}, {1, 700, 130}, {40, 701, 330}}) {
    Layer layer{as_size(m * k), as_size(k * n), as_size(m * n), as_size(n), {}};
    layer.each = [m = m, k = k, n = n](const auto& use) {
      for (std::int64_t i = 0; i < m; ++i) {
        for (std::int64_t s = 0; s < k; ++s) {
          for (std::int64_t j = 0; j < n; ++j) use(as_size(i * k + s), as_size(s * n + j), as_size(i * n + j));
        }
      }
    };
    on_streams([&](const Stream& s) {
      Guarded forward(packed_floats(Device::kCpu, k, n));
      Guarded backward(packed_floats(Device::kCpu, n, k));
      Guarded scratch(packed_floats(Device::kCpu, m, n));
      const PackedWeight packed{forward.data(), backward.data(), k, n};
      linear_pack(s, {layer.w.data(), Shape{k, n}}, packed);
      check_layer(
          layer, Shape{m, k}, Shape{k, n}, Shape{m, n},
          [&](View y) {
            linear_forward(s, {layer.x.data(), Shape{m, k}}, packed, {layer.bias.data(), Shape{n}}, Activation::kRelu,
                           y);
          },
          [&](ConstView y, View gy, const LinearGradients& gradients) {
            linear_backward(s, {layer.x.data(), Shape{m, k}}, packed, Activation::kRelu, y, gy, gradients,
                            scratch.span());
          });
    });
  }
}

// Padding, strides, odd runs and positions, few positions for many images, and a layer that a team shares.
TEST_F(Bf16Operations, ConvolutionsAreTheirDefinition) {
  for (const auto& [shape, m] : {std::pair{ConvShape{1, 1, 1, 1, 1, 1, 0}, 1},
                                 {ConvShape{7, 7, 2, 9, 3, 2, 1}, 3},
                                 {ConvShape{8, 11, 4, 33, 4, 3, 2}, 2},
                                 {ConvShape{9, 6, 5, 17, 3, 2, 0, 2}, 2},
                                 {ConvShape{4, 4, 16, 24, 3, 1, 0}, 30},
                                 {ConvShape{20, 20, 16, 40, 4, 2, 0}, 9}}) {
    SCOPED_TRACE(text(m, " images ", shape.height, "x", shape.width, "x", shape.channels));
    Layer layer{shape.input(m).size(), shape.weight().size(), shape.output(m).size(), as_size(shape.outputs), {}};
    layer.each = [reference = ConvReference{shape, m}](const auto& use) { reference.each(use); };
    on_streams([&](const Stream& s) {
      Guarded forward(conv_packed_floats(Device::kCpu, shape));
      Guarded backward(conv_packed_backward_floats(Device::kCpu, shape));
      Guarded scratch(conv_scratch_floats(Device::kCpu, shape));
      std::ranges::fill(scratch.span(), 7.0F);  // whatever was there must not matter
      const PackedWeight packed{forward.data(), backward.data(), shape.patch(), shape.outputs};
      conv_pack(s, shape, {layer.w.data(), shape.weight()}, packed);
      const ConstView x{layer.x.data(), shape.input(m)};
      check_layer(
          layer, shape.input(m), shape.weight(), shape.output(m),
          [&](View y) {
            conv_forward(s, shape, x, packed, {layer.bias.data(), Shape{shape.outputs}}, Activation::kRelu, y,
                         scratch.span());
          },
          [&](ConstView y, View gy, const LinearGradients& gradients) {
            conv_backward(s, shape, x, packed, Activation::kRelu, y, gy, gradients, scratch.span());
          });
    });
  }
}

// One position for the whole batch, taps in one product, tap by tap, and a layer that a team shares.
TEST_F(Bf16Operations, TransposedConvolutionsAreTheirDefinition) {
  for (const auto& [shape, m] : {std::pair{DeconvShape{1, 1, 5, 3, 4, 2}, 3},
                                 {DeconvShape{3, 2, 4, 1, 6, 2}, 2},
                                 {DeconvShape{2, 3, 17, 33, 3, 2}, 2},
                                 {DeconvShape{7, 7, 32, 16, 5, 2}, 9}}) {
    SCOPED_TRACE(text(m, " images ", shape.height, "x", shape.width, "x", shape.channels));
    Layer layer{shape.input(m).size(), shape.weight().size(), shape.output(m).size(), as_size(shape.outputs), {}};
    // The convolution backwards: what it reads is the result here.
    layer.each = [reference = ConvReference{shape.reversed(), m}](const auto& use) {
      reference.each([&](std::size_t to, std::size_t w, std::size_t from) { use(from, w, to); });
    };
    on_streams([&](const Stream& s) {
      Guarded forward(deconv_packed_floats(Device::kCpu, shape));
      Guarded backward(deconv_packed_backward_floats(Device::kCpu, shape));
      Guarded scratch(deconv_scratch_floats(Device::kCpu, shape, m));
      std::ranges::fill(scratch.span(), 7.0F);
      const PackedWeight packed{forward.data(), backward.data(), shape.channels, shape.outputs};
      deconv_pack(s, shape, {layer.w.data(), shape.weight()}, packed);
      const ConstView x{layer.x.data(), shape.input(m)};
      check_layer(
          layer, shape.input(m), shape.weight(), shape.output(m),
          [&](View y) {
            deconv_forward(s, shape, x, packed, {layer.bias.data(), Shape{shape.outputs}}, Activation::kRelu, y,
                           scratch.span());
          },
          [&](ConstView y, View gy, const LinearGradients& gradients) {
            deconv_backward(s, shape, x, packed, Activation::kRelu, y, gy, gradients, scratch.span());
          });
    });
  }
}

TEST_F(Bf16Operations, StayChosenAndAreNamed) {
  EXPECT_EQ(choose_device("cpu", Precision::kBf16).note, "device cpu, products of bf16");
  EXPECT_EQ(describe_cpu(), "cpu, precision float32 or bf16");
}

TEST(Bf16Choice, ComesBeforeTheFirstOperation) {
  if (!has_bf16_products()) GTEST_SKIP() << "this processor has no AVX512_BF16";
  if (&isa() == bf16_tables().back()) GTEST_SKIP() << "this process computes with bf16 from the start";
  EXPECT_THAT(message([] { choose_device("cpu", Precision::kBf16); }),
              HasSubstr("use_bf16_products: this process already computes with avx512; choose the precision before "
                        "the first operation"));
}

TEST(Bf16Choice, WithoutBf16IsOneSentence) {
  const char* before = std::getenv("SINV_ISA");
  const std::string kept = before == nullptr ? "" : before;
  ::setenv("SINV_ISA", "base", 1);
  const std::string found = message([] { choose_device("cpu", Precision::kBf16); });
  EXPECT_THAT(found, testing::StartsWith("precision bf16 on device cpu: "));
  EXPECT_THAT(found, testing::AnyOf(HasSubstr(": SINV_ISA=base asks for less;"),
                                    HasSubstr(": this processor has no AVX512_BF16 (")));
  EXPECT_THAT(found, testing::EndsWith("; run with --precision float32, or on a GPU with --device cuda"));
  EXPECT_EQ(describe_cpu(), "cpu, precision float32 (bf16 wants a processor with AVX512_BF16)");
  ::setenv("SINV_ISA", kept.c_str(), 1);
}

TEST(Bf16Choice, Tf32IsForGpus) {
  for (const char* device : {"cpu", "auto"}) {
    const std::string found = message([&] { choose_device(device, Precision::kTf32); });
    if (found.empty() && chosen_device() == Device::kCuda) continue;  // auto found a GPU
    EXPECT_EQ(found,
              "precision tf32 on device cpu: only a GPU multiplies tf32; run with --precision float32, or on a GPU "
              "with --device cuda");
  }
}

}  // namespace
}  // namespace sinv
