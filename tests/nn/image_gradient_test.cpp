// Every operation of images.h against central differences of its own forward pass.
#include "nn/images.h"
#include "tests/nn/gradient_case.h"

namespace sinv {
namespace {

GradientCase conv_case(const ConvShape& shape, std::int64_t m, Activation op) {
  return {text("conv_", m, "x", shape.height, "x", shape.width, "x", shape.channels, "_to_", shape.outputs, "_k",
               shape.kernel, "x", shape.kernel_columns(), "s", shape.stride, "p", shape.padding, "_",
               kUnaryNames[static_cast<int>(op)]),
          {shape.input(m), shape.weight(), Shape{shape.outputs}},
          [=](Tape& tape, const std::vector<Var>& in) {
            return conv(tape, shape, in[0], conv_pack(tape, shape, in[1], true), in[2], op);
          }};
}

GradientCase pool_case(const char* name, Shape x, const PoolAxis& rows, const PoolAxis& columns) {
  return {text("max_pool_", name), {x}, [=](Tape& tape, const std::vector<Var>& in) {
            return max_pool(tape, in[0], rows, columns);
          }};
}

std::vector<GradientCase> cases() {
  std::vector<GradientCase> all;
  all.push_back(conv_case({1, 1, 1, 1, 1, 1, 0}, 1, Activation::kIdentity));
  all.push_back(conv_case({5, 4, 2, 3, 3, 1, 1}, 2, Activation::kIdentity));
  all.push_back(conv_case({7, 6, 3, 9, 3, 2, 0}, 1, Activation::kTanh));
  all.push_back(conv_case({4, 4, 1, 17, 2, 2, 0}, 2, Activation::kLeakyRelu));
  all.push_back(conv_case({6, 5, 2, 5, 4, 2, 1}, 1, Activation::kRelu));
  all.push_back(conv_case({5, 3, 2, 4, 5, 1, 0, 1}, 2, Activation::kTanh));
  all.push_back({"conv_frames", {Shape{3, 3, 2, 4}, Shape{4}}, [](Tape& tape, const std::vector<Var>& in) {
                   const ConvShape shape{7, 5, 2, 4, 3, 2, 1};
                   const std::span<std::uint8_t> frames = tape.frames(3 * 7 * 5 * 2);
                   Random random(12, 0);
                   for (std::uint8_t& byte : frames) byte = static_cast<std::uint8_t>(random.below(256));
                   return conv(tape, shape, frames, conv_pack(tape, shape, in[0], false), in[1], Activation::kTanh);
                 }});
  for (const auto& [c, groups] : {std::pair{4, 2}, {9, 3}, {5, 1}}) {
    all.push_back({text("group_norm_", c, "in", groups),
                   {Shape{2, 3, 2, c}, Shape{c}, Shape{c}},
                   [=, n = groups](Tape& t, const std::vector<Var>& in) {
                     return group_norm(t, in[0], n, in[1], in[2], Activation::kTanh, 1e-2F);
                   }});
  }
  all.push_back({"group_norm_relu", {Shape{1, 2, 3, 8}, Shape{1, 8}, Shape{1, 8}}, [](Tape& t, const auto& in) {
                   return group_norm(t, in[0], 4, in[1], in[2], Activation::kRelu, 1e-2F);
                 }});
  all.push_back(pool_case("2x2", Shape{2, 5, 4, 3}, pool_axis(5, 2, 2, 0), pool_axis(4, 2, 2, 0)));
  all.push_back(pool_case("3x3s2p1", Shape{1, 5, 7, 2}, pool_axis(5, 3, 2, 1), pool_axis(7, 3, 2, 1)));
  all.push_back(pool_case("adaptive", Shape{1, 7, 5, 2}, adaptive_pool_axis(7, 3), adaptive_pool_axis(5, 6)));
  all.push_back({"reshape", {Shape{2, 3, 1, 4}}, [](Tape& t, const auto& in) {
                   return reshape(t, in[0], Shape{2, 12});
                 }});
  // With u and v converged, the slope of sigma is v u^T exactly, so differences may recompute both. A column that is
  // far longer than the others keeps the iteration short.
  all.push_back({"spectral_norm", {Shape{2, 1, 3, 2}}, [](Tape& t, const auto& in) {
                   const Var u = t.input(Shape{1, 2});
                   t.value(u).data[0] = 0.6F;
                   t.value(u).data[1] = 0.8F;
                   return spectral_norm(t, in[0], u, 200);
                 }});
  all.push_back({"spectral_norm_one_column", {Shape{5, 1}}, [](Tape& t, const auto& in) {
                   const Var u = t.input(Shape{1});
                   t.value(u).data[0] = 1.0F;
                   return spectral_norm(t, in[0], u, 1);
                 }});
  return all;
}

class EveryImageOperation : public ::testing::TestWithParam<GradientCase> {};

TEST_P(EveryImageOperation, BackwardIsTheSlopeOfForward) { expect_backward_is_the_slope(GetParam()); }
TEST_P(EveryImageOperation, ASecondUseAddsTheSameGradient) { expect_second_use_adds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Images, EveryImageOperation, ::testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace sinv
