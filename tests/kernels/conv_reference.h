#pragma once

#include <cstddef>
#include <vector>

#include "kernels/conv.h"

namespace sinv {

/// A convolution and its gradients by their definitions, in double.
struct ConvReference {
  ConvShape shape;
  std::int64_t m;

  std::size_t x_at(std::int64_t i, std::int64_t y, std::int64_t x, std::int64_t c) const {
    return static_cast<std::size_t>(((i * shape.height + y) * shape.width + x) * shape.channels + c);
  }
  /// Calls use(index in x, index in w, index in y) for every product of the sum.
  template <class Use>
  void each(Use use) const {
    for (std::int64_t i = 0; i < m; ++i) {
      for (std::int64_t oy = 0; oy < shape.out_height(); ++oy) {
        for (std::int64_t ox = 0; ox < shape.out_width(); ++ox) {
          for (std::int64_t ky = 0; ky < shape.kernel; ++ky) {
            for (std::int64_t kx = 0; kx < shape.kernel_columns(); ++kx) {
              const std::int64_t y = oy * shape.stride + ky - shape.padding;
              const std::int64_t x = ox * shape.stride + kx - shape.padding;
              if (y < 0 || y >= shape.height || x < 0 || x >= shape.width) continue;
              for (std::int64_t c = 0; c < shape.channels; ++c) {
                for (std::int64_t o = 0; o < shape.outputs; ++o) {
                  const std::int64_t w = ((ky * shape.kernel_columns() + kx) * shape.channels + c) * shape.outputs + o;
                  const std::int64_t to = ((i * shape.out_height() + oy) * shape.out_width() + ox) * shape.outputs + o;
                  use(x_at(i, y, x, c), static_cast<std::size_t>(w), static_cast<std::size_t>(to));
                }
              }
            }
          }
        }
      }
    }
  }
};

}  // namespace sinv
