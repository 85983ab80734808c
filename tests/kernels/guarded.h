#pragma once

#include <cstddef>
#include <gtest/gtest.h>
#include <span>
#include <vector>

#include "kernels/view.h"
#include "tests/kernels/draw.h"

namespace sinv {

/// An output between guard values: the test fails at the end if a kernel wrote outside its own elements.
class Guarded {
 public:
  explicit Guarded(std::size_t count) : values_(count + 2 * kGuards, kGuard), count_(count) {}
  ~Guarded() {
    for (std::size_t i = 0; i < kGuards; ++i) {
      EXPECT_EQ(values_[i], kGuard) << "written " << kGuards - i << " before the output";
      EXPECT_EQ(values_[kGuards + count_ + i], kGuard) << "written " << i << " behind the output";
    }
  }
  float* data() { return values_.data() + kGuards; }
  std::span<float> span() { return {data(), count_}; }
  View view(Shape shape) { return {data(), shape}; }
  float operator[](std::size_t i) const { return values_[kGuards + i]; }

 private:
  static constexpr float kGuard = -12345.5F;
  static constexpr std::size_t kGuards = 35;
  std::vector<float> values_;
  std::size_t count_;
};

/// The text of the Error that a call throws, or "".
template <class Call>
std::string message(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace sinv
