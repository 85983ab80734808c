// Whole training steps against values that PyTorch computed in double precision; see tests/golden/README.md.
#include <cmath>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "rl/dqn/learner.h"

namespace sinv {
namespace {

constexpr int kObservation = 5;
constexpr int kActions = 3;
constexpr int kBatch = 6;
constexpr int kSteps = 10;
constexpr std::uint64_t kSeed = 12345;

struct Golden {
  std::string file;
  DqnLearnerSettings settings;
  bool copy_once;  // the target after step 5; otherwise it is averaged after every step
  QInput input = kObservation;
};
std::ostream& operator<<(std::ostream& out, const Golden& golden) { return out << golden.file; }

// The network of that name with few channels.
QNetworkSettings small_trunk(const char* name, const std::vector<int>& channels) {
  QNetworkSettings settings = conv_network_preset(name);
  for (std::size_t i = 0; i < channels.size(); ++i) {
    settings.trunk->stages[i].channels = channels[i];
    if (settings.trunk->stages[i].groups > 0) settings.trunk->stages[i].groups = 2;
  }
  return settings;
}

std::vector<Golden> goldens() {
  DqnLearnerSettings shared;
  shared.network.head.hidden = {8, 7};
  shared.batch = kBatch;
  shared.learning_rate = 1e-2F;
  shared.clip_norm = 0.5F;
  DqnLearnerSettings split = shared;
  split.network.head.noisy_first = true;
  split.network.head.layer_norm = true;
  split.network.head.kind = QHeadKind::kDuelingSplit;
  split.network.head.activation = Activation::kLeakyRelu;
  split.clip_norm = 0;
  split.double_dqn = false;
  split.huber_delta = 0;
  split.target_update = TargetUpdate::kAverage;
  split.target_rate = 0.1F;
  DqnLearnerSettings single = shared;
  single.network.head.hidden = {9};
  single.network.head.noisy = false;
  single.network.head.kind = QHeadKind::kSingle;
  single.clip_norm = 10;
  single.huber_delta = 0.5F;
  DqnLearnerSettings deepmind = shared;
  deepmind.network = small_trunk("deepmind", {3, 4, 5});
  deepmind.network.head.hidden = {7};
  deepmind.network.head.noisy = true;
  deepmind.learning_rate = 1e-3F;
  DqnLearnerSettings precise = split;
  precise.network = small_trunk("precise", {4, 6, 8});
  precise.network.head.hidden = {6};
  precise.network.head.kind = QHeadKind::kSingle;
  precise.learning_rate = 1e-3F;
  return {{"dqn_step_shared", shared, true},
          {"dqn_step_split", split, false},
          {"dqn_step_single", single, true},
          {"dqn_cnn_step_deepmind", deepmind, true, StackShape{2, 36, 36}},
          {"dqn_cnn_step_precise", precise, false, StackShape{2, 12, 9}}};
}

std::map<std::string, std::vector<double>> read(const std::string& name) {
  std::ifstream in(std::string(SINV_SOURCE_DIR) + "/tests/golden/" + name + ".txt");
  std::map<std::string, std::vector<double>> values;
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

class GoldenStep : public ::testing::TestWithParam<Golden> {};

TEST_P(GoldenStep, EveryGradientAndTenLossesAreThoseOfPyTorch) {
  const Golden& golden = GetParam();
  auto wanted = read(golden.file);
  ASSERT_FALSE(wanted.empty()) << "tests/golden is not found";
  DqnLearner learner(golden.settings, golden.input, kActions, kSeed);
  Random bytes(kSeed, 9);

  const auto compare = [&](const std::string& kind, std::span<const float> all, double absolute, double relative) {
    std::size_t at = 0;
    learner.for_each_parameter([&](const std::string& name, const auto&, std::span<const float> values) {
      const std::vector<double>& row = wanted[kind + " " + name];
      ASSERT_EQ(row.size(), values.size()) << kind << " " << name;
      for (std::size_t i = 0; i < row.size(); ++i) {
        EXPECT_NEAR(all[at + i], row[i], absolute + relative * std::abs(row[i])) << kind << " " << name << " " << i;
      }
      at += values.size();
    });
    EXPECT_EQ(at, all.size());
  };
  compare("initial", learner.parameters(), 0, 1e-9);  // printed with ten digits: the same floats

  std::vector<float> td(kBatch);
  for (int step = 0; step < kSteps; ++step) {
    const auto row = [&](const char* what) -> const std::vector<double>& {
      return wanted[text("step", step, " ", what)];
    };
    const DqnBatch batch = learner.batch();
    const auto fill = [&](const char* what, auto to) {
      ASSERT_EQ(row(what).size(), to.size());
      for (std::size_t i = 0; i < to.size(); ++i)
        to[i] = static_cast<std::remove_reference_t<decltype(to[0])>>(row(what)[i]);
    };
    if (golden.input.sees_frames()) {
      for (std::uint8_t& byte : batch.frames_tm1) byte = static_cast<std::uint8_t>(bytes.bits() >> 24);
      for (std::uint8_t& byte : batch.frames_t) byte = static_cast<std::uint8_t>(bytes.bits() >> 24);
    } else {
      fill("s", batch.observation_tm1);
      fill("s2", batch.observation_t);
    }
    fill("a", batch.action_tm1);
    fill("r", batch.return_t);
    fill("d", batch.discount_t);
    fill("w", batch.weight);
    const DqnUpdate update = learner.update(td);
    // Float sums of at most 40 terms of order 1 (LayerNorm: divided by deviations near 0.3) keep 2e-6; the noise has
    // 4e-7. Later steps inherit the parameters' drift: Adam's quotient m / sqrt(v) turns an error e of a gradient g
    // into lr * e / |g|, some 1e-5 a step for the smallest gradients.
    const double drift = 2e-6 + 2e-5 * step;
    EXPECT_NEAR(update.loss, row("loss")[0], drift) << "step " << step;
    EXPECT_NEAR(update.mean_q, row("mean_q")[0], drift) << "step " << step;
    EXPECT_NEAR(update.gradient_norm, row("norm")[0], 3 * drift) << "step " << step;
    for (std::size_t i = 0; i < td.size(); ++i) EXPECT_NEAR(td[i], row("td")[i], 2 * drift) << "step " << step;
    if (step == 0) compare("gradient", learner.gradients(), 2e-6, 4e-6);
    if (golden.copy_once ? step == 4 : true) learner.update_target();
  }
  // A gradient that is 0 or nearly so makes Adam's quotient a matter of rounding: up to lr per step in theory; the
  // noise keeps all of them away from that.
  compare("final", learner.parameters(), 2e-4, 1e-4);
}

INSTANTIATE_TEST_SUITE_P(Dqn, GoldenStep, ::testing::ValuesIn(goldens()),
                         [](const auto& info) { return info.param.file; });

}  // namespace
}  // namespace sinv
