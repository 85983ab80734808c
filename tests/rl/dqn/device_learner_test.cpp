// The learner's and the actor's way through a device, on a fake one whose numbers are the CPU's: uploads, turns of two
// batches, graphs, results read back later, saving. Whatever the order of the work, the bits must be the CPU's.
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "rl/dqn/learner.h"
#include "tests/support/fake_device.h"

namespace sinv {
namespace {

using Order = FakeDevice::Order;
constexpr int kActions = 4;
constexpr int kBatch = 6;

struct Kind {
  std::string name;
  DqnLearnerSettings settings;
  QInput input{10};
};

Kind features_kind(const std::string& name, TargetUpdate target, bool double_dqn, QHeadKind head) {
  Kind kind{name, {}, 10};
  kind.settings.network.head = {.hidden = {12, 8}, .noisy = true, .kind = head};
  kind.settings.batch = kBatch;
  kind.settings.target_update = target;
  kind.settings.double_dqn = double_dqn;
  kind.settings.learning_rate = 1e-3F;
  return kind;
}

Kind frames_kind() {
  Kind kind{"Frames", {}, StackShape{2, 84, 84}};
  kind.settings.network = conv_network_preset("deepmind");
  kind.settings.network.head.hidden = {8};
  kind.settings.batch = 3;
  return kind;
}

std::vector<Kind> kinds() {
  return {features_kind("CopyDouble", TargetUpdate::kCopy, true, QHeadKind::kDuelingShared),
          features_kind("AverageSingle", TargetUpdate::kAverage, false, QHeadKind::kSingle),
          features_kind("CopySplit", TargetUpdate::kCopy, true, QHeadKind::kDuelingSplit), frames_kind()};
}

void fill(DqnLearner& learner, std::uint64_t number) {
  Random random(17, number);
  const DqnBatch batch = learner.batch();
  for (std::span<float> values : {batch.observation_tm1, batch.observation_t, batch.return_t}) {
    for (float& x : values) x = 2.0F * random.uniform() - 1.0F;
  }
  for (std::span<std::uint8_t> bytes : {batch.frames_tm1, batch.frames_t}) {
    for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.below(256));
  }
  for (std::int32_t& a : batch.action_tm1) a = static_cast<std::int32_t>(random.below(kActions));
  for (float& d : batch.discount_t) d = random.uniform() < 0.3F ? 0.0F : 0.9F;
  for (float& w : batch.weight) w = 0.5F + 0.5F * random.uniform();
}

void take_results(DqnLearner& learner, std::vector<float>& all) {
  std::vector<float> errors(learner.batch().weight.size());
  const DqnUpdate update = learner.finish(errors);
  all.insert(all.end(), errors.begin(), errors.end());
  all.insert(all.end(), {update.loss, update.mean_q, update.gradient_norm});
}

// Every result of updates number `first` .. `last` - 1, then parameters and gradients; as many in flight as may be.
std::vector<float> train(DqnLearner& learner, std::uint64_t first, std::uint64_t last) {
  std::vector<float> all;
  for (std::uint64_t number = first; number < last; ++number) {
    fill(learner, number);
    learner.start();
    if (number % 3 == 2) learner.update_target();
    if (learner.started() == learner.most_started()) take_results(learner, all);
  }
  while (learner.started() > 0) take_results(learner, all);
  all.insert(all.end(), learner.parameters().begin(), learner.parameters().end());
  all.insert(all.end(), learner.gradients().begin(), learner.gradients().end());
  return all;
}

DqnLearner make(const Kind& kind, Device device, std::uint64_t seed = 3) {
  DqnLearnerSettings settings = kind.settings;
  settings.device = device;
  return DqnLearner(settings, kind.input, kActions, seed);
}

std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

class DeviceLearner : public testing::TestWithParam<Order> {};
INSTANTIATE_TEST_SUITE_P(Orders, DeviceLearner, testing::Values(Order::kLate, Order::kSoon),
                         [](const auto& order) { return order.param == Order::kLate ? "Late" : "Soon"; });

TEST_P(DeviceLearner, GivesTheCpusBits) {
  for (const Kind& kind : kinds()) {
    const std::uint64_t updates = kind.input.sees_frames() ? 6 : 14;
    DqnLearner cpu = make(kind, Device::kCpu);
    const std::vector<float> wanted = train(cpu, 0, updates);
    FakeDevice device(GetParam());
    DqnLearner there = make(kind, Device::kCuda);
    EXPECT_EQ(there.most_started(), 2);
    EXPECT_EQ(train(there, 0, updates), wanted) << kind.name;
    EXPECT_EQ(there.updates(), updates);
  }
}

TEST_P(DeviceLearner, AnUpdateIsOneGraphAfterTheFirst) {
  FakeDevice device(GetParam());
  DqnLearner learner = make(kinds()[0], Device::kCuda);
  train(learner, 0, 9);  // with new target parameters after 3 and 6
  const FakeDevice::Counts before = device.counts();
  train(learner, 9, 18);
  const FakeDevice::Counts after = device.counts();
  EXPECT_EQ(before.captures, 2) << "with and without the packing of new target parameters";
  EXPECT_EQ(after.captures, 2);
  EXPECT_EQ(after.graph_launches - before.graph_launches, 9);
  EXPECT_EQ(after.takes, before.takes) << "an update takes memory";
}

TEST_P(DeviceLearner, ASavedOneGoesOnAsItWouldOnEitherDevice) {
  for (const Kind& kind : kinds()) {
    if (kind.input.sees_frames()) continue;
    FakeDevice device(GetParam());
    DqnLearner learner = make(kind, Device::kCuda);
    train(learner, 0, 5);
    learner.set_learning_rate(3e-4F);
    ByteWriter saved;
    learner.save(saved);
    const std::vector<float> wanted = train(learner, 5, 12);
    for (const Device where : {Device::kCuda, Device::kCpu}) {
      DqnLearner restored = make(kind, where, 99);
      train(restored, 50, 54);  // another past
      ByteReader in(saved.bytes(), "state");
      restored.load(in);
      EXPECT_EQ(in.left(), 0U);
      EXPECT_EQ(restored.learning_rate(), 3e-4F);
      EXPECT_EQ(train(restored, 5, 12), wanted) << kind.name;
    }
  }
}

TEST_P(DeviceLearner, TakesParametersAndBeginsTheOptimiserAnew) {
  const Kind kind = kinds()[0];
  std::vector<std::vector<float>> found;
  FakeDevice device(GetParam());
  for (const Device where : {Device::kCpu, Device::kCuda}) {
    DqnLearner learner = make(kind, where);
    train(learner, 0, 4);
    const std::vector<float> parameters(learner.parameter_count(), 0.05F);
    learner.set_parameters(parameters);
    found.push_back(train(learner, 4, 8));
  }
  EXPECT_EQ(found[0], found[1]);
}

TEST_P(DeviceLearner, AnswersAreTheCpusBits) {
  for (const Kind& kind : kinds()) {
    const QNetworkSettings& network = kind.settings.network;
    FakeDevice device(GetParam());
    DqnActor cpu(network, kind.input, kActions, 4, 8);
    DqnActor there(network, kind.input, kActions, 4, 8, Device::kCuda);
    Random random(2, 2);
    std::vector<float> numbers(4 * kind.input.size());
    std::vector<std::uint8_t> bytes(numbers.size());
    for (int round = 0; round < 4; ++round) {
      if (round == 2) cpu.set_noise(false), there.set_noise(false);
      if (round == 3) {
        std::vector<float> parameters(cpu.parameter_count());
        for (float& p : parameters) p = random.uniform() - 0.5F;
        cpu.set_parameters(parameters);
        there.set_parameters(parameters);
        cpu.set_noise(true), there.set_noise(true);
      }
      cpu.resample_noise(), there.resample_noise();
      for (float& x : numbers) x = random.uniform();
      for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.below(256));
      for (const int n : {1, 4, 1}) {
        const auto count = static_cast<std::size_t>(n) * kind.input.size();
        std::vector<float> wanted(static_cast<std::size_t>(n) * kActions);
        std::vector<float> found(wanted.size());
        if (kind.input.sees_frames()) {
          cpu.q_values(std::span<const std::uint8_t>(bytes).first(count), n, wanted);
          there.q_values(std::span<const std::uint8_t>(bytes).first(count), n, found);
        } else {
          cpu.q_values(std::span<const float>(numbers).first(count), n, wanted);
          there.q_values(std::span<const float>(numbers).first(count), n, found);
        }
        EXPECT_EQ(found, wanted) << kind.name << " round " << round << ", " << n << " at once";
      }
    }
    ByteWriter here;
    ByteWriter away;
    cpu.save(here);
    there.save(away);
    EXPECT_EQ(here.bytes(), away.bytes()) << kind.name;
  }
}

TEST(DeviceLearnerErrors, WrongActionsAndWrongOrderAreSentences) {
  FakeDevice device;
  DqnLearner learner = make(kinds()[0], Device::kCuda);
  std::vector<float> errors(kBatch);
  EXPECT_EQ(said_by([&] { learner.finish(errors); }).rfind("dqn learner: no update was started", 0), 0U);
  fill(learner, 0);
  learner.batch().action_tm1[2] = kActions;
  EXPECT_EQ(said_by([&] { learner.start(); }).rfind("dqn learner: action_tm1 of row 2 is 4, wanted 0 to 3", 0), 0U);
  for (int i = 0; i < 2; ++i) {
    fill(learner, 0);
    learner.start();
  }
  EXPECT_EQ(said_by([&] { learner.start(); }).rfind("dqn learner: 2 updates are started and not finished", 0), 0U);
  ByteWriter out;
  EXPECT_EQ(said_by([&] { learner.save(out); }).rfind("dqn learner: 2 updates are started and not finished", 0), 0U);
}

TEST(DeviceLearnerErrors, ALostDeviceIsOneSentenceAndEndsCleanly) {
  FakeDevice device;
  {
    DqnLearner learner = make(kinds()[0], Device::kCuda);
    train(learner, 0, 4);
    device.lose_at(20);
    EXPECT_EQ(said_by([&] { train(learner, 4, 30); }),
              "device cuda:0 was lost (fake); what was saved last is intact: go on with --resume");
  }
  EXPECT_EQ(device.counts().taken, 0);
}

TEST(DeviceLearnerErrors, WithoutAModuleThereIsNoLearnerOnADevice) {
  EXPECT_EQ(said_by([] { make(kinds()[0], Device::kCuda); }).rfind("device cuda: no device module is loaded", 0), 0U);
}

}  // namespace
}  // namespace sinv
