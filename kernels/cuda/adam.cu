// Sums over everything, and the optimiser that needs one.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/reduce.h"
#include "kernels/elementwise_math.h"

namespace sinv {
namespace {

struct ValueOf {
  const float* x;
  template <class Width>
  __device__ double operator()(Width, std::size_t i) const {
    const Values<Width::value> v = load<Width::value>(x + i);
    double sum = 0;
#pragma unroll
    for (int k = 0; k < Width::value; ++k) sum += static_cast<double>(v.at[k]);
    return sum;
  }
};

struct SquareOf {
  const float* x;
  template <class Width>
  __device__ double operator()(Width, std::size_t i) const {
    const Values<Width::value> v = load<Width::value>(x + i);
    double sum = 0;
#pragma unroll
    for (int k = 0; k < Width::value; ++k) sum += static_cast<double>(v.at[k]) * static_cast<double>(v.at[k]);
    return sum;
  }
};

struct ScaledSum {
  float* y;
  float scale;
  __device__ void operator()(double sum) const { *y = static_cast<float>(sum * static_cast<double>(scale)); }
};

// What the norm decides about the update, left in the workspace for its kernel.
struct AdamPlan {
  AdamStep step;
  float scale;
  bool apply;
};

struct PlanStep {
  AdamState* state;  // null: the constants come with the call
  AdamStep step;
  float clip_norm;
  float* norm;
  AdamPlan* plan;
  __device__ void operator()(double squares) const {
    const double length = sqrt(squares);
    const bool finite = length <= 1.7976931348623157e308;  // false for NaN as well
    AdamPlan now{step, 1.0F, finite};
    float clip = clip_norm;
    if (state != nullptr) {
      now.step = adam_constants(state->learning_rate, state->beta1, state->beta2, state->epsilon, state->steps + 1);
      clip = state->clip_norm;
      state->step = now.step;
      state->norm = static_cast<float>(length);
      // As the CPU counts: by the norm as float.
      if (state->norm <= 3.402823466e38F) ++state->steps;
    } else {
      *norm = static_cast<float>(length);
    }
    if (clip > 0) {
      const double scale = static_cast<double>(clip) / (length + 1e-6);
      now.scale = static_cast<float>(scale < 1.0 ? scale : 1.0);
    }
    *plan = now;
  }
};

__global__ void __launch_bounds__(kThreads) adam_kernel(const AdamPlan* plan, const float* gradient, float* value,
                                                        float* moment1, float* moment2, std::size_t count, bool wide) {
  const AdamPlan now = *plan;
  if (!now.apply) return;
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> g = load<kWidth>(gradient + i);
    Values<kWidth> v = load<kWidth>(value + i);
    Values<kWidth> m1 = load<kWidth>(moment1 + i);
    Values<kWidth> m2 = load<kWidth>(moment2 + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) adam_element(now.step, now.scale * g.at[k], v.at[k], m1.at[k], m2.at[k]);
    store<kWidth>(value + i, v);
    store<kWidth>(moment1 + i, m1);
    store<kWidth>(moment2 + i, m2);
  });
}

void update(const char* name, const Stream& s, PlanStep plan, std::span<const float> gradient, std::span<float> value,
            std::span<float> moment1, std::span<float> moment2) {
  plan.plan = static_cast<AdamPlan*>(WorkspaceParts(s).plan);
  reduce(name, s, gradient.size(), is_wide({gradient.data()}), SquareOf{gradient.data()}, plan);
  launch(name, adam_kernel, element_grid(value.size()), kThreads, 0, s, plan.plan, gradient.data(), value.data(),
         moment1.data(), moment2.data(), value.size(),
         is_wide({gradient.data(), value.data(), moment1.data(), moment2.data()}));
}

}  // namespace

void Cuda::sum_forward(const Stream& s, ConstView x, float scale, View y) {
  reduce("sum_forward", s, x.size(), is_wide({x.data}), ValueOf{x.data}, ScaledSum{y.data, scale});
}

void Cuda::adam_update(const Stream& s, const AdamStep& step, float clip_norm, std::span<const float> gradient,
                       std::span<float> value, std::span<float> moment1, std::span<float> moment2, View norm) {
  update("adam_update", s, {nullptr, step, clip_norm, norm.data, nullptr}, gradient, value, moment1, moment2);
}

void Cuda::adam_step(const Stream& s, AdamState* state, std::span<const float> gradient, std::span<float> value,
                     std::span<float> moment1, std::span<float> moment2) {
  update("adam_step", s, {state, {}, 0.0F, nullptr, nullptr}, gradient, value, moment1, moment2);
}

}  // namespace sinv
