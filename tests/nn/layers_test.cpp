#include "nn/layers.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace sinv {
namespace {

using ::testing::HasSubstr;

TEST(LinearLayer, InitialValuesAreWithinTheBoundOfTheInputs) {
  ParameterStore store;
  NoiseSource noise(1, 1);
  Random init(1, 0);
  const LinearLayer layer("fc", 400, 30, store, init, &noise, 0.5F);
  store.finish(false);
  float most = 0;
  double mean = 0;
  for (const float w : store.named("fc.weight")) {
    most = std::max(most, std::abs(w));
    mean += static_cast<double>(w) / 12000;
  }
  EXPECT_LE(most, 0.05F);    // 1 / sqrt(400)
  EXPECT_GT(most, 0.0499F);  // of 12,000 draws the largest is that near with all but e^-24
  EXPECT_NEAR(mean, 0, 5 * 0.05 / std::sqrt(3.0 * 12000));  // five deviations of the mean of uniforms
  for (const float s : store.named("fc.weight_sigma")) EXPECT_EQ(s, 0.5F * 0.05F);
  for (const float s : store.named("fc.bias_sigma")) EXPECT_EQ(s, 0.5F * 0.05F);
}

TEST(LinearLayer, NoiseChangesTheWeightsByTheFactorisedProduct) {
  ParameterStore store;
  NoiseSource noise(1, 1);
  Random init(1, 0);
  const LinearLayer layer("fc", 3, 2, store, init, &noise);
  store.finish(false);
  noise.finish();
  Tape tape;
  const LinearVars vars = layer.record_plain(tape, store);
  tape.finish();
  noise.resample({});
  tape.forward();
  const std::span<float> eps = noise.device_values();  // [3] in, then [2] out
  const std::span<float> mu = store.named("fc.weight");
  const std::span<float> sigma = store.named("fc.weight_sigma");
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 2; ++j) {
      const double wanted = static_cast<double>(mu[2 * i + j]) + static_cast<double>(sigma[2 * i + j]) *
                                                                     static_cast<double>(eps[i]) *
                                                                     static_cast<double>(eps[3 + j]);
      EXPECT_NEAR(tape.value(vars.weight).data[2 * i + j], wanted, 4e-7);  // values below 2, four roundings
    }
  }
  for (std::size_t j = 0; j < 2; ++j) {
    const double wanted = static_cast<double>(store.named("fc.bias")[j]) +
                          static_cast<double>(store.named("fc.bias_sigma")[j]) * static_cast<double>(eps[3 + j]);
    EXPECT_NEAR(tape.value(vars.bias).data[j], wanted, 4e-7);
  }
  noise.clear();
  tape.forward();
  for (std::size_t i = 0; i < 6; ++i) EXPECT_EQ(tape.value(vars.weight).data[i], mu[i]);
}

TEST(NoiseSource, ResumesFromItsCounter) {
  NoiseSource a(9, 4);
  a.take(1001);
  a.finish();
  a.resample({});
  ByteWriter out;
  a.save(out);
  a.resample({});
  NoiseSource b(1, 1);
  b.take(1001);
  b.finish();
  ByteReader in(out.bytes(), "noise");
  b.load(in);
  b.resample({});
  EXPECT_TRUE(std::equal(a.device_values().begin(), a.device_values().end(), b.device_values().begin()));
}

TEST(ParameterStore, NamesAreUniqueAndOrdersAreKept) {
  const auto message = [](auto&& call) {
    try {
      call();
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  ParameterStore store;
  store.add("a", Shape{2, 3});
  store.add_constant("b", Shape{4}, 2.0F);
  Tape tape;
  EXPECT_THAT(message([&] { store.add("a", Shape{1}); }), HasSubstr("\"a\" is there already"));
  EXPECT_THAT(message([&] { store.on(tape, 0); }), HasSubstr("before finish()"));
  store.finish(true);
  EXPECT_THAT(message([&] { store.finish(true); }), HasSubstr("finish() was called before"));
  EXPECT_THAT(message([&] { store.add("c", Shape{1}); }), HasSubstr("\"c\" is added after finish()"));
  EXPECT_THAT(message([&] { store.named("aa"); }), HasSubstr("known: a, b"));
  std::vector<std::string> seen;
  store.for_each([&](const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
    seen.push_back(text(name, shape.size(), values.size()));
  });
  EXPECT_EQ(seen, (std::vector<std::string>{"a26", "b14"}));
  NoiseSource noise(1, 1);
  EXPECT_THAT(message([&] { noise.eps(0, 1); }), HasSubstr("noise: eps 0 + 1 of 0"));
  noise.finish();
  EXPECT_THAT(message([&] { noise.take(1); }), HasSubstr("take() after finish()"));
  Random init(1, 1);
  ParameterStore other;
  EXPECT_THAT(message([&] { LinearLayer("x", 0, 1, other, init, nullptr); }), HasSubstr("x: 0 inputs and 1 outputs"));
}

}  // namespace
}  // namespace sinv
