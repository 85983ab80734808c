// The n-step (Double) DQN loss: target, error, loss and means in one kernel, the gradient in another.
#include "kernels/cuda/blocks.h"
#include "kernels/cuda/cuda_ops.h"
#include "kernels/elementwise_math.h"

namespace sinv {
namespace {

constexpr int kMostThreads = 1024;

struct LossInputs {
  const float* q_tm1;
  const float* q_t_selector;
  const float* q_t_value;
  const std::int32_t* action_tm1;
  const float* return_t;
  const float* discount_t;
  const float* weight;
  float huber_delta;
};

// One block: a batch is a few hundred rows, and the sums need no second pass.
__global__ void __launch_bounds__(kMostThreads)
    dqn_loss_forward_kernel(LossInputs in, std::int64_t rows, std::int64_t n, float* td_error, float* loss,
                            float* mean_q) {
  __shared__ BlockRoom<double> room;
  double sum_loss = 0;
  double sum_q = 0;
  for (std::int64_t i = thread(); i < rows; i += threads()) {
    const float* selector = in.q_t_selector + i * n;
    std::int64_t best = 0;
    float most = selector[0];
    for (std::int64_t j = 1; j < n; ++j) {
      const float q = selector[j];
      if (q > most) {
        most = q;
        best = j;
      }
    }
    const float target = in.return_t[i] + in.discount_t[i] * in.q_t_value[i * n + best];
    const std::int32_t action = in.action_tm1[i];
    const float q = action >= 0 && action < n ? in.q_tm1[i * n + action] : nanf("");
    const float error = q - target;
    td_error[i] = error;
    sum_loss += static_cast<double>(in.weight[i] * huber(error, in.huber_delta));
    sum_q += static_cast<double>(q);
  }
  sum_loss = block_sum(sum_loss, room);
  sum_q = block_sum(sum_q, room);
  if (thread() != 0) return;
  const double count = rows > 0 ? static_cast<double>(rows) : 1.0;
  *loss = static_cast<float>(sum_loss / count);
  *mean_q = static_cast<float>(sum_q / count);
}

__global__ void __launch_bounds__(kThreads)
    dqn_loss_backward_kernel(LossInputs in, const float* td_error, const float* gloss, std::uint32_t rows,
                             std::uint32_t n, bool add, float* gq) {
  const float scale = *gloss / static_cast<float>(rows);
  each_small(rows * n, [=](std::uint32_t i) {
    const std::uint32_t row = i / n;
    const bool taken = in.action_tm1[row] == static_cast<std::int32_t>(i - row * n);
    if (taken || !add) {
      const float g = taken ? scale * in.weight[row] * huber_slope(td_error[row], in.huber_delta) : 0.0F;
      give<1>(add, gq + i, {{g}});
    }
  });
}

LossInputs pointers(const DqnLossInputs& in) {
  return {in.q_tm1.data,      in.q_t_selector.data, in.q_t_value.data, in.action_tm1.data(),
          in.return_t.data(), in.discount_t.data(), in.weight.data(),  in.huber_delta};
}

}  // namespace

void Cuda::dqn_loss_forward(const Stream& s, const DqnLossInputs& in, const DqnLossOutputs& out) {
  const std::int64_t rows = in.q_tm1.shape[0];
  launch("dqn_loss_forward", dqn_loss_forward_kernel, 1, rows > kThreads ? kMostThreads : kThreads, 0, s, pointers(in),
         rows, in.q_tm1.shape[1], out.td_error.data(), out.loss.data, out.mean_q.data);
}

void Cuda::dqn_loss_backward(const Stream& s, const DqnLossInputs& in, std::span<const float> td_error, ConstView gloss,
                             GradientMode mode, View gq_tm1) {
  small_count("dqn_loss_backward", gq_tm1.size());
  launch("dqn_loss_backward", dqn_loss_backward_kernel, element_grid(gq_tm1.size()), kThreads, 0, s, pointers(in),
         td_error.data(), gloss.data, gq_tm1.shape[0], gq_tm1.shape[1], is_add(mode), gq_tm1.data);
}

}  // namespace sinv
