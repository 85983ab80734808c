// A pass of a convolutional network takes no memory, and gives the same bits in every thread.
#include <gtest/gtest.h>
#include <thread>

#include "nn/q_network.h"
#include "tests/support/allocations.h"

namespace sinv {
namespace {

struct Trained {
  ParameterStore store;
  NoiseSource noise{7, 1};
  Random init{3, 0};
  QNetwork network;
  Tape tape;
  Var loss;

  static QNetworkSettings settings(const std::string& name) {
    QNetworkSettings settings = conv_network_preset(name);
    settings.head.hidden = {32};
    settings.head.noisy = true;
    return settings;
  }
  explicit Trained(const std::string& name) : network(settings(name), StackShape{4, 40, 36}, 6, store, noise, init) {
    store.finish(true);
    noise.finish();
    const QNetwork::Observations stacks = network.record_input(tape, 3);
    for (std::uint8_t& byte : stacks.frames) byte = static_cast<std::uint8_t>(init.below(256));
    loss = mean(tape, network.record(tape, network.record_weights(tape, store, false), stacks));
    tape.finish(loss);
  }
  void step() {
    noise.resample({});
    tape.forward();
    tape.backward();
  }
};

class EveryNetwork : public ::testing::TestWithParam<const char*> {};

TEST_P(EveryNetwork, APassTakesNoMemory) {
  Trained trained(GetParam());
  trained.step();
  const std::size_t before = allocations();
  for (int i = 0; i < 3; ++i) trained.step();
  EXPECT_EQ(allocations() - before, 0U);
}

TEST_P(EveryNetwork, ThreadsGiveTheSameBits) {
  Trained here(GetParam());
  Trained there(GetParam());
  std::thread other([&] {
    for (int i = 0; i < 2; ++i) there.step();
  });
  for (int i = 0; i < 2; ++i) here.step();
  other.join();
  EXPECT_EQ(here.tape.value(here.loss).data[0], there.tape.value(there.loss).data[0]);
  EXPECT_TRUE(std::ranges::equal(here.store.device_gradients(), there.store.device_gradients()));
  EXPECT_TRUE(std::ranges::equal(here.store.values(), there.store.values()));
}

INSTANTIATE_TEST_SUITE_P(Networks, EveryNetwork,
                         ::testing::Values("deepmind", "nips", "columns", "original", "precise", "impala"),
                         [](const auto& info) { return std::string(info.param); });

}  // namespace
}  // namespace sinv
