// Every error that kernels/ops.h and replay.h promise, by its text.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kernels/ops.h"
#include "kernels/replay.h"
#include "tests/kernels/guarded.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;
constexpr GradientMode kSet = GradientMode::kOverwrite;

std::vector<float> memory(64, 0.0F);
View of(Shape shape) { return {memory.data(), shape}; }
std::span<float> some(std::size_t count) { return std::span(memory).first(count); }

#define EXPECT_REFUSED(call, words) EXPECT_THAT(message([&] { call; }), HasSubstr(words))

TEST(OpsErrors, ElementWiseShapesMustAgree) {
  const Shape a{2, 3};
  const Shape b{3, 2};
  EXPECT_REFUSED(unary_forward({}, Unary::kRelu, of(a), of(b)), "unary_forward: x is [2,3], y is [3,2]");
  EXPECT_REFUSED(unary_backward({}, Unary::kRelu, of(a), of(b), kSet, of(a)),
                 "unary_backward: y is [2,3], gy is [3,2]");
  EXPECT_REFUSED(unary_backward({}, Unary::kRelu, of(a), of(a), kSet, of(b)),
                 "unary_backward: y is [2,3], gx is [3,2]");
  EXPECT_REFUSED(binary_forward({}, Binary::kAdd, of(a), of(b), of(a)), "binary_forward: a is [2,3], b is [3,2]");
  EXPECT_REFUSED(binary_forward({}, Binary::kAdd, of(a), of(a), of(b)), "binary_forward: a is [2,3], y is [3,2]");
  EXPECT_REFUSED(binary_backward({}, Binary::kAdd, of(a), of(b), of(a), kSet, {}, kSet, {}), "a is [2,3], b is [3,2]");
  EXPECT_REFUSED(binary_backward({}, Binary::kAdd, of(a), of(a), of(b), kSet, {}, kSet, {}), "a is [2,3], gy is [3,2]");
  EXPECT_REFUSED(binary_backward({}, Binary::kAdd, of(a), of(a), of(a), kSet, of(b), kSet, {}), "ga is [3,2]");
  EXPECT_REFUSED(binary_backward({}, Binary::kAdd, of(a), of(a), of(a), kSet, {}, kSet, of(b)), "gb is [3,2]");
}

TEST(OpsErrors, MatmulNamesBothShapes) {
  EXPECT_REFUSED(matmul({}, of(Shape{2}), false, of(Shape{2, 2}), false, kSet, of(Shape{2, 2})),
                 "matmul: a is [2], wanted 2 dimensions");
  EXPECT_REFUSED(matmul({}, of(Shape{2, 3}), false, of(Shape{2, 3}), false, kSet, of(Shape{2, 3})),
                 "matmul: a [2,3] brings 3 terms of a sum, b [2,3] brings 2");
  EXPECT_REFUSED(matmul({}, of(Shape{2, 3}), false, of(Shape{2, 3}), true, kSet, of(Shape{2, 3})),
                 "matmul: c is [2,3], wanted [2,2]");
}

TEST(OpsErrors, LinearNamesWhatDoesNotFit) {
  const PackedWeight w{memory.data(), nullptr, 3, 2};
  EXPECT_REFUSED(linear_pack({}, of(Shape{2, 3}), w), "linear_pack: w is [2,3], wanted [3,2]");
  EXPECT_REFUSED(linear_pack_noisy({}, of(Shape{3, 2}), of(Shape{2, 3}), of(Shape{3}), of(Shape{2}), w),
                 "linear_pack_noisy: sigma is [2,3], wanted [3,2]");
  EXPECT_REFUSED(linear_pack_noisy({}, of(Shape{3, 2}), of(Shape{3, 2}), of(Shape{2}), of(Shape{2}), w),
                 "linear_pack_noisy: eps_in is [2], wanted [3]");
  EXPECT_REFUSED(linear_forward({}, of(Shape{4, 2}), w, of(Shape{2}), Activation::kRelu, of(Shape{4, 2})),
                 "linear_forward: x is [4,2], wanted [4,3]");
  EXPECT_REFUSED(linear_forward({}, of(Shape{4, 3}), w, of(Shape{3}), Activation::kRelu, of(Shape{4, 2})),
                 "linear_forward: bias is [3], wanted [2]");
  EXPECT_REFUSED(linear_forward({}, of(Shape{4, 3}), w, of(Shape{2}), Activation::kRelu, of(Shape{4, 3})),
                 "linear_forward: y is [4,3], wanted [4,2]");
  const auto backward = [&](const LinearGradients& gradients, std::size_t scratch) {
    linear_backward({}, of(Shape{1, 3}), w, Activation::kRelu, of(Shape{1, 2}), of(Shape{1, 2}), gradients,
                    some(scratch));
  };
  EXPECT_REFUSED(backward({of(Shape{1, 3}), {}, {}}, 32), "was packed for the forward product only");
  EXPECT_REFUSED(backward({of(Shape{1, 2}), {}, {}}, 32), "linear_backward: gx is [1,2], wanted [1,3]");
  EXPECT_REFUSED(backward({{}, of(Shape{2, 3}), {}}, 32), "linear_backward: gw is [2,3], wanted [3,2]");
  EXPECT_REFUSED(backward({{}, {}, of(Shape{3})}, 32), "linear_backward: gbias is [3], wanted [2]");
  EXPECT_REFUSED(backward({}, 1), "linear_backward: scratch has 1 floats");
  EXPECT_REFUSED(packed_floats(Device::kCpu, -1, 2), "packed_floats: k is -1, n is 2");
}

TEST(OpsErrors, NoiseNamesItsSides) {
  EXPECT_REFUSED(noisy_mix({}, of(Shape{3, 2}), of(Shape{3, 2}), of(Shape{2}), of(Shape{2}), of(Shape{3, 2})),
                 "noisy_mix: weight is [3,2], wanted [2,2]");
  EXPECT_REFUSED(noisy_mix({}, of(Shape{3, 2}), of(Shape{2, 3}), of(Shape{3}), of(Shape{2}), of(Shape{3, 2})),
                 "noisy_mix: mu is [3,2], sigma is [2,3]");
  EXPECT_REFUSED(
      noisy_backward({}, of(Shape{3, 2}), of(Shape{3}), of(Shape{2}), kSet, of(Shape{3, 2}), kSet, of(Shape{2, 3})),
      "noisy_backward: dw is [3,2], dsigma is [2,3]");
}

TEST(OpsErrors, RowOperationsNameTheirShapes) {
  const Shape a{2, 3};
  EXPECT_REFUSED(layer_norm_forward({}, of(a), of(Shape{2}), of(Shape{3}), 0, of(a), of(Shape{2, 2})),
                 "layer_norm_forward: gain is [2], wanted [3]");
  EXPECT_REFUSED(layer_norm_forward({}, of(a), of(Shape{3}), of(Shape{3}), 0, of(a), of(Shape{2})),
                 "layer_norm_forward: statistics is [2], wanted [2,2]");
  EXPECT_REFUSED(layer_norm_backward({}, of(a), of(Shape{3}), of(Shape{2, 2}), of(a), kSet, {}, kSet, of(Shape{2}),
                                     kSet, of(Shape{3})),
                 "layer_norm_backward: gain is [3], ggain is [2]");
  EXPECT_REFUSED(dueling_forward({}, of(Shape{2}), of(a), of(a)), "dueling_forward: value is [2], wanted [2,1]");
  EXPECT_REFUSED(dueling_backward({}, of(a), kSet, of(Shape{2, 1}), kSet, of(Shape{3, 2})),
                 "dueling_backward: gq is [2,3], gadvantage is [3,2]");
  EXPECT_REFUSED(concat_forward({}, of(a), of(Shape{3, 1}), of(Shape{2, 4})),
                 "concat_forward: b is [3,1], wanted [2,1]");
  EXPECT_REFUSED(concat_backward({}, of(Shape{2, 5}), kSet, of(a), kSet, of(Shape{2, 1})),
                 "concat_backward: gy is [2,5], wanted [2,4]");
  EXPECT_REFUSED(sum_forward({}, of(a), 1, of(Shape{1})), "sum_forward: y is [1], wanted []");
  EXPECT_REFUSED(sum_backward({}, of(Shape{1}), 1, kSet, of(a)), "sum_backward: gy is [1], wanted []");
  EXPECT_REFUSED(huber_forward({}, of(a), of(a), of(Shape{2}), 1, of(a)),
                 "huber_forward: prediction is [2,3], weight is [2]");
  EXPECT_REFUSED(huber_backward({}, of(a), of(a), of(a), 1, of(Shape{2}), kSet, of(a)),
                 "prediction is [2,3], gy is [2]");
}

TEST(OpsErrors, AnIndexOutOfRangeNamesItsRow) {
  const std::vector<std::int32_t> index{0, 3};
  const std::vector<std::int32_t> negative{-1, 0};
  EXPECT_REFUSED(gather_forward({}, of(Shape{2, 3}), index, of(Shape{2})),
                 "gather_forward: index of row 1 is 3, wanted 0 to 2");
  EXPECT_REFUSED(gather_backward({}, negative, of(Shape{2}), kSet, of(Shape{2, 3})), "index of row 0 is -1");
  EXPECT_REFUSED(gather_forward({}, of(Shape{3, 3}), index, of(Shape{3})), "index has 2 elements, wanted 3");
  const Shape q{2, 3};
  const auto loss = [&](std::span<const std::int32_t> action, std::size_t rows) {
    const DqnLossInputs in{of(q), of(q), of(q), action, some(rows), some(2), some(2), 1.0F};
    dqn_loss_forward({}, in, {of(Shape{}), of(Shape{}), some(2)});
  };
  EXPECT_REFUSED(loss(index, 2), "dqn_loss_forward: action_tm1 of row 1 is 3, wanted 0 to 2");
  EXPECT_REFUSED(loss(std::span(index).first(1), 2), "action_tm1 has 1 elements, wanted 2");
  EXPECT_REFUSED(loss(std::span(index).first(1), 1), "action_tm1 has 1 elements, wanted 2");
}

TEST(OpsErrors, OptimiserSizesMustAgree) {
  EXPECT_REFUSED(adam_update({}, {}, 0, some(3), some(4), some(4), some(4), of(Shape{})),
                 "adam_update: 4 values, 3 gradients, 4 and 4 moments");
  EXPECT_REFUSED(average_update({}, 1, some(3), some(4)), "average_update: 3 values, 4 targets");
}

TEST(OpsErrors, ReplayWantsMemoryAndSizesThatAgree) {
  ReplayState state;
  std::vector<ReplaySlot> slots(6);
  std::vector<double> nodes(16);
  std::vector<std::uint32_t> drawn(2);
  std::vector<std::int32_t> actions(2);
  ReplayRing ring{.state = &state,
                  .slots = slots.data(),
                  .nodes = nodes.data(),
                  .leaves = 8,
                  .slot_count = 6,
                  .ring_slots = 3,
                  .history = 2,
                  .row_values = 4};
  EXPECT_REFUSED(replay_sample({}, ReplayRing{}, drawn, some(2)), "replay_sample: a ring without memory");
  ring.leaves = 4;
  EXPECT_REFUSED(replay_prioritise({}, ring, drawn, some(2)),
                 "replay_prioritise: 6 slots in rings of 3 under 4 leaves");
  ring.leaves = 8;
  EXPECT_REFUSED(replay_sample({}, ring, drawn, some(3)), "replay_sample: 2 slots, 3 weights");
  EXPECT_REFUSED(replay_prioritise({}, ring, drawn, some(1)), "replay_prioritise: 2 slots, 1 errors");
  const auto gather = [&](std::size_t tm1, std::size_t t, std::size_t returns) {
    replay_gather(
        {}, ring, drawn,
        {std::as_writable_bytes(some(tm1)), std::as_writable_bytes(some(t)), actions, some(returns), some(2)});
  };
  EXPECT_REFUSED(gather(15, 16, 2), "replay_gather: 2 observations of 32 bytes, buffers of 60 and 64");
  EXPECT_REFUSED(gather(16, 16, 1), "replay_gather: 2 slots, room for 2 actions, 1 returns, 2 discounts");
  ring.ring_slots = 4;
  EXPECT_REFUSED(replay_change({}, ring, 0, {}), "replay_change: 6 slots in rings of 4 under 8 leaves");
}

TEST(OpsErrors, ShapesRefuseWhatTheyCannotHold) {
  EXPECT_REFUSED((Shape{1, 2, 3, 4, 5}), "shape: 5 dimensions, at most 4 are possible");
  EXPECT_REFUSED((Shape{1, -2}), "shape: dimension 1 is -2");
}

TEST(OpsErrors, AMissingDeviceIsASentence) {
  const Stream cuda{Device::kCuda, nullptr};
  const std::string found = message([&] { unary_forward(cuda, Unary::kRelu, of(Shape{1}), of(Shape{1})); });
  EXPECT_THAT(found, HasSubstr("device cuda: no device module is loaded; run with --device cpu"));
}

}  // namespace
}  // namespace sinv
