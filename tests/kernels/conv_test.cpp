// Convolutions against their definition in double precision, for every instruction set that this machine runs through
// the operations' own (the loops of the other sets: isa_conv_test.cpp).
#include "kernels/conv.h"

#include <algorithm>
#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/kernels/conv_reference.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

double at(const std::vector<float>& v, std::size_t i) { return static_cast<double>(v[i]); }

// Images, their bytes, weights and gradient of one case.
struct Drawn {
  ConvReference reference;
  std::vector<std::uint8_t> frames;
  std::vector<float> x;
  std::vector<float> w;
  std::vector<float> bias;
  std::vector<float> gy;

  Drawn(const ConvShape& shape, std::int64_t m, bool bytes)
      : reference{shape, m},
        x(draw(shape.input(m).size(), 1)),
        w(draw(shape.weight().size(), 2)),
        bias(draw(static_cast<std::size_t>(shape.outputs), 3)),
        gy(draw(shape.output(m).size(), 4)) {
    if (!bytes) return;
    Random random(11, 0);
    frames.resize(x.size());
    for (std::uint8_t& byte : frames) byte = static_cast<std::uint8_t>(random.below(256));
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t c = 0; c < shape.channels; ++c) {
        for (std::int64_t p = 0; p < shape.height * shape.width; ++p) {
          const auto from = static_cast<std::size_t>((i * shape.channels + c) * shape.height * shape.width + p);
          x[reference.x_at(i, p / shape.width, p % shape.width, c)] = static_cast<float>(frames[from]) / 255.0F;
        }
      }
    }
  }
  ConvImages images() const {
    if (!frames.empty()) return std::span<const std::uint8_t>(frames);
    return ConstView{x.data(), reference.shape.input(reference.m)};
  }
};

struct Packed {
  Guarded forward;
  Guarded backward;
  PackedWeight weight;
  Packed(const ConvShape& shape, const std::vector<float>& w)
      : forward(conv_packed_floats(Device::kCpu, shape)), backward(conv_packed_backward_floats(Device::kCpu, shape)) {
    weight = {forward.data(), backward.data(), shape.patch(), shape.outputs};
    conv_pack({}, shape, {w.data(), shape.weight()}, weight);
  }
};

void check_case(const ConvShape& shape, std::int64_t m, bool bytes, Activation activation, GradientMode mode) {
  SCOPED_TRACE(text(m, " images ", shape.height, "x", shape.width, "x", shape.channels, " -> ", shape.outputs, ", k ",
                    shape.kernel, "x", shape.kernel_columns(), " s ", shape.stride, " p ", shape.padding,
                    bytes ? ", bytes" : ""));
  const Drawn in(shape, m, bytes);
  const Packed packed(shape, in.w);
  Guarded scratch(conv_scratch_floats(Device::kCpu, shape));
  std::ranges::fill(scratch.span(), 7.0F);  // whatever was there must not matter
  Guarded y(shape.output(m).size());
  const Shape out = shape.output(m);
  conv_forward({}, shape, in.images(), packed.weight, {in.bias.data(), Shape{shape.outputs}}, activation, y.view(out),
               scratch.span());
  std::vector<double> wanted(out.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) wanted[i] = at(in.bias, i % in.bias.size());
  in.reference.each([&](std::size_t x, std::size_t w, std::size_t to) { wanted[to] += at(in.x, x) * at(in.w, w); });
  // Sums of `patch` products below 1 stay below 3 sqrt(patch) here; as many roundings of 2^-24 of that, at random.
  const auto bound = [](std::int64_t terms) { return 6e-8 * 4 * static_cast<double>(terms) + 3e-7; };
  std::vector<double> pre(out.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (activation == Activation::kRelu) wanted[i] = std::fmax(wanted[i], 0.0);
    if (activation == Activation::kLeakyRelu) wanted[i] = wanted[i] > 0 ? wanted[i] : 0.01 * wanted[i];
    if (activation == Activation::kTanh) wanted[i] = std::tanh(wanted[i]);
    ASSERT_NEAR(y[i], wanted[i], bound(shape.patch())) << "y " << i;
    const double out_i = static_cast<double>(y[i]);  // the slope of the rounded output decides, as in the operation
    double slope = 1;
    if (activation == Activation::kRelu) slope = out_i > 0 ? 1 : 0;
    if (activation == Activation::kLeakyRelu) slope = out_i > 0 ? 1 : 0.01;
    if (activation == Activation::kTanh) slope = 1 - out_i * out_i;
    pre[i] = at(in.gy, i) * slope;
  }
  const double start = mode == GradientMode::kAccumulate ? 0.5 : 0.0;
  std::vector<double> gx(in.x.size(), start);
  std::vector<double> gw(in.w.size(), start);
  std::vector<double> gbias(in.bias.size(), start);
  in.reference.each([&](std::size_t x, std::size_t w, std::size_t to) {
    gx[x] += pre[to] * at(in.w, w);
    gw[w] += pre[to] * at(in.x, x);
  });
  for (std::size_t i = 0; i < pre.size(); ++i) gbias[i % gbias.size()] += pre[i];
  Guarded g(out.size());
  std::ranges::copy(in.gy, g.data());
  Guarded found_x(bytes ? 0 : gx.size());
  Guarded found_w(gw.size());
  Guarded found_bias(gbias.size());
  for (Guarded* found : {&found_x, &found_w, &found_bias}) std::ranges::fill(found->span(), 0.5F);
  const LinearGradients gradients{bytes ? View{} : found_x.view(shape.input(m)),
                                  found_w.view(shape.weight()),
                                  found_bias.view(Shape{shape.outputs}),
                                  mode,
                                  mode,
                                  mode};
  conv_backward({}, shape, in.images(), packed.weight, activation, y.view(out), g.view(out), gradients, scratch.span());
  for (std::size_t i = 0; i < gx.size() && !bytes; ++i) {
    ASSERT_NEAR(found_x[i], gx[i], bound(shape.taps() * shape.outputs)) << "gx " << i;
  }
  const std::int64_t positions = m * shape.out_height() * shape.out_width();
  for (std::size_t i = 0; i < gw.size(); ++i) ASSERT_NEAR(found_w[i], gw[i], bound(positions)) << "gw " << i;
  for (std::size_t i = 0; i < gbias.size(); ++i) ASSERT_NEAR(found_bias[i], gbias[i], bound(positions)) << "gb " << i;
}

// {height, width, channels, outputs, kernel, stride, padding, kernel width}: 1, odd, rows that a stride leaves unread,
// more positions than a block (128), channels below, at and past a panel of 8, 16 and 32, and the layers of the
// networks.
const std::vector<ConvShape> kShapes{{1, 1, 1, 1, 1, 1, 0},    {3, 5, 1, 2, 2, 1, 0},     {5, 4, 3, 5, 3, 1, 1},
                                     {7, 7, 2, 9, 3, 2, 1},    {9, 6, 5, 17, 3, 2, 0},    {8, 11, 4, 33, 4, 3, 2},
                                     {20, 20, 4, 8, 8, 4, 0},  {13, 12, 16, 16, 3, 1, 1}, {9, 9, 64, 64, 3, 1, 0},
                                     {9, 9, 64, 64, 3, 2, 0},  {2, 3, 7, 24, 5, 1, 4},    {40, 3, 9, 40, 3, 1, 1},
                                     {21, 19, 8, 12, 5, 1, 2}, {4, 4, 3, 6, 1, 2, 0},     {15, 15, 16, 64, 15, 1, 0, 1},
                                     {6, 9, 3, 5, 2, 2, 1, 3}, {7, 5, 2, 4, 3, 1, 0, 5},  {9, 6, 3, 5, 7, 2, 1, 2}};

TEST(Conv, ForwardAndBackwardAreRightForEveryShape) {
  for (const ConvShape& shape : kShapes) {
    check_case(shape, 3, false, Activation::kRelu, GradientMode::kOverwrite);
    check_case(shape, 1, false, Activation::kIdentity, GradientMode::kAccumulate);
  }
  // Few positions: many images are one product, and the last product has fewer of them.
  check_case({6, 6, 10, 20, 4, 2, 0}, 30, false, Activation::kTanh, GradientMode::kAccumulate);
  check_case({3, 3, 9, 8, 3, 1, 1}, 12, false, Activation::kRelu, GradientMode::kOverwrite);
  check_case({6, 5, 3, 18, 3, 1, 1}, 2, false, Activation::kLeakyRelu, GradientMode::kOverwrite);
  check_case({6, 5, 3, 18, 3, 1, 1}, 2, false, Activation::kTanh, GradientMode::kAccumulate);
  check_case({6, 5, 3, 18, 3, 1, 1}, 0, false, Activation::kRelu, GradientMode::kOverwrite);
}

TEST(Conv, FramesOfBytesAreTheirPlanesOver255) {
  for (const std::int64_t channels : {1, 3, 4, 5}) {
    check_case({12, 11, channels, 9, 4, 2, 0}, 3, true, Activation::kRelu, GradientMode::kOverwrite);
    check_case({12, 11, channels, 9, 5, 1, 2}, 2, true, Activation::kIdentity, GradientMode::kOverwrite);
  }
  check_case({9, 9, 4, 6, 5, 2, 0}, 13, true, Activation::kRelu, GradientMode::kOverwrite);
  check_case({84, 84, 4, 32, 8, 4, 0}, 1, true, Activation::kRelu, GradientMode::kOverwrite);
}

TEST(Conv, AnImagesResultDoesNotDependOnTheOthers) {
  const ConvShape shape{9, 9, 16, 24, 3, 1, 1};
  const Drawn in(shape, 5, false);
  const Packed packed(shape, in.w);
  Guarded scratch(conv_scratch_floats(Device::kCpu, shape));
  Guarded all(shape.output(5).size());
  Guarded one(shape.output(1).size());
  const ConstView bias{in.bias.data(), Shape{shape.outputs}};
  conv_forward({}, shape, in.images(), packed.weight, bias, Activation::kRelu, all.view(shape.output(5)),
               scratch.span());
  for (std::size_t i = 0; i < 5; ++i) {
    const ConstView x{in.x.data() + i * shape.input(1).size(), shape.input(1)};
    conv_forward({}, shape, x, packed.weight, bias, Activation::kRelu, one.view(shape.output(1)), scratch.span());
    EXPECT_TRUE(std::ranges::equal(one.span(), all.span().subspan(i * one.span().size(), one.span().size())));
  }
}

TEST(Conv, WhatDoesNotFitIsNamed) {
  std::vector<float> room(4096, 0.0F);
  const ConvShape shape{5, 5, 2, 3, 3, 1, 0};
  const PackedWeight w{room.data(), nullptr, 18, 3};
  const auto of = [&](Shape dims) { return View{room.data(), dims}; };
  const std::span<float> scratch(room);
  const auto forward = [&](const ConvImages& x, const PackedWeight& packed, Shape bias, Shape y, std::size_t count) {
    return message(
        [&] { conv_forward({}, shape, x, packed, of(bias), Activation::kRelu, of(y), scratch.first(count)); });
  };
  const ConstView x = of(shape.input(2));
  const Shape y = shape.output(2);
  EXPECT_EQ(forward(x, w, Shape{3}, y, 4096), "");
  EXPECT_THAT(forward(of(Shape{2, 5, 4, 2}), w, Shape{3}, y, 4096), HasSubstr("x is [2,5,4,2], wanted [2,5,5,2]"));
  EXPECT_THAT(forward(x, {room.data(), nullptr, 9, 3}, Shape{3}, y, 4096),
              HasSubstr("the packed weight is [9,3], wanted [18,3]"));
  EXPECT_THAT(forward(x, w, Shape{2}, y, 4096), HasSubstr("bias is [2], wanted [3]"));
  EXPECT_THAT(forward(x, w, Shape{3}, Shape{2, 3, 3, 4}, 4096), HasSubstr("y is [2,3,3,4], wanted [2,3,3,3]"));
  EXPECT_THAT(forward(x, w, Shape{3}, y, 3), HasSubstr("scratch has 3 floats"));
  const std::vector<std::uint8_t> bytes(7);
  EXPECT_THAT(forward(std::span<const std::uint8_t>(bytes), w, Shape{3}, y, 4096),
              HasSubstr("the frames have 7 bytes, wanted 100"));
  const auto backward = [&](const ConvImages& from, const LinearGradients& gradients) {
    return message([&] { conv_backward({}, shape, from, w, Activation::kRelu, of(y), of(y), gradients, scratch); });
  };
  EXPECT_THAT(backward(x, {of(shape.input(2)), {}, {}}), HasSubstr("packed for the forward product only"));
  EXPECT_THAT(backward(x, {{}, of(Shape{18, 3}), {}}), HasSubstr("gw is [18,3], wanted [3,3,2,3]"));
  EXPECT_THAT(backward(x, {{}, {}, of(Shape{1})}), HasSubstr("gbias is [1], wanted [3]"));
  const std::vector<std::uint8_t> frames(100);
  EXPECT_THAT(backward(std::span<const std::uint8_t>(frames), {of(shape.input(2)), {}, {}}),
              HasSubstr("gx is wanted, but x is frames of bytes"));
  EXPECT_THAT(message([&] { conv_pack({}, shape, of(Shape{18, 3}), w); }), HasSubstr("w is [18,3], wanted [3,3,2,3]"));
  for (const ConvShape& wrong : {ConvShape{5, 5, 0, 3, 3, 1, 0}, ConvShape{5, 5, 2, 3, 3, 0, 0},
                                 ConvShape{5, 5, 2, 3, 3, 1, 3}, ConvShape{5, 3, 2, 3, 4, 1, 0}}) {
    EXPECT_THAT(message([&] { check_conv_shape(wrong); }), HasSubstr("wanted sizes of at least 1"));
  }
}

}  // namespace
}  // namespace sinv
