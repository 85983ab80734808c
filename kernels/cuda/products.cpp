// Matrix products by cuBLASLt, and the linear layers made of them.
//
// The library counts columns first, so a row-major matrix is its own transpose to it: c = a b is asked for as
// c^T = b^T a^T, with the arrays as they lie.
#include <algorithm>
#include <array>
#include <cstdint>
#include <map>

#include "kernels/cuda/cuda_ops.h"
#include "kernels/cuda/epilogue.h"
#include "kernels/cuda/runtime.h"

namespace sinv {
namespace {

// One product: c [m,n] = (or +=) op(a) op(b), then bias and rectifier.
struct Product {
  ConstView a;
  bool transpose_a = false;
  ConstView b;
  bool transpose_b = false;
  View c;
  bool accumulate = false;
  const float* bias = nullptr;  // [n]
  bool rectify = false;
};

// Bytes that every array of this address is aligned to, as far as the library cares.
std::uint32_t alignment(const void* at) {
  const auto address = reinterpret_cast<std::uintptr_t>(at);
  return address == 0 ? 256U : static_cast<std::uint32_t>(std::min<std::uintptr_t>(address & (~address + 1), 256));
}

cublasComputeType_t compute_type() {
  switch (selected_precision()) {
    case Precision::kTf32:
      return CUBLAS_COMPUTE_32F_FAST_TF32;
    case Precision::kBf16:
      return CUBLAS_COMPUTE_32F_FAST_16BF;
    default:
      return CUBLAS_COMPUTE_32F;
  }
}

}  // namespace

/// The library's descriptions and choices for one shape. Thread: the stream's.
class ProductPlans {
 public:
  ProductPlans() = default;
  ProductPlans(const ProductPlans&) = delete;
  ProductPlans& operator=(const ProductPlans&) = delete;
  ~ProductPlans() {
    for (auto& [key, plan] : plans_) {
      static_cast<void>(cublasLtMatmulDescDestroy(plan.product));
      for (cublasLtMatrixLayout_t layout : plan.layouts) static_cast<void>(cublasLtMatrixLayoutDestroy(layout));
    }
  }

  void run(StreamState& state, const Product& p) {
    const Plan& plan = plan_for(state, p);
    if (p.bias != nullptr) set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
    const float alpha = 1.0F;
    const float beta = p.accumulate ? 1.0F : 0.0F;
    check_call(cublasLtMatmul(state.blas, plan.product, &alpha, p.b.data, plan.layouts[0], p.a.data, plan.layouts[1],
                              &beta, p.c.data, plan.layouts[2], p.c.data, plan.layouts[2], &plan.algorithm,
                              state.workspace, StreamState::kWorkspaceBytes, state.stream),
               "cublasLtMatmul");
  }

 private:
  struct Plan {
    cublasLtMatmulDesc_t product = nullptr;
    std::array<cublasLtMatrixLayout_t, 3> layouts{};  // of b, a and c, columns first
    cublasLtMatmulAlgo_t algorithm{};
  };
  using Key = std::array<std::int64_t, 7>;

  template <class Value>
  static void set(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t name, const Value& value) {
    check_call(cublasLtMatmulDescSetAttribute(product, name, &value, sizeof value), "cublasLtMatmulDescSetAttribute");
  }

  const Plan& plan_for(StreamState& state, const Product& p) {
    const std::int64_t epilogue = (p.bias != nullptr ? 1 : 0) + (p.rectify ? 2 : 0);
    const std::int64_t alignments = alignment(p.a.data) | std::int64_t{alignment(p.b.data)} << 16 |
                                    std::int64_t{alignment(p.c.data)} << 32 | std::int64_t{alignment(p.bias)} << 48;
    const Key key{p.c.shape[0],
                  p.c.shape[1],
                  p.a.shape[p.transpose_a ? 0 : 1],
                  (p.transpose_a ? 1 : 0) + (p.transpose_b ? 2 : 0) + (p.accumulate ? 4 : 0),
                  epilogue,
                  alignments,
                  static_cast<std::int64_t>(compute_type())};
    const auto found = plans_.find(key);
    if (found != plans_.end()) return found->second;
    return make(state, p, plans_[key]);
  }

  static const Plan& make(StreamState& state, const Product& p, Plan& plan) {
    check_call(cublasLtMatmulDescCreate(&plan.product, compute_type(), CUDA_R_32F), "cublasLtMatmulDescCreate");
    set(plan.product, CUBLASLT_MATMUL_DESC_TRANSA, p.transpose_b ? CUBLAS_OP_T : CUBLAS_OP_N);
    set(plan.product, CUBLASLT_MATMUL_DESC_TRANSB, p.transpose_a ? CUBLAS_OP_T : CUBLAS_OP_N);
    cublasLtEpilogue_t epilogue = p.rectify ? CUBLASLT_EPILOGUE_RELU : CUBLASLT_EPILOGUE_DEFAULT;
    if (p.bias != nullptr) epilogue = p.rectify ? CUBLASLT_EPILOGUE_RELU_BIAS : CUBLASLT_EPILOGUE_BIAS;
    set(plan.product, CUBLASLT_MATMUL_DESC_EPILOGUE, epilogue);
    if (p.bias != nullptr) set(plan.product, CUBLASLT_MATMUL_DESC_BIAS_POINTER, p.bias);
    const std::array<Shape, 3> shapes{p.b.shape, p.a.shape, p.c.shape};
    for (std::size_t i = 0; i < shapes.size(); ++i) {
      const auto rows = static_cast<std::uint64_t>(shapes[i][1]);
      check_call(cublasLtMatrixLayoutCreate(&plan.layouts[i], CUDA_R_32F, rows,
                                            static_cast<std::uint64_t>(shapes[i][0]), shapes[i][1]),
                 "cublasLtMatrixLayoutCreate");
    }
    choose(state, p, plan);
    return plan;
  }

  // The library's first proposal that adds partial sums in a fixed order.
  static void choose(StreamState& state, const Product& p, Plan& plan) {
    cublasLtMatmulPreference_t wanted = nullptr;
    check_call(cublasLtMatmulPreferenceCreate(&wanted), "cublasLtMatmulPreferenceCreate");
    const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t name, auto value) {
      check_call(cublasLtMatmulPreferenceSetAttribute(wanted, name, &value, sizeof value),
                 "cublasLtMatmulPreferenceSetAttribute");
    };
    cublasLtMatmulHeuristicResult_t result{};
    int count = 0;
    cublasStatus_t status = CUBLAS_STATUS_SUCCESS;
    try {
      prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, std::uint64_t{StreamState::kWorkspaceBytes});
      prefer(
          CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
          static_cast<std::uint32_t>(CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE | CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE));
      prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, alignment(p.b.data));
      prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, alignment(p.a.data));
      prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, alignment(p.c.data));
      prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, alignment(p.c.data));
      status = cublasLtMatmulAlgoGetHeuristic(state.blas, plan.product, plan.layouts[0], plan.layouts[1],
                                              plan.layouts[2], plan.layouts[2], wanted, 1, &result, &count);
    } catch (...) {
      static_cast<void>(cublasLtMatmulPreferenceDestroy(wanted));
      throw;
    }
    static_cast<void>(cublasLtMatmulPreferenceDestroy(wanted));
    check_call(status, "cublasLtMatmulAlgoGetHeuristic");
    SINV_CHECK(count > 0, "device cuda: cuBLASLt proposes nothing for a ", p.a.shape, ", b ", p.b.shape, ", c ",
               p.c.shape);
    check_call(result.state, "cublasLtMatmulAlgoGetHeuristic");
    plan.algorithm = result.algo;
  }

  std::map<Key, Plan> plans_;
};

namespace {

void run(const Stream& s, const Product& p) {
  StreamState& state = state_of(s);
  if (!state.products) state.products = std::make_shared<ProductPlans>();
  state.products->run(state, p);
}

}  // namespace

void Cuda::matmul(const Stream& s, ConstView a, bool transpose_a, ConstView b, bool transpose_b, GradientMode mode,
                  View c) {
  if (c.size() == 0) return;
  const bool accumulate = mode == GradientMode::kAccumulate;
  if (a.size() == 0) {  // a sum of nothing
    if (!accumulate) {
      check_call(cudaMemsetAsync(c.data, 0, c.size() * sizeof(float), state_of(s).stream), "cudaMemsetAsync");
    }
    return;
  }
  run(s, {.a = a, .transpose_a = transpose_a, .b = b, .transpose_b = transpose_b, .c = c, .accumulate = accumulate});
}

// Plain rows: the library reads a weight either way, so that backward is the same matrix.
std::size_t Cuda::packed_floats(std::int64_t k, std::int64_t n) {
  return static_cast<std::size_t>(k) * static_cast<std::size_t>(n);
}

void Cuda::linear_pack(const Stream& s, ConstView w, const PackedWeight& packed) {
  if (w.size() == 0) return;
  check_call(
      cudaMemcpyAsync(packed.forward, w.data, w.size() * sizeof(float), cudaMemcpyDeviceToDevice, state_of(s).stream),
      "cudaMemcpyAsync");
}

void Cuda::linear_pack_noisy(const Stream& s, ConstView mu, ConstView sigma, ConstView eps_in, ConstView eps_out,
                             const PackedWeight& packed) {
  noisy_mix(s, mu, sigma, eps_in, eps_out, {packed.forward, mu.shape});
}

void Cuda::linear_forward(const Stream& s, ConstView x, const PackedWeight& w, ConstView bias, Activation activation,
                          View y) {
  const bool in_product = activation == Activation::kIdentity || activation == Activation::kRelu;
  if (x.size() == 0) {
    check_call(cudaMemsetAsync(y.data, 0, y.size() * sizeof(float), state_of(s).stream), "cudaMemsetAsync");
    bias_activation(s, activation, bias, y);
    return;
  }
  run(s, {.a = x,
          .b = {w.forward, Shape{w.k, w.n}},
          .c = y,
          .bias = in_product ? bias.data : nullptr,
          .rectify = activation == Activation::kRelu});
  if (!in_product) bias_activation(s, activation, bias, y);
}

void Cuda::linear_backward(const Stream& s, ConstView x, const PackedWeight& w, Activation activation, ConstView y,
                           View gy, const LinearGradients& gradients, std::span<float>) {
  if (activation != Activation::kIdentity || gradients.bias.data != nullptr) {
    bias_activation_backward(s, activation, y, gy, gradients.bias_mode, gradients.bias);
  }
  if (gradients.w.data != nullptr) matmul(s, x, true, gy, false, gradients.w_mode, gradients.w);
  if (gradients.x.data != nullptr) {
    matmul(s, gy, false, {w.forward, Shape{w.k, w.n}}, true, gradients.x_mode, gradients.x);
  }
}

}  // namespace sinv
