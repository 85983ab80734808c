#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/error.h"
#include "base/random.h"
#include "kernels/replay.h"
#include "rl/huge_pages.h"

namespace sinv {

/// Draws items in proportion to their mass: a binary tree whose leaves hold the masses and whose inner nodes hold the
/// sum of their two children. Every sum is computed from its children and never adjusted by a difference, so sums do
/// not drift and are a pure function of the leaves.
/// Source: Schaul et al., "Prioritized experience replay", arXiv:1511.05952, appendix B.2.1.
/// Thread: one owner.
class SumTree {
 public:
  /// Room for at least `leaves` items, all of mass 0.
  explicit SumTree(std::size_t leaves) : capacity_(std::bit_ceil(leaves < 2 ? std::size_t{2} : leaves)) {
    SINV_CHECK(leaves > 0 && capacity_ <= (std::size_t{1} << 31), "SumTree: ", leaves, " leaves, wanted 1 to 2^31");
    levels_ = std::countr_zero(capacity_);
    nodes_.assign(2 * capacity_, 0.0);
  }

  std::size_t capacity() const { return capacity_; }
  double total() const { return nodes_[1]; }
  double mass(std::size_t leaf) const { return nodes_[capacity_ + leaf]; }

  /// REQUIRES: leaf < capacity(), mass finite and >= 0. The sums above the leaf are stale until refresh() has it.
  void put(std::size_t leaf, double mass) { nodes_[capacity_ + leaf] = mass; }

  /// Brings the sums above these leaves up to date. Any order, repeats allowed; sorted leaves cost least, because
  /// neighbours then share their parents. `leaves` is used as scratch.
  void refresh(std::span<std::uint32_t> leaves) {
    std::size_t count = leaves.size();
    for (std::uint32_t& leaf : leaves) leaf += static_cast<std::uint32_t>(capacity_);
    for (int level = 0; level < levels_; ++level) {
      std::size_t kept = 0;
      std::uint32_t last = 0;  // no node has number 0
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint32_t parent = leaves[i] >> 1;
        const std::size_t child = std::size_t{parent} * 2;
        nodes_[parent] = nodes_[child] + nodes_[child + 1];
        leaves[kept] = parent;
        kept += parent != last ? 1 : 0;
        last = parent;
      }
      count = kept;
    }
  }

  /// Sets masses[i] at leaves[i], in order, so that of a repeated leaf the last mass stays.
  void update(std::span<const std::uint32_t> leaves, std::span<const double> masses) {
    SINV_CHECK(leaves.size() == masses.size(), "SumTree::update: ", leaves.size(), " leaves, ", masses.size(),
               " masses");
    std::array<std::uint32_t, kBlock> block;
    for (std::size_t at = 0; at < leaves.size(); at += kBlock) {
      const std::size_t count = std::min(kBlock, leaves.size() - at);
      for (std::size_t i = 0; i < count; ++i) {
        block[i] = leaves[at + i];
        put(block[i], masses[at + i]);
      }
      refresh(std::span(block).first(count));
    }
  }

  /// Stratified: total() is cut into leaves.size() equal parts and one point is drawn in each. The leaves come out in
  /// rising order; none has mass 0. REQUIRES: total() > 0.
  void sample(Random& random, std::span<std::uint32_t> leaves) const {
    SINV_CHECK(total() > 0, "SumTree::sample: nothing has mass");
    const double part = total() / static_cast<double>(leaves.size());
    std::array<double, kBlock> points;
    for (std::size_t at = 0; at < leaves.size(); at += kBlock) {
      const std::size_t count = std::min(kBlock, leaves.size() - at);
      for (std::size_t i = 0; i < count; ++i) {
        points[i] = stratified_point(at + i, random.uniform_double(), part);
      }
      find(std::span(points).first(count), leaves.subspan(at, count));
    }
  }

  /// The leaves that the points of [0, total()) fall on; a point at or past the end falls on the last leaf that has
  /// mass. `points` is used as scratch. REQUIRES: total() > 0.
  void find(std::span<double> points, std::span<std::uint32_t> leaves) const {
    const std::size_t count = points.size();
    for (std::size_t i = 0; i < count; ++i) leaves[i] = 1;
    const double* const nodes = nodes_.data();
    // All points go down one level together: their loads do not wait for each other, and what the next level needs
    // is fetched meanwhile.
    for (int level = 0; level < levels_; ++level) {
      for (std::size_t i = 0; i < count; ++i) {
        const std::size_t left = std::size_t{leaves[i]} * 2;
        const double mass = nodes[left];
        // No branches: half of them would be mispredicted.
        const auto right = static_cast<unsigned>(falls_right(points[i], mass, nodes[left + 1]));
        points[i] -= static_cast<double>(right) * mass;
        leaves[i] = static_cast<std::uint32_t>(left) + right;
        __builtin_prefetch(nodes + std::size_t{leaves[i]} * 2);
      }
    }
    for (std::size_t i = 0; i < count; ++i) leaves[i] -= static_cast<std::uint32_t>(capacity_);
  }

  /// The masses of all leaves, to be saved; rebuild() makes the sums from them.
  std::span<double> leaves() { return std::span(nodes_).subspan(capacity_); }
  std::span<const double> leaves() const { return std::span(nodes_).subspan(capacity_); }
  /// All of it: [1] the root, the children of i at 2i and 2i + 1, the leaves from capacity() on.
  std::span<const double> nodes() const { return nodes_; }
  void rebuild() {
    for (std::size_t i = capacity_ - 1; i > 0; --i) nodes_[i] = nodes_[2 * i] + nodes_[2 * i + 1];
  }

 private:
  static constexpr std::size_t kBlock = 64;
  std::size_t capacity_;
  int levels_ = 0;
  std::vector<double, HugePageAllocator<double>>
      nodes_;  // [1] the root, children of i at 2i and 2i + 1, leaves from capacity_ on
};

}  // namespace sinv
