// The operations of kernels/deconv.h against their definitions in double precision and central differences of those.
#include "kernels/deconv.h"

#include <algorithm>
#include <gmock/gmock.h>

#include "tests/kernels/slope_case.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
using Floats = std::vector<float>;
using Inputs = std::vector<Floats>;
using Gradients = std::vector<std::span<float>>;

View view(std::span<float> values, Shape shape) { return {values.data(), shape}; }
View view(Floats& values, Shape shape) { return {values.data(), shape}; }
ConstView view(const Floats& values, Shape shape) { return {values.data(), shape}; }
std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }

struct Packed {
  Guarded forward;
  Guarded backward;
  Guarded scratch;
  PackedWeight weight;
  Packed(const DeconvShape& shape, std::int64_t m, const Floats& w)
      : forward(deconv_packed_floats(Device::kCpu, shape)),
        backward(deconv_packed_backward_floats(Device::kCpu, shape)),
        scratch(deconv_scratch_floats(Device::kCpu, shape, m)) {
    weight = {forward.data(), backward.data(), shape.channels, shape.outputs};
    deconv_pack({}, shape, view(w, shape.weight()), weight);
    std::ranges::fill(scratch.span(), 7.0F);  // whatever was there must not matter
  }
};

SlopeCase deconv_case(const DeconvShape& shape, std::int64_t m) {
  const Shape in_shape = shape.input(m);
  const Shape out_shape = shape.output(m);
  const Shape outputs{shape.outputs};
  const auto y_kept = std::make_shared<Floats>();
  SlopeCase c{text("deconv_", m, "x", shape.height, "x", shape.width, "x", shape.channels, "_to_", shape.outputs, "_k",
                   shape.kernel, "s", shape.stride),
              {in_shape.size(), shape.weight().size(), outputs.size()},
              out_shape.size(),
              {},
              {},
              {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y(out_shape.size());
    for (std::size_t i = 0; i < y.size(); ++i) y[i] = in[2][i % outputs.size()];
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t p = 0; p < shape.height * shape.width * shape.channels; ++p) {
        const std::int64_t channel = p % shape.channels;
        const std::int64_t row = p / shape.channels / shape.width;
        const std::int64_t column = p / shape.channels % shape.width;
        const double x = in[0][as_size(i * shape.height * shape.width * shape.channels + p)];
        for (std::int64_t t = 0; t < shape.kernel * shape.kernel * shape.outputs; ++t) {
          const std::int64_t out_row = row * shape.stride + t / shape.outputs / shape.kernel;
          const std::int64_t out_column = column * shape.stride + t / shape.outputs % shape.kernel;
          y[as_size(((i * shape.out_height() + out_row) * shape.out_width() + out_column) * shape.outputs +
                    t % shape.outputs)] += x * in[1][as_size(t * shape.channels + channel)];
        }
      }
    }
    for (double& v : y) v = std::tanh(v);
    return y;
  };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    Packed packed(shape, m, in[1]);
    deconv_forward({}, shape, view(in[0], in_shape), packed.weight, view(in[2], outputs), Activation::kTanh,
                   view(y, out_shape), packed.scratch.span());
    y_kept->assign(y.begin(), y.end());
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    Packed packed(shape, m, in[1]);
    deconv_backward({}, shape, view(in[0], in_shape), packed.weight, Activation::kTanh, view(*y_kept, out_shape),
                    view(gy, out_shape),
                    {view(g[0], in_shape), view(g[1], shape.weight()), view(g[2], outputs), mode, mode, mode},
                    packed.scratch.span());
  };
  c.low = -0.5F;
  c.high = 0.5F;
  c.bound = 4e-6;  // sums of at most some hundred products below 1/4
  return c;
}

SlopeCase image_error_case(std::int64_t m, std::int64_t side, const char* name, float lit, float moved = 0,
                           bool compares = false) {
  const Shape shape{m, side, side, 2};
  const Floats target = draw(shape.size(), 6, -0.5F, 0.5F);
  const Floats before = draw(shape.size(), 7, -0.5F, 0.5F);
  SlopeCase c{text("image_error_", m, "x", side, name), {shape.size()}, as_size(m), {}, {}, {}};
  c.definition = [=](const std::vector<Doubles>& in) {
    Doubles y(as_size(m));
    for (std::size_t i = 0; i < in[0].size(); ++i) {
      double weight = target[i] > 0.25F ? static_cast<double>(lit) : 1.0;
      if (compares) {
        weight *=
            1 + static_cast<double>(moved) * std::abs(static_cast<double>(target[i]) - static_cast<double>(before[i]));
      }
      y[i * as_size(m) / in[0].size()] += 0.5 * weight * std::pow(in[0][i] - static_cast<double>(target[i]), 2);
    }
    return y;
  };
  const auto weights = [=] { return ImageWeights{0.25F, lit, moved, compares ? view(before, shape) : ConstView{}}; };
  c.forward = [=](const Inputs& in, std::span<float> y) {
    image_error_forward({}, view(in[0], shape), view(target, shape), weights(), view(y, Shape{m}));
  };
  c.backward = [=](const Inputs& in, std::span<float> gy, GradientMode mode, const Gradients& g) {
    image_error_backward({}, view(in[0], shape), view(target, shape), weights(), view(gy, Shape{m}), mode,
                         view(g[0], shape));
  };
  return c;
}

class EveryDecoderOperation : public ::testing::TestWithParam<SlopeCase> {};

TEST_P(EveryDecoderOperation, MatchesItsDefinitionAndItsSlopes) { expect_definition_and_slopes(GetParam()); }

// One position and several; fewer and more outputs than a register has; kernels above, at and below the stride.
INSTANTIATE_TEST_SUITE_P(Decoder, EveryDecoderOperation,
                         ::testing::Values(deconv_case({1, 1, 1, 1, 1, 1}, 1), deconv_case({1, 1, 5, 3, 4, 2}, 3),
                                           deconv_case({3, 2, 4, 1, 6, 2}, 2), deconv_case({2, 3, 3, 9, 3, 2}, 2),
                                           deconv_case({4, 4, 2, 8, 2, 2}, 1), deconv_case({2, 2, 17, 17, 2, 3}, 1),
                                           deconv_case({2, 3, 2, 16, 3, 2}, 1), deconv_case({3, 25, 2, 3, 3, 2}, 1),
                                           image_error_case(1, 1, "", 1.0F), image_error_case(3, 5, "", 1.0F),
                                           image_error_case(2, 25, "_lit", 4.0F),
                                           image_error_case(5, 24, "_lit_moved", 4.0F, 8.0F, true)),
                         slope_case_name);

TEST(Decoder, FramesAreScaledAndShiftedWithChannelsLast) {
  const std::vector<std::uint8_t> frames{0, 255, 51, 102, 10, 20, 30, 40};  // one image, two channels of 2 x 2
  Guarded pixels(8);
  frames_forward({}, frames, -0.5F, pixels.view(Shape{1, 2, 2, 2}));
  const Floats wanted{-0.5F, 10.0F / 255 - 0.5F, 0.5F,  20.0F / 255 - 0.5F,
                      -0.3F, 30.0F / 255 - 0.5F, -0.1F, 40.0F / 255 - 0.5F};
  for (std::size_t i = 0; i < 8; ++i) EXPECT_NEAR(pixels[i], wanted[i], 1e-7) << i;
}

// By definition, for one and more pictures of one and more channels; also in place.
TEST(Decoder, ChangesAreThoseUntilTheNextPicture) {
  for (const auto& [m, side, pictures, channels] : {std::array<std::int64_t, 4>{1, 1, 1, 1},
                                                    {2, 3, 2, 1},
                                                    {3, 5, 2, 3},
                                                    {1, 4, 4, 1},
                                                    {2, 2, 3, 2},
                                                    {0, 2, 2, 1}}) {
    const std::int64_t all = pictures * channels;
    const Shape shape{m, side, side, all};
    const Floats x = draw(shape.size(), 8, -0.5F, 0.5F);
    Guarded y(shape.size());
    picture_changes_forward({}, view(x, shape), channels, 4.0F, y.view(shape));
    Floats in_place = x;
    picture_changes_forward({}, view(in_place, shape), channels, 4.0F, view(in_place, shape));
    for (std::size_t i = 0; i < x.size(); ++i) {
      const bool newest = static_cast<std::int64_t>(i) % all >= all - channels;
      const float wanted = newest ? x[i] : 4.0F * (x[i + as_size(channels)] - x[i]);
      ASSERT_EQ(y[i], wanted) << pictures << " pictures of " << channels << " at " << i;
      ASSERT_EQ(in_place[i], wanted) << pictures << " pictures of " << channels << " in place at " << i;
    }
  }
}

Floats memory(1024);
View of(Shape shape) { return {memory.data(), shape}; }
#define EXPECT_REFUSED(call, words) EXPECT_THAT(message([&] { call; }), HasSubstr(words))

TEST(DecoderErrors, NameWhatDoesNotFit) {
  constexpr GradientMode kSet = GradientMode::kOverwrite;
  const DeconvShape shape{2, 2, 3, 1, 3, 2};
  const PackedWeight w{memory.data(), nullptr, 3, 1};
  const Shape in = shape.input(1);
  const Shape out = shape.output(1);
  EXPECT_REFUSED(deconv_packed_floats(Device::kCpu, {0, 1, 1, 1, 1, 1}), "deconv: image 0x1x1");
  EXPECT_REFUSED(deconv_pack({}, shape, of(Shape{3, 3, 3, 1}), w), "deconv_pack: w is [3,3,3,1], wanted [3,3,1,3]");
  EXPECT_REFUSED(deconv_pack({}, shape, of(shape.weight()), {memory.data(), nullptr, 1, 3}),
                 "deconv_pack: the packed weight is [1,3], wanted [3,1]");
  EXPECT_REFUSED(deconv_forward({}, shape, of(out), w, {}, Activation::kElu, of(out), memory),
                 "deconv_forward: x is [1,5,5,1], wanted [1,2,2,3]");
  EXPECT_REFUSED(deconv_forward({}, shape, of(Shape{2}), w, {}, Activation::kElu, of(out), memory),
                 "deconv_forward: x is [2], wanted 4 dimensions");
  EXPECT_REFUSED(deconv_forward({}, shape, of(in), w, {}, Activation::kElu, of(in), memory), "y is [1,2,2,3], wanted");
  EXPECT_REFUSED(deconv_forward({}, shape, of(in), w, of(Shape{3}), Activation::kElu, of(out), memory),
                 "bias is [3], wanted [1]");
  EXPECT_REFUSED(deconv_forward({}, shape, of(in), w, {}, Activation::kElu, of(out), {}), "scratch has 0 floats");
  EXPECT_REFUSED(deconv_backward({}, shape, of(in), w, Activation::kElu, of(out), of(in), {}, memory),
                 "deconv_backward: gy is [1,2,2,3], wanted [1,5,5,1]");
  EXPECT_REFUSED(deconv_backward({}, shape, of(in), w, Activation::kElu, of(out), of(out), {of(in), {}, {}}, memory),
                 "gx is wanted, but the weight [3,3,1,3] was packed for the forward product only");
  EXPECT_REFUSED(deconv_backward({}, shape, of(in), w, Activation::kElu, of(out), of(out), {{}, of(in), {}}, memory),
                 "gw is [1,2,2,3], wanted [3,3,1,3]");
  EXPECT_REFUSED(frames_forward({}, std::vector<std::uint8_t>(3), 0, of(in)), "the frames have 3 bytes, wanted 12");
  EXPECT_REFUSED(picture_changes_forward({}, of(in), 2, 1, of(in)), "3 channels are no pictures of 2");
  EXPECT_REFUSED(picture_changes_forward({}, of(in), 1, 1, of(out)), "y is [1,5,5,1], wanted [1,2,2,3]");
  EXPECT_REFUSED(image_error_forward({}, of(in), of(out), {}, of(Shape{1})), "target is [1,5,5,1], wanted [1,2,2,3]");
  EXPECT_REFUSED(image_error_backward({}, of(in), of(in), {}, of(Shape{1}), kSet, of(out)),
                 "gprediction is [1,5,5,1], wanted [1,2,2,3]");
}

}  // namespace
}  // namespace sinv
