// The matrix product of linear layers. Included once by each isa_*.cpp inside its own anonymous namespace, after
// SINV_VECTOR (floats per register) and the tile sizes are defined: nothing here may have external linkage, or the
// linker could give one instruction set's code to another.

using Vector [[gnu::vector_size(SINV_VECTOR * 4)]] = float;
using LooseVector [[gnu::vector_size(SINV_VECTOR * 4), gnu::aligned(4), gnu::may_alias]] = float;

constexpr int kVector = SINV_VECTOR;
constexpr int kPanel = 2 * kVector;
constexpr int kTileRows = SINV_TILE_ROWS;
constexpr int kBlockSteps = 256;            // a panel of 256 steps stays in L1 (16 or 32 KiB)
constexpr int kBlockRows = 16 * kTileRows;  // an A block of 256 steps: 96 KiB, within L2

inline Vector load(const float* from) { return *reinterpret_cast<const LooseVector*>(from); }
inline void store(float* to, Vector v) { *reinterpret_cast<LooseVector*>(to) = v; }
inline Vector splat(float x) { return x - Vector{}; }  // 0 + x is not x for -0, and costs an addition

// Only what needs no call: with a call in reach, gcc keeps the sums of a tile in memory (measured: half the speed).
// gemm() applies the other activations afterwards.
inline bool applied_in_tile(Activation op) { return op == Activation::kIdentity || op == Activation::kRelu; }
inline Vector apply(bool rectify, Vector v) { return rectify ? (v < 0.0F ? Vector{} : v) : v; }

// One tile of C: Rows x (Panels * Vectors registers), sums over `k` steps.
template <int Rows, int Panels, int Vectors, bool RowIsUnit>
inline void tile(const Gemm& g, int k, const float* a, const float* b, std::ptrdiff_t panel_stride, float* c,
                 int columns, const float* bias, bool add, bool last) {
  constexpr int kWidth = Vectors * kVector;
  constexpr int kAll = Panels * Vectors;
  Vector sum[Rows][kAll];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
    for (int j = 0; j < kAll; ++j) sum[i][j] = Vector{};
  }
  const std::ptrdiff_t row = RowIsUnit ? 1 : g.a_row;
  const std::ptrdiff_t step = RowIsUnit ? g.a_step : 1;
  for (int s = 0; s < k; ++s) {
    Vector right[kAll];
#pragma GCC unroll 16
    for (int j = 0; j < kAll; ++j) right[j] = load(b + (j / Vectors) * panel_stride + (j % Vectors) * kVector);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
      const Vector left = splat(a[i * row]);
#pragma GCC unroll 16
      for (int j = 0; j < kAll; ++j) sum[i][j] += left * right[j];
    }
    a += step;
    b += kWidth;
  }
  const bool rectify = last && g.activation == Activation::kRelu;
  if (columns >= Panels * kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; ++i) {
#pragma GCC unroll 16
      for (int j = 0; j < kAll; ++j) {
        Vector v = sum[i][j];
        float* to = c + i * g.c_row + j * kVector;
        if (add) v += load(to);
        if (last && bias != nullptr) v += load(bias + j * kVector);
        store(to, apply(rectify, v));
      }
    }
    return;
  }
  float line[kAll * kVector];
  for (int i = 0; i < Rows; ++i) {
    for (int j = 0; j < kAll; ++j) store(line + j * kVector, sum[i][j]);
    float* to = c + i * g.c_row;
    for (int j = 0; j < columns; ++j) {
      float v = line[j];
      if (add) v += to[j];
      if (last && bias != nullptr) v += bias[j];
      to[j] = rectify && v < 0.0F ? 0.0F : v;
    }
  }
}

using TileFn = void (*)(const Gemm&, int, const float*, const float*, std::ptrdiff_t, float*, int, const float*, bool,
                        bool);

template <int Panels, int Vectors, bool RowIsUnit, int... Rows>
constexpr void fill_tiles(TileFn (&table)[kTileRows + 1], std::integer_sequence<int, Rows...>) {
  ((table[Rows + 1] = tile<Rows + 1, Panels, Vectors, RowIsUnit>), ...);
}

template <int Vectors, bool RowIsUnit>
struct Tiles {
  TileFn of[kTileRows + 1] = {};
  constexpr Tiles() { fill_tiles<1, Vectors, RowIsUnit>(of, std::make_integer_sequence<int, kTileRows>()); }
};
template <int Vectors, bool RowIsUnit>
constexpr Tiles<Vectors, RowIsUnit> kTiles{};

// All rows of C in one panel, in tiles of nearly equal height: 32 rows are 6+6+5+5+5+5, not 5 x 6 + 2.
template <int Vectors, bool RowIsUnit>
inline void panel_rows(const Gemm& g, int rows, int k, const float* a, const float* b, float* c, int columns,
                       const float* bias, bool add, bool last) {
  const std::ptrdiff_t row = RowIsUnit ? 1 : g.a_row;
  const int tiles = (rows + kTileRows - 1) / kTileRows;
  const int low = rows / tiles;
  const int taller = rows - low * tiles;
  for (int t = 0; t < tiles; ++t) {
    const int height = low + (t < taller ? 1 : 0);
    kTiles<Vectors, RowIsUnit>.of[height](g, k, a, b, 0, c, columns, bias, add, last);
    a += height * row;
    c += height * g.c_row;
  }
}

// One to three rows: several panels at a time, so that enough sums are in flight to hide the latency of an FMA.
template <int Rows, int Panels>
inline int few_rows(const Gemm& g, int k, const float* a, const float* b, int first, bool add, bool last) {
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(g.k) * kPanel;
  for (; first + Panels * kPanel <= g.n; first += Panels * kPanel) {
    const float* bias = g.bias == nullptr ? nullptr : g.bias + first;
    const float* panel = b + (first / kPanel) * stride;
    if (g.a_row == 1) {
      tile<Rows, Panels, 2, true>(g, k, a, panel, stride, g.c + first, Panels * kPanel, bias, add, last);
    } else {
      tile<Rows, Panels, 2, false>(g, k, a, panel, stride, g.c + first, Panels * kPanel, bias, add, last);
    }
  }
  return first;
}

void gemm(const Gemm& g) {
  for (int step = 0; step == 0 || step < g.k; step += kBlockSteps) {
    const int k = g.k - step < kBlockSteps ? g.k - step : kBlockSteps;
    const bool add = g.accumulate || step > 0;
    const bool last = step + kBlockSteps >= g.k;
    for (int top = 0; top < g.m; top += kBlockRows) {
      const int rows = g.m - top < kBlockRows ? g.m - top : kBlockRows;
      const float* a = g.a + top * g.a_row + step * g.a_step;
      int first = 0;
      if (g.m == 1) first = few_rows<1, 4>(g, k, a, g.b + step * kPanel, first, add, last);
      if (g.m == 2) first = few_rows<2, 2>(g, k, a, g.b + step * kPanel, first, add, last);
      for (; first < g.n; first += kPanel) {
        const bool wide = g.n - first > kVector;
        const int columns = g.n - first < kPanel ? g.n - first : kPanel;
        const float* b = g.b + static_cast<std::ptrdiff_t>(first) * g.k + step * (wide ? kPanel : kVector);
        const float* bias = g.bias == nullptr ? nullptr : g.bias + first;
        float* c = g.c + top * g.c_row + first;
        if (g.a_row == 1 && wide) panel_rows<2, true>(g, rows, k, a, b, c, columns, bias, add, last);
        if (g.a_row == 1 && !wide) panel_rows<1, true>(g, rows, k, a, b, c, columns, bias, add, last);
        if (g.a_row != 1 && wide) panel_rows<2, false>(g, rows, k, a, b, c, columns, bias, add, last);
        if (g.a_row != 1 && !wide) panel_rows<1, false>(g, rows, k, a, b, c, columns, bias, add, last);
      }
    }
  }
  if (applied_in_tile(g.activation)) return;
  for (int i = 0; i < g.m; ++i) {
    unary_forward(g.activation, g.c + i * g.c_row, g.c + i * g.c_row, static_cast<std::size_t>(g.n));
  }
}

// Four full panels at a time: whole rows of a wide matrix would hit the same cache sets in every panel, single panels
// would read one or two lines of each row, which no prefetcher follows. The rows to come are asked for by hand.
template <class Row>
inline void pack_rows(int k, int n, float* panels, Row row) {
  constexpr int kAhead = 6;
  int first = 0;
  const std::ptrdiff_t stride = static_cast<std::ptrdiff_t>(k) * kPanel;
  for (; first + 4 * kPanel <= n; first += 4 * kPanel, panels += 4 * stride) {
    for (int s = 0; s < k; ++s) {
      for (int j = 0; j < 4 * kPanel; j += 16) row.fetch(s + kAhead < k ? s + kAhead : s, first + j);
      for (int p = 0; p < 4; ++p) row.vectors(s, first + p * kPanel, panels + p * stride + s * kPanel);
    }
  }
  for (; first < n; first += kPanel) {
    const int width = n - first > kVector ? kPanel : kVector;
    const int columns = n - first < width ? n - first : width;
    for (int s = 0; s < k; ++s) {
      if (columns == kPanel) {
        row.vectors(s, first, panels);
      } else {
        for (int j = 0; j < width; ++j) panels[j] = j < columns ? row.one(s, first + j) : 0.0F;
      }
      panels += width;
    }
  }
}

struct PlainRow {
  const float* w;
  std::ptrdiff_t n;
  void vectors(int s, int first, float* to) const {
    store(to, load(w + s * n + first));
    store(to + kVector, load(w + s * n + first + kVector));
  }
  float one(int s, int j) const { return w[s * n + j]; }
  void fetch(int s, int j) const { __builtin_prefetch(w + s * n + j); }
};
struct NoisyRow {
  const float* mu;
  const float* sigma;
  const float* eps_in;
  const float* eps_out;
  std::ptrdiff_t n;
  void vectors(int s, int first, float* to) const {
    for (int j = first; j < first + kPanel; j += kVector, to += kVector) {
      store(to, load(mu + s * n + j) + load(sigma + s * n + j) * (eps_in[s] * load(eps_out + j)));
    }
  }
  float one(int s, int j) const { return mu[s * n + j] + sigma[s * n + j] * (eps_in[s] * eps_out[j]); }
  void fetch(int s, int j) const {
    __builtin_prefetch(mu + s * n + j);
    __builtin_prefetch(sigma + s * n + j);
  }
};

void pack(int k, int n, const float* w, float* panels) { pack_rows(k, n, panels, PlainRow{w, n}); }
void pack_noisy(int k, int n, const float* mu, const float* sigma, const float* eps_in, const float* eps_out,
                float* panels) {
  pack_rows(k, n, panels, NoisyRow{mu, sigma, eps_in, eps_out, n});
}
void noisy_mix(int k, int n, const float* mu, const float* sigma, const float* eps_in, const float* eps_out, float* w) {
  const NoisyRow row{mu, sigma, eps_in, eps_out, n};
  for (int s = 0; s < k; ++s) {
    for (int j = 0; j < n; ++j) w[static_cast<std::ptrdiff_t>(s) * n + j] = row.one(s, j);
  }
}

// 8 x 8 floats: three rounds of interleaving rows that stand 4, 2 and 1 apart.
using Eight [[gnu::vector_size(32)]] = float;
using LooseEight [[gnu::vector_size(32), gnu::aligned(4), gnu::may_alias]] = float;
inline void transpose_eight(const float* from, std::ptrdiff_t from_row, float* to, std::ptrdiff_t to_row) {
  Eight r[8];
  Eight t[8];
  for (int i = 0; i < 8; ++i) r[i] = *reinterpret_cast<const LooseEight*>(from + i * from_row);
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = __builtin_shuffle(r[2 * i], r[2 * i + 1], Int8{0, 8, 1, 9, 4, 12, 5, 13});
    t[2 * i + 1] = __builtin_shuffle(r[2 * i], r[2 * i + 1], Int8{2, 10, 3, 11, 6, 14, 7, 15});
  }
  for (int i = 0; i < 2; ++i) {
    for (int j = 0; j < 2; ++j) {
      r[4 * i + 2 * j] = __builtin_shuffle(t[4 * i + j], t[4 * i + j + 2], Int8{0, 1, 8, 9, 4, 5, 12, 13});
      r[4 * i + 2 * j + 1] = __builtin_shuffle(t[4 * i + j], t[4 * i + j + 2], Int8{2, 3, 10, 11, 6, 7, 14, 15});
    }
  }
  for (int j = 0; j < 4; ++j) {
    *reinterpret_cast<LooseEight*>(to + j * to_row) = __builtin_shuffle(r[j], r[j + 4], Int8{0, 1, 2, 3, 8, 9, 10, 11});
    *reinterpret_cast<LooseEight*>(to + (j + 4) * to_row) =
        __builtin_shuffle(r[j], r[j + 4], Int8{4, 5, 6, 7, 12, 13, 14, 15});
  }
}

// Element (s, j) of w [k,n] in its panels.
inline std::ptrdiff_t panel_at(int k, int n, int s, int j) {
  const int first = j / kPanel * kPanel;
  const int width = n - first > kVector ? kPanel : kVector;
  return static_cast<std::ptrdiff_t>(first) * k + static_cast<std::ptrdiff_t>(s) * width + (j - first);
}

void transpose(int k, int n, const float* panels, float* transposed) {
  for (int first = 0; first < k; first += kPanel) {  // panels of the transpose have the k rows as columns
    const int width = k - first > kVector ? kPanel : kVector;
    const int columns = k - first < width ? k - first : width;
    for (int j = 0; j < n; j += 8) {
      for (int s = first; s < first + width; s += 8) {
        float* to =
            transposed + static_cast<std::ptrdiff_t>(first) * n + static_cast<std::ptrdiff_t>(j) * width + (s - first);
        const bool whole = columns == width && j + 8 <= n && kVector >= 8;
        if (whole) {
          const int panel = j / kPanel * kPanel;
          const int from_row = n - panel > kVector ? kPanel : kVector;
          transpose_eight(panels + panel_at(k, n, s, j), from_row, to, width);
          continue;
        }
        for (int y = 0; y < 8 && j + y < n; ++y) {
          for (int x = 0; x < 8 && s + x < first + width; ++x) {
            to[y * width + x] = s + x < k ? panels[panel_at(k, n, s + x, j + y)] : 0.0F;
          }
        }
      }
    }
  }
}
