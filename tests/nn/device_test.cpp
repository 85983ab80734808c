// Networks on a device, through a fake one whose numbers are the CPU's: what differs is where the values live and when
// the work is done, so every result must be the same bits.
#include <algorithm>
#include <functional>
#include <gtest/gtest.h>
#include <string>
#include <vector>

#include "kernels/device_memory.h"
#include "nn/adam.h"
#include "nn/functional.h"
#include "nn/q_network.h"
#include "tests/support/fake_device.h"

namespace sinv {
namespace {

using Order = FakeDevice::Order;
constexpr int kActions = 6;
constexpr int kRows = 5;

std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

// A noisy network that learns to give fixed numbers: forward, gradients, Adam and noise in one.
struct Training {
  Stream stream;
  ParameterStore store;
  NoiseSource noise{5, 1};
  Random init{5, 0};
  QNetwork network;
  Adam adam;
  Tape tape;
  QNetwork::Observations x;
  Var q;
  Var loss;

  Training(const Stream& on, const QNetworkSettings& settings, const QInput& input)
      : stream(on),
        network(settings, input, kActions, store, noise, init),
        adam({.clip_norm = 1.0F}, store.values().size(), on),
        tape(on) {
    store.finish(true, on);
    noise.finish(on);
    x = network.record_input(tape, kRows);
    q = network.record(tape, network.record_weights(tape, store, false), x);
    const Var target = tape.input(Shape{kRows, kActions});
    const Var weight = tape.input(Shape{kRows, kActions});
    loss = mean(tape, huber(tape, q, target, weight, 1.0F));
    tape.finish(loss);
    Random random(9, 9);
    std::vector<float> values(std::size_t{kRows} * kActions);
    for (float& v : values) v = random.uniform();
    tape.put(target, values);
    std::ranges::fill(values, 1.0F);
    tape.put(weight, values);
    if (!input.sees_frames()) {
      values.resize(kRows * input.size());
      for (float& v : values) v = random.uniform();
      tape.put(x.features, values);
    } else {
      std::vector<std::uint8_t> bytes(kRows * input.size());
      for (std::uint8_t& b : bytes) b = static_cast<std::uint8_t>(random.below(256));
      copy_and_wait(stream, x.frames.data(), bytes.data(), bytes.size());
    }
  }
  void queue_step() {
    noise.resample(stream);
    tape.forward();
    tape.backward();
    adam.queue_step(stream, store.device_gradients(), store.device_values());
  }
  // Everything that a step made.
  std::vector<float> outcome() {
    store.download();
    std::vector<float> all(store.values().begin(), store.values().end());
    for (const ConstView part :
         {ConstView(tape.value(q)), ConstView(tape.value(loss)),
          ConstView(store.device_gradients().data(), Shape{static_cast<std::int64_t>(store.values().size())})}) {
      const std::vector<float> values = tape.get(part);
      all.insert(all.end(), values.begin(), values.end());
    }
    all.push_back(static_cast<float>(adam.steps()));
    return all;
  }
};

std::vector<float> on_cpu(const QNetworkSettings& settings, const QInput& input, int steps) {
  Training cpu({}, settings, input);
  for (int i = 0; i < steps; ++i) cpu.queue_step();
  return cpu.outcome();
}

QNetworkSettings noisy_head(QHeadKind kind, bool layer_norm) {
  QNetworkSettings settings;
  settings.head.hidden = {24, 16};
  settings.head.noisy = true;
  settings.head.kind = kind;
  settings.head.layer_norm = layer_norm;
  return settings;
}

class DeviceTraining : public testing::TestWithParam<Order> {};
INSTANTIATE_TEST_SUITE_P(Orders, DeviceTraining, testing::Values(Order::kLate, Order::kSoon),
                         [](const auto& order) { return order.param == Order::kLate ? "Late" : "Soon"; });

TEST_P(DeviceTraining, GivesTheCpusBitsForEveryHead) {
  for (const QHeadKind kind : {QHeadKind::kSingle, QHeadKind::kDuelingShared, QHeadKind::kDuelingSplit}) {
    for (const bool layer_norm : {false, true}) {
      const QNetworkSettings settings = noisy_head(kind, layer_norm);
      FakeDevice device(GetParam());
      DeviceStream stream;
      Training there(stream.stream(), settings, 12);
      for (int i = 0; i < 4; ++i) there.queue_step();
      EXPECT_EQ(there.outcome(), on_cpu(settings, 12, 4)) << static_cast<int>(kind) << layer_norm;
    }
  }
}

TEST_P(DeviceTraining, GivesTheCpusBitsForNetworksThatSeeFrames) {
  const std::vector<std::string> names =
      GetParam() == Order::kLate
          ? std::vector<std::string>{"deepmind", "nips", "columns", "original", "precise", "impala"}
          : std::vector<std::string>{"deepmind"};
  for (const std::string& name : names) {
    QNetworkSettings settings = conv_network_preset(name);
    settings.head.hidden = {16};
    const StackShape stack{2, 84, 84};
    FakeDevice device(GetParam());
    DeviceStream stream;
    Training there(stream.stream(), settings, stack);
    for (int i = 0; i < 2; ++i) there.queue_step();
    EXPECT_EQ(there.outcome(), on_cpu(settings, stack, 2)) << name;
  }
}

TEST_P(DeviceTraining, AGraphMakesOneMoreStepAtEachLaunch) {
  const QNetworkSettings settings = noisy_head(QHeadKind::kDuelingShared, true);
  FakeDevice device(GetParam());
  DeviceStream stream;
  Training there(stream.stream(), settings, 12);
  there.queue_step();
  const DeviceGraph graph(there.stream, [&] { there.queue_step(); });
  EXPECT_EQ(there.outcome(), on_cpu(settings, 12, 1)) << "capturing runs nothing";
  for (int i = 0; i < 3; ++i) graph.launch(there.stream);
  EXPECT_EQ(there.outcome(), on_cpu(settings, 12, 4));
}

TEST_P(DeviceTraining, ASavedOptimiserAndNoiseGoOnAsTheyWould) {
  const QNetworkSettings settings = noisy_head(QHeadKind::kSingle, false);
  FakeDevice device(GetParam());
  DeviceStream stream;
  Training first(stream.stream(), settings, 12);
  for (int i = 0; i < 3; ++i) first.queue_step();
  ByteWriter saved;
  first.adam.save(saved);
  first.noise.save(saved);
  first.store.download();
  Training second(stream.stream(), settings, 12);
  second.queue_step();  // another past
  ByteReader in(saved.bytes(), "saved");
  second.adam.load(in);
  second.noise.load(in);
  std::ranges::copy(first.store.values(), second.store.values().begin());
  second.store.upload();
  first.queue_step();
  second.queue_step();
  EXPECT_EQ(first.outcome(), second.outcome());
  second.adam.reset();
  EXPECT_EQ(second.adam.steps(), 0U);
}

TEST(DeviceMemory, IsGivenBack) {
  FakeDevice device;
  {
    DeviceStream stream;
    Training there(stream.stream(), noisy_head(QHeadKind::kSingle, false), 12);
    there.queue_step();
    const DeviceGraph graph(there.stream, [&] { there.queue_step(); });
    EXPECT_GT(device.counts().taken, 5);
  }
  EXPECT_EQ(device.counts().taken, 0);
}

TEST(DeviceMemory, AStepTakesNone) {
  FakeDevice device;
  DeviceStream stream;
  Training there(stream.stream(), noisy_head(QHeadKind::kDuelingSplit, true), 12);
  there.queue_step();
  const int before = device.counts().takes;
  there.queue_step();
  wait_for(there.stream);
  EXPECT_EQ(device.counts().takes, before);
}

TEST(DeviceMemory, TooLittleOfItIsOneSentence) {
  FakeDevice device;
  device.set_memory(std::size_t{3} << 20U);
  EXPECT_EQ(said_by([] { const DeviceBuffer much(std::size_t{64} << 20U); }),
            "device cuda:0: 64 MiB more of GPU memory is not to be had; take a smaller batch or replay, or run with "
            "--device cpu");
}

TEST(DeviceMemory, AGraphThatFailsWhileItIsRecordedLeavesTheStreamUsable) {
  FakeDevice device;
  DeviceStream stream;
  EXPECT_EQ(said_by([&] { const DeviceGraph graph(stream.stream(), [] { throw Error("no"); }); }), "no");
  const DeviceBuffer here(4);
  queue_clear(stream.stream(), here.data(), 4);
  wait_for(stream.stream());
}

TEST(DeviceMemory, SizesThatDifferAreRefused) {
  DeviceFloats floats({}, 3);
  std::vector<float> two(2);
  EXPECT_EQ(said_by([&] { floats.put(two); }).rfind("device floats: 2 values for 3", 0), 0U);
  EXPECT_EQ(said_by([&] { floats.get(two); }).rfind("device floats: room for 2 values of 3", 0), 0U);
  Tape tape;
  const Var x = tape.input(Shape{3});
  EXPECT_EQ(said_by([&] { tape.put(x, two); }).rfind("tape: 2 values for variable 0 of shape [3]", 0), 0U);
}

TEST(DeviceMemory, AnEventHoldsAnotherStreamUntilTheCopyIsThere) {
  FakeDevice device;
  DeviceStream copies;
  DeviceStream work;
  PinnedBuffer from(4);
  PinnedBuffer to(4);
  const DeviceBuffer middle(4);
  DeviceEvent arrived;
  *static_cast<float*>(from.data()) = 7.0F;
  queue_copy(copies.stream(), middle.data(), from.data(), 4);
  arrived.record(copies.stream());
  arrived.hold(work.stream());
  queue_copy(work.stream(), to.data(), middle.data(), 4);
  wait_for(work.stream());
  EXPECT_EQ(*static_cast<float*>(to.data()), 7.0F);
}

}  // namespace
}  // namespace sinv
