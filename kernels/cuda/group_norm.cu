// Group normalisation of images, channels last.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/column_sums.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/elementwise_math.h"

namespace sinv {
namespace {

constexpr int kMostChannels = 1024;  // as kernels/conv.h allows
constexpr int kMostThreads = 1024;

// One block per image. A thread keeps one channel and goes over every `step`-th position, so that a warp reads runs of
// channels. With more than half as many channels as threads some threads rest.
struct Lanes {
  int channel;
  int first;  // position
  int step;
  bool active;
};
__device__ inline Lanes lanes_of(int c) {
  const int step = threads() / c;
  return {thread() % c, thread() / c, step, thread() < step * c};
}

// sums [groups] = sum over the group's channels and positions of what its threads bring. Every thread must call it.
__device__ inline void group_sums(float value, int c, int groups, const Lanes& self,
                                  SharedArray<float, kMostThreads>& tile, SharedArray<float, kMostChannels>& sums) {
  __syncthreads();  // the last sums have been read
  if (self.active) tile[thread()] = value;
  __syncthreads();
  const int size = c / groups;
  for (int g = warp(); g < groups; g += threads() / kWarp) {
    float sum = 0;
    for (int e = lane(); e < self.step * size; e += kWarp) sum += tile[e / size * c + g * size + e % size];
    sum = warp_sum(sum);
    if (lane() == 0) sums[g] = sum;
  }
  __syncthreads();
}

template <class Op>
__global__ void __launch_bounds__(kMostThreads)
    group_norm_forward_kernel(const float* x, int groups, const float* gain, const float* bias, float epsilon, float* y,
                              float* statistics, int positions, int c) {
  __shared__ SharedArray<float, kMostThreads> tile;
  __shared__ SharedArray<float, kMostChannels> sums;
  const Lanes self = lanes_of(c);
  const int group = self.channel / (c / groups);
  const float per_element = 1.0F / (static_cast<float>(positions) * static_cast<float>(c / groups));
  const std::size_t image = std::size_t{blockIdx.x} * static_cast<std::size_t>(positions) * static_cast<std::size_t>(c);
  const float* from = x + image + self.channel;
  float* to = y + image + self.channel;
  const int last = self.active ? positions : 0;
  float sum = 0;
  for (int p = self.first; p < last; p += self.step) sum += from[p * c];
  group_sums(sum, c, groups, self, tile, sums);
  const float mean = sums[group] * per_element;
  float squares = 0;  // of the differences: a second pass, because mean(x^2) - mean^2 cancels
  for (int p = self.first; p < last; p += self.step) squares += (from[p * c] - mean) * (from[p * c] - mean);
  group_sums(squares, c, groups, self, tile, sums);
  const float scale = 1.0F / sqrtf(sums[group] * per_element + epsilon);
  if (self.active) {
    const float factor = scale * gain[self.channel];
    const float offset = bias[self.channel];
    for (int p = self.first; p < last; p += self.step) to[p * c] = Op::forward((from[p * c] - mean) * factor + offset);
    if (self.first == 0 && self.channel % (c / groups) == 0) {
      float* kept = statistics +
                    2 * (std::size_t{blockIdx.x} * static_cast<std::size_t>(groups) + static_cast<std::size_t>(group));
      kept[0] = mean;
      kept[1] = scale;
    }
  }
}

// gy becomes the gradient before the activation; gx, if wanted, the gradient of the normalisation.
template <class Op>
__global__ void __launch_bounds__(kMostThreads)
    group_norm_backward_kernel(const float* x, int groups, const float* gain, const float* statistics, const float* y,
                               float* gy, bool add, float* gx, int positions, int c) {
  __shared__ SharedArray<float, kMostThreads> tile;
  __shared__ SharedArray<float, kMostChannels> sums;
  const Lanes self = lanes_of(c);
  const int group = self.channel / (c / groups);
  const float per_element = 1.0F / (static_cast<float>(positions) * static_cast<float>(c / groups));
  const std::size_t image = std::size_t{blockIdx.x} * static_cast<std::size_t>(positions) * static_cast<std::size_t>(c);
  const float* from = x + image + self.channel;
  const float* out = y + image + self.channel;
  float* g = gy + image + self.channel;
  const float* kept =
      statistics + 2 * (std::size_t{blockIdx.x} * static_cast<std::size_t>(groups) + static_cast<std::size_t>(group));
  const float mean = kept[0];
  const float scale = kept[1];
  const float factor = gain[self.channel];
  const int last = self.active ? positions : 0;
  float sum_g = 0;
  float sum_gx = 0;
  for (int p = self.first; p < last; p += self.step) {
    const float v = Op::backward(out[p * c], g[p * c]);
    g[p * c] = v;
    sum_g += v;
    sum_gx += v * (from[p * c] - mean);
  }
  if (gx == nullptr) return;
  group_sums(sum_g * factor, c, groups, self, tile, sums);
  const float along = sums[group] * per_element * scale;
  group_sums(sum_gx * factor, c, groups, self, tile, sums);
  const float across = sums[group] * per_element * scale * scale * scale;
  float* to = gx + image + self.channel;
  for (int p = self.first; p < last; p += self.step) {
    give<1>(add, to + p * c, {{g[p * c] * (scale * factor) - along - (from[p * c] - mean) * across}});
  }
}

// Terms of the gradients of gain and bias; rows are the positions of all images.
struct GroupNormTerms {
  const float* x;
  const float* statistics;
  const float* g;
  std::int64_t positions;
  std::int64_t c;
  std::int64_t groups;
  __device__ void operator()(std::int64_t row, std::int64_t column, float* terms) const {
    const std::int64_t i = row * c + column;
    const float* kept = statistics + 2 * (row / positions * groups + column / (c / groups));
    terms[0] = g[i] * (x[i] - kept[0]) * kept[1];
    terms[1] = g[i];
  }
};

int block_threads(std::int64_t c) { return c <= kMostThreads / 2 ? kMostThreads / 2 : kMostThreads; }
int as_int(std::int64_t n) { return static_cast<int>(n); }

}  // namespace

void Cuda::group_norm_forward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView bias,
                              float epsilon, Activation activation, View y, View statistics) {
  if (x.size() == 0) return;
  const std::int64_t c = x.shape[3];
  switch (activation) {
#define SINV_CASE(Op)                                                                                     \
  case Activation::k##Op:                                                                                 \
    return launch("group_norm_forward", group_norm_forward_kernel<Op>, static_cast<unsigned>(x.shape[0]), \
                  block_threads(c), 0, s, x.data, as_int(groups), gain.data, bias.data, epsilon, y.data,  \
                  statistics.data, as_int(x.shape[1] * x.shape[2]), as_int(c));
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void Cuda::group_norm_backward(const Stream& s, ConstView x, std::int64_t groups, ConstView gain, ConstView statistics,
                               Activation activation, ConstView y, View gy, const NormGradients& gradients) {
  const std::int64_t positions = x.shape[1] * x.shape[2];
  const std::int64_t c = x.shape[3];
  const auto images = static_cast<unsigned>(x.size() == 0 ? 0 : x.shape[0]);
  switch (activation) {
#define SINV_CASE(Op)                                                                                               \
  case Activation::k##Op:                                                                                           \
    launch("group_norm_backward", group_norm_backward_kernel<Op>, images, block_threads(c), 0, s, x.data,           \
           as_int(groups), gain.data, statistics.data, y.data, gy.data, is_add(gradients.x_mode), gradients.x.data, \
           as_int(positions), as_int(c));                                                                           \
    break;
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
  if (gradients.gain.data == nullptr && gradients.bias.data == nullptr) return;
  column_sums<2>(
      "group_norm_backward", s, GroupNormTerms{x.data, statistics.data, gy.data, positions, c, groups},
      x.shape[0] * positions, c,
      {{gradients.gain.data, gradients.bias.data}, {is_add(gradients.gain_mode), is_add(gradients.bias_mode)}});
}

}  // namespace sinv
