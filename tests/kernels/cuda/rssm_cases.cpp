// The operations of kernels/rssm.h and the image operations of kernels/deconv.h of the CUDA backend, against the CPU.
#include <array>

#include "tests/kernels/cuda/two_sides.h"

namespace sinv {
namespace {

CheckResult gru_forward_and_backward_at_every_size() {
  CheckResult result;
  for (const auto& [m, d] : {std::pair{1, 1}, {0, 3}, {3, 7}, {2, 200}, {5, 600}, {300, 9}}) {
    const std::string where = text(m, "x", d);
    const Shape state{m, d};
    const Shape wide{m, 3 * d};
    const Shape norm{3 * d};
    const std::vector<float> gates = draw(wide.size(), 1, -2.0F, 3.0F);
    const std::vector<float> gain = draw(norm.size(), 2, 0.5F, 1.5F);
    const std::vector<float> bias = draw(norm.size(), 3);
    const std::vector<float> h = draw(state.size(), 4);
    const std::vector<float> gnext = draw(state.size(), 5);
    // Means of 3d values below 3 in another order; gates and state are below 1 and no steeper than their sums.
    const Bound value{0, 2e-6};
    compare(result, where, [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      const ConstView x = side.in(gates, wide);
      const ConstView dgain = side.in(gain, norm);
      const ConstView dbias = side.in(bias, norm);
      const ConstView dh = side.in(h, state);
      ops.gru_forward(side.stream(), x, dgain, dbias, 1e-3F, dh, side.out("next", state, value),
                      side.out("statistics", Shape{m, 2}, {1e-6, 1e-6}), side.out("kept", wide, value));
      ops.gru_forward(side.stream(), x, dgain, dbias, 1e-3F, dh, side.out("next alone", state, value), {}, {});
    });
    std::vector<float> next(state.size());
    std::vector<float> statistics(static_cast<std::size_t>(2 * m));
    std::vector<float> kept(wide.size());
    Cpu::gru_forward({}, {gates.data(), wide}, {gain.data(), norm}, {bias.data(), norm}, 1e-3F, {h.data(), state},
                     {next.data(), state}, {statistics.data(), Shape{m, 2}}, {kept.data(), wide});
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView x = side.in(gates, wide);
        const ConstView dgain = side.in(gain, norm);
        const ConstView dbias = side.in(bias, norm);
        const ConstView dh = side.in(h, state);
        const ConstView stats = side.in(statistics, Shape{m, 2});
        const ConstView g = side.in(gnext, state);
        const Bound element{3e-7, 5e-7};
        const Bound column{1e-6, 1e-6 + 1e-7 * static_cast<double>(m)};  // m terms of size 1 in another order
        ops.gru_backward(side.stream(), x, dgain, dbias, dh, stats, side.out("gnorm", wide, element, kept), g,
                         {side.out("ggates", wide, {1e-6, 2e-6}), side.out("ggain", norm, column),
                          side.out("gbias", norm, column), side.out("gh", state, element), mode, mode, mode, mode});
        ops.gru_backward(side.stream(), x, dgain, dbias, dh, stats, side.out("gnorm again", wide, element, kept), g,
                         {{}, side.out("ggain alone", norm, column), {}, {}, mode, mode, mode, mode});
        ops.gru_backward(side.stream(), x, dgain, dbias, dh, stats, side.out("gnorm at last", wide, element, kept), g,
                         {side.out("ggates alone", wide, {1e-6, 2e-6}), {}, {}, {}, mode, mode, mode, mode});
      });
    }
  }
  return result;
}

// A class may differ only where the number falls on the border of two within the rounding of a sum of probabilities.
// With these seeds it never does.
CheckResult categorical_draws_the_same_classes_and_gives_the_gradient_through() {
  CheckResult result;
  for (const auto& [m, variables, classes] :
       {std::array{1, 1, 1}, {0, 2, 3}, {7, 5, 5}, {4, 32, 32}, {3, 3, 33}, {2, 2, 256}}) {
    const std::string where = text(m, "x", variables, "x", classes);
    const Shape shape{m, variables * classes};
    const Shape each{m, variables};
    const std::vector<float> logits = draw(shape.size(), 1, -3.0F, 3.0F);
    const std::vector<float> noise = draw(each.size(), 2, 0.0F, 1.0F);
    const std::vector<float> probability = draw(shape.size(), 3, 0.0F, 0.1F);
    const std::vector<float> gsample = draw(shape.size(), 4);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        ops.categorical_forward(side.stream(), side.in(logits, shape), classes, side.in(noise, each),
                                side.out("probability", shape, {1e-6, 1e-9}), side.out("sample", shape, {}));
        ops.categorical_backward(side.stream(), side.in(probability, shape), classes, side.in(gsample, shape), mode,
                                 side.out("glogits", shape, {1e-6, 2e-6}));
      });
    }
  }
  return result;
}

CheckResult noise_uniform_numbers_are_the_same_bits() {
  CheckResult result;
  for (const std::size_t n : {0U, 1U, 4U, 1027U, 3000U}) {
    const Shape shape{static_cast<std::int64_t>(n)};
    compare(result, text(n), [&](auto& side) {
      auto ops = typename std::decay_t<decltype(side)>::Operations{};
      auto* state = side.state(NoiseState{3, 4, 1ULL << 40});
      ops.uniform_fill_next(side.stream(), state, side.out("first", shape, {}).flat());
      ops.uniform_fill_next(side.stream(), state, side.out("second", shape, {}).flat());
      const std::uint64_t counter = side.read(state).counter;
      SINV_CHECK(counter == (1ULL << 40) + 2 * noise_blocks(n), "the counter is ", counter);
    });
  }
  return result;
}

CheckResult kl_balance_forward_and_backward_with_and_without_free_nats() {
  CheckResult result;
  for (const auto& [m, variables, classes] :
       {std::array{1, 1, 1}, {0, 2, 3}, {7, 3, 5}, {3, 32, 32}, {300, 1, 4}, {2, 9, 40}}) {
    for (const float free_nats : {0.0F, 1e6F}) {
      const std::string where = text(m, "x", variables, "x", classes, ", free ", free_nats);
      const Shape shape{m, variables * classes};
      const std::vector<float> posterior = draw(shape.size(), 1, -2.0F, 2.0F);
      const std::vector<float> prior = draw(shape.size(), 2, -2.0F, 2.0F);
      const std::vector<float> weight = draw(static_cast<std::size_t>(m), 3, 0.0F, 1.0F);
      const std::vector<float> divergence = draw(static_cast<std::size_t>(m), 4, 1.0F, 2.0F);
      for (const GradientMode mode : kModes) {
        compare(result, where, [&](auto& side) {
          auto ops = typename std::decay_t<decltype(side)>::Operations{};
          const ConstView p = side.in(posterior, shape);
          const ConstView q = side.in(prior, shape);
          const ConstView w = side.in(weight, Shape{m});
          // Sums of up to 40 terms of size 0.1 that cancel to some degree, then of up to 32 in double.
          const Bound sum{3e-6, 2e-6};
          ops.kl_balance_forward(side.stream(), p, q, classes, w, free_nats, side.out("divergence", Shape{m}, sum),
                                 side.out("loss", Shape{}, {3e-6, 2e-6 * static_cast<double>(m)}));
          const ConstView gloss = side.in({2.0F}, Shape{});
          const ConstView nats = side.in(divergence, Shape{m});
          ops.kl_balance_backward(
              side.stream(), p, q, classes, w, free_nats, 0.8F, nats, gloss,
              {side.out("gposterior", shape, {2e-6, 1e-6}), side.out("gprior", shape, {2e-6, 1e-6}), mode, mode});
          ops.kl_balance_backward(side.stream(), p, q, classes, w, free_nats, 0.8F, nats, gloss,
                                  {{}, side.out("gprior alone", shape, {2e-6, 1e-6}), mode, mode});
        });
      }
    }
  }
  return result;
}

CheckResult lambda_return_forward_and_backward_at_every_size() {
  CheckResult result;
  for (const auto& [h, n] : {std::pair{1, 1}, {0, 3}, {15, 7}, {3, 300}, {4, 0}}) {
    const std::string where = text(h, "x", n);
    const Shape steps{h, n};
    const Shape values{h + 1, n};
    const std::vector<float> reward = draw(steps.size(), 1);
    const std::vector<float> discount = draw(steps.size(), 2, 0.5F, 1.0F);
    const std::vector<float> value = draw(values.size(), 3);
    const std::vector<float> y = draw(steps.size(), 4);
    const std::vector<float> gy = draw(steps.size(), 5);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dd = side.in(discount, steps);
        const ConstView dv = side.in(value, values);
        const ConstView dy = side.in(y, steps);
        const Bound chain{1e-6, 2e-6};  // up to 15 steps of four roundings of numbers below 10
        ops.lambda_return_forward(side.stream(), side.in(reward, steps), dd, dv, 0.95F, side.out("y", steps, chain));
        ops.discount_weight(side.stream(), dd, side.out("weight", steps, chain));
        ops.lambda_return_backward(side.stream(), dd, dv, 0.95F, dy, side.out("gy", steps, chain, gy),
                                   {side.out("greward", steps, chain), side.out("gdiscount", steps, chain),
                                    side.out("gvalue", values, chain), mode, mode, mode});
        ops.lambda_return_backward(side.stream(), dd, dv, 0.95F, dy, side.out("gy again", steps, chain, gy),
                                   {{}, {}, side.out("gvalue alone", values, chain), mode, mode, mode});
      });
    }
  }
  return result;
}

CheckResult policy_score_forward_and_backward_at_every_size() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 3}, {37, 6}, {3, 32}, {2, 70}}) {
    const std::string where = text(m, "x", n);
    const Shape shape{m, n};
    const Shape rows{m};
    const std::vector<float> logits = draw(shape.size(), 1, -3.0F, 3.0F);
    std::vector<float> action(shape.size(), 0.0F);
    for (std::int64_t i = 0; i < m; ++i) action[static_cast<std::size_t>(i * n + i % n)] = 1.0F;
    const std::vector<float> advantage = draw(rows.size(), 2);
    const std::vector<float> gy = draw(rows.size(), 3);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView x = side.in(logits, shape);
        const ConstView a = side.in(action, shape);
        const ConstView adv = side.in(advantage, rows);
        // Logarithms of up to 10, from different exponentials: a few units of 2^-20.
        ops.policy_score_forward(side.stream(), x, a, adv, 0.5F, side.out("y", rows, {1e-6, 4e-6}));
        ops.policy_score_backward(side.stream(), x, a, adv, 0.5F, side.in(gy, rows), mode,
                                  side.out("glogits", shape, {2e-6, 2e-6}));
      });
    }
  }
  return result;
}

CheckResult rows_bernoulli_scale_and_rows() {
  CheckResult result;
  for (const auto& [m, n] : {std::pair{1, 1}, {0, 3}, {5, 7}, {300, 8}}) {
    const std::string where = text(m, "x", n);
    const Shape shape{m, n};
    const Shape more{m + 3, n};
    const std::vector<float> x = draw(shape.size(), 1, -20.0F, 20.0F);
    const std::vector<float> label = draw(shape.size(), 2, 0.0F, 1.0F);
    const std::vector<float> gy = draw(shape.size(), 3);
    const std::vector<float> factor = draw(static_cast<std::size_t>(m), 4);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        const ConstView dx = side.in(x, shape);
        const ConstView wanted = side.in(label, shape);
        const ConstView g = side.in(gy, shape);
        const ConstView f = side.in(factor, Shape{m});
        ops.bernoulli_forward(side.stream(), dx, wanted, side.out("loss", shape, {5e-7, 2e-6}));  // differences of 20
        ops.bernoulli_backward(side.stream(), dx, wanted, g, mode, side.out("glogit", shape, {5e-7, 3e-7}));
        ops.scale_rows_forward(side.stream(), dx, f, side.out("scaled", shape, {1.2e-7, 0}));
        ops.scale_rows_backward(side.stream(), f, g, mode, side.out("gscaled", shape, {1.2e-7, 1.2e-7}));
        ops.rows_backward(side.stream(), 2, g, mode, side.out("grows", more, {}));
      });
    }
  }
  return result;
}

CheckResult decoder_frames_and_the_error_of_an_image() {
  CheckResult result;
  for (const auto& [m, c, h, w] : {std::array{1, 1, 1, 1}, {0, 1, 4, 4}, {3, 4, 6, 10}, {2, 1, 33, 31}}) {
    const std::string where = text(m, "x", c, "x", h, "x", w);
    const Shape shape{m, h, w, c};
    std::vector<std::uint8_t> frames(shape.size());
    Random random(1, 2);
    for (std::uint8_t& byte : frames) byte = static_cast<std::uint8_t>(random.below(256));
    const std::vector<float> prediction = draw(shape.size(), 1);
    const std::vector<float> target = draw(shape.size(), 2);
    const std::vector<float> was = draw(shape.size(), 4);
    const std::vector<float> gy = draw(static_cast<std::size_t>(m), 3);
    for (const GradientMode mode : kModes) {
      compare(result, where, [&](auto& side) {
        auto ops = typename std::decay_t<decltype(side)>::Operations{};
        ops.frames_forward(side.stream(), side.list(frames), -0.5F, side.out("pixels", shape, {0, 6e-8}));
        const ConstView p = side.in(prediction, shape);
        const ConstView t = side.in(target, shape);
        for (const std::int64_t channels : {1, c}) {
          ops.picture_changes_forward(side.stream(), t, channels, 4.0F,
                                      side.out(text("changes", channels), shape, {2.4e-7, 0}));
        }
        // The CPU adds 1,024 terms in float before it goes on in double.
        for (const bool compares : {false, true}) {
          const ImageWeights weights{0.25F, 5.0F, 8.0F, compares ? side.in(was, shape) : ConstView{}};
          const char* name = compares ? " moved" : "";
          ops.image_error_forward(side.stream(), p, t, weights, side.out(text("error", name), Shape{m}, {1e-6, 0}));
          ops.image_error_backward(side.stream(), p, t, weights, side.in(gy, Shape{m}), mode,
                                   side.out(text("gprediction", name), shape, {3e-7, 2e-7}));
        }
      });
    }
  }
  return result;
}

}  // namespace

const std::vector<Check>& rssm_cases() {
  static const std::vector<Check> all{
      {"CudaGru.ForwardAndBackwardAtEverySize", gru_forward_and_backward_at_every_size},
      {"CudaCategorical.DrawsTheSameClassesAndGivesTheGradientThrough",
       categorical_draws_the_same_classes_and_gives_the_gradient_through},
      {"CudaNoise.UniformNumbersAreTheSameBits", noise_uniform_numbers_are_the_same_bits},
      {"CudaKlBalance.ForwardAndBackwardWithAndWithoutFreeNats",
       kl_balance_forward_and_backward_with_and_without_free_nats},
      {"CudaLambdaReturn.ForwardAndBackwardAtEverySize", lambda_return_forward_and_backward_at_every_size},
      {"CudaPolicyScore.ForwardAndBackwardAtEverySize", policy_score_forward_and_backward_at_every_size},
      {"CudaRows.BernoulliScaleAndRows", rows_bernoulli_scale_and_rows},
      {"CudaDecoder.FramesAndTheErrorOfAnImage", decoder_frames_and_the_error_of_an_image},
  };
  return all;
}

}  // namespace sinv
