#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activation.h"
#include "kernels/device.h"

namespace sinv {

/// One matrix product C = epilogue(A B), in the shape that all products of a linear layer have.
/// A is read as a[i * a_row + s * a_step], 0 <= i < m, 0 <= s < k; a_row or a_step is 1.
/// B stands in panels (see panel_width): panel p holds columns [p * panel, ...), k rows of panel_width floats each.
/// Sums run over s in order for every element, whatever m is, so a row's result does not depend on the other rows.
struct Gemm {
  int m;
  int n;
  int k;
  const float* a;
  std::ptrdiff_t a_row;
  std::ptrdiff_t a_step;
  const float* b;
  float* c;
  std::ptrdiff_t c_row;
  const float* bias;      // [n] or null; added to the finished sums
  Activation activation;  // applied last
  bool accumulate;        // C += instead of C =; then no bias and no activation
};

/// The loops of the CPU backend, compiled once per instruction set; isa() picks at run time.
/// All pointers are to whole arrays with the sizes given; kernels/ops.h has the contracts.
struct IsaKernels {
  const char* name;
  int panel;   // columns of a full panel
  int vector;  // floats of a register; a last panel with at most so many columns is one register wide

  void (*gemm)(const Gemm& call);
  /// w [k,n] row-major -> panels of columns, zeros behind column n.
  void (*pack)(int k, int n, const float* w, float* panels);
  /// The same of mu + sigma * eps_in eps_out^T.
  void (*pack_noisy)(int k, int n, const float* mu, const float* sigma, const float* eps_in, const float* eps_out,
                     float* panels);
  /// panels of w [k,n] -> panels of its transpose [n,k].
  void (*transpose)(int k, int n, const float* panels, float* transposed);
  /// w = mu + sigma * eps_in eps_out^T, row-major.
  void (*noisy_mix)(int k, int n, const float* mu, const float* sigma, const float* eps_in, const float* eps_out,
                    float* w);
  /// dmu (may be dw itself) and dsigma of the same.
  void (*noisy_backward)(int k, int n, const float* dw, const float* eps_in, const float* eps_out, GradientMode mu_mode,
                         float* dmu, GradientMode sigma_mode, float* dsigma);
  /// Elements first .. first + count of the noise stream (seed, stream): sign(x) sqrt|x|, x normal.
  void (*noise)(std::uint64_t seed, std::uint64_t stream, std::uint64_t first_block, std::size_t count, float* out);

  void (*unary_forward)(Unary op, const float* x, float* y, std::size_t count);
  void (*unary_backward)(Unary op, const float* y, const float* gy, GradientMode mode, float* gx, std::size_t count);
  void (*binary_forward)(Binary op, const float* a, const float* b, float* y, std::size_t count);
  void (*binary_backward)(Binary op, const float* a, const float* b, const float* gy, GradientMode mode_a, float* ga,
                          GradientMode mode_b, float* gb, std::size_t count);
  /// gy *= slope of the activation at y, in place; db [n] gets the column sums (null: not wanted).
  void (*activation_backward)(Activation op, int m, int n, const float* y, float* gy, GradientMode mode, float* db);
  double (*sum_of_squares)(const float* x, std::size_t count);
  void (*adam)(const AdamStep& step, float scale, std::size_t count, const float* gradient, float* value,
               float* moment1, float* moment2);
  /// target += rate * (value - target).
  void (*average)(float rate, std::size_t count, const float* value, float* target);
};

/// Columns of the panel that starts at column `first` of n.
inline int panel_width(const IsaKernels& isa, int n, int first) {
  return n - first > isa.vector ? isa.panel : isa.vector;
}
/// Floats of the panels of a [k,n] matrix.
inline std::size_t panel_floats(const IsaKernels& isa, int k, int n) {
  const int full = n / isa.panel;
  const int rest = n - full * isa.panel;
  const int columns = full * isa.panel + (rest == 0 ? 0 : rest > isa.vector ? isa.panel : isa.vector);
  return static_cast<std::size_t>(k) * static_cast<std::size_t>(columns);
}

extern const IsaKernels kIsaBase;
#if defined(SINV_X86)
extern const IsaKernels kIsaAvx2;
extern const IsaKernels kIsaAvx512;
extern const IsaKernels kIsaAvx512Emulated;  // the 512-bit code with 256-bit instructions: for tests on older machines
#endif

/// The best this machine has; SINV_ISA=base|avx2|avx512 in the environment asks for less.
/// Errors: UserError naming the known ones for another word or one that this machine lacks.
const IsaKernels& isa();

}  // namespace sinv
