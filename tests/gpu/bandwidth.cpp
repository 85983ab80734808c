#include "tests/gpu/bandwidth.h"

#include <algorithm>
#include <array>

#include "kernels/deconv.h"
#include "kernels/device_memory.h"
#include "kernels/rssm.h"

namespace sinv {
namespace {

constexpr GradientMode kOver = GradientMode::kOverwrite;

class Bench {
 public:
  explicit Bench(std::size_t floats) : count_(static_cast<std::int64_t>(floats)), s_(own_.stream()) {
    for (DeviceBuffer& large : large_) large = DeviceBuffer(floats * sizeof(float));
    for (DeviceBuffer& small : small_) small = DeviceBuffer(floats / 4 * sizeof(float));
    for (std::size_t i = 0; i < large_.size(); ++i) noise_fill(s_, 1, i, 0, large(i, Shape{count_}).flat());
    queue_clear(s_, large_[3].data(), floats * sizeof(float));  // a second moment is not negative
  }

  std::vector<Bandwidth> run() {
    const double all = static_cast<double>(count_) * sizeof(float);
    line("copy", 2 * all, [&] { queue_copy(s_, large_[2].data(), large_[0].data(), bytes()); });
    elementwise(all);
    optimiser(all);
    rows(all);
    images(all);
    world(all);
    return lines_;
  }

 private:
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(float); }
  View large(std::size_t i, Shape shape) const { return {static_cast<float*>(large_[i].data()), shape}; }
  View small(std::size_t i, Shape shape) const { return {static_cast<float*>(small_[i].data()), shape}; }

  void line(const char* name, double moved, const std::function<void()>& queue) {
    constexpr int kCount = 10;
    for (int i = 0; i < 2; ++i) queue();
    std::vector<double> rates;
    for (int repeat = 0; repeat < 5; ++repeat) {
      DeviceEvent from;
      DeviceEvent to;
      from.record(s_);
      for (int i = 0; i < kCount; ++i) queue();
      to.record(s_);
      to.wait();
      rates.push_back(1e-6 * moved * kCount / to.ms_since(from));
    }
    std::ranges::sort(rates);
    lines_.push_back({name, rates[rates.size() / 2]});
  }

  void elementwise(double all) {
    const Shape n{count_};
    line("unary_forward elu", 2 * all, [&] { unary_forward(s_, Unary::kElu, large(0, n), large(2, n)); });
    line("unary_backward tanh", 3 * all,
         [&] { unary_backward(s_, Unary::kTanh, large(0, n), large(1, n), kOver, large(2, n)); });
    line("binary_forward multiply", 3 * all,
         [&] { binary_forward(s_, Binary::kMultiply, large(0, n), large(1, n), large(2, n)); });
    line("binary_backward add", 3 * all, [&] {
      binary_backward(s_, Binary::kAdd, large(0, n), large(1, n), large(0, n), kOver, large(1, n), kOver, large(2, n));
    });
    line("sum_forward", all, [&] { sum_forward(s_, large(0, n), 1.0F, small(0, Shape{})); });
    line("sum_backward", all, [&] { sum_backward(s_, small(0, Shape{}), 1.0F, kOver, large(2, n)); });
    line("noise_fill", all, [&] { noise_fill(s_, 1, 2, 0, large(2, n).flat()); });
  }

  void optimiser(double all) {
    const Shape n{count_};
    const Shape weight{count_ / 512, 512};
    line("average_update", 3 * all, [&] { average_update(s_, 0.5F, large(0, n).flat(), large(2, n).flat()); });
    // The gradient twice (norm, then step); value and moments read and written.
    line("adam_update", 8 * all, [&] {
      adam_update(s_, {0.9F, 0.999F, 1e-8F, 1e-5F, 1.0F}, 10.0F, large(0, n).flat(), large(1, n).flat(),
                  large(2, n).flat(), large(3, n).flat(), small(0, Shape{}));
    });
    const ConstView in = small(0, Shape{weight[0]});
    const ConstView out = small(1, Shape{512});
    line("noisy_mix", 3 * all, [&] { noisy_mix(s_, large(0, weight), large(1, weight), in, out, large(2, weight)); });
    line("noisy_backward", 3 * all,
         [&] { noisy_backward(s_, large(0, weight), in, out, kOver, large(1, weight), kOver, large(2, weight)); });
  }

  void rows(double all) {
    const Shape rows{count_ / 512, 512};
    const Shape wide{512};
    const Shape kept{rows[0], 2};
    line("layer_norm_forward 512", 2 * all, [&] {
      layer_norm_forward(s_, large(0, rows), small(0, wide), small(0, wide), 1e-3F, large(2, rows), small(1, kept));
    });
    // Once for gx, once for the sums over the rows.
    line("layer_norm_backward 512", 5 * all, [&] {
      layer_norm_backward(s_, large(0, rows), small(0, wide), small(1, kept), large(1, rows), kOver, large(2, rows),
                          kOver, small(2, wide), kOver, small(3, wide));
    });
    const Shape half{count_ / 512, 256};
    line("concat_forward 256 + 256", 2 * all,
         [&] { concat_forward(s_, large(0, half), large(1, half), large(2, rows)); });
    line("concat_backward 256 + 256", 2 * all,
         [&] { concat_backward(s_, large(2, rows), kOver, large(0, half), kOver, large(1, half)); });
    line("scale_rows_forward 512", 2 * all,
         [&] { scale_rows_forward(s_, large(0, rows), small(0, Shape{rows[0]}), large(2, rows)); });
    const Shape n{count_};
    line("bernoulli_forward", 3 * all, [&] { bernoulli_forward(s_, large(0, n), large(1, n), large(2, n)); });
  }

  void images(double all) {
    const std::int64_t m = count_ / (32 * 32 * 64);
    const Shape shape{m, 32, 32, 64};
    const Shape kept{m, 8, 2};
    const Shape channels{64};
    line("group_norm_forward 32x32x64", 2 * all, [&] {
      group_norm_forward(s_, large(0, shape), 8, small(0, channels), small(0, channels), 1e-3F, Activation::kRelu,
                         large(2, shape), small(1, kept));
    });
    // x, y and gy are read, gy becomes the gradient before the activation, gx is written.
    line("group_norm_backward 32x32x64", 5 * all, [&] {
      group_norm_backward(s_, large(0, shape), 8, small(0, channels), small(1, kept), Activation::kRelu,
                          large(2, shape), large(1, shape), {large(3, shape), small(2, channels), small(3, channels)});
    });
    const PoolAxis axis = pool_axis(32, 2, 2, 0);
    const Shape pooled{m, 16, 16, 64};
    line("max_pool_forward 2x2", 1.25 * all,
         [&] { max_pool_forward(s_, large(0, shape), axis, axis, large(2, pooled)); });
    line("max_pool_backward 2x2", 2.5 * all, [&] {
      max_pool_backward(s_, large(0, shape), axis, axis, large(2, pooled), large(1, pooled), kOver, large(3, shape));
    });
    // Every byte becomes a float.
    const Shape pixels{count_ / (64 * 64 * 4), 64, 64, 4};
    const std::span<const std::uint8_t> frames(static_cast<const std::uint8_t*>(large_[0].data()), pixels.size());
    line("frames_forward 4 channels", 1.25 * all, [&] { frames_forward(s_, frames, -0.5F, large(2, pixels)); });
    const Shape pictures{count_ / 4096, 64, 64, 1};
    line("image_error_forward", 2 * all, [&] {
      image_error_forward(s_, large(0, pictures), large(1, pictures), {0.0F, 2.0F}, small(0, Shape{pictures[0]}));
    });
    line("image_error_backward", 3 * all, [&] {
      image_error_backward(s_, large(0, pictures), large(1, pictures), {0.0F, 2.0F}, small(0, Shape{pictures[0]}),
                           kOver, large(2, pictures));
    });
  }

  void world(double all) {
    const std::int64_t m = count_ / 2048;
    const Shape gates{m, 1536};
    const Shape state{m, 512};
    const Shape norm{1536};
    const Shape statistics{m, 2};
    const double gate_bytes = 0.75 * all;
    const double state_bytes = 0.25 * all;
    // Gates and h in, next and what is kept out.
    line("gru_forward 512", 2 * gate_bytes + 2 * state_bytes, [&] {
      gru_forward(s_, large(0, gates), small(0, norm), small(0, norm), 1e-3F, large(1, state), large(2, state),
                  small(1, statistics), large(3, gates));
    });
    const View next_gates{large(2, state).data + state.size(), gates};
    line("gru_backward 512", 4 * gate_bytes + 3 * state_bytes, [&] {
      gru_backward(s_, large(0, gates), small(0, norm), small(0, norm), large(1, state), small(1, statistics),
                   large(3, gates), large(1, state), {next_gates, small(2, norm), small(3, norm), large(2, state)});
    });
    const Shape latent{count_ / 1024, 1024};
    const Shape variables{latent[0], 32};
    line("categorical_forward 32x32", 3 * all, [&] {
      categorical_forward(s_, large(0, latent), 32, small(0, variables), large(1, latent), large(2, latent));
    });
    line("categorical_backward 32x32", 3 * all,
         [&] { categorical_backward(s_, large(1, latent), 32, large(0, latent), kOver, large(2, latent)); });
    const ConstView weight = small(0, Shape{latent[0]});
    line("kl_balance_forward 32x32", 2 * all, [&] {
      kl_balance_forward(s_, large(0, latent), large(1, latent), 32, weight, 0.0F, small(1, Shape{latent[0]}),
                         small(2, Shape{}));
    });
    line("kl_balance_backward 32x32", 4 * all, [&] {
      kl_balance_backward(s_, large(0, latent), large(1, latent), 32, weight, 0.0F, 0.8F, small(1, Shape{latent[0]}),
                          small(2, Shape{}), {large(2, latent), large(3, latent)});
    });
  }

  std::int64_t count_;
  DeviceStream own_;
  Stream s_;
  std::array<DeviceBuffer, 4> large_;
  std::array<DeviceBuffer, 4> small_;
  std::vector<Bandwidth> lines_;
};

}  // namespace

std::vector<Bandwidth> measure_bandwidths(std::size_t floats) {
  Bench bench(floats);
  return bench.run();
}

}  // namespace sinv
