#include "kernels/conv.h"

#include <algorithm>

#include "kernels/pick.h"

namespace sinv {
namespace {

void check_shape(const char* where, const char* name, const Shape& found, const Shape& wanted) {
  SINV_CHECK(found == wanted, where, ": ", name, " is ", found, ", wanted ", wanted);
}
void check_rank(const char* where, const char* name, const Shape& found, int wanted) {
  SINV_CHECK(found.rank() == wanted, where, ": ", name, " is ", found, ", wanted ", wanted, " dimensions");
}

void check_conv(const char* where, const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                const Shape& y, std::size_t scratch) {
  check_conv_shape(shape);
  check_rank(where, "y", y, 4);
  const std::int64_t m = y[0];
  check_shape(where, "y", y, shape.output(m));
  if (!x.are_bytes()) {
    check_shape(where, "x", x.pixels.shape, shape.input(m));
  } else {
    SINV_CHECK(x.frames.size() == shape.input(m).size(), where, ": the frames have ", x.frames.size(),
               " bytes, wanted ", shape.input(m).size());
  }
  SINV_CHECK(w.k == shape.patch() && w.n == shape.outputs, where, ": the packed weight is ", Shape{w.k, w.n},
             ", wanted ", Shape{shape.patch(), shape.outputs});
  const std::size_t wanted = conv_scratch_floats(s.device, shape);
  SINV_CHECK(scratch >= wanted, where, ": scratch has ", scratch, " floats, ", wanted, " are wanted");
}

void check_group_norm(const char* where, const Shape& x, std::int64_t groups, const Shape& gain,
                      const Shape& statistics) {
  check_rank(where, "x", x, 4);
  SINV_CHECK(groups > 0 && x[3] % groups == 0 && x[3] <= 1024, where, ": ", groups, " groups of ", x[3],
             " channels, wanted a divisor and at most 1024 channels");
  check_shape(where, "gain", gain, Shape{x[3]});
  check_shape(where, "statistics", statistics, Shape{x[0], groups, 2});
}

void check_pool(const char* where, const Shape& x, const PoolAxis& rows, const PoolAxis& columns, const Shape& y) {
  check_rank(where, "x", x, 4);
  check_shape(where, "y", y, Shape{x[0], rows.count, columns.count, x[3]});
  const auto fits = [](const PoolAxis& axis, std::int64_t size) {
    return axis.count > 0 && *std::max_element(axis.last, axis.last + axis.count) <= size;
  };
  SINV_CHECK(fits(rows, x[1]) && fits(columns, x[2]), where, ": the windows do not fit x ", x);
}

void check_spectral(const char* where, const Shape& w, ConstView u, ConstView v, ConstView sigma) {
  SINV_CHECK(w.rank() >= 2 && w.size() > 0, where, ": w is ", w, ", wanted at least 2 dimensions and one element");
  const std::int64_t n = w[w.rank() - 1];
  check_shape(where, "u", u.shape, Shape{n});
  check_shape(where, "v", v.shape, Shape{static_cast<std::int64_t>(w.size()) / n});
  check_shape(where, "sigma", sigma.shape, Shape{});
}

}  // namespace

void check_conv_shape(const ConvShape& shape) {
  const std::int64_t least =
      std::min({shape.height, shape.width, shape.channels, shape.outputs, shape.kernel, shape.stride});
  SINV_CHECK(
      least >= 1 && shape.kernel_width >= 0 && shape.padding >= 0 &&
          shape.padding < std::min(shape.kernel, shape.kernel_columns()) &&
          shape.kernel <= shape.height + 2 * shape.padding && shape.kernel_columns() <= shape.width + 2 * shape.padding,
      "conv: image ", shape.height, "x", shape.width, "x", shape.channels, ", ", shape.outputs, " outputs, kernel ",
      shape.kernel, "x", shape.kernel_columns(), ", stride ", shape.stride, ", padding ", shape.padding,
      "; wanted sizes of at least 1, padding below the kernel, and a kernel within the padded image");
}

std::size_t conv_packed_floats(Device device, const ConvShape& shape) {
  check_conv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.conv_packed_floats(shape); });
}

std::size_t conv_packed_backward_floats(Device device, const ConvShape& shape) {
  check_conv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.conv_packed_backward_floats(shape); });
}

std::size_t conv_scratch_floats(Device device, const ConvShape& shape) {
  check_conv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.conv_scratch_floats(shape); });
}

void conv_pack(const Stream& s, const ConvShape& shape, ConstView w, const PackedWeight& packed) {
  check_conv_shape(shape);
  check_shape("conv_pack", "w", w.shape, shape.weight());
  check_shape("conv_pack", "the packed weight", Shape{packed.k, packed.n}, Shape{shape.patch(), shape.outputs});
  on_device(s.device, [&](const auto& backend) { backend.conv_pack(s, shape, w, packed); });
}

void conv_forward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w, ConstView bias,
                  Activation activation, View y, std::span<float> scratch) {
  check_conv("conv_forward", s, shape, x, w, y.shape, scratch.size());
  if (bias.data != nullptr) check_shape("conv_forward", "bias", bias.shape, Shape{shape.outputs});
  on_device(s.device, [&](const auto& backend) { backend.conv_forward(s, shape, x, w, bias, activation, y, scratch); });
}

void conv_backward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                   Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                   std::span<float> scratch) {
  check_conv("conv_backward", s, shape, x, w, y.shape, scratch.size());
  check_shape("conv_backward", "gy", gy.shape, y.shape);
  if (gradients.x.data != nullptr) {
    SINV_CHECK(!x.are_bytes(), "conv_backward: gx is wanted, but x is frames of bytes");
    check_shape("conv_backward", "gx", gradients.x.shape, x.pixels.shape);
    SINV_CHECK(w.backward != nullptr, "conv_backward: gx is wanted, but the weight ", shape.weight(),
               " was packed for the forward product only");
  }
  if (gradients.w.data != nullptr) check_shape("conv_backward", "gw", gradients.w.shape, shape.weight());
  if (gradients.bias.data != nullptr) {
    check_shape("conv_backward", "gbias", gradients.bias.shape, Shape{shape.outputs});
  }
  on_device(s.device,
            [&](const auto& backend) { backend.conv_backward(s, shape, x, w, activation, y, gy, gradients, scratch); });
}

void group_norm_forward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView bias,
                        float epsilon, Activation activation, View y, View statistics) {
  check_group_norm("group_norm_forward", x.shape, groups, gain.shape, statistics.shape);
  check_shape("group_norm_forward", "bias", bias.shape, gain.shape);
  check_shape("group_norm_forward", "y", y.shape, x.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.group_norm_forward(s, x, groups, gain, bias, epsilon, activation, y, statistics);
  });
}

void group_norm_backward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView statistics,
                         Activation activation, ConstView y, View gy, const NormGradients& gradients) {
  check_group_norm("group_norm_backward", x.shape, groups, gain.shape, statistics.shape);
  check_shape("group_norm_backward", "y", y.shape, x.shape);
  check_shape("group_norm_backward", "gy", gy.shape, x.shape);
  if (gradients.x.data != nullptr) check_shape("group_norm_backward", "gx", gradients.x.shape, x.shape);
  if (gradients.gain.data != nullptr) check_shape("group_norm_backward", "ggain", gradients.gain.shape, gain.shape);
  if (gradients.bias.data != nullptr) check_shape("group_norm_backward", "gbias", gradients.bias.shape, gain.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.group_norm_backward(s, x, groups, gain, statistics, activation, y, gy, gradients);
  });
}

PoolAxis pool_axis(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding) {
  const std::int64_t count =
      kernel >= 1 && stride >= 1 && size + 2 * padding >= kernel ? (size + 2 * padding - kernel) / stride + 1 : 0;
  SINV_CHECK(count >= 1 && count <= PoolAxis::kMost && padding >= 0 && padding < kernel, "pool: size ", size,
             ", kernel ", kernel, ", stride ", stride, ", padding ", padding, " give ", count, " windows, wanted 1 to ",
             PoolAxis::kMost, " with padding below the kernel");
  PoolAxis axis;
  axis.count = static_cast<int>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    axis.first[i] = static_cast<std::int16_t>(std::max<std::int64_t>(i * stride - padding, 0));
    axis.last[i] = static_cast<std::int16_t>(std::min(i * stride - padding + kernel, size));
    SINV_CHECK(axis.first[i] < axis.last[i], "pool: size ", size, ", kernel ", kernel, ", stride ", stride,
               ", padding ", padding, ": window ", i, " is empty");
  }
  return axis;
}

PoolAxis adaptive_pool_axis(std::int64_t size, std::int64_t count) {
  SINV_CHECK(size >= 1 && count >= 1 && count <= PoolAxis::kMost, "pool: ", count, " windows on size ", size,
             ", wanted 1 to ", PoolAxis::kMost, " on at least 1");
  PoolAxis axis;
  axis.count = static_cast<int>(count);
  for (std::int64_t i = 0; i < count; ++i) {
    axis.first[i] = static_cast<std::int16_t>(i * size / count);
    axis.last[i] = static_cast<std::int16_t>(((i + 1) * size + count - 1) / count);
  }
  return axis;
}

void max_pool_forward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, View y) {
  check_pool("max_pool_forward", x.shape, rows, columns, y.shape);
  on_device(s.device, [&](const auto& backend) { backend.max_pool_forward(s, x, rows, columns, y); });
}

void max_pool_backward(const Stream& s, ConstView x, const PoolAxis& rows, const PoolAxis& columns, ConstView y,
                       ConstView gy, GradientMode mode, View gx) {
  check_pool("max_pool_backward", x.shape, rows, columns, y.shape);
  check_shape("max_pool_backward", "gy", gy.shape, y.shape);
  check_shape("max_pool_backward", "gx", gx.shape, x.shape);
  on_device(s.device, [&](const auto& backend) { backend.max_pool_backward(s, x, rows, columns, y, gy, mode, gx); });
}

void spectral_norm_forward(const Stream& s, ConstView w, int iterations, View u, View v, View sigma, View y) {
  check_spectral("spectral_norm_forward", w.shape, u, v, sigma);
  SINV_CHECK(iterations >= 0, "spectral_norm_forward: ", iterations, " iterations, wanted 0 or more");
  check_shape("spectral_norm_forward", "y", y.shape, w.shape);
  on_device(s.device, [&](const auto& backend) { backend.spectral_norm_forward(s, w, iterations, u, v, sigma, y); });
}

void spectral_norm_backward(const Stream& s, ConstView y, ConstView u, ConstView v, ConstView sigma, ConstView gy,
                            GradientMode mode, View gw) {
  check_spectral("spectral_norm_backward", y.shape, u, v, sigma);
  check_shape("spectral_norm_backward", "gy", gy.shape, y.shape);
  check_shape("spectral_norm_backward", "gw", gw.shape, y.shape);
  on_device(s.device, [&](const auto& backend) { backend.spectral_norm_backward(s, y, u, v, sigma, gy, mode, gw); });
}

}  // namespace sinv
