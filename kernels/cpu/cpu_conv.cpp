#include <algorithm>
#include <cstring>

#include "kernels/cpu/cpu_ops.h"
#include "kernels/cpu/isa.h"
#include "kernels/cpu/shared_loops.h"

namespace sinv {
namespace {

int as_int(std::int64_t n) { return static_cast<int>(n); }
std::size_t as_size(std::int64_t n) { return static_cast<std::size_t>(n); }

std::int64_t padded_height(const ConvShape& shape) { return shape.height + 2 * shape.padding; }
std::int64_t padded_width(const ConvShape& shape) { return shape.width + 2 * shape.padding; }
std::int64_t tap_floats(const ConvShape& shape) {
  return static_cast<std::int64_t>(panel_floats(isa(), as_int(shape.outputs), as_int(shape.channels)));
}
std::size_t image_floats(const ConvShape& shape) {
  // Whole cache lines, so that what follows starts at one.
  return (as_size(padded_height(shape) * padded_width(shape) * shape.channels) + 15) / 16 * 16;
}

std::int64_t positions_of(const ConvShape& shape) { return shape.out_height() * shape.out_width(); }
// Images whose positions make one product. Few positions (2 x 2 in a world model's last layer) do not fill a tile, and
// a sum over four of them ends before it has begun: their patches are copied, so that many images are one product.
std::int64_t images_at_once(const ConvShape& shape) {
  return positions_of(shape) == 0 || positions_of(shape) >= 12 || shape.patch() < 64 ? 1 : 96 / positions_of(shape);
}
// What each caller of a team needs for itself: an image, the panels of its gradient and its patches.
std::size_t panels_at(const ConvShape& shape) { return image_floats(shape); }
std::size_t patches_at(const ConvShape& shape) {
  const std::int64_t rows = images_at_once(shape) * positions_of(shape);
  return panels_at(shape) + panel_floats(isa(), as_int(rows), as_int(shape.outputs));
}
std::size_t caller_floats(const ConvShape& shape) {
  const std::int64_t images = images_at_once(shape);
  return patches_at(shape) + (images == 1 ? 0 : as_size(images * positions_of(shape) * shape.patch()));
}
shared::ImageShards shards_of(const ConvShape& shape) { return {shape.patch() * shape.outputs, shape.outputs}; }

// Gives image after image as padded floats: in place where that is how they lie, else copied into the scratch, where
// the copy stays in the cache for the products (measured: under 1 % of their time).
class PaddedImages {
 public:
  PaddedImages(const ConvShape& shape, const ConvImages& x, float* scratch) : shape_(shape), x_(x), scratch_(scratch) {
    if (!in_place()) std::memset(scratch, 0, image_floats(shape) * sizeof(float));  // the border
  }
  const float* at(std::int64_t i) const {
    const std::int64_t plane = shape_.height * shape_.width;
    const std::int64_t first = i * plane * shape_.channels;
    const float* pixels = x_.are_bytes() ? nullptr : x_.pixels.data + first;
    if (in_place()) return pixels;
    const std::uint8_t* bytes = x_.are_bytes() ? x_.frames.data() + first : nullptr;
    const std::int64_t row = shape_.width * shape_.channels;
    float* to = scratch_ + (shape_.padding * padded_width(shape_) + shape_.padding) * shape_.channels;
    if (pixels == nullptr && shape_.padding == 0) {
      isa().frames(as_int(shape_.channels), as_size(plane), bytes, as_size(plane), to);
      return scratch_;
    }
    for (std::int64_t y = 0; y < shape_.height; ++y, to += padded_width(shape_) * shape_.channels) {
      if (pixels != nullptr) {
        std::copy_n(pixels + y * row, row, to);
      } else {
        isa().frames(as_int(shape_.channels), as_size(shape_.width), bytes + y * shape_.width, as_size(plane), to);
      }
    }
    return scratch_;
  }

 private:
  bool in_place() const { return !x_.are_bytes() && shape_.padding == 0; }
  const ConvShape& shape_;
  const ConvImages& x_;
  float* scratch_;
};

// The patches of images first .. last - 1, one after the other.
void copy_patches(const ConvShape& shape, const PaddedImages& images, std::int64_t first, std::int64_t last,
                  float* to) {
  const std::int64_t pitch = padded_width(shape) * shape.channels;
  const std::int64_t run = shape.kernel_columns() * shape.channels;
  for (; first < last; ++first) {
    const float* image = images.at(first);
    for (std::int64_t y = 0; y < shape.out_height(); ++y) {
      for (std::int64_t x = 0; x < shape.out_width(); ++x) {
        const float* from = image + y * shape.stride * pitch + x * shape.stride * shape.channels;
        for (std::int64_t k = 0; k < shape.kernel; ++k, to += run) std::copy_n(from + k * pitch, run, to);
      }
    }
  }
}

// gx of one image: for each tap, the positions whose tap lies inside the image, as one product that is added in place.
// Against a product with a zero-bordered gy this multiplies no zeros (3x3 on 9x9: 1.65 times fewer).
void backward_data(const ConvShape& shape, const float* packed, const float* gy, float* gx) {
  const std::int64_t in_row = shape.width * shape.channels;
  const std::int64_t out_row = shape.out_width() * shape.outputs;
  // Positions first .. last - 1 along an axis for which tap k falls inside.
  const auto inside = [&](std::int64_t k, std::int64_t size, std::int64_t positions) {
    const std::int64_t before = shape.padding - k;
    const std::int64_t first = before > 0 ? (before + shape.stride - 1) / shape.stride : 0;
    const std::int64_t reach = size - 1 + before;
    const std::int64_t last = reach < 0 ? 0 : std::min(positions, reach / shape.stride + 1);
    return std::pair{first, std::max(first, last)};
  };
  for (std::int64_t ky = 0; ky < shape.kernel; ++ky) {
    const auto [top, bottom] = inside(ky, shape.height, shape.out_height());
    for (std::int64_t kx = 0; kx < shape.kernel_columns(); ++kx, packed += tap_floats(shape)) {
      const auto [left, right] = inside(kx, shape.width, shape.out_width());
      if (top == bottom || left == right) continue;
      ConvProduct call{};
      call.image = gy + top * out_row + left * shape.outputs;
      call.row_step = out_row;
      call.column_step = shape.outputs;
      call.rows = as_int(bottom - top);
      call.columns = as_int(right - left);
      call.segments = 1;
      call.length = as_int(shape.outputs);
      call.n = as_int(shape.channels);
      call.b = packed;
      call.c = gx + (top * shape.stride + ky - shape.padding) * in_row +
               (left * shape.stride + kx - shape.padding) * shape.channels;
      call.c_row = shape.stride * in_row;
      call.c_column = shape.stride * shape.channels;
      call.accumulate = true;
      isa().conv(call);
    }
  }
}

}  // namespace

std::size_t Cpu::conv_packed_floats(const ConvShape& shape) { return packed_floats(shape.patch(), shape.outputs); }

std::size_t Cpu::conv_packed_backward_floats(const ConvShape& shape) {
  return as_size(shape.taps() * tap_floats(shape));
}

std::size_t Cpu::conv_scratch_floats(const ConvShape& shape) {
  return Team::kMostThreads * caller_floats(shape) + shards_of(shape).scratch_floats();
}

void Cpu::conv_pack(const Stream& s, const ConvShape& shape, ConstView w, const PackedWeight& packed) {
  shared::pack(s, as_int(packed.k), as_int(packed.n), w.data, packed.forward);
  if (packed.backward == nullptr) return;
  isa().pack_taps(as_int(shape.taps()), as_int(shape.channels), as_int(shape.outputs), w.data, packed.backward);
}

void Cpu::conv_forward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                       ConstView bias, Activation activation, View y, std::span<float> scratch) {
  const std::int64_t m = y.shape[0];
  const std::int64_t pitch = padded_width(shape) * shape.channels;
  const std::int64_t floats = shape.out_height() * shape.out_width() * shape.outputs;
  const bool in_tile = activation == Activation::kIdentity || activation == Activation::kRelu;
  const int parts = shared::parts_of(s, m, m * floats * shape.patch(), shared::kLeastProducts);
  run_parts(shared::team_of(s), parts, [&](int part, int slot) {
    float* own = scratch.data() + as_size(slot) * caller_floats(shape);
    const PaddedImages images(shape, x, own);
    const std::int64_t last = shared::part_begin(part + 1, parts, m);
    const std::int64_t step = images_at_once(shape);
    for (std::int64_t i = shared::part_begin(part, parts, m); i < last; i += step) {
      float* to = y.data + i * floats;
      if (step > 1) {
        const std::int64_t end = std::min(i + step, last);
        float* patches = own + patches_at(shape);
        copy_patches(shape, images, i, end, patches);
        isa().gemm({as_int((end - i) * positions_of(shape)), as_int(shape.outputs), as_int(shape.patch()), patches,
                    shape.patch(), 1, w.forward, to, shape.outputs, bias.data, activation, false});
        continue;
      }
      ConvProduct call{};
      call.image = images.at(i);
      call.row_step = shape.stride * pitch;
      call.column_step = shape.stride * shape.channels;
      call.pitch = pitch;
      call.rows = as_int(shape.out_height());
      call.columns = as_int(shape.out_width());
      call.segments = as_int(shape.kernel);
      call.length = as_int(shape.kernel_columns() * shape.channels);
      call.n = as_int(shape.outputs);
      call.b = w.forward;
      call.c = to;
      call.c_row = shape.out_width() * shape.outputs;
      call.c_column = shape.outputs;
      call.bias = bias.data;
      call.rectify = activation == Activation::kRelu;
      isa().conv(call);
      if (!in_tile) isa().unary_forward(activation, to, to, as_size(floats));
    }
  });
}

void Cpu::conv_backward(const Stream& s, const ConvShape& shape, const ConvImages& x, const PackedWeight& w,
                        Activation activation, ConstView y, View gy, const LinearGradients& gradients,
                        std::span<float> scratch) {
  const auto begin = [](View gradient, GradientMode mode) {
    if (gradient.data != nullptr && mode == GradientMode::kOverwrite) {
      std::memset(gradient.data, 0, gradient.size() * sizeof(float));
    }
  };
  begin(gradients.w, gradients.w_mode);
  begin(gradients.bias, gradients.bias_mode);
  const std::int64_t m = y.shape[0];
  const std::int64_t positions = positions_of(shape);
  const std::int64_t pitch = padded_width(shape) * shape.channels;
  const std::int64_t in_floats = shape.height * shape.width * shape.channels;
  float* sums = scratch.data() + Team::kMostThreads * caller_floats(shape);
  const auto images_of_shard = [&](std::int64_t first, std::int64_t last, int slot, float* dw, float* db) {
    float* own = scratch.data() + as_size(slot) * caller_floats(shape);
    const PaddedImages images(shape, x, own);
    float* panels = own + panels_at(shape);
    const std::int64_t step = images_at_once(shape);
    for (std::int64_t i = first; i < last; i += step) {
      const std::int64_t end = std::min(i + step, last);
      const int rows = as_int((end - i) * positions);
      float* g = gy.data + i * positions * shape.outputs;
      isa().gradient_panels(activation, rows, as_int(shape.outputs), y.data + i * positions * shape.outputs, g, db,
                            panels);
      if (dw != nullptr && step > 1) {
        float* patches = own + patches_at(shape);
        copy_patches(shape, images, i, end, patches);
        isa().gemm({as_int(shape.patch()), as_int(shape.outputs), rows, patches, 1, shape.patch(), panels, dw,
                    shape.outputs, nullptr, Activation::kIdentity, true});
      } else if (dw != nullptr) {
        isa().conv_weights({images.at(i), shape.stride * pitch, shape.stride * shape.channels, pitch,
                            as_int(shape.out_height()), as_int(shape.out_width()), as_int(shape.kernel),
                            as_int(shape.kernel_columns() * shape.channels), as_int(shape.outputs), panels, dw});
      }
      for (std::int64_t image = i; image < end && gradients.x.data != nullptr; ++image) {
        float* gx = gradients.x.data + image * in_floats;
        begin({gx, Shape{in_floats}}, gradients.x_mode);
        backward_data(shape, w.backward, gy.data + image * positions * shape.outputs, gx);
      }
    }
  };
  shards_of(shape).run(s, m, gradients.w.data, gradients.bias.data, sums, images_of_shard);
}

}  // namespace sinv
