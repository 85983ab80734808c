// Operations on single elements, whatever the shape.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/elementwise_math.h"

namespace sinv {
namespace {

template <class Op>
__global__ void __launch_bounds__(kThreads)
    unary_forward_kernel(const float* x, float* y, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    Values<kWidth> v = load<kWidth>(x + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] = Op::forward(v.at[k]);
    store<kWidth>(y + i, v);
  });
}

template <class Op>
__global__ void __launch_bounds__(kThreads)
    unary_backward_kernel(const float* y, const float* gy, bool add, float* gx, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> out = load<kWidth>(y + i);
    Values<kWidth> g = load<kWidth>(gy + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) g.at[k] = Op::backward(out.at[k], g.at[k]);
    give<kWidth>(add, gx + i, g);
  });
}

template <class Op>
__global__ void __launch_bounds__(kThreads)
    binary_forward_kernel(const float* a, const float* b, float* y, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    Values<kWidth> v = load<kWidth>(a + i);
    const Values<kWidth> w = load<kWidth>(b + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] = Op::forward(v.at[k], w.at[k]);
    store<kWidth>(y + i, v);
  });
}

// ga and gb may be one array (a value used twice): the first is stored before the second is added.
template <class Op>
__global__ void __launch_bounds__(kThreads)
    binary_backward_kernel(const float* a, const float* b, const float* gy, bool add_a, float* ga, bool add_b,
                           float* gb, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> va = load<kWidth>(a + i);
    const Values<kWidth> vb = load<kWidth>(b + i);
    const Values<kWidth> g = load<kWidth>(gy + i);
    Values<kWidth> slope;
    if (ga != nullptr) {
#pragma unroll
      for (int k = 0; k < kWidth; ++k) slope.at[k] = Op::backward_a(va.at[k], vb.at[k], g.at[k]);
      give<kWidth>(add_a, ga + i, slope);
    }
    if (gb != nullptr) {
#pragma unroll
      for (int k = 0; k < kWidth; ++k) slope.at[k] = Op::backward_b(va.at[k], vb.at[k], g.at[k]);
      give<kWidth>(add_b, gb + i, slope);
    }
  });
}

__global__ void __launch_bounds__(kThreads)
    sum_backward_kernel(const float* gy, float scale, bool add, float* gx, std::size_t count, bool wide) {
  const float g = *gy * scale;
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    Values<kWidth> v;
#pragma unroll
    for (int k = 0; k < kWidth; ++k) v.at[k] = g;
    give<kWidth>(add, gx + i, v);
  });
}

__global__ void __launch_bounds__(kThreads)
    huber_forward_kernel(const float* prediction, const float* target, const float* weight, float delta, float* y,
                         std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> p = load<kWidth>(prediction + i);
    const Values<kWidth> t = load<kWidth>(target + i);
    Values<kWidth> w = load<kWidth>(weight + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) w.at[k] *= huber(p.at[k] - t.at[k], delta);
    store<kWidth>(y + i, w);
  });
}

__global__ void __launch_bounds__(kThreads)
    huber_backward_kernel(const float* prediction, const float* target, const float* weight, float delta,
                          const float* gy, bool add, float* gx, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> p = load<kWidth>(prediction + i);
    const Values<kWidth> t = load<kWidth>(target + i);
    const Values<kWidth> w = load<kWidth>(weight + i);
    Values<kWidth> g = load<kWidth>(gy + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) g.at[k] = g.at[k] * w.at[k] * huber_slope(p.at[k] - t.at[k], delta);
    give<kWidth>(add, gx + i, g);
  });
}

__global__ void __launch_bounds__(kThreads)
    average_kernel(float rate, const float* value, float* target, std::size_t count, bool wide) {
  each_element(count, wide, [=](auto width, std::size_t i) {
    constexpr int kWidth = decltype(width)::value;
    const Values<kWidth> v = load<kWidth>(value + i);
    Values<kWidth> t = load<kWidth>(target + i);
#pragma unroll
    for (int k = 0; k < kWidth; ++k) t.at[k] += rate * (v.at[k] - t.at[k]);
    store<kWidth>(target + i, t);
  });
}

}  // namespace

void Cuda::unary_forward(const Stream& s, Unary op, ConstView x, View y) {
  const bool wide = is_wide({x.data, y.data});
  switch (op) {
#define SINV_CASE(Op)                                                                                                \
  case Unary::k##Op:                                                                                                 \
    return launch("unary_forward", unary_forward_kernel<Op>, element_grid(y.size()), kThreads, 0, s, x.data, y.data, \
                  y.size(), wide);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void Cuda::unary_backward(const Stream& s, Unary op, ConstView y, ConstView gy, GradientMode mode, View gx) {
  const bool wide = is_wide({y.data, gy.data, gx.data});
  switch (op) {
#define SINV_CASE(Op)                                                                                          \
  case Unary::k##Op:                                                                                           \
    return launch("unary_backward", unary_backward_kernel<Op>, element_grid(y.size()), kThreads, 0, s, y.data, \
                  gy.data, is_add(mode), gx.data, y.size(), wide);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void Cuda::binary_forward(const Stream& s, Binary op, ConstView a, ConstView b, View y) {
  const bool wide = is_wide({a.data, b.data, y.data});
  switch (op) {
#define SINV_CASE(Op)                                                                                                  \
  case Binary::k##Op:                                                                                                  \
    return launch("binary_forward", binary_forward_kernel<Op>, element_grid(y.size()), kThreads, 0, s, a.data, b.data, \
                  y.data, y.size(), wide);
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void Cuda::binary_backward(const Stream& s, Binary op, ConstView a, ConstView b, ConstView gy, GradientMode mode_a,
                           View ga, GradientMode mode_b, View gb) {
  const bool wide = is_wide({a.data, b.data, gy.data, ga.data, gb.data});
  switch (op) {
#define SINV_CASE(Op)                                                                                             \
  case Binary::k##Op:                                                                                             \
    return launch("binary_backward", binary_backward_kernel<Op>, element_grid(gy.size()), kThreads, 0, s, a.data, \
                  b.data, gy.data, is_add(mode_a), ga.data, is_add(mode_b), gb.data, gy.size(), wide);
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void Cuda::sum_backward(const Stream& s, ConstView gy, float scale, GradientMode mode, View gx) {
  launch("sum_backward", sum_backward_kernel, element_grid(gx.size()), kThreads, 0, s, gy.data, scale, is_add(mode),
         gx.data, gx.size(), is_wide({gx.data}));
}

void Cuda::huber_forward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                         View y) {
  launch("huber_forward", huber_forward_kernel, element_grid(y.size()), kThreads, 0, s, prediction.data, target.data,
         weight.data, delta, y.data, y.size(), is_wide({prediction.data, target.data, weight.data, y.data}));
}

void Cuda::huber_backward(const Stream& s, ConstView prediction, ConstView target, ConstView weight, float delta,
                          ConstView gy, GradientMode mode, View gprediction) {
  launch("huber_backward", huber_backward_kernel, element_grid(gy.size()), kThreads, 0, s, prediction.data, target.data,
         weight.data, delta, gy.data, is_add(mode), gprediction.data, gy.size(),
         is_wide({prediction.data, target.data, weight.data, gy.data, gprediction.data}));
}

void Cuda::average_update(const Stream& s, float rate, std::span<const float> value, std::span<float> target) {
  if (rate == 1.0F) {
    check_cuda(
        cudaMemcpyAsync(target.data(), value.data(), value.size_bytes(), cudaMemcpyDeviceToDevice, cuda_stream(s)),
        "average_update");
    return;
  }
  launch("average_update", average_kernel, element_grid(value.size()), kThreads, 0, s, rate, value.data(),
         target.data(), value.size(), is_wide({value.data(), target.data()}));
}

}  // namespace sinv
