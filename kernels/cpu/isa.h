#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/activation.h"
#include "kernels/deconv.h"
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
  bool accumulate;        // C += instead of C =, before bias and activation
  int first_step = 0;     // gemm sums from this step on, sparse_rows up to it
};

/// A convolution of one image as a product C = A B whose left side is read in place. Row (y, x) of A is a position:
/// `segments` runs of `length` floats, run r from image + y * row_step + x * column_step + r * pitch. B stands in
/// panels of [segments * length, n]. Row (y, x) of C starts at c + y * c_row + x * c_column. Sums run over the runs in
/// order for every element, so a position's result does not depend on the others.
struct ConvProduct {
  const float* image;
  std::ptrdiff_t row_step;
  std::ptrdiff_t column_step;
  std::ptrdiff_t pitch;
  int rows;
  int columns;
  int segments;
  int length;
  int n;
  const float* b;
  float* c;
  std::ptrdiff_t c_row;
  std::ptrdiff_t c_column;
  const float* bias;  // [n] or null; added to the finished sums
  bool rectify;       // applied last
  bool accumulate;    // C += instead of C =
};
/// c [segments * length, n] += A^T G, with A as above and G in panels of [rows * columns, n].
struct ConvWeightProduct {
  const float* image;
  std::ptrdiff_t row_step;
  std::ptrdiff_t column_step;
  std::ptrdiff_t pitch;
  int rows;
  int columns;
  int segments;
  int length;
  int n;
  const float* g;
  float* c;
};

/// The loops of the CPU backend, compiled once per instruction set; isa() picks at run time.
/// All pointers are to whole arrays with the sizes given; kernels/ops.h has the contracts.
struct IsaKernels {
  static constexpr int kMostChannels = 1024;  // of an image that is normalised: room for sums per channel
  static constexpr int kMostClasses = 256;    // of a categorical variable: room for its probabilities

  const char* name;
  int panel;   // columns of a full panel
  int vector;  // floats of a register; a last panel with at most so many columns is one register wide

  void (*gemm)(const Gemm& call);
  /// C = the sums over the steps before call.first_step; what is 0 in A is left out. a_step is 1; no bias, activation
  /// or accumulation. gemm, accumulating, then adds the other steps.
  void (*sparse_rows)(const Gemm& call);
  /// dw [.., n] += x^T gy in columns first .. last - 1, for the first `sparse` columns of x [m, ..]; zeros are left
  /// out.
  void (*sparse_weights)(int m, int n, int sparse, int first, int last, const float* x, std::ptrdiff_t x_row,
                         const float* gy, float* dw);
  /// w [k,n] row-major -> panels of columns, zeros behind column n. Of this and the next two only the panels that hold
  /// columns first .. last - 1 are made; first is that of a panel.
  void (*pack)(int k, int n, int first, int last, const float* w, float* panels);
  /// The same of mu + sigma * eps_in eps_out^T.
  void (*pack_noisy)(int k, int n, int first, int last, const float* mu, const float* sigma, const float* eps_in,
                     const float* eps_out, float* panels);
  /// panels of w [k,n] -> panels of its transpose [n,k]; first and last are rows of w.
  void (*transpose)(int k, int n, int first, int last, const float* panels, float* transposed);
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

  void (*conv)(const ConvProduct& call);
  void (*conv_weights)(const ConvWeightProduct& call);
  /// w [taps * c, n] row-major -> for each tap the panels of the transpose [n,c] of its rows.
  void (*pack_taps)(int taps, int c, int n, const float* w, float* panels);
  /// gy [m,n] *= slope of the activation at y, in place; also as panels of [m,n]; db [n] += column sums (null: not).
  void (*gradient_panels)(Activation op, int m, int n, const float* y, float* gy, float* db, float* panels);
  /// count positions of c byte planes, plane_step apart -> floats byte / 255, channels last.
  void (*frames)(int c, std::size_t count, const std::uint8_t* frames, std::size_t plane_step, float* pixels);
  /// One image [positions,c]; c at most kMostChannels. statistics [groups,2].
  void (*group_norm)(int positions, int c, int groups, const float* x, const float* gain, const float* bias,
                     float epsilon, Activation activation, float* y, float* statistics);
  /// gy: of the norm alone, without the activation. dgain, dbias [c] += (null: not); gx null: not wanted.
  void (*group_norm_backward)(int positions, int c, int groups, const float* x, const float* gain,
                              const float* statistics, const float* gy, GradientMode mode, float* gx, float* dgain,
                              float* dbias);
  /// One window of an image: rows x columns positions from x, `pitch` floats between rows -> y [c].
  void (*max_window)(int rows, int columns, int c, const float* x, std::ptrdiff_t pitch, float* y);
  /// gx += gy at the first place of the window where x is y.
  void (*max_window_backward)(int rows, int columns, int c, const float* x, std::ptrdiff_t pitch, const float* y,
                              const float* gy, float* gx);

  /// One row of gru_forward; statistics and kept may be null.
  void (*gru)(int d, const float* gates, const float* gain, const float* bias, float epsilon, const float* h,
              float* next, float* statistics, float* kept);
  /// One row of gru_backward; ggain, gbias [3d] +=. A null gradient is not wanted.
  void (*gru_backward)(int d, const float* gates, const float* gain, const float* bias, const float* h,
                       const float* statistics, float* kept, const float* gnext, GradientMode gates_mode, float* ggates,
                       float* ggain, float* gbias, GradientMode h_mode, float* gh);
  void (*categorical)(int variables, int classes, const float* logits, const float* noise, float* probability,
                      float* sample);
  void (*categorical_backward)(int variables, int classes, const float* probability, const float* gsample,
                               GradientMode mode, float* glogits);
  /// Sum over the variables of KL(posterior || prior), and its gradients times g_posterior and g_prior (null: not).
  double (*divergence)(int variables, int classes, const float* posterior, const float* prior);
  void (*divergence_backward)(int variables, int classes, const float* posterior, const float* prior, float g_posterior,
                              GradientMode posterior_mode, float* gposterior, float g_prior, GradientMode prior_mode,
                              float* gprior);
  /// As picture_changes_forward, of `pixels` pixels.
  void (*picture_changes)(std::size_t pixels, int pictures, int channels, float scale, const float* x, float* y);
  /// `before` is null for an image that has none before it.
  double (*image_error)(std::size_t count, const float* prediction, const float* target, const float* before,
                        const ImageWeights& weights);
  void (*image_error_backward)(std::size_t count, const float* prediction, const float* target, const float* before,
                               const ImageWeights& weights, float g, GradientMode mode, float* gprediction);
  /// columns [rows * width, kernel * kernel * outputs] added to an image, `stride` positions apart.
  void (*scatter_columns)(int rows, int width, int kernel, int outputs, int stride, const float* columns, float* image,
                          std::ptrdiff_t pitch);
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
extern const IsaKernels kIsaAvx512Bf16;      // kIsaAvx512 with products of bf16 inputs; see use_bf16_products()
extern const IsaKernels kIsaAvx512Bf16Emulated;
#endif

/// The best this machine has, with products in float32; SINV_ISA=base|avx2|avx512 in the environment asks for less,
/// SINV_ISA=avx512-bf16 for products of bf16 inputs. The first call decides for the whole process.
/// Errors: UserError naming the known ones for another word or one that this machine lacks.
const IsaKernels& isa();

/// Whether this processor multiplies bf16 (AVX512_BF16), and SINV_ISA does not ask for less.
bool has_bf16_products();
/// isa() shall be kIsaAvx512Bf16: matrix products and convolutions round their inputs to bf16, their sums and all else
/// stay float32. Thread: before others use isa(). Errors: UserError if has_bf16_products() is false; Error if isa() was
/// used with another table.
void use_bf16_products();

}  // namespace sinv
