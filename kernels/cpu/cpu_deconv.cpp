#include <algorithm>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/shared_loops.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }
std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }

std::int64_t taps(const DeconvShape& shape) { return shape.kernel * shape.kernel; }
std::int64_t positions(const DeconvShape& shape) { return shape.height * shape.width; }
// One position: the whole batch is one product, whose rows are the images of the result.
bool single(const DeconvShape& shape) { return positions(shape) == 1; }
// Channels that would leave a fifth or more of a panel empty: one product gives all taps of some image rows, which are
// then added to their places. Else each tap is a product that adds in place.
bool joined(const DeconvShape& shape) {
  return single(shape) || 4 * panel_floats(isa(), 1, as_int(shape.outputs)) >= 5 * as_size(shape.outputs);
}
// Image rows of such a product: their columns stay in the cache until they are added.
std::int64_t joined_rows(const DeconvShape& shape) {
  return std::clamp<std::int64_t>(48 / shape.width, 1, shape.height);
}
std::size_t tap_floats(const DeconvShape& shape) {
  return panel_floats(isa(), as_int(shape.channels), as_int(shape.outputs));
}
// Panels of x for the weight gradient, or columns of the forward product.
std::int64_t panel_rows(const DeconvShape& shape, std::int64_t m) { return single(shape) ? m : positions(shape); }
// What each caller of a team needs for itself.
std::size_t caller_floats(const DeconvShape& shape, std::int64_t m) {
  const std::size_t panels = panel_floats(isa(), as_int(panel_rows(shape, m)), as_int(shape.channels));
  const bool with_columns = joined(shape) && !single(shape);
  return std::max(panels, with_columns ? as_size(joined_rows(shape) * shape.width * taps(shape) * shape.outputs) : 0);
}
shared::ImageShards shards_of(const DeconvShape& shape) {
  return {single(shape) ? 0 : taps(shape) * shape.outputs * shape.channels, shape.outputs};
}
// Where the sums of the shards begin in the scratch.
std::size_t sums_at(const DeconvShape& shape, std::int64_t m) {
  return (single(shape) ? 1 : Team::kMostThreads) * caller_floats(shape, m);
}

void forward_image(const DeconvShape& shape, const float* x, const float* packed, float* y, float* columns) {
  const std::int64_t row = shape.width * shape.channels;
  const std::int64_t pitch = shape.out_width() * shape.outputs;
  const std::int64_t all = taps(shape) * shape.outputs;
  if (joined(shape)) {
    for (std::int64_t top = 0; top < shape.height; top += joined_rows(shape)) {
      const std::int64_t rows = std::min(joined_rows(shape), shape.height - top);
      isa().gemm({as_int(rows * shape.width), as_int(all), as_int(shape.channels), x + top * row, shape.channels, 1,
                  packed, columns, all, nullptr, Activation::kIdentity, false});
      isa().scatter_columns(as_int(rows), as_int(shape.width), as_int(shape.kernel), as_int(shape.outputs),
                            as_int(shape.stride), columns, y + top * shape.stride * pitch, pitch);
    }
    return;
  }
  for (std::int64_t ky = 0; ky < shape.kernel; ++ky) {
    for (std::int64_t kx = 0; kx < shape.kernel; ++kx, packed += tap_floats(shape)) {
      ConvProduct call{};
      call.image = x;
      call.row_step = row;
      call.column_step = shape.channels;
      call.rows = as_int(shape.height);
      call.columns = as_int(shape.width);
      call.segments = 1;
      call.length = as_int(shape.channels);
      call.n = as_int(shape.outputs);
      call.b = packed;
      call.c = y + ky * pitch + kx * shape.outputs;
      call.c_row = shape.stride * pitch;
      call.c_column = shape.stride * shape.outputs;
      call.accumulate = true;
      isa().conv(call);
    }
  }
}

}  // namespace

std::size_t Cpu::deconv_packed_floats(const DeconvShape& shape) {
  if (joined(shape)) return panel_floats(isa(), as_int(shape.channels), as_int(taps(shape) * shape.outputs));
  return as_size(taps(shape)) * tap_floats(shape);
}

std::size_t Cpu::deconv_packed_backward_floats(const DeconvShape& shape) {
  return panel_floats(isa(), as_int(taps(shape) * shape.outputs), as_int(shape.channels));
}

std::size_t Cpu::deconv_scratch_floats(const DeconvShape& shape, std::int64_t m) {
  return sums_at(shape, m) + shards_of(shape).scratch_floats();
}

void Cpu::deconv_pack(const Stream&, const DeconvShape& shape, ConstView w, const PackedWeight& packed) {
  const std::int64_t all = taps(shape) * shape.outputs;
  if (joined(shape)) {
    isa().pack_taps(1, as_int(all), as_int(shape.channels), w.data, packed.forward);
  } else {
    isa().pack_taps(as_int(taps(shape)), as_int(shape.outputs), as_int(shape.channels), w.data, packed.forward);
  }
  if (packed.backward != nullptr)
    isa().pack(as_int(all), as_int(shape.channels), 0, as_int(shape.channels), w.data, packed.backward);
}

void Cpu::deconv_forward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w, ConstView bias,
                         Activation activation, View y, std::span<float> scratch) {
  const std::int64_t m = x.shape[0];
  const std::int64_t in_floats = positions(shape) * shape.channels;
  const std::int64_t out_floats = shape.out_height() * shape.out_width() * shape.outputs;
  if (single(shape) && m > 0) {
    shared::gemm(s, {as_int(m), as_int(out_floats), as_int(shape.channels), x.data, shape.channels, 1, w.forward,
                     y.data, out_floats, nullptr, Activation::kIdentity, false});
  }
  const std::int64_t products = taps(shape) * shape.outputs * in_floats;
  const int parts = shared::parts_of(s, m, m * products, shared::kLeastProducts);
  run_parts(shared::team_of(s), parts, [&](int part, int slot) {
    float* columns = single(shape) ? nullptr : scratch.data() + as_size(slot) * caller_floats(shape, m);
    const std::int64_t last = shared::part_begin(part + 1, parts, m);
    for (std::int64_t i = shared::part_begin(part, parts, m); i < last; ++i) {
      float* to = y.data + i * out_floats;
      if (!single(shape)) {
        std::fill_n(to, out_floats, 0.0F);
        forward_image(shape, x.data + i * in_floats, w.forward, to, columns);
      }
      for (std::int64_t p = 0; p < out_floats && bias.data != nullptr; p += shape.outputs) {
        for (std::int64_t j = 0; j < shape.outputs; ++j) to[p + j] += bias.data[j];
      }
      if (activation != Activation::kIdentity) isa().unary_forward(activation, to, to, as_size(out_floats));
    }
  });
}

void Cpu::deconv_backward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                          Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                          std::span<float> scratch) {
  const std::int64_t m = x.shape[0];
  const std::int64_t in_floats = positions(shape) * shape.channels;
  const std::int64_t out_positions = shape.out_height() * shape.out_width();
  const std::int64_t out_floats = out_positions * shape.outputs;
  const std::int64_t pitch = shape.out_width() * shape.outputs;
  const std::int64_t all = taps(shape) * shape.outputs;
  const auto begin = [](View gradient, GradientMode mode) {
    if (gradient.data != nullptr && mode == GradientMode::kOverwrite) {
      std::fill_n(gradient.data, gradient.size(), 0.0F);
    }
  };
  begin(gradients.w, gradients.w_mode);
  begin(gradients.bias, gradients.bias_mode);
  const bool add_x = gradients.x_mode == GradientMode::kAccumulate;
  float* sums = scratch.data() + sums_at(shape, m);
  const auto images_of_shard = [&](std::int64_t first, std::int64_t last, int slot, float* dw, float* db) {
    float* panels = single(shape) ? nullptr : scratch.data() + as_size(slot) * caller_floats(shape, m);
    for (std::int64_t i = first; i < last; ++i) {
      float* g = gy.data + i * out_floats;
      isa().activation_backward(activation, as_int(out_positions), as_int(shape.outputs), y.data + i * out_floats, g,
                                GradientMode::kAccumulate, db);
      if (single(shape)) continue;
      if (dw != nullptr) {
        isa().pack(as_int(positions(shape)), as_int(shape.channels), 0, as_int(shape.channels), x.data + i * in_floats,
                   panels);
        isa().conv_weights({g, shape.stride * pitch, shape.stride * shape.outputs, pitch, as_int(shape.height),
                            as_int(shape.width), as_int(shape.kernel), as_int(shape.kernel * shape.outputs),
                            as_int(shape.channels), panels, dw});
      }
      if (gradients.x.data == nullptr) continue;
      ConvProduct call{};
      call.image = g;
      call.row_step = shape.stride * pitch;
      call.column_step = shape.stride * shape.outputs;
      call.pitch = pitch;
      call.rows = as_int(shape.height);
      call.columns = as_int(shape.width);
      call.segments = as_int(shape.kernel);
      call.length = as_int(shape.kernel * shape.outputs);
      call.n = as_int(shape.channels);
      call.b = w.backward;
      call.c = gradients.x.data + i * in_floats;
      call.c_row = shape.width * shape.channels;
      call.c_column = shape.channels;
      call.accumulate = add_x;
      isa().conv(call);
    }
  };
  float* image_weights = single(shape) ? nullptr : gradients.w.data;
  shards_of(shape).run(s, m, image_weights, gradients.bias.data, sums, images_of_shard);
  if (!single(shape) || m == 0) return;
  if (gradients.w.data != nullptr) {
    shared::pack(s, as_int(m), as_int(shape.channels), x.data, scratch.data());
    shared::gemm(s, {as_int(all), as_int(shape.channels), as_int(m), gy.data, 1, all, scratch.data(), gradients.w.data,
                     shape.channels, nullptr, Activation::kIdentity, true});
  }
  if (gradients.x.data != nullptr) {
    shared::gemm(s, {as_int(m), as_int(shape.channels), as_int(all), gy.data, all, 1, w.backward, gradients.x.data,
                     shape.channels, nullptr, Activation::kIdentity, add_x});
  }
}

void Cpu::frames_forward(const Stream&, std::span<const std::uint8_t> frames, float offset, View pixels) {
  const std::int64_t plane = pixels.shape[1] * pixels.shape[2];
  const std::int64_t floats = plane * pixels.shape[3];
  for (std::int64_t i = 0; i < pixels.shape[0]; ++i) {
    float* to = pixels.data + i * floats;
    isa().frames(as_int(pixels.shape[3]), as_size(plane), frames.data() + i * floats, as_size(plane), to);
    for (std::int64_t j = 0; j < floats; ++j) to[j] += offset;
  }
}

void Cpu::picture_changes_forward(const Stream&, ConstView x, std::int64_t channels, float scale, View y) {
  const std::int64_t all = x.shape[3];
  if (all == 0) return;
  isa().picture_changes(x.size() / as_size(all), as_int(all / channels), as_int(channels), scale, x.data, y.data);
}

namespace {
// The image that a target is compared with, null when there is none.
const float* image_before(const ImageWeights& weights, std::size_t image, std::size_t floats) {
  return weights.before.data == nullptr ? nullptr : weights.before.data + image * floats;
}
}  // namespace

void Cpu::image_error_forward(const Stream&, ConstView prediction, ConstView target, const ImageWeights& weights,
                              View y) {
  const std::size_t floats = y.size() == 0 ? 0 : prediction.size() / y.size();
  for (std::size_t i = 0; i < y.size(); ++i) {
    y.data[i] = static_cast<float>(isa().image_error(floats, prediction.data + i * floats, target.data + i * floats,
                                                     image_before(weights, i, floats), weights));
  }
}

void Cpu::image_error_backward(const Stream&, ConstView prediction, ConstView target, const ImageWeights& weights,
                               ConstView gy, GradientMode mode, View gprediction) {
  const std::size_t floats = gy.size() == 0 ? 0 : prediction.size() / gy.size();
  for (std::size_t i = 0; i < gy.size(); ++i) {
    isa().image_error_backward(floats, prediction.data + i * floats, target.data + i * floats,
                               image_before(weights, i, floats), weights, gy.data[i], mode,
                               gprediction.data + i * floats);
  }
}

}  // namespace sinv
