#include "nn/q_network.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

namespace sinv {
namespace {

using ::testing::HasSubstr;

// A network with its parameters, noise and one tape.
struct Built {
  ParameterStore store;
  NoiseSource noise{7, 1};
  Random init{3, 0};
  QNetwork network;
  Tape tape;
  Built(const QNetworkSettings& settings, const QInput& input, int actions, bool gradients = true)
      : network(settings, input, actions, store, noise, init) {
    store.finish(gradients);
    noise.finish();
  }
};

std::size_t parameter_count(QNetworkSettings settings, QHeadKind kind, bool noisy) {
  settings.head.kind = kind;
  settings.head.noisy = noisy;
  return Built(settings, StackShape{4, 84, 84}, 6, false).store.values().size();
}

// By hand. Convolution: kernel^2 in out + out; norms: 2 per channel; linear: in out + out.
TEST(QNetwork, ParameterCountsAreThoseOfTheSources) {
  // 8,224 + 32,832 + 36,928; 3,136 x 512 + 512; 512 x 6 + 6: the network of Mnih et al.
  EXPECT_EQ(parameter_count(conv_network_preset("deepmind"), QHeadKind::kSingle, false), 1'687'206U);
  // The value layer on top: 512 + 1.
  EXPECT_EQ(parameter_count(conv_network_preset("deepmind"), QHeadKind::kDuelingShared, false), 1'687'719U);
  // Noise doubles the linear layers: 1,605,632 + 512 + 7 x 513 once more.
  EXPECT_EQ(parameter_count(conv_network_preset("deepmind"), QHeadKind::kDuelingShared, true),
            1'687'719U + 1'605'632U + 512U + 7U * 513U);
  // 4,112 + 8,224; 9 x 9 x 32 = 2,592 x 512 + 512; 6 x 513.
  EXPECT_EQ(parameter_count(conv_network_preset("nips"), QHeadKind::kSingle, false), 1'343'030U);
  // 1,040; 41 x 16 x 64 + 64; 41 x 64 = 2,624 x 256 + 256; 6 x 257.
  EXPECT_EQ(parameter_count(conv_network_preset("columns"), QHeadKind::kSingle, false), 716'630U);
  // 77,984 + norms 2 (32 + 64 + 64); 4 x 4 x 64 = 1,024 x 1,024 + 1,024; LayerNorm 2,048; 1,024 x 6 + 6.
  EXPECT_EQ(parameter_count(conv_network_preset("original"), QHeadKind::kSingle, false), 1'136'102U);
  // 3,232 + 18,496 + 73,856 + 2 (32 + 64 + 128); 10 x 10 x 128 = 12,800 x 1,024 + 1,024; 2,048; 6,150.
  EXPECT_EQ(parameter_count(conv_network_preset("precise"), QHeadKind::kSingle, false), 13'212'454U);
  // 1,184 + 4 x 9,248 + 18,496 + 4 x 36,928 + 36,928 + 4 x 36,928; u: 4 x 32 + 8 x 64, state that is saved with them;
  // two streams of 2,304 x 512 + 512; 513 + 6 x 513.
  EXPECT_EQ(parameter_count(conv_network_preset("impala"), QHeadKind::kDuelingSplit, false),
            389'024U + 640U + 2U * 1'180'160U + 7U * 513U);
}

TEST(QNetwork, ErrorsNameWhatIsWrong) {
  const auto message = [](auto&& call) -> std::string {
    try {
      call();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_THAT(message([] { conv_network_preset("deepmin"); }), HasSubstr("did you mean \"deepmind\""));
  EXPECT_THAT(message([] {
                Built(conv_network_preset("deepmind"), StackShape{4, 30, 84}, 6);
              }),
              HasSubstr("image 2x9x64, 64 outputs, kernel 3"));
  QNetworkSettings settings = conv_network_preset("original");
  settings.trunk->stages[1].groups = 7;
  EXPECT_THAT(message([&] {
                Built(settings, StackShape{4, 84, 84}, 6);
              }),
              HasSubstr("conv1_norm: 7 groups of 64 channels"));
  settings.trunk->stages[1].groups = 8;
  settings.trunk->stages[0].pool = 4;
  EXPECT_THAT(message([&] {
                Built(settings, StackShape{4, 84, 84}, 6);
              }),
              HasSubstr("pooling 4, known: 0 (none), 2, 3"));
  settings.trunk->stages.clear();
  EXPECT_THAT(message([&] { Built(settings, StackShape{4, 84, 84}, 6); }), HasSubstr("no stages"));
  settings = conv_network_preset("deepmind");
  settings.head.hidden = {};
  EXPECT_THAT(message([&] { Built(settings, StackShape{4, 84, 84}, 6); }), HasSubstr("0 hidden layers, wanted 1 to 8"));
  settings.head.hidden = {0};
  EXPECT_THAT(message([&] { Built(settings, StackShape{4, 84, 84}, 6); }), HasSubstr("hidden layer 0 has size 0"));
  EXPECT_THAT(message([&] { Built(settings, 12, 6); }), HasSubstr("a trunk wants frames"));
  EXPECT_THAT(message([&] { Built(QNetworkSettings{}, StackShape{4, 84, 84}, 6); }), HasSubstr("frames want a trunk"));
}

TEST(QNetwork, HeldSpectralWeightsFollowTheParametersOnlyWhenAsked) {
  QNetworkSettings settings = conv_network_preset("impala");
  for (ConvStage& stage : settings.trunk->stages) stage.channels = 3;
  settings.head.hidden = {4};
  Built built(settings, StackShape{1, 16, 16}, 2, false);
  const std::span<std::uint8_t> frames = built.network.record_input(built.tape, 1).frames;
  for (std::size_t i = 0; i < frames.size(); ++i) frames[i] = static_cast<std::uint8_t>(i * 37);
  const Var q =
      built.network.record(built.tape, built.network.record_weights(built.tape, built.store, true), {{}, frames});
  built.tape.finish();
  built.tape.forward();
  const std::vector<float> u(built.store.named("conv0_unit0_a.u").begin(), built.store.named("conv0_unit0_a.u").end());
  const std::vector<float> first(built.tape.value(q).flat().begin(), built.tape.value(q).flat().end());
  built.tape.forward();
  EXPECT_TRUE(std::ranges::equal(first, built.tape.value(q).flat()));
  for (float& w : built.store.named("conv0_unit0_a.weight")) w *= 2;  // sigma doubles, too: nothing changes
  built.tape.refresh_held();
  built.tape.forward();
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(built.tape.value(q).flat()[i], first[i], 1e-6);
  EXPECT_TRUE(std::ranges::equal(u, built.store.named("conv0_unit0_a.u")));
  for (float& w : built.store.named("conv0.weight")) w *= 2;
  built.tape.forward();
  for (std::size_t i = 0; i < first.size(); ++i) EXPECT_NEAR(built.tape.value(q).flat()[i], first[i], 1e-6);
  built.tape.refresh_held();
  built.tape.forward();
  EXPECT_FALSE(std::ranges::equal(first, built.tape.value(q).flat()));
}

TEST(QNetwork, ItsOutputDoesNotDependOnTheBatch) {
  QNetworkSettings settings = conv_network_preset("original");
  settings.head.hidden = {40};
  ParameterStore store;
  NoiseSource noise(1, 1);
  Random init(1, 1);
  const StackShape input{4, 40, 36};
  const QNetwork network(settings, input, 6, store, noise, init);
  store.finish(false);
  noise.finish();
  const std::size_t stack = network.input().size();
  std::vector<std::uint8_t> frames(5 * stack);
  for (std::uint8_t& byte : frames) byte = static_cast<std::uint8_t>(init.below(256));
  const auto run = [&](std::size_t first, std::size_t count) {
    Tape tape;
    const Var q = network.record(tape, network.record_weights(tape, store, false),
                                 {{}, std::span(frames).subspan(first * stack, count * stack)});
    tape.finish();
    tape.forward();
    const auto flat = tape.value(q).flat();
    return std::vector<float>(flat.begin(), flat.end());
  };
  const std::vector<float> all = run(0, 5);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_TRUE(std::ranges::equal(run(i, 1), std::span(all).subspan(6 * i, 6))) << "row " << i;
  }
}

// --- One whole pass against PyTorch; see tests/golden/README.md.

struct Golden {
  std::string name;
  StackShape input;
  std::vector<int> channels;
  int hidden;
  QHeadKind kind;
  bool noisy;
};
std::ostream& operator<<(std::ostream& out, const Golden& golden) { return out << golden.name; }

const std::vector<Golden> kGoldens{
    {"deepmind", {2, 36, 36}, {3, 4, 5}, 7, QHeadKind::kSingle, false},
    {"original", {2, 36, 38}, {4, 6, 6}, 6, QHeadKind::kDuelingShared, false},
    {"precise", {2, 12, 9}, {4, 6, 8}, 6, QHeadKind::kDuelingShared, true},
    {"impala", {2, 20, 20}, {3, 4, 4}, 5, QHeadKind::kDuelingSplit, true},
};

using Rows = std::map<std::string, std::vector<double>>;

Rows read(const std::string& name) {
  std::ifstream in(std::string(SINV_SOURCE_DIR) + "/tests/golden/conv_net_" + name + ".txt");
  Rows values;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string what;
    words >> kind >> what;
    std::vector<double>& row = values[kind + " " + what];
    for (double v = 0; words >> v;) row.push_back(v);
  }
  return values;
}

class GoldenQNetwork : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenQNetwork, OutputAndEveryGradientAreThoseOfPyTorch) {
  const Golden& golden = GetParam();
  Rows wanted = read(golden.name);
  ASSERT_FALSE(wanted.empty()) << "tests/golden is not found";
  QNetworkSettings settings = conv_network_preset(golden.name);
  for (std::size_t i = 0; i < settings.trunk->stages.size(); ++i) {
    settings.trunk->stages[i].channels = golden.channels[i];
    if (settings.trunk->stages[i].groups > 0) settings.trunk->stages[i].groups = 2;
  }
  settings.head.hidden = {golden.hidden};
  settings.head.kind = golden.kind;
  settings.head.noisy = golden.noisy;
  Built built(settings, golden.input, 3);

  std::vector<std::string> names;
  built.store.for_each([&](const std::string& name, const auto&, std::span<const float>) { names.push_back(name); });
  std::size_t read_eps = 0;  // the layers' noise in their order: eps_in, then eps_out
  for (const std::string& name : names) {
    const std::vector<double>& row = wanted["parameter " + name];
    const std::span<float> values = built.store.named(name);
    ASSERT_EQ(row.size(), values.size()) << name;
    for (std::size_t i = 0; i < row.size(); ++i) values[i] = static_cast<float>(row[i]);
    if (!name.ends_with(".weight_sigma")) continue;
    for (const double eps : wanted["eps " + name.substr(0, name.find('.'))]) {
      ASSERT_LT(read_eps, built.noise.device_values().size());
      built.noise.device_values()[read_eps++] = static_cast<float>(eps);
    }
  }
  ASSERT_EQ(read_eps, built.noise.device_values().size());

  Tape& tape = built.tape;
  const std::vector<double>& bytes = wanted["frames all"];
  const std::span<std::uint8_t> frames = tape.frames(bytes.size());
  for (std::size_t i = 0; i < bytes.size(); ++i) frames[i] = static_cast<std::uint8_t>(bytes[i]);
  const Var q = built.network.record(tape, built.network.record_weights(tape, built.store, false), {{}, frames});
  const Var factors = tape.input(tape.shape(q));
  for (std::size_t i = 0; i < tape.value(factors).size(); ++i) {
    tape.value(factors).data[i] = static_cast<float>(wanted["factors all"][i]);
  }
  tape.finish(sum(tape, binary(tape, Binary::kMultiply, q, factors)));
  tape.forward();
  tape.backward();

  ASSERT_EQ(wanted["q all"].size(), tape.value(q).size());
  for (std::size_t i = 0; i < tape.value(q).size(); ++i) {
    EXPECT_NEAR(tape.value(q).data[i], wanted["q all"][i], 2e-5) << "q " << i;  // ten layers of roundings of 2^-24
  }
  std::size_t at = 0;
  for (const std::string& name : names) {
    const std::span<float> values = built.store.named(name);
    const std::span<const float> gradient = built.store.device_gradients().subspan(at, values.size());
    at += values.size();
    if (name.ends_with(".u")) {
      const std::vector<double>& after = wanted["after " + name];
      for (std::size_t i = 0; i < values.size(); ++i) {
        EXPECT_NEAR(values[i], after[i], 1e-6) << name << " " << i;
        EXPECT_EQ(gradient[i], 0.0F) << name << " " << i;
      }
      continue;
    }
    const std::vector<double>& row = wanted["gradient " + name];
    ASSERT_EQ(row.size(), values.size()) << name;
    double largest = 0;
    for (const double g : row) largest = std::max(largest, std::abs(g));
    // Each is a sum of products whose parts are as large as the tensor's largest gradient: some thousand roundings of
    // 2^-24, at random, through the layers above.
    for (std::size_t i = 0; i < row.size(); ++i) {
      EXPECT_NEAR(gradient[i], row[i], 2e-6 + 2e-5 * largest) << "gradient " << name << " " << i;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Golden, GoldenQNetwork, ::testing::ValuesIn(kGoldens),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sinv
