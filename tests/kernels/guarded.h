#pragma once

#include <cstddef>
#include <gtest/gtest.h>
#include <span>
#include <vector>

#include "base/random.h"
#include "kernels/view.h"

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

inline std::vector<float> draw(std::size_t count, std::uint64_t stream, float low = -1.0F, float high = 1.0F) {
  Random random(42, stream);
  std::vector<float> values(count);
  for (float& v : values) v = low + (high - low) * random.uniform();
  return values;
}

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
