// The learner's way through a device, on a fake one whose numbers are the CPU's: upload, one graph, results read back,
// saving. Whatever the order of the work, the bits must be the CPU's.
#include <gtest/gtest.h>

#include "tests/rl/dreamer/small_dreamer.h"
#include "tests/support/fake_device.h"

namespace sinv {
namespace {

using Order = FakeDevice::Order;

DreamerLearner make(Device device, std::uint64_t seed = 5, float reinforce_share = 1.0F) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.behaviour.reinforce_share = reinforce_share;
  settings.device = device;
  return DreamerLearner(settings, seed);
}

void append(std::vector<float>& all, std::span<const float> values) {
  all.insert(all.end(), values.begin(), values.end());
}

// Every figure of updates number `first` .. `last` - 1, then parameters and pictures.
std::vector<float> train(DreamerLearner& learner, std::uint64_t first, std::uint64_t last) {
  std::vector<float> all;
  for (std::uint64_t number = first; number < last; ++number) {
    fill_randomly(learner.batch(), 3, number);
    const DreamerUpdate u = learner.update();
    append(all, std::vector{u.image_loss, u.reward_loss, u.discount_loss, u.kl, u.foretold_reward_loss,
                            u.foretold_discount_loss, u.actor_loss, u.critic_loss, u.mean_return, u.world_norm,
                            u.actor_norm, u.critic_norm});
  }
  const DreamerParameters p = learner.parameters();
  for (const std::span<const float> part : {p.world, p.actor, p.critic, learner.reconstruction()}) append(all, part);
  return all;
}

class DreamerDevice : public testing::TestWithParam<Order> {};
INSTANTIATE_TEST_SUITE_P(Orders, DreamerDevice, testing::Values(Order::kLate, Order::kSoon),
                         [](const auto& order) { return order.param == Order::kLate ? "Late" : "Soon"; });

TEST_P(DreamerDevice, GivesTheCpusBits) {
  for (const float reinforce_share : {1.0F, 0.5F, 0.0F}) {
    DreamerLearner cpu = make(Device::kCpu, 5, reinforce_share);
    const std::vector<float> wanted = train(cpu, 0, 7);  // past two copies of the critic
    FakeDevice device(GetParam());
    DreamerLearner there = make(Device::kCuda, 5, reinforce_share);
    EXPECT_EQ(train(there, 0, 7), wanted) << reinforce_share;
  }
}

TEST_P(DreamerDevice, AModelThatLearnsFirstGivesTheCpusBits) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.model_first_updates = 3;
  settings.rewards_first_updates = 2;
  settings.world.history = 2;
  settings.loss.moved_weight = 2;
  settings.loss.overshooting = 2;
  DreamerLearner cpu(settings, 5);
  const std::vector<float> wanted = train(cpu, 0, 8);
  FakeDevice device(GetParam());
  settings.device = Device::kCuda;
  DreamerLearner there(settings, 5);
  EXPECT_EQ(train(there, 0, 8), wanted);
  EXPECT_EQ(device.counts().captures, 2);  // alone and together, each from its second update on
}

TEST_P(DreamerDevice, AnUpdateIsOneGraphAfterTheFirst) {
  FakeDevice device(GetParam());
  DreamerLearner learner = make(Device::kCuda);
  train(learner, 0, 2);
  const FakeDevice::Counts before = device.counts();
  for (int i = 0; i < 5; ++i) learner.update();
  const FakeDevice::Counts after = device.counts();
  EXPECT_EQ(before.captures, 1);
  EXPECT_EQ(after.captures, 1);
  EXPECT_EQ(after.graph_launches - before.graph_launches, 5);
  EXPECT_EQ(after.waits - before.waits, 5) << "the host waits for the results alone";
  EXPECT_EQ(after.takes, before.takes) << "an update takes memory";
}

TEST_P(DreamerDevice, ASavedOneGoesOnAsItWouldOnEitherDevice) {
  FakeDevice device(GetParam());
  DreamerLearner learner = make(Device::kCuda);
  train(learner, 0, 4);
  ByteWriter saved;
  learner.save(saved);
  const std::vector<float> wanted = train(learner, 10, 15);
  for (const Device where : {Device::kCuda, Device::kCpu}) {
    DreamerLearner restored = make(where, 99);
    train(restored, 50, 53);  // another past
    ByteReader in(saved.bytes(), "state");
    restored.load(in);
    EXPECT_EQ(in.left(), 0U);
    EXPECT_EQ(train(restored, 10, 15), wanted);
  }
}

TEST_P(DreamerDevice, ALostDeviceIsOneSentenceAndLeavesNothingBehind) {
  FakeDevice device(GetParam());
  {
    DreamerLearner learner = make(Device::kCuda);
    train(learner, 0, 2);
    device.lose_at(3);
    try {
      learner.update();
      FAIL() << "no error";
    } catch (const UserError& error) {
      EXPECT_STREQ(error.what(), "device cuda:0 was lost (fake); what was saved last is intact: go on with --resume");
    }
  }
  EXPECT_EQ(device.counts().taken, 0);
}

// Steps number `first` .. `last` - 1 of four environments: what was chosen. Some begin anew, some were given another
// action; sampled and greedy take turns.
std::vector<int> act(DreamerActor& actor, int first, int last) {
  std::vector<int> all;
  std::vector<std::uint8_t> actions(4);
  for (int step = first; step < last; ++step) {
    Random random(9, static_cast<std::uint64_t>(step));
    for (std::uint8_t& pixel : actor.frames()) pixel = random.uniform() < 0.1F ? 255 : 0;
    for (std::uint8_t& begins : actor.first()) begins = random.uniform() < 0.2F ? 1 : begins;
    actor.act(step % 5 > 2, actions);
    all.insert(all.end(), actions.begin(), actions.end());
    if (step % 4 == 1) actor.set_action(step % 3, 1);
  }
  return all;
}

DreamerActor acting(Device device, std::uint64_t seed) {
  DreamerLearnerSettings settings = small_dreamer();
  settings.device = device;
  return DreamerActor(settings, 4, seed);
}

TEST_P(DreamerDevice, AnActorChoosesAsOnTheCpu) {
  DreamerLearner learner = make(Device::kCpu);
  train(learner, 0, 3);
  DreamerActor cpu = acting(Device::kCpu, 2);
  cpu.set_parameters(learner.parameters());
  std::vector<int> wanted = act(cpu, 0, 20);
  train(learner, 3, 6);
  cpu.set_parameters(learner.parameters());
  const std::vector<int> later = act(cpu, 20, 40);
  ByteWriter state;
  cpu.save(state);

  FakeDevice device(GetParam());
  DreamerActor there = acting(Device::kCuda, 2);
  DreamerLearner again = make(Device::kCuda);
  train(again, 0, 3);
  there.set_parameters(again.parameters());
  EXPECT_EQ(act(there, 0, 20), wanted);
  train(again, 3, 6);
  there.set_parameters(again.parameters());
  EXPECT_EQ(act(there, 20, 40), later);
  ByteWriter state_there;
  there.save(state_there);
  EXPECT_EQ(state_there.bytes(), state.bytes());

  wanted = act(cpu, 40, 50);
  DreamerActor restored = acting(Device::kCuda, 77);
  restored.set_parameters(again.parameters());
  act(restored, 100, 103);
  ByteReader in(state.bytes(), "state");
  restored.load(in);
  EXPECT_EQ(act(restored, 40, 50), wanted);
}

TEST_P(DreamerDevice, AStepOfTheActorIsOneGraphAfterTheFirst) {
  FakeDevice device(GetParam());
  const DreamerLearner learner = make(Device::kCuda);
  DreamerActor actor = acting(Device::kCuda, 2);
  actor.set_parameters(learner.parameters());
  act(actor, 0, 2);
  const FakeDevice::Counts before = device.counts();
  act(actor, 2, 12);
  const FakeDevice::Counts after = device.counts();
  EXPECT_EQ(after.captures, before.captures);
  EXPECT_EQ(after.graph_launches - before.graph_launches, 10);
  EXPECT_EQ(after.waits - before.waits, 10);
  EXPECT_EQ(after.takes, before.takes) << "a step takes memory";
}

}  // namespace
}  // namespace sinv
