#include "rl/dqn/learner.h"

#include <cmath>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <thread>

namespace sinv {
namespace {

using ::testing::HasSubstr;

constexpr int kObservation = 8;
constexpr int kActions = 4;

DqnLearnerSettings small() {
  DqnLearnerSettings settings;
  settings.network.head.hidden = {32, 24};
  settings.batch = 16;
  settings.learning_rate = 1e-3F;
  return settings;
}

// One-step bandit: action a is worth observation[a].
void fill(DqnLearner& learner, Random& random) {
  const DqnBatch batch = learner.batch();
  for (float& x : batch.observation_tm1) x = 2.0F * random.uniform() - 1.0F;
  for (float& x : batch.observation_t) x = 2.0F * random.uniform() - 1.0F;
  for (std::size_t i = 0; i < batch.action_tm1.size(); ++i) {
    batch.action_tm1[i] = static_cast<std::int32_t>(random.below(kActions));
    batch.return_t[i] = batch.observation_tm1[i * kObservation + static_cast<std::size_t>(batch.action_tm1[i])];
    batch.discount_t[i] = random.uniform() < 0.5F ? 0.0F : 0.5F;
    batch.weight[i] = 0.5F + 0.5F * random.uniform();
  }
}

std::vector<float> train(DqnLearner& learner, int updates, std::uint64_t stream) {
  Random random(5, stream);
  std::vector<float> td(learner.batch().action_tm1.size());
  for (int i = 0; i < updates; ++i) {
    fill(learner, random);
    learner.update(td);
    if (i % 10 == 9) learner.update_target();
  }
  return {learner.parameters().begin(), learner.parameters().end()};
}

template <class Call>
std::string message(Call&& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DqnLearner, SameSeedSameParametersWhateverElseRuns) {
  DqnLearner alone(small(), kObservation, kActions, 3);
  const std::vector<float> wanted = train(alone, 60, 1);
  std::vector<std::vector<float>> found(2);
  {
    std::vector<std::jthread> threads;
    for (std::vector<float>& to : found) {
      threads.emplace_back([&to] {
        DqnLearner learner(small(), kObservation, kActions, 3);
        to = train(learner, 60, 1);
      });
    }
  }
  EXPECT_EQ(found[0], wanted);
  EXPECT_EQ(found[1], wanted);
  DqnLearner other(small(), kObservation, kActions, 4);
  EXPECT_NE(train(other, 60, 1), wanted);
}

// Large enough that every kind of loop is cut: products, packing, Adam, the sum of squares, convolutions.
std::vector<float> trained_on_pictures(int threads) {
  DqnLearnerSettings settings;
  settings.network = conv_network_preset("deepmind");
  settings.network.head.noisy = true;
  settings.batch = 20;
  settings.learning_rate = 1e-3F;
  settings.threads = threads;
  DqnLearner learner(settings, StackShape{4, 84, 84}, kActions, 3);
  Random random(5, 1);
  std::vector<float> td(20);
  for (int i = 0; i < 3; ++i) {
    const DqnBatch batch = learner.batch();
    for (std::uint8_t& x : batch.frames_tm1) x = static_cast<std::uint8_t>(random.below(256));
    for (std::uint8_t& x : batch.frames_t) x = static_cast<std::uint8_t>(random.below(256));
    for (std::size_t row = 0; row < td.size(); ++row) {
      batch.action_tm1[row] = static_cast<std::int32_t>(random.below(kActions));
      batch.return_t[row] = random.uniform();
      batch.discount_t[row] = 0.9F;
    }
    learner.update(td);
    learner.update_target();
  }
  return {learner.parameters().begin(), learner.parameters().end()};
}

TEST(DqnLearner, AnyNumberOfThreadsGivesTheSameBits) {
  const std::vector<float> wanted = trained_on_pictures(1);
  for (const int threads : {2, 3, 9}) EXPECT_EQ(trained_on_pictures(threads), wanted) << threads << " threads";
}

TEST(DqnLearner, TheFutureAfterALoadIsTheSameBitForBit) {
  for (const TargetUpdate target : {TargetUpdate::kCopy, TargetUpdate::kAverage}) {
    DqnLearnerSettings settings = small();
    settings.target_update = target;
    DqnLearner learner(settings, kObservation, kActions, 3);
    train(learner, 25, 1);
    learner.set_learning_rate(3e-4F);
    ByteWriter out;
    learner.save(out);
    DqnLearner restored(settings, kObservation, kActions, 99);
    ByteReader in(out.bytes(), "state");
    restored.load(in);
    EXPECT_EQ(in.left(), 0U);
    EXPECT_EQ(restored.updates(), 25U);
    EXPECT_EQ(restored.learning_rate(), 3e-4F);
    EXPECT_EQ(train(restored, 30, 2), train(learner, 30, 2));
  }
}

TEST(DqnLearner, LearnsATableOfRewards) {
  DqnLearnerSettings settings = small();
  settings.batch = 64;
  settings.learning_rate = 3e-3F;
  DqnLearner learner(settings, kObservation, kActions, 1);
  Random random(1, 1);
  std::vector<float> td(64);
  double first = 0;
  double last = 0;
  for (int i = 0; i < 1500; ++i) {
    fill(learner, random);
    for (float& d : learner.batch().discount_t) d = 0;
    const double loss = static_cast<double>(learner.update(td).loss);
    if (i < 20) first += loss / 20;
    if (i >= 1480) last += loss / 20;
  }
  EXPECT_LT(last, first / 20);  // from the variance of the rewards (0.12) to well below it
}

TEST(DqnLearner, UpdateReportsLossAndAbsoluteErrors) {
  DqnLearnerSettings settings = small();
  settings.huber_delta = 0;
  DqnLearner learner(settings, kObservation, kActions, 3);
  Random random(1, 1);
  fill(learner, random);
  std::vector<float> td(16);
  const DqnUpdate update = learner.update(td);
  double loss = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    EXPECT_GE(td[i], 0.0F);
    loss += 0.5 * static_cast<double>(td[i]) * static_cast<double>(td[i]) *
            static_cast<double>(learner.batch().weight[i]) / 16;
  }
  EXPECT_NEAR(update.loss, loss, 1e-6);
  double norm = 0;
  for (const float g : learner.gradients()) norm += static_cast<double>(g) * static_cast<double>(g);
  EXPECT_NEAR(update.gradient_norm, std::sqrt(norm), 1e-5 * std::sqrt(norm));
}

TEST(DqnLearner, ABrokenBatchChangesNoParameter) {
  DqnLearner learner(small(), kObservation, kActions, 3);
  const std::vector<float> before = train(learner, 5, 1);
  Random random(9, 9);
  fill(learner, random);
  learner.batch().return_t[3] = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> td(16);
  const DqnUpdate update = learner.update(td);
  EXPECT_FALSE(std::isfinite(update.loss));
  EXPECT_FALSE(std::isfinite(update.gradient_norm));
  EXPECT_TRUE(std::ranges::equal(before, learner.parameters()));
}

TEST(DqnLearner, ParametersAreNamedInBufferOrder) {
  DqnLearner learner(small(), kObservation, kActions, 3);
  std::size_t at = 0;
  std::vector<std::string> names;
  learner.for_each_parameter([&](const std::string& name, const std::vector<std::int64_t>& shape, auto values) {
    names.push_back(name);
    EXPECT_EQ(values.data(), learner.parameters().data() + at);
    std::int64_t size = 1;
    for (const std::int64_t dim : shape) size *= dim;
    EXPECT_EQ(static_cast<std::size_t>(size), values.size());
    at += values.size();
  });
  EXPECT_EQ(at, learner.parameter_count());
  EXPECT_THAT(names, ::testing::ElementsAre("fc0.weight", "fc0.bias", "fc1.weight", "fc1.bias", "fc1.weight_sigma",
                                            "fc1.bias_sigma", "value.weight", "value.bias", "value.weight_sigma",
                                            "value.bias_sigma", "advantage.weight", "advantage.bias",
                                            "advantage.weight_sigma", "advantage.bias_sigma"));
}

TEST(DqnLearner, TheDefaultNetworkHasTheSizeOfTheComparison) {
  const DqnLearner learner(DqnLearnerSettings{}, 128, 6, 1);
  // 128*256 + 256, twice (256*256 + 256), twice (256*7 + 7): the PyTorch program reports the same.
  EXPECT_EQ(learner.parameter_count(), 128U * 256 + 256 + 2 * (256 * 256 + 256) + 2 * (256 * 7 + 7));
}

TEST(DqnLearner, WrongSettingsAndBatchesAreNamed) {
  const auto refused = [](auto change) {
    DqnLearnerSettings settings = small();
    change(settings);
    return message([&] { DqnLearner learner(settings, kObservation, kActions, 1); });
  };
  EXPECT_THAT(refused([](auto& s) { s.batch = 0; }), HasSubstr("batch is 0"));
  EXPECT_THAT(refused([](auto& s) { s.threads = 0; }), HasSubstr("threads is 0, wanted at least 1"));
  EXPECT_THAT(refused([](auto& s) { s.huber_delta = -1; }), HasSubstr("huber_delta is -1"));
  EXPECT_THAT(refused([](auto& s) { s.target_rate = 0; }), HasSubstr("target_rate is 0"));
  EXPECT_THAT(refused([](auto& s) { s.network.head.hidden = {}; }), HasSubstr("0 hidden layers, wanted 1 to 8"));
  EXPECT_THAT(refused([](auto& s) { s.network.head.hidden = {4, 0}; }), HasSubstr("hidden layer 1 has size 0"));
  EXPECT_THAT(refused([](auto& s) { s.network.head.activation = Activation::kTanh; }),
              HasSubstr("activation tanh, known"));
  EXPECT_THAT(refused([](auto& s) { s.network.head.sigma0 = -1; }), HasSubstr("sigma0 is -1"));
  EXPECT_THAT(message([] { DqnLearner learner(small(), 0, 1, 1); }), HasSubstr("0 features and 1 actions"));
  EXPECT_THAT(message([] { DqnLearner learner(small(), 1, 0, 1); }), HasSubstr("1 features and 0 actions"));
  DqnLearner learner(small(), kObservation, kActions, 1);
  std::vector<float> td(15);
  EXPECT_THAT(message([&] { learner.update(td); }), HasSubstr("td_error_abs has 15 values, the batch is 16"));
  td.resize(16);
  learner.batch().action_tm1[7] = 4;
  EXPECT_THAT(message([&] { learner.update(td); }), HasSubstr("action_tm1 of row 7 is 4"));
  EXPECT_THAT(message([&] { learner.set_parameters(td); }), HasSubstr("16 parameters, this network has"));
  ByteWriter out;
  DqnLearner(small(), kObservation, 5, 1).save(out);
  ByteReader in(out.bytes(), "run/last.bin");
  EXPECT_THAT(message([&] { learner.load(in); }), HasSubstr("run/last.bin: holds"));
}

TEST(DqnActor, WithoutNoiseAnswersWhatTheMeanWeightsSay) {
  QNetworkSettings settings = mlp_network();
  settings.head.hidden = {5};
  DqnActor actor(settings, 2, 3, 4, 1);
  actor.set_noise(false);
  std::map<std::string, std::vector<double>> p;
  actor.for_each_parameter([&](const std::string& name, const auto&, std::span<const float> values) {
    p[name] = {values.begin(), values.end()};
  });
  const std::vector<float> x{0.3F, -0.8F};
  std::vector<float> q(3);
  actor.q_values(x, 1, q);
  double value = p["value.bias"][0];
  std::vector<double> advantage = p["advantage.bias"];
  for (std::size_t h = 0; h < 5; ++h) {
    const double sum = p["fc0.bias"][h] + static_cast<double>(x[0]) * p["fc0.weight"][h] +
                       static_cast<double>(x[1]) * p["fc0.weight"][5 + h];
    const double on = std::fmax(sum, 0.0);
    value += on * p["value.weight"][h];
    for (std::size_t a = 0; a < 3; ++a) advantage[a] += on * p["advantage.weight"][3 * h + a];
  }
  const double mean = (advantage[0] + advantage[1] + advantage[2]) / 3;
  for (std::size_t a = 0; a < 3; ++a) EXPECT_NEAR(q[a], value + advantage[a] - mean, 1e-6);
}

TEST(DqnActor, RowsDoNotDependOnHowManyThereAre) {
  DqnActor actor(small().network, kObservation, kActions, 16, 1);
  Random random(1, 1);
  std::vector<float> x(16 * kObservation);
  for (float& v : x) v = random.uniform();
  std::vector<float> all(16 * kActions);
  actor.q_values(x, 16, all);
  for (int n : {1, 2, 3, 7}) {
    std::vector<float> some(static_cast<std::size_t>(n) * kActions);
    actor.q_values(std::span(x).first(static_cast<std::size_t>(n) * kObservation), n, some);
    EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin())) << n;
  }
}

TEST(DqnActor, NoiseChangesTheAnswersAndIsRestored) {
  DqnActor actor(small().network, kObservation, kActions, 1, 1);
  const std::vector<float> x(kObservation, 0.5F);
  const auto ask = [&x](DqnActor& who) {
    std::vector<float> q(kActions);
    who.q_values(x, 1, q);
    return q;
  };
  const std::vector<float> first = ask(actor);
  EXPECT_EQ(ask(actor), first);
  actor.resample_noise();
  EXPECT_NE(ask(actor), first);
  ByteWriter out;
  actor.save(out);
  DqnActor restored(small().network, kObservation, kActions, 1, 77);
  ByteReader in(out.bytes(), "actor");
  restored.load(in);
  std::vector<float> parameters;
  actor.for_each_parameter([&](const auto&, const auto&, std::span<const float> values) {
    parameters.insert(parameters.end(), values.begin(), values.end());
  });
  restored.set_parameters(parameters);
  EXPECT_EQ(ask(restored), ask(actor));
  actor.set_noise(false);
  const std::vector<float> mean = ask(actor);
  actor.resample_noise();  // nothing while it is off
  EXPECT_EQ(ask(actor), mean);
}

TEST(DqnActor, WrongSizesAreNamed) {
  DqnActor actor(small().network, kObservation, kActions, 2, 1);
  std::vector<float> x(kObservation * 3);
  std::vector<float> q(kActions * 3);
  EXPECT_THAT(message([&] { actor.q_values(x, 3, q); }), HasSubstr("3 observations, wanted 0 to 2"));
  EXPECT_THAT(message([&] { actor.q_values(x, 2, q); }), HasSubstr("2 observations hold 24 values, wanted 8 each"));
  EXPECT_THAT(message([&] { actor.q_values(std::span(x).first(16), 2, q); }), HasSubstr("room for 12 q values"));
  EXPECT_THAT(message([&] { actor.set_parameters(x); }), HasSubstr("24 parameters, this network has"));
  const std::vector<std::uint8_t> stacks(16);
  EXPECT_THAT(message([&] { actor.q_values(stacks, 2, q); }), HasSubstr("the network sees numbers, not frames"));
  EXPECT_THAT(message([&] { DqnActor(small().network, 1, 1, 0, 1); }), HasSubstr("max_batch is 0"));
  actor.q_values(std::span(x).first(0), 0, {});
}

}  // namespace
}  // namespace sinv
