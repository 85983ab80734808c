#include "nn/tape.h"

#include <cstdlib>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "nn/functional.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

template <class Call>
std::string message(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(Tape, AValueUsedTwiceAddsItsGradients) {
  Tape tape;
  const Var x = tape.input(Shape{3}, true);
  const Var squared = binary(tape, Binary::kMultiply, x, x);           // both inputs are x
  const Var loss = sum(tape, binary(tape, Binary::kAdd, squared, x));  // and x is used again
  tape.finish(loss);
  for (int i = 0; i < 3; ++i) tape.value(x).data[i] = static_cast<float>(i) - 1.0F;
  for (int repeat = 0; repeat < 2; ++repeat) {  // a second pass starts anew
    tape.forward();
    tape.backward();
    EXPECT_FLOAT_EQ(tape.value(loss).data[0], 2.0F);
    for (int i = 0; i < 3; ++i) EXPECT_FLOAT_EQ(tape.gradient(x).data[i], 2.0F * (static_cast<float>(i) - 1.0F) + 1.0F);
  }
}

TEST(Tape, NoGradientPassesAStop) {
  Tape tape;
  const Var x = tape.input(Shape{1}, true);
  const Var loss = sum(tape, binary(tape, Binary::kMultiply, x, tape.stop_gradient(x)));
  tape.finish(loss);
  tape.value(x).data[0] = 3.0F;
  tape.forward();
  tape.backward();
  EXPECT_FLOAT_EQ(tape.value(loss).data[0], 9.0F);
  EXPECT_FLOAT_EQ(tape.gradient(x).data[0], 3.0F);  // not 6
}

TEST(Tape, APackedWeightSharesTheMemoryOfItsGradient) {
  Tape tape;
  std::vector<float> w(6, 0.5F);
  std::vector<float> gw(6, 0.0F);
  const Var weight = tape.external(w.data(), gw.data(), Shape{2, 3});
  const Var bias = tape.input(Shape{3});
  const Var x = tape.input(Shape{1, 2});
  const Var packed = pack(tape, weight, false);
  tape.finish(sum(tape, linear(tape, x, packed, bias, Activation::kIdentity)));
  EXPECT_EQ(tape.gradient(packed).data, gw.data());
  tape.value(x).data[0] = 2.0F;
  tape.value(x).data[1] = -1.0F;
  tape.forward();
  tape.backward();
  EXPECT_EQ(gw, (std::vector<float>{2, 2, 2, -1, -1, -1}));
}

TEST(Tape, AWeightPackedTwiceAddsItsGradients) {
  Tape tape;
  std::vector<float> w(6, 0.5F);
  std::vector<float> gw(6, 0.0F);
  const Var weight = tape.external(w.data(), gw.data(), Shape{2, 3});
  const Var bias = tape.input(Shape{3});
  const Var x = tape.input(Shape{1, 2});
  const Var a = linear(tape, x, pack(tape, weight, false), bias, Activation::kIdentity);
  const Var b = linear(tape, x, pack(tape, weight, false), bias, Activation::kIdentity);
  tape.finish(sum(tape, binary(tape, Binary::kAdd, a, b)));
  tape.value(x).data[0] = 2.0F;
  tape.value(x).data[1] = -1.0F;
  for (int repeat = 0; repeat < 2; ++repeat) {
    tape.forward();
    tape.backward();
    EXPECT_EQ(gw, (std::vector<float>{4, 4, 4, -2, -2, -2}));
  }
}

TEST(Tape, AHeldWeightIsPackedAnewOnlyWhenAsked) {
  Tape tape;
  std::vector<float> w{1.0F};
  const Var bias = tape.input(Shape{1});
  const Var x = tape.input(Shape{1, 1});
  const Var y = linear(tape, x, pack(tape, tape.external(w.data(), nullptr, Shape{1, 1}), false, true), bias,
                       Activation::kIdentity);
  tape.finish();
  tape.value(x).data[0] = 3.0F;
  tape.forward();
  EXPECT_EQ(tape.value(y).data[0], 3.0F);
  w[0] = 2.0F;
  tape.forward();
  EXPECT_EQ(tape.value(y).data[0], 3.0F);
  tape.refresh_held();
  tape.forward();
  EXPECT_EQ(tape.value(y).data[0], 6.0F);
}

// Without a root another tape may read them (DqnActor's weights); with one nobody does.
TEST(Tape, WithARootPacksThatNothingReadsAreNotMade) {
  for (const bool with_root : {false, true}) {
    Tape tape;
    std::vector<float> w(6, 0.5F);
    std::vector<float> gw(6, 0.0F);
    const Var weight = tape.external(w.data(), gw.data(), Shape{2, 3});
    const Var unread = pack(tape, weight, false);
    const Var read = pack(tape, weight, false);
    const Var y = sum(tape, linear(tape, tape.input(Shape{1, 2}), read, tape.input(Shape{3}), Activation::kIdentity));
    if (with_root) {
      tape.finish(y);
    } else {
      tape.finish();
    }
    tape.forward();
    EXPECT_EQ(tape.packed(unread).forward[0], with_root ? 0.0F : 0.5F);
    EXPECT_EQ(tape.packed(read).forward[0], 0.5F);
  }
}

TEST(Tape, UseOutOfOrderIsRefused) {
  Tape tape;
  const Var x = tape.input(Shape{2}, true);
  const Var constant = tape.input(Shape{1});
  EXPECT_THAT(message([&] { tape.forward(); }), HasSubstr("forward() before finish()"));
  EXPECT_THAT(message([&] { tape.value(Var{99}); }), HasSubstr("variable 99 is not on this tape"));
  EXPECT_THAT(message([&] { tape.packed(x); }), HasSubstr("is not a packed weight"));
  EXPECT_THAT(message([&] { tape.finish(x); }), HasSubstr("the root has shape [2], wanted one element"));
  EXPECT_THAT(message([&] { tape.finish(constant); }), HasSubstr("does not depend on anything that wants a gradient"));
  const Var weight = pack(tape, tape.input(Shape{2, 2}), false);
  EXPECT_THAT(message([&] { tape.value(weight); }), HasSubstr("has no plain value"));
  tape.finish();
  EXPECT_THAT(message([&] { tape.finish(); }), HasSubstr("finish() was called before"));
  EXPECT_THAT(message([&] { tape.backward(); }), HasSubstr("backward() without finish(root)"));
  EXPECT_THAT(message([&] { tape.gradient(x); }), HasSubstr("no gradient reaches variable"));
  EXPECT_THAT(message([&] { tape.input(Shape{1}); }), HasSubstr("recording after finish()"));
  EXPECT_THAT(message([&] { tape.forward(0, 9); }), HasSubstr("forward of nodes 0 to 9 of 1"));
}

TEST(Tape, WrongShapesAreRefusedWhenRecording) {
  Tape tape;
  const Var x = tape.input(Shape{2, 3}, true);
  const Var y = tape.input(Shape{3, 2});
  const Var bias = tape.input(Shape{2});
  const Var packed = pack(tape, y, false);
  const auto index = tape.indices(3);
  EXPECT_THAT(message([&] { binary(tape, Binary::kAdd, x, y); }), HasSubstr("add: a is [2,3], b is [3,2]"));
  EXPECT_THAT(message([&] { matmul(tape, x, false, x, false); }), HasSubstr("matmul: a [2,3] and b [2,3] do not fit"));
  EXPECT_THAT(message([&] { linear(tape, y, packed, bias, Activation::kRelu); }), HasSubstr("linear: x is [3,2]"));
  EXPECT_THAT(message([&] { linear(tape, tape.stop_gradient(x), packed, x, Activation::kRelu); }),
              HasSubstr("linear: the bias is [2,3]"));
  EXPECT_THAT(message([&] { linear(tape, x, packed, bias, Activation::kRelu); }),
              HasSubstr("was packed without input_gradient"));
  EXPECT_THAT(message([&] { pack(tape, bias, false); }), HasSubstr("pack: the weight is [2], wanted 2 dimensions"));
  EXPECT_THAT(message([&] { layer_norm(tape, x, bias, bias); }), HasSubstr("layer_norm: x is [2,3], gain [2]"));
  EXPECT_THAT(message([&] { dueling(tape, y, x); }), HasSubstr("dueling: value is [3,2], advantage [2,3]"));
  EXPECT_THAT(message([&] { gather(tape, x, index); }), HasSubstr("gather: x is [2,3], with 3 indices"));
  EXPECT_THAT(message([&] { concat(tape, x, y); }), HasSubstr("concat: a is [2,3], b is [3,2]"));
  EXPECT_THAT(message([&] { huber(tape, x, y, x, 1.0F); }), HasSubstr("huber: prediction is [2,3], target [3,2]"));
  EXPECT_THAT(message([&] { mean(tape, tape.input(Shape{0})); }), HasSubstr("mean: x is [0], which has no elements"));
}

TEST(Arena, PiecesStartAtCacheLinesAndAreZero) {
  Arena arena;
  for (const std::size_t count : {1U, 17U, 1000U, 400'000U, 3U}) {
    const std::span<float> piece = arena.take<float>(count);
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(piece.data()) % 64, 0U);
    for (float& x : piece) {
      ASSERT_EQ(x, 0.0F);
      x = 1.0F;
    }
  }
}

}  // namespace
}  // namespace sinv
