// Every operation of functional.h against central differences of its own forward pass.
// A case is data: how to build the graph, and the bound with its arithmetic.
#include <map>

#include "tests/nn/gradient_case.h"

namespace sinv {
namespace {

std::span<const std::int32_t> columns(Tape& tape, std::size_t count, std::uint32_t below) {
  const std::span<std::int32_t> index = tape.indices(count);
  Random random(78, 0);
  for (std::int32_t& i : index) i = static_cast<std::int32_t>(random.below(below));
  return index;
}
ConstView noise(std::int64_t count, std::uint64_t stream) {
  static std::map<std::pair<std::int64_t, std::uint64_t>, std::vector<float>> kept;
  std::vector<float>& values = kept[{count, stream}];
  values.resize(static_cast<std::size_t>(count));
  noise_fill({}, 5, stream, 0, values);
  return {values.data(), Shape{count}};
}

GradientCase linear_case(std::int64_t m, std::int64_t k, std::int64_t n, Activation op) {
  return {
      text("linear_", m, "x", k, "x", n, "_", kUnaryNames[static_cast<int>(op)]),
      {Shape{m, k}, Shape{k, n}, Shape{n}},
      [op](Tape& tape, const std::vector<Var>& in) { return linear(tape, in[0], pack(tape, in[1], true), in[2], op); }};
}

std::vector<GradientCase> cases() {
  std::vector<GradientCase> all;
  for (const auto& [m, n] : {std::pair{1, 1}, {3, 7}, {5, 33}}) {
    const Shape shape{m, n};
#define SINV_CASE(Op)                                                                                   \
  all.push_back({text(Op::kName, "_", m, "x", n), {shape}, [](Tape& tape, const std::vector<Var>& in) { \
                   return unary(tape, Unary::k##Op, in[0]);                                             \
                 }});
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
#define SINV_CASE(Op)                                                                                          \
  all.push_back({text(Op::kName, "_", m, "x", n), {shape, shape}, [](Tape& tape, const std::vector<Var>& in) { \
                   return binary(tape, Binary::k##Op, in[0], in[1]);                                           \
                 }});
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
    all.push_back(
        {text("sum_", m, "x", n), {shape}, [](Tape& t, const std::vector<Var>& in) { return sum(t, in[0]); }});
    all.push_back(
        {text("mean_", m, "x", n), {shape}, [](Tape& t, const std::vector<Var>& in) { return mean(t, in[0]); }});
    all.push_back({text("gather_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                     return gather(t, in[0], columns(t, static_cast<std::size_t>(m), static_cast<std::uint32_t>(n)));
                   }});
    all.push_back({text("concat_", m, "x", n), {shape, Shape{m, 2}}, [](Tape& t, const std::vector<Var>& in) {
                     return concat(t, in[0], in[1]);
                   }});
    all.push_back({text("dueling_", m, "x", n), {Shape{m, 1}, shape}, [](Tape& t, const std::vector<Var>& in) {
                     return dueling(t, in[0], in[1]);
                   }});
    for (const float delta : {0.0F, 0.5F}) {
      all.push_back({text("huber_", delta, "_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                       return huber(t, in[0], constant(t, shape, 1), constant(t, shape, 2, 0.2F, 1.0F), delta);
                     }});
    }
    all.push_back({text("noisy_mix_", m, "x", n), {shape, shape}, [=](Tape& t, const std::vector<Var>& in) {
                     return noisy_mix(t, in[0], in[1], noise(m, 1), noise(n, 2));
                   }});
    all.push_back({text("dqn_loss_", m, "x", n), {shape}, [=](Tape& t, const std::vector<Var>& in) {
                     DqnLossInputs loss;
                     const auto rows = static_cast<std::size_t>(m);
                     loss.action_tm1 = columns(t, rows, static_cast<std::uint32_t>(n));
                     loss.return_t = t.value(constant(t, Shape{m}, 3)).flat();
                     loss.discount_t = t.value(constant(t, Shape{m}, 4, 0.0F, 1.0F)).flat();
                     loss.weight = t.value(constant(t, Shape{m}, 5, 0.2F, 1.0F)).flat();
                     return dqn_loss(t, in[0], constant(t, shape, 6), constant(t, shape, 7), loss).loss;
                   }});
  }
  for (const auto& [m, n] : {std::pair{1, 2}, {3, 7}, {2, 65}}) {
    all.push_back({text("layer_norm_", m, "x", n),
                   {Shape{m, n}, Shape{n}, Shape{n}},
                   [](Tape& t, const std::vector<Var>& in) { return layer_norm(t, in[0], in[1], in[2], 1e-2F); }});
  }
  for (const int flags : {0, 1, 2, 3}) {
    const bool ta = (flags & 1) != 0;
    const bool tb = (flags & 2) != 0;
    all.push_back({text("matmul_", flags),
                   {ta ? Shape{5, 3} : Shape{3, 5}, tb ? Shape{7, 5} : Shape{5, 7}},
                   [=](Tape& t, const std::vector<Var>& in) { return matmul(t, in[0], ta, in[1], tb); }});
  }
  all.push_back(linear_case(1, 1, 1, Activation::kIdentity));
  all.push_back(linear_case(2, 5, 3, Activation::kIdentity));
  all.push_back(linear_case(7, 9, 17, Activation::kTanh));
  all.push_back(linear_case(3, 33, 6, Activation::kLeakyRelu));
  all.push_back(linear_case(13, 4, 17, Activation::kRelu));
  all.push_back(
      {"pack_noisy", {Shape{4, 9}, Shape{9, 18}, Shape{9, 18}, Shape{18}}, [](Tape& t, const std::vector<Var>& in) {
         const Var w = pack_noisy(t, in[1], in[2], noise(9, 1), noise(18, 2), true);
         return linear(t, in[0], w, in[3], Activation::kIdentity);
       }});
  return all;
}

class EveryOperation : public ::testing::TestWithParam<GradientCase> {};

TEST_P(EveryOperation, BackwardIsTheSlopeOfForward) { expect_backward_is_the_slope(GetParam()); }
TEST_P(EveryOperation, ASecondUseAddsTheSameGradient) { expect_second_use_adds(GetParam()); }

INSTANTIATE_TEST_SUITE_P(Functional, EveryOperation, ::testing::ValuesIn(cases()), case_name);

}  // namespace
}  // namespace sinv
