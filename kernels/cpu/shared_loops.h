#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/isa.h"
#include "kernels/device.h"
#include "kernels/team.h"

/// The large loops of isa.h over a stream's team. Every element is computed as without a team, so bits do not depend on
/// it. A loop is cut where its results are independent, into parts of some tens of microseconds at least.
namespace sinv::shared {

inline Team* team_of(const Stream& s) { return s.device == Device::kCpu ? static_cast<Team*>(s.handle) : nullptr; }

inline int parts_of(const Stream& s, std::int64_t most, std::int64_t work, std::int64_t least_work) {
  if (team_of(s) == nullptr) return 1;
  if (work < 4 * least_work) return 1;  // waking a helper costs as much as it would take over
  const std::int64_t wanted = std::min<std::int64_t>(work / least_work, 4 * team_of(s)->threads());
  return static_cast<int>(std::clamp<std::int64_t>(wanted, 1, std::max<std::int64_t>(most, 1)));
}
/// Where part i of `parts` begins, of `count` things in units of `unit`; part `parts` begins at count.
inline std::int64_t part_begin(int i, int parts, std::int64_t count, std::int64_t unit = 1) {
  const std::int64_t units = (count + unit - 1) / unit;
  return std::min(count, units * i / parts * unit);
}

constexpr std::int64_t kLeastProducts = std::int64_t{1} << 21;  // multiplications of a part of a product
constexpr std::int64_t kLeastFloats = std::int64_t{1} << 17;    // floats of a part of a loop that waits for memory

/// body(first, last) over whole panels of the columns of a [k,n] matrix.
template <class Body>
void over_panels(const Stream& s, int n, std::int64_t work, std::int64_t least_work, const Body& body) {
  const int panel = isa().panel;
  const int parts = parts_of(s, (n + panel - 1) / panel, work, least_work);
  run_parts(team_of(s), parts, [&](int i, int) {
    body(static_cast<int>(part_begin(i, parts, n, panel)), static_cast<int>(part_begin(i + 1, parts, n, panel)));
  });
}

inline void gemm(const Stream& s, const Gemm& g) {
  over_panels(s, g.n, static_cast<std::int64_t>(g.m) * g.n * g.k, kLeastProducts, [&g](int first, int last) {
    Gemm part = g;
    part.n = last - first;
    part.b += static_cast<std::ptrdiff_t>(first) * g.k;
    part.c += first;
    if (part.bias != nullptr) part.bias += first;
    isa().gemm(part);
  });
}

/// The same where the first g.first_step columns of A are mostly zeros.
inline void sparse_gemm(const Stream& s, const Gemm& g) {
  over_panels(s, g.n, static_cast<std::int64_t>(g.m) * g.n * (g.k - g.first_step), kLeastProducts,
              [&g](int first, int last) {
                Gemm part = g;
                part.n = last - first;
                part.b += static_cast<std::ptrdiff_t>(first) * g.k;
                part.c += first;
                if (part.bias != nullptr) part.bias += first;
                isa().sparse_rows(part);
                part.accumulate = true;
                isa().gemm(part);
              });
}

inline void pack(const Stream& s, int k, int n, const float* w, float* panels) {
  over_panels(s, n, static_cast<std::int64_t>(k) * n, kLeastFloats,
              [=](int first, int last) { isa().pack(k, n, first, last, w, panels); });
}

inline void pack_noisy(const Stream& s, int k, int n, const float* mu, const float* sigma, const float* eps_in,
                       const float* eps_out, float* panels) {
  over_panels(s, n, static_cast<std::int64_t>(k) * n, kLeastFloats,
              [=](int first, int last) { isa().pack_noisy(k, n, first, last, mu, sigma, eps_in, eps_out, panels); });
}

inline void transpose(const Stream& s, int k, int n, const float* panels, float* transposed) {
  over_panels(s, k, static_cast<std::int64_t>(k) * n, kLeastFloats,
              [=](int first, int last) { isa().transpose(k, n, first, last, panels, transposed); });
}

/// body(first, count) over `count` floats.
template <class Body>
void over_floats(const Stream& s, std::size_t count, const Body& body) {
  const auto all = static_cast<std::int64_t>(count);
  constexpr std::int64_t kLine = 64;
  const int parts = parts_of(s, (all + kLine - 1) / kLine, all, kLeastFloats);
  run_parts(team_of(s), parts, [&](int i, int) {
    const std::int64_t first = part_begin(i, parts, all, kLine);
    body(static_cast<std::size_t>(first), static_cast<std::size_t>(part_begin(i + 1, parts, all, kLine) - first));
  });
}

/// In pieces of fixed size whose sums are added in order: the same bits for any team.
inline double sum_of_squares(const Stream& s, const float* x, std::size_t count) {
  constexpr std::int64_t kMost = 32;
  const auto all = static_cast<std::int64_t>(count);
  const int pieces = static_cast<int>(std::clamp<std::int64_t>(all / kLeastFloats, 1, kMost));
  double sums[kMost];
  run_parts(team_of(s), pieces, [&](int i, int) {
    const std::int64_t first = part_begin(i, pieces, all, 256);
    sums[i] = isa().sum_of_squares(x + first, static_cast<std::size_t>(part_begin(i + 1, pieces, all, 256) - first));
  });
  double sum = 0;
  for (int i = 0; i < pieces; ++i) sum += sums[i];
  return sum;
}

/// The gradients of weights and bias summed over images, which are cut into shards of a number that depends on nothing
/// but m: each shard sums its own images, the first one in place, and the sums are added in order.
class ImageShards {
 public:
  /// Both sizes in floats.
  ImageShards(std::int64_t weights, std::int64_t bias)
      : weights_(static_cast<std::size_t>(weights)), bias_(static_cast<std::size_t>(bias)) {}
  /// Of run()'s scratch.
  std::size_t scratch_floats() const { return (kMost - 1) * sum_floats(); }
  /// body(first image, last, slot, dw, db); dw and db are null where the gradients are not wanted.
  template <class Body>
  void run(const Stream& s, std::int64_t m, float* dw, float* db, float* scratch, const Body& body) const {
    const int shards = static_cast<int>(std::clamp<std::int64_t>(m / kLeastImages, 1, kMost));
    run_parts(team_of(s), shards, [&](int shard, int slot) {
      float* own = dw;
      float* own_bias = db;
      if (shard > 0) {
        float* sum = scratch + static_cast<std::size_t>(shard - 1) * sum_floats();
        std::fill_n(sum, sum_floats(), 0.0F);
        own = dw == nullptr ? nullptr : sum;
        own_bias = db == nullptr ? nullptr : sum + weights_;
      }
      body(part_begin(shard, shards, m), part_begin(shard + 1, shards, m), slot, own, own_bias);
    });
    for (int shard = 1; shard < shards; ++shard) {
      const float* sum = scratch + static_cast<std::size_t>(shard - 1) * sum_floats();
      for (std::size_t i = 0; dw != nullptr && i < weights_; ++i) dw[i] += sum[i];
      for (std::size_t i = 0; db != nullptr && i < bias_; ++i) db[i] += sum[weights_ + i];
    }
  }

 private:
  static constexpr int kMost = 8;
  static constexpr std::int64_t kLeastImages = 4;
  std::size_t sum_floats() const { return (weights_ + bias_ + 15) / 16 * 16; }
  std::size_t weights_;
  std::size_t bias_;
};

}  // namespace sinv::shared
