#include "rl/sum_tree.h"

#include <cmath>
#include <gtest/gtest.h>
#include <numeric>
#include <vector>

namespace sinv {
namespace {

// Oracle: the leaf whose running sum first exceeds the point, by walking all leaves.
std::size_t walk(const std::vector<double>& masses, double point) {
  double sum = 0;
  std::size_t last = 0;
  for (std::size_t i = 0; i < masses.size(); ++i) {
    if (masses[i] == 0) continue;
    sum += masses[i];
    last = i;
    if (point < sum) return i;
  }
  return last;
}

class SumTreeOfSize : public testing::TestWithParam<std::size_t> {};

TEST_P(SumTreeOfSize, FindsTheLeafThatAWalkFinds) {
  const std::size_t size = GetParam();
  Random random(7, size);
  SumTree tree(size);
  std::vector<double> masses(size, 0.0);
  for (int round = 0; round < 40; ++round) {
    std::vector<std::uint32_t> leaves;
    std::vector<double> values;
    for (int i = 0; i < 37; ++i) {
      const std::uint32_t leaf = random.below(static_cast<std::uint32_t>(size));
      // Whole numbers: sums are exact in any order, so the two must agree exactly.
      const double mass = static_cast<double>(random.below(5));
      leaves.push_back(leaf);
      values.push_back(mass);
      masses[leaf] = mass;  // of a repeated leaf the last mass stays
    }
    tree.update(leaves, values);
    const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
    ASSERT_EQ(tree.total(), total);
    if (total == 0) continue;
    for (int i = 0; i < 50; ++i) {
      double point = random.uniform_double() * total;
      if (i < 10) point = std::floor(point);  // exactly on an edge
      std::uint32_t leaf = 0;
      double scratch = point;
      tree.find(std::span(&scratch, 1), std::span(&leaf, 1));
      ASSERT_EQ(leaf, walk(masses, point)) << "point " << point << " of " << total;
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Sizes, SumTreeOfSize, testing::Values(1, 2, 3, 5, 64, 65, 1000));

TEST(SumTree, APointAtOrPastTheEndFallsOnTheLastLeafThatHasMass) {
  SumTree tree(8);
  tree.update(std::vector<std::uint32_t>{1, 4}, std::vector<double>{0.1, 0.2});
  for (const double point : {tree.total(), tree.total() * 1.001, 1e9}) {
    double scratch = point;
    std::uint32_t leaf = 0;
    tree.find(std::span(&scratch, 1), std::span(&leaf, 1));
    EXPECT_EQ(leaf, 4U);
  }
}

TEST(SumTree, NeverDrawsALeafWithoutMassWhateverTheRounding) {
  Random random(3, 1);
  SumTree tree(512);
  std::vector<std::uint32_t> leaves(64);
  for (int round = 0; round < 300; ++round) {
    for (std::uint32_t leaf = 0; leaf < 512; ++leaf) {
      // Masses over 30 orders of magnitude, three quarters of them 0.
      tree.put(leaf, random.below(4) == 0 ? std::pow(10.0, -30.0 * random.uniform_double()) : 0.0);
    }
    tree.rebuild();
    tree.sample(random, leaves);
    for (const std::uint32_t leaf : leaves) ASSERT_GT(tree.mass(leaf), 0.0);
  }
}

TEST(SumTree, SumsDependOnTheLeavesAloneNotOnTheirHistory) {
  Random random(11, 0);
  SumTree tree(1000);
  std::vector<std::uint32_t> leaves(50);
  std::vector<double> masses(50);
  for (int round = 0; round < 500; ++round) {
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      leaves[i] = random.below(1000);
      masses[i] = random.uniform_double() * std::pow(10.0, random.below(12));
    }
    tree.update(leaves, masses);
  }
  SumTree fresh(1000);
  for (std::uint32_t leaf = 0; leaf < 1000; ++leaf) fresh.put(leaf, tree.mass(leaf));
  fresh.rebuild();
  EXPECT_EQ(fresh.total(), tree.total());
}

TEST(SumTree, DrawsInProportionToMassAndInRisingOrder) {
  SumTree tree(16);
  std::vector<double> masses(16);
  for (std::uint32_t i = 0; i < 16; ++i) tree.put(i, masses[i] = i == 5 ? 0.0 : 1.0 + i);
  tree.rebuild();
  const double total = std::accumulate(masses.begin(), masses.end(), 0.0);
  Random random(1, 2);
  std::vector<double> drawn(16);
  std::vector<std::uint32_t> leaves(100);
  constexpr int kRounds = 2000;
  for (int round = 0; round < kRounds; ++round) {
    tree.sample(random, leaves);
    for (std::size_t i = 0; i < leaves.size(); ++i) {
      drawn[leaves[i]] += 1;
      if (i > 0) {
        ASSERT_LE(leaves[i - 1], leaves[i]);
      }
    }
  }
  for (std::size_t i = 0; i < 16; ++i) {
    const double expected = 100.0 * kRounds * masses[i] / total;
    // Stratified draws vary less than independent ones, whose deviation is sqrt(expected): 5 of those.
    EXPECT_NEAR(drawn[i], expected, 5 * std::sqrt(expected) + 1e-9) << i;
  }
}

TEST(SumTree, StratifiedDrawsTakeEachEqualPartOnce) {
  SumTree tree(64);
  for (std::uint32_t i = 0; i < 64; ++i) tree.put(i, 1);
  tree.rebuild();
  Random random(5, 5);
  std::vector<std::uint32_t> leaves(64);
  tree.sample(random, leaves);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(leaves[i], i);  // part i covers exactly leaf i
}

TEST(SumTree, RefusesToDrawFromNothing) {
  SumTree tree(4);
  Random random;
  std::vector<std::uint32_t> leaves(1);
  EXPECT_THROW(tree.sample(random, leaves), Error);
}

}  // namespace
}  // namespace sinv
