// The element-wise, noise and optimiser loops. Included by isa_*.cpp inside an anonymous namespace, as isa_gemm.h is.

using Int8 [[gnu::vector_size(32)]] = int;

void unary_forward(Unary op, const float* x, float* y, std::size_t count) {
  switch (op) {
#define SINV_CASE(Op)                                                 \
  case Unary::k##Op:                                                  \
    for (std::size_t i = 0; i < count; ++i) y[i] = Op::forward(x[i]); \
    return;
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

template <class Op>
void backward_loop(const float* y, const float* gy, GradientMode mode, float* gx, std::size_t count) {
  if (mode == GradientMode::kOverwrite) {
    for (std::size_t i = 0; i < count; ++i) gx[i] = Op::backward(y[i], gy[i]);
  } else {
    for (std::size_t i = 0; i < count; ++i) gx[i] += Op::backward(y[i], gy[i]);
  }
}

void unary_backward(Unary op, const float* y, const float* gy, GradientMode mode, float* gx, std::size_t count) {
  switch (op) {
#define SINV_CASE(Op) \
  case Unary::k##Op:  \
    return backward_loop<Op>(y, gy, mode, gx, count);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void binary_forward(Binary op, const float* a, const float* b, float* y, std::size_t count) {
  switch (op) {
#define SINV_CASE(Op)                                                       \
  case Binary::k##Op:                                                       \
    for (std::size_t i = 0; i < count; ++i) y[i] = Op::forward(a[i], b[i]); \
    return;
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

template <class Op>
void binary_backward_loop(const float* a, const float* b, const float* gy, GradientMode mode_a, float* ga,
                          GradientMode mode_b, float* gb, std::size_t count) {
  for (std::size_t i = 0; i < count && ga != nullptr; ++i) {
    ga[i] = (mode_a == GradientMode::kAccumulate ? ga[i] : 0.0F) + Op::backward_a(a[i], b[i], gy[i]);
  }
  for (std::size_t i = 0; i < count && gb != nullptr; ++i) {
    gb[i] = (mode_b == GradientMode::kAccumulate ? gb[i] : 0.0F) + Op::backward_b(a[i], b[i], gy[i]);
  }
}

void binary_backward(Binary op, const float* a, const float* b, const float* gy, GradientMode mode_a, float* ga,
                     GradientMode mode_b, float* gb, std::size_t count) {
  switch (op) {
#define SINV_CASE(Op) \
  case Binary::k##Op: \
    return binary_backward_loop<Op>(a, b, gy, mode_a, ga, mode_b, gb, count);
    SINV_BINARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

template <class Op>
void mask_and_sum(int m, int n, const float* y, float* gy, float* db) {
  for (int i = 0; i < m; ++i, y += n, gy += n) {
    for (int j = 0; j < n; ++j) {
      const float g = Op::backward(y[j], gy[j]);
      gy[j] = g;
      if (db != nullptr) db[j] += g;
    }
  }
}

void activation_backward(Activation op, int m, int n, const float* y, float* gy, GradientMode mode, float* db) {
  if (db != nullptr && mode == GradientMode::kOverwrite) {
    for (int j = 0; j < n; ++j) db[j] = 0.0F;
  }
  switch (op) {
#define SINV_CASE(Op)     \
  case Activation::k##Op: \
    return mask_and_sum<Op>(m, n, y, gy, db);
    SINV_UNARY_OPS(SINV_CASE)
#undef SINV_CASE
  }
}

void noisy_backward(int k, int n, const float* dw, const float* eps_in, const float* eps_out, GradientMode mu_mode,
                    float* dmu, GradientMode sigma_mode, float* dsigma) {
  for (int s = 0; s < k; ++s) {
    const float factor = eps_in[s];
    if (sigma_mode == GradientMode::kOverwrite) {
      for (int j = 0; j < n; ++j) dsigma[j] = dw[j] * (factor * eps_out[j]);
    } else {
      for (int j = 0; j < n; ++j) dsigma[j] += dw[j] * (factor * eps_out[j]);
    }
    if (mu_mode == GradientMode::kAccumulate) {
      for (int j = 0; j < n; ++j) dmu[j] += dw[j];
    } else if (dmu != dw) {
      for (int j = 0; j < n; ++j) dmu[j] = dw[j];
    }
    dw += n;
    dmu += n;
    dsigma += n;
  }
}

void noise(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_block, std::size_t count, float* out) {
  constexpr int kChunk = 64;  // blocks of four
  std::uint32_t words[4 * kChunk];
  for (std::size_t done = 0; done < count; done += 4 * kChunk) {
    for (int i = 0; i < kChunk; ++i) {
      const Philox::Block block = Philox::at(seed, first_block + done / 4 + static_cast<std::uint64_t>(i), stream);
      for (int w = 0; w < 4; ++w) words[4 * i + w] = block.word[w];
    }
    const std::size_t rest = count - done;
    if (rest >= 4 * kChunk) {
      for (int i = 0; i < 4 * kChunk; ++i) out[i] = noise_factor(normal_from_bits(words[i]));
    } else {
      for (std::size_t i = 0; i < rest; ++i) out[i] = noise_factor(normal_from_bits(words[i]));
    }
    out += 4 * kChunk;
  }
}

// Eight partial sums in double: the order is fixed, whatever the instruction set.
double sum_of_squares(const float* x, std::size_t count) {
  double sum[8] = {};
  std::size_t i = 0;
  for (; i + 256 <= count; i += 256) {
    float part[32] = {};
    for (int r = 0; r < 8; ++r) {
      for (int j = 0; j < 32; ++j)
        part[j] += x[i + static_cast<std::size_t>(32 * r + j)] * x[i + static_cast<std::size_t>(32 * r + j)];
    }
    for (int j = 0; j < 32; ++j) sum[j % 8] += static_cast<double>(part[j]);
  }
  for (; i < count; ++i) sum[i % 8] += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return ((sum[0] + sum[1]) + (sum[2] + sum[3])) + ((sum[4] + sum[5]) + (sum[6] + sum[7]));
}

void adam(const AdamStep& step, float scale, std::size_t count, const float* gradient, float* value, float* moment1,
          float* moment2) {
  const AdamStep s = step;
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) {
    adam_element(s, scale * gradient[i], value[i], moment1[i], moment2[i]);
  }
}

void average(float rate, std::size_t count, const float* value, float* target) {
#pragma GCC ivdep
  for (std::size_t i = 0; i < count; ++i) target[i] += rate * (value[i] - target[i]);
}
