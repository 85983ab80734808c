#include "kernels/deconv.h"

#include "kernels/pick.h"

namespace sinv {
namespace {

void check_shape(const char* where, const char* name, const Shape& found, const Shape& wanted) {
  SINV_CHECK(found == wanted, where, ": ", name, " is ", found, ", wanted ", wanted);
}

void check_deconv_shape(const DeconvShape& shape) {
  SINV_CHECK(shape.height > 0 && shape.width > 0 && shape.channels > 0 && shape.outputs > 0 && shape.kernel > 0 &&
                 shape.stride > 0,
             "deconv: image ", shape.height, "x", shape.width, "x", shape.channels, ", ", shape.outputs,
             " outputs, kernel ", shape.kernel, ", stride ", shape.stride, ": wanted sizes above 0");
}

void check_deconv(const char* where, const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                  const Shape& y, std::size_t scratch) {
  check_deconv_shape(shape);
  SINV_CHECK(x.shape.rank() == 4, where, ": x is ", x.shape, ", wanted 4 dimensions");
  const std::int64_t m = x.shape[0];
  check_shape(where, "x", x.shape, shape.input(m));
  check_shape(where, "y", y, shape.output(m));
  SINV_CHECK(w.k == shape.channels && w.n == shape.outputs, where, ": the packed weight is ", Shape{w.k, w.n},
             ", wanted ", Shape{shape.channels, shape.outputs});
  const std::size_t wanted = deconv_scratch_floats(s.device, shape, m);
  SINV_CHECK(scratch >= wanted, where, ": scratch has ", scratch, " floats, ", wanted, " are wanted");
}

void check_image_error(const char* where, ConstView prediction, ConstView target, const ImageWeights& weights,
                       const Shape& y) {
  SINV_CHECK(prediction.shape.rank() == 4, where, ": prediction is ", prediction.shape, ", wanted 4 dimensions");
  check_shape(where, "target", target.shape, prediction.shape);
  check_shape(where, "y", y, Shape{prediction.shape[0]});
  if (weights.before.data != nullptr) check_shape(where, "before", weights.before.shape, target.shape);
}

}  // namespace

std::size_t deconv_packed_floats(Device device, const DeconvShape& shape) {
  check_deconv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.deconv_packed_floats(shape); });
}

std::size_t deconv_packed_backward_floats(Device device, const DeconvShape& shape) {
  check_deconv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.deconv_packed_backward_floats(shape); });
}

std::size_t deconv_scratch_floats(Device device, const DeconvShape& shape, std::int64_t m) {
  check_deconv_shape(shape);
  return on_device(device, [&](const auto& backend) { return backend.deconv_scratch_floats(shape, m); });
}

void deconv_pack(const Stream& s, const DeconvShape& shape, ConstView w, const PackedWeight& packed) {
  check_deconv_shape(shape);
  check_shape("deconv_pack", "w", w.shape, shape.weight());
  SINV_CHECK(packed.k == shape.channels && packed.n == shape.outputs, "deconv_pack: the packed weight is ",
             Shape{packed.k, packed.n}, ", wanted ", Shape{shape.channels, shape.outputs});
  on_device(s.device, [&](const auto& backend) { backend.deconv_pack(s, shape, w, packed); });
}

void deconv_forward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w, ConstView bias,
                    Activation activation, View y, std::span<float> scratch) {
  check_deconv("deconv_forward", s, shape, x, w, y.shape, scratch.size());
  if (bias.data != nullptr) check_shape("deconv_forward", "bias", bias.shape, Shape{shape.outputs});
  on_device(s.device,
            [&](const auto& backend) { backend.deconv_forward(s, shape, x, w, bias, activation, y, scratch); });
}

void deconv_backward(const Stream& s, const DeconvShape& shape, ConstView x, const PackedWeight& w,
                     Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                     std::span<float> scratch) {
  check_deconv("deconv_backward", s, shape, x, w, y.shape, scratch.size());
  check_shape("deconv_backward", "gy", gy.shape, y.shape);
  if (gradients.x.data != nullptr) {
    check_shape("deconv_backward", "gx", gradients.x.shape, x.shape);
    SINV_CHECK(w.backward != nullptr, "deconv_backward: gx is wanted, but the weight ", shape.weight(),
               " was packed for the forward product only");
  }
  if (gradients.w.data != nullptr) check_shape("deconv_backward", "gw", gradients.w.shape, shape.weight());
  if (gradients.bias.data != nullptr) {
    check_shape("deconv_backward", "gbias", gradients.bias.shape, Shape{shape.outputs});
  }
  on_device(s.device, [&](const auto& backend) {
    backend.deconv_backward(s, shape, x, w, activation, y, gy, gradients, scratch);
  });
}

void frames_forward(const Stream& s, std::span<const std::uint8_t> frames, float offset, View pixels) {
  SINV_CHECK(pixels.shape.rank() == 4, "frames_forward: pixels is ", pixels.shape, ", wanted 4 dimensions");
  SINV_CHECK(frames.size() == pixels.size(), "frames_forward: the frames have ", frames.size(), " bytes, wanted ",
             pixels.size());
  on_device(s.device, [&](const auto& backend) { backend.frames_forward(s, frames, offset, pixels); });
}

void picture_changes_forward(const Stream& s, ConstView x, std::int64_t channels, float scale, View y) {
  SINV_CHECK(x.shape.rank() == 4, "picture_changes_forward: x is ", x.shape, ", wanted 4 dimensions");
  check_shape("picture_changes_forward", "y", y.shape, x.shape);
  SINV_CHECK(channels >= 1 && x.shape[3] % channels == 0, "picture_changes_forward: ", x.shape[3],
             " channels are no pictures of ", channels);
  on_device(s.device, [&](const auto& backend) { backend.picture_changes_forward(s, x, channels, scale, y); });
}

void image_error_forward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights, View y) {
  check_image_error("image_error_forward", prediction, target, weights, y.shape);
  on_device(s.device, [&](const auto& backend) { backend.image_error_forward(s, prediction, target, weights, y); });
}

void image_error_backward(const Stream& s, ConstView prediction, ConstView target, const ImageWeights& weights,
                          ConstView gy, GradientMode mode, View gprediction) {
  check_image_error("image_error_backward", prediction, target, weights, gy.shape);
  check_shape("image_error_backward", "gprediction", gprediction.shape, prediction.shape);
  on_device(s.device, [&](const auto& backend) {
    backend.image_error_backward(s, prediction, target, weights, gy, mode, gprediction);
  });
}

}  // namespace sinv
