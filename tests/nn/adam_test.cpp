#include "nn/adam.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>

#include "base/random.h"

namespace sinv {
namespace {

// Oracle: the paper's algorithm in double precision.
struct ReferenceAdam {
  std::vector<double> m, v;
  int t = 0;
  void step(const AdamSettings& s, const std::vector<float>& gradient, std::vector<double>& value) {
    ++t;
    m.resize(value.size());
    v.resize(value.size());
    double norm = 0;
    for (const float g : gradient) norm += static_cast<double>(g) * static_cast<double>(g);
    norm = std::sqrt(norm);
    const double clip = static_cast<double>(s.clip_norm);
    const double scale = clip > 0 ? std::min(1.0, clip / (norm + 1e-6)) : 1.0;
    const double b1 = static_cast<double>(s.beta1);
    const double b2 = static_cast<double>(s.beta2);
    for (std::size_t i = 0; i < value.size(); ++i) {
      const double g = scale * static_cast<double>(gradient[i]);
      m[i] = b1 * m[i] + (1 - b1) * g;
      v[i] = b2 * v[i] + (1 - b2) * g * g;
      const double mean = m[i] / (1 - std::pow(b1, t));
      const double square = v[i] / (1 - std::pow(b2, t));
      value[i] -= static_cast<double>(s.learning_rate) * mean / (std::sqrt(square) + static_cast<double>(s.epsilon));
    }
  }
};

TEST(Adam, FollowsTheAlgorithmForFiftyStepsAtEverySize) {
  for (const std::size_t count : {1U, 7U, 8U, 255U, 257U, 1000U}) {
    for (const float clip : {0.0F, 0.5F}) {
      const AdamSettings settings{0.01F, 0.9F, 0.999F, 1.5e-4F, clip};
      Adam adam(settings, count);
      ReferenceAdam reference;
      std::vector<float> value(count, 0.25F);
      std::vector<double> wanted(count, 0.25);
      std::vector<float> gradient(count);
      Random random(1, count);
      for (int step = 0; step < 50; ++step) {
        for (float& g : gradient) g = 2.0F * random.uniform() - 1.0F;
        adam.step({}, gradient, value);
        reference.step(settings, gradient, wanted);
      }
      // A step moves at most about 0.01; each of 50 rounds its parts to 2^-24 relative, and stores values below 1
      // with 2^-25: 50 * (0.01 * 2^-21 + 2^-25) = 2e-6.
      for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(value[i], wanted[i], 4e-6) << count << " element " << i;
    }
  }
}

TEST(Adam, ReturnsTheNormBeforeClipping) {
  Adam adam({0.1F, 0.9F, 0.999F, 1e-8F, 1.0F}, 600);
  std::vector<float> value(600, 0.0F);
  const std::vector<float> gradient(600, 2.0F);
  EXPECT_FLOAT_EQ(adam.step({}, gradient, value), static_cast<float>(2.0 * std::sqrt(600.0)));
}

TEST(Adam, ANonFiniteGradientChangesNothing) {
  for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    Adam adam({0.1F, 0.9F, 0.999F, 1e-8F, 1.0F}, 3);
    std::vector<float> value{1, 2, 3};
    const std::vector<float> gradient{0, bad, 1};
    EXPECT_FALSE(std::isfinite(adam.step({}, gradient, value)));
    EXPECT_EQ(value, (std::vector<float>{1, 2, 3}));
    EXPECT_EQ(adam.steps(), 0U);
  }
}

TEST(Adam, TheFutureAfterARestoreIsTheSame) {
  const AdamSettings settings{0.01F, 0.9F, 0.999F, 1e-8F, 0};
  Adam adam(settings, 20);
  std::vector<float> value(20, 1.0F);
  std::vector<float> gradient(20, 0.5F);
  adam.step({}, gradient, value);
  adam.set_learning_rate(0.002F);
  ByteWriter out;
  adam.save(out);
  Adam other(settings, 20);
  ByteReader in(out.bytes(), "test");
  other.load(in);
  std::vector<float> copy = value;
  for (int i = 0; i < 10; ++i) {
    gradient[3] = static_cast<float>(i);
    adam.step({}, gradient, value);
    other.step({}, gradient, copy);
  }
  EXPECT_EQ(value, copy);
  Adam wrong(settings, 21);
  ByteReader again(out.bytes(), "test");
  EXPECT_THROW(wrong.load(again), UserError);
}

TEST(Adam, SettingsOutOfRangeAreNamed) {
  const auto message = [](const AdamSettings& settings) {
    try {
      Adam adam(settings, 1);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  using ::testing::HasSubstr;
  EXPECT_THAT(message({-1.0F, 0.9F, 0.9F, 1e-8F, 0}), HasSubstr("learning_rate is -1"));
  EXPECT_THAT(message({0.1F, 1.0F, 0.9F, 1e-8F, 0}), HasSubstr("beta1 is 1"));
  EXPECT_THAT(message({0.1F, 0.9F, -0.1F, 1e-8F, 0}), HasSubstr("beta2 is -0.1"));
  EXPECT_THAT(message({0.1F, 0.9F, 0.9F, 0.0F, 0}), HasSubstr("epsilon is 0"));
  EXPECT_THAT(message({0.1F, 0.9F, 0.9F, 1e-8F, -1}), HasSubstr("clip_norm is -1"));
}

}  // namespace
}  // namespace sinv
