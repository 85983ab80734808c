#include <cmath>
#include <cstring>
#include <map>

#include "tests/support/cuda_emulation/cublasLt.h"
#include "tests/support/cuda_emulation/rounded.h"

// NOLINTBEGIN: names and forms are NVIDIA's.
struct cublasLtContext {};
struct EmulatedProduct {
  int bits = 23;
  cublasOperation_t transpose_a = CUBLAS_OP_N;
  cublasOperation_t transpose_b = CUBLAS_OP_N;
  cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_DEFAULT;
  const float* bias = nullptr;
};
struct EmulatedLayout {
  std::uint64_t rows;
  std::uint64_t columns;
  std::int64_t leading;
};
struct EmulatedPreference {
  std::map<int, std::uint64_t> values;
};

namespace {

// Element (row, column) of op(matrix).
float element(const float* matrix, const EmulatedLayout& layout, cublasOperation_t op, std::uint64_t row,
              std::uint64_t column) {
  if (op == CUBLAS_OP_T) std::swap(row, column);
  return matrix[column * static_cast<std::uint64_t>(layout.leading) + row];
}

bool aligned(const void* at, std::uint64_t bytes) { return reinterpret_cast<std::uintptr_t>(at) % bytes == 0; }

}  // namespace

std::size_t cublasLtGetVersion() { return 130100; }
const char* cublasLtGetStatusName(cublasStatus_t status) {
  return status == CUBLAS_STATUS_INVALID_VALUE ? "CUBLAS_STATUS_INVALID_VALUE" : "CUBLAS_STATUS_EXECUTION_FAILED";
}
const char* cublasLtGetStatusString(cublasStatus_t) { return "it is wrong"; }
cublasStatus_t cublasLtCreate(cublasLtHandle_t* handle) {
  *handle = new cublasLtContext;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtDestroy(cublasLtHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescCreate(cublasLtMatmulDesc_t* product, cublasComputeType_t compute, cudaDataType_t) {
  *product = new EmulatedProduct;
  if (compute == CUBLAS_COMPUTE_32F_FAST_TF32) (*product)->bits = 10;
  if (compute == CUBLAS_COMPUTE_32F_FAST_16BF) (*product)->bits = 7;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescDestroy(cublasLtMatmulDesc_t product) {
  delete product;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulDescSetAttribute(cublasLtMatmulDesc_t product, cublasLtMatmulDescAttributes_t name,
                                              const void* value, std::size_t bytes) {
  const auto put = [&](auto& to) {
    if (bytes != sizeof to) return CUBLAS_STATUS_INVALID_VALUE;
    std::memcpy(&to, value, bytes);
    return CUBLAS_STATUS_SUCCESS;
  };
  switch (name) {
    case CUBLASLT_MATMUL_DESC_TRANSA:
      return put(product->transpose_a);
    case CUBLASLT_MATMUL_DESC_TRANSB:
      return put(product->transpose_b);
    case CUBLASLT_MATMUL_DESC_EPILOGUE:
      return put(product->epilogue);
    case CUBLASLT_MATMUL_DESC_BIAS_POINTER:
      return put(product->bias);
  }
  return CUBLAS_STATUS_INVALID_VALUE;
}
cublasStatus_t cublasLtMatrixLayoutCreate(cublasLtMatrixLayout_t* layout, cudaDataType_t, std::uint64_t rows,
                                          std::uint64_t columns, std::int64_t leading) {
  if (leading < static_cast<std::int64_t>(rows)) return CUBLAS_STATUS_INVALID_VALUE;
  *layout = new EmulatedLayout{rows, columns, leading};
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatrixLayoutDestroy(cublasLtMatrixLayout_t layout) {
  delete layout;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceCreate(cublasLtMatmulPreference_t* preference) {
  *preference = new EmulatedPreference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceDestroy(cublasLtMatmulPreference_t preference) {
  delete preference;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmulPreferenceSetAttribute(cublasLtMatmulPreference_t preference,
                                                    cublasLtMatmulPreferenceAttributes_t name, const void* value,
                                                    std::size_t bytes) {
  const std::size_t wanted = name == CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES ? 8 : 4;
  if (bytes != wanted) return CUBLAS_STATUS_INVALID_VALUE;
  std::memcpy(&preference->values[name], value, bytes);
  return CUBLAS_STATUS_SUCCESS;
}
// The choice remembers which alignments it counts on.
cublasStatus_t cublasLtMatmulAlgoGetHeuristic(cublasLtHandle_t, cublasLtMatmulDesc_t, cublasLtMatrixLayout_t,
                                              cublasLtMatrixLayout_t, cublasLtMatrixLayout_t, cublasLtMatrixLayout_t,
                                              cublasLtMatmulPreference_t preference, int,
                                              cublasLtMatmulHeuristicResult_t* found, int* count) {
  *found = {{{preference->values[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES],
              preference->values[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES],
              preference->values[CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES]}},
            0,
            CUBLAS_STATUS_SUCCESS};
  *count = 1;
  return CUBLAS_STATUS_SUCCESS;
}
cublasStatus_t cublasLtMatmul(cublasLtHandle_t, cublasLtMatmulDesc_t product, const void* alpha, const void* a,
                              cublasLtMatrixLayout_t a_layout, const void* b, cublasLtMatrixLayout_t b_layout,
                              const void* beta, const void* c, cublasLtMatrixLayout_t c_layout, void* d,
                              cublasLtMatrixLayout_t d_layout, const cublasLtMatmulAlgo_t* algorithm, void*,
                              std::size_t, cudaStream_t stream) {
  const EmulatedProduct p = *product;
  const EmulatedLayout la = *a_layout;
  const EmulatedLayout lb = *b_layout;
  const EmulatedLayout ld = *d_layout;
  const std::uint64_t k = p.transpose_a == CUBLAS_OP_T ? la.rows : la.columns;
  const bool fits = (p.transpose_a == CUBLAS_OP_T ? la.columns : la.rows) == ld.rows &&
                    (p.transpose_b == CUBLAS_OP_T ? lb.columns : lb.rows) == k &&
                    (p.transpose_b == CUBLAS_OP_T ? lb.rows : lb.columns) == ld.columns && c == d &&
                    c_layout == d_layout;
  if (!fits || !aligned(a, algorithm->data[0]) || !aligned(b, algorithm->data[1]) || !aligned(d, algorithm->data[2])) {
    return CUBLAS_STATUS_INVALID_VALUE;
  }
  const auto* from_a = static_cast<const float*>(a);
  const auto* from_b = static_cast<const float*>(b);
  auto* to = static_cast<float*>(d);
  const float scale = *static_cast<const float*>(alpha);
  const float old = *static_cast<const float*>(beta);
  sinv::cuda_emulation::submit(stream, [=] {
    for (std::uint64_t column = 0; column < ld.columns; ++column) {
      for (std::uint64_t row = 0; row < ld.rows; ++row) {
        double sum = 0;
        for (std::uint64_t i = 0; i < k; ++i) {
          const float x = element(from_a, la, p.transpose_a, row, i);
          const float y = element(from_b, lb, p.transpose_b, i, column);
          sum += static_cast<double>(sinv::cuda_emulation::rounded(x, p.bits)) *
                 static_cast<double>(sinv::cuda_emulation::rounded(y, p.bits));
        }
        float& out = to[column * static_cast<std::uint64_t>(ld.leading) + row];
        float value = scale * static_cast<float>(sum) + (old == 0.0F ? 0.0F : old * out);
        if ((p.epilogue & CUBLASLT_EPILOGUE_BIAS) != 0) value += p.bias[row];
        out = (p.epilogue & CUBLASLT_EPILOGUE_RELU) != 0 ? std::fmax(value, 0.0F) : value;
      }
    }
  });
  return CUBLAS_STATUS_SUCCESS;
}
// NOLINTEND
