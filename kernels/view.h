#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <ostream>
#include <span>
#include <vector>

#include "base/error.h"

namespace sinv {

/// Up to four dimensions, row-major, contiguous. A scalar has rank 0 and one element.
class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    SINV_CHECK(dims.size() <= dims_.size(), "shape: ", dims.size(), " dimensions, at most 4 are possible");
    std::size_t i = 0;
    for (const std::int64_t dim : dims) {
      SINV_CHECK(dim >= 0, "shape: dimension ", i, " is ", dim);
      dims_[i++] = dim;
    }
  }
  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  std::size_t size() const {
    std::size_t count = 1;
    for (int i = 0; i < rank_; ++i) count *= static_cast<std::size_t>(dims_[static_cast<std::size_t>(i)]);
    return count;
  }
  std::vector<std::int64_t> dims() const { return {dims_.begin(), dims_.begin() + rank_}; }
  friend bool operator==(const Shape&, const Shape&) = default;
  friend std::ostream& operator<<(std::ostream& out, const Shape& shape) {
    out << '[';
    for (int i = 0; i < shape.rank_; ++i) out << (i == 0 ? "" : ",") << shape[i];
    return out << ']';
  }

 private:
  int rank_ = 0;
  std::array<std::int64_t, 4> dims_{};
};

/// Floats somewhere, with their shape. Does not own them.
struct ConstView {
  const float* data = nullptr;
  Shape shape;
  ConstView() = default;
  ConstView(const float* from, Shape dims) : data(from), shape(dims) {}
  std::size_t size() const { return shape.size(); }
  std::span<const float> flat() const { return {data, size()}; }
};

struct View {
  float* data = nullptr;
  Shape shape;
  View() = default;
  View(float* from, Shape dims) : data(from), shape(dims) {}
  std::size_t size() const { return shape.size(); }
  std::span<float> flat() const { return {data, size()}; }
  operator ConstView() const { return {data, shape}; }  // NOLINT(google-explicit-constructor): a View is readable
};

}  // namespace sinv
