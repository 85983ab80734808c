// A whole training on a fake device, whose numbers are the CPU's: what it draws, gathers and learns must be the CPU
// agent's bits, wherever its rows lie and however late the device works.
#include "rl/dqn/device_replay.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "rl/agent_list.h"
#include "tests/rl/corridor.h"
#include "tests/rl/small_agent.h"
#include "tests/support/fake_device.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

using Order = FakeDevice::Order;
constexpr int kEnvs = 4;
constexpr int kSteps = 5;  // of a round
constexpr FrameShape kBits{.width = 36, .height = 36, .packed = true};
constexpr FrameShape kBytes{.width = 37, .height = 36, .packed = false};  // rows of no whole 16 bytes

struct Kind {
  std::string name;
  AgentSettings settings;
  FrameShape picture = kNoFrame;
  int history = 2;
};

// A ring of 50 slots each is written several times over in a hundred rounds, episodes of up to 30 steps end in it.
Kind kind(const std::string& name, const std::string& agent, const FrameShape& picture, int history) {
  Kind made{name, small_agent(agent), picture, history};
  made.settings.dqn.replay_steps = 50 * kEnvs;
  made.settings.dqn.warmup_steps = 100;
  made.settings.dqn.batch = 10;
  made.settings.dqn.target_period_updates = 7;
  made.settings.dqn.n_step = 3;
  if (agent == "dqn-cnn") made.settings.dqn.hidden = {16};
  return made;
}

std::vector<Kind> kinds() {
  std::vector<Kind> all{kind("numbers", "dqn-mlp", kNoFrame, 2), kind("fixed", "dqn-mlp", kNoFrame, 1),
                        kind("uniform", "dqn-mlp", kNoFrame, 3), kind("bits", "dqn-cnn", kBits, 4),
                        kind("bytes", "dqn-cnn", kBytes, 3)};
  all[1].settings.dqn.replay_rows = "int16";
  all[1].settings.dqn.batch = 7;  // draws end inside a block of random numbers
  all[2].settings.dqn.prioritised = false;
  all[2].settings.dqn.steps_per_update = 30;  // rounds without an update
  return all;
}

// What is made meanwhile is made there.
struct Chosen {
  explicit Chosen(const std::string& device) { choose_device(device); }
  ~Chosen() { choose_device("cpu"); }
  Chosen(const Chosen&) = delete;
  Chosen& operator=(const Chosen&) = delete;
};

struct Training {
  Training(const Kind& kind, const std::string& device, const std::string& place = "auto")
      : settings(kind.settings), envs(kEnvs, 7, kind.history, kind.picture), actions(kEnvs) {
    settings.dqn.replay_memory = place;
    const Chosen chosen(device);
    agent = agent_factory(settings)({.envs = kEnvs,
                                     .observation_size = envs.observation_size(),
                                     .history = kind.history,
                                     .picture = kind.picture,
                                     .actions = Corridor::kActions,
                                     .steps_per_round = kSteps},
                                    5);
  }
  void begin() {
    envs.reset();
    agent->begin(envs);
    agent->merge(clock);
  }
  std::int64_t round() {
    for (int step = 0; step < kSteps; ++step) {
      agent->act(envs, actions);
      made.insert(made.end(), actions.begin(), actions.end());
      envs.step(actions);
      agent->observe(envs, actions);
    }
    const std::int64_t updates = std::max<std::int64_t>(0, agent->updates_due(clock) - clock.updates);
    agent->learn(updates);
    clock.updates += updates;
    clock.steps += kEnvs * kSteps;
    clock.frames += kEnvs * kSteps * 3;
    agent->merge(clock);
    return updates;
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) round();
  }
  /// Networks, optimiser, noise and replay as they would be saved.
  std::vector<std::byte> state() {
    ByteWriter out;
    agent->save(out);
    std::vector<std::byte> all = out.take();
    // Counters with padding between them, which is nobody's; what they lead to comes behind.
    all.erase(all.begin(), all.begin() + 256);
    std::vector<std::span<std::byte>> parts;
    agent->bulk(parts);
    for (const auto& part : parts) all.insert(all.end(), part.begin(), part.end());
    if (StreamedState* streamed = agent->streamed()) {
      const TestFolder folder;
      EXPECT_TRUE(streamed->begin_save(folder / "frames", 1));
      streamed->wait_for_save();
      const std::vector<std::byte> file = read_file(folder / "frames");
      all.insert(all.end(), file.begin(), file.end());
    }
    return all;
  }
  AgentSettings settings;
  Corridor envs;
  std::unique_ptr<Agent> agent;
  std::vector<std::uint8_t> actions;
  std::vector<int> made;
  Clock clock;
};

// Where they differ first; "" if nowhere.
std::string difference(const std::vector<std::byte>& found, const std::vector<std::byte>& wanted) {
  const auto [f, w] = std::mismatch(found.begin(), found.end(), wanted.begin(), wanted.end());
  if (f == found.end() && w == wanted.end()) return "";
  return text("byte ", f - found.begin(), " of ", found.size(), ", wanted ", wanted.size());
}

// The agent and the world of one go on in the other.
void hand_over(Training& from, Training& to) {
  ByteWriter out;
  from.agent->save(out);
  ByteReader in(out.bytes(), "test");
  std::vector<std::span<std::byte>> parts;
  from.agent->bulk(parts);
  to.agent->load(in);
  std::vector<std::span<std::byte>> places;
  to.agent->bulk(places);
  ASSERT_EQ(parts.size(), places.size());
  for (std::size_t i = 0; i < parts.size(); ++i) std::copy(parts[i].begin(), parts[i].end(), places[i].begin());
  to.agent->loaded();
  if (StreamedState* streamed = from.agent->streamed()) {
    const TestFolder folder;
    ASSERT_TRUE(streamed->begin_save(folder / "frames", 1));
    streamed->wait_for_save();
    to.agent->streamed()->load_file(folder / "frames", 1);
  }
  ByteWriter world;
  from.envs.save(world);
  ByteReader world_in(world.bytes(), "test");
  to.envs.load(world_in);
  to.clock = from.clock;
  to.made.clear();
}

class DeviceTraining : public testing::TestWithParam<Order> {};
INSTANTIATE_TEST_SUITE_P(Orders, DeviceTraining, testing::Values(Order::kLate, Order::kSoon),
                         [](const auto& order) { return order.param == Order::kLate ? "Late" : "Soon"; });

TEST_P(DeviceTraining, GivesTheCpusBits) {
  for (const Kind& kind : kinds()) {
    const int rounds = kind.picture == kNoFrame ? 100 : 25;
    Training cpu(kind, "cpu");
    cpu.begin();
    cpu.rounds(rounds);
    ASSERT_GT(cpu.clock.updates, 40);
    const std::vector<std::byte> wanted = cpu.state();
    for (const char* place : {"host", "device"}) {
      const FakeDevice device(GetParam());
      Training there(kind, "cuda", place);
      there.begin();
      there.rounds(rounds);
      EXPECT_EQ(there.made, cpu.made) << kind.name << ", rows in " << place;
      EXPECT_EQ(there.agent->report().loss, cpu.agent->report().loss) << kind.name << ", rows in " << place;
      EXPECT_EQ(there.agent->report().beta, cpu.agent->report().beta) << kind.name << ", rows in " << place;
      EXPECT_EQ(difference(there.state(), wanted), "") << kind.name << ", rows in " << place;
    }
  }
}

TEST_P(DeviceTraining, ASavedOneGoesOnAsItWouldOnEitherDevice) {
  for (const Kind& kind : kinds()) {
    const FakeDevice device(GetParam());
    const bool numbers = kind.picture == kNoFrame;
    for (const char* place : {"host", "device"}) {
      Training one(kind, "cuda", place);
      one.begin();
      one.rounds(numbers ? 35 : 14);
      Training there(kind, "cuda", "device");
      there.begin();
      there.rounds(8);  // another past
      Training cpu(kind, "cpu");
      hand_over(one, there);
      hand_over(one, cpu);
      one.made.clear();
      for (Training* training : {&one, &there, &cpu}) training->rounds(numbers ? 12 : 4);
      EXPECT_EQ(there.made, one.made) << kind.name;
      EXPECT_EQ(cpu.made, one.made) << kind.name;
      EXPECT_EQ(difference(there.state(), one.state()), "") << kind.name;
      EXPECT_EQ(difference(cpu.state(), one.state()), "") << kind.name;
    }
  }
}

TEST_P(DeviceTraining, AnUpdateIsOneGraphAndOneWaitAndTakesNothing) {
  for (const char* place : {"host", "device"}) {
    const FakeDevice device(GetParam());
    Training training(kinds()[0], "cuda", place);
    training.begin();
    training.rounds(30);
    const FakeDevice::Counts before = device.counts();
    for (int i = 0; i < 20; ++i) {
      for (int step = 0; step < kSteps; ++step) {
        training.envs.step(training.actions);
        training.agent->observe(training.envs, training.actions);
      }
      const FakeDevice::Counts start = device.counts();
      training.agent->learn(3);
      const FakeDevice::Counts end = device.counts();
      EXPECT_EQ(end.graph_launches - start.graph_launches, 3);
      EXPECT_EQ(end.waits - start.waits, 3) << "each for the results of one update";
      training.agent->merge(training.clock);
    }
    EXPECT_EQ(device.counts().takes, before.takes) << "a round takes memory";
    EXPECT_EQ(device.counts().captures, before.captures);
  }
}

std::string said_by(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(DeviceReplayMemory, WhatDoesNotFitIsASentence) {
  Kind large = kinds()[0];
  large.settings.dqn.replay_steps = 200'000;  // rows of 24 bytes
  {
    FakeDevice device;
    device.set_memory(std::size_t{8} << 20U);
    const std::string said = said_by([&] { Training(large, "cuda", "device"); });
    EXPECT_NE(said.find("replay of 200000 steps takes 4 MiB of GPU memory, "), std::string::npos) << said;
    EXPECT_NE(said.find(" MiB are free; hold at most "), std::string::npos) << said;
    EXPECT_NE(said.find(" steps, or set dqn.replay_memory to host"), std::string::npos) << said;
    EXPECT_EQ(device.counts().taken, 0);
  }
  FakeDevice device;
  device.set_pinned(std::size_t{1} << 20U);
  EXPECT_EQ(said_by([&] { Training(large, "cuda", "host"); }),
            "device cuda:0: 4 MiB more of pinned host memory are not to be had; take a smaller batch or replay, or run "
            "with --device cpu");
  EXPECT_EQ(device.counts().taken, 0);
}

// Rows of 1 KiB in rings of 500, as one test below wants them.
struct Ring {
  explicit Ring(ReplayPlace place)
      : index(settings),
        rows(std::size_t{1000} * 1024),
        replay(index, settings, {rows_data(), 256, RowForm::kFloat}, 4, place) {}
  const std::byte* rows_data() const { return static_cast<const std::byte*>(rows.data()); }
  ReplaySettings settings{.envs = 2, .capacity_steps = 1000, .most_changes = 100};
  ReplayIndex index;
  PinnedBuffer rows;
  DeviceReplay replay;
};

TEST(DeviceReplayMemory, AutoTakesTheDeviceWhileHalfOfItStaysFree) {
  FakeDevice device;
  EXPECT_TRUE(Ring(ReplayPlace::kAuto).replay.is_resident());
  device.set_memory(std::size_t{1'800'000});
  EXPECT_FALSE(Ring(ReplayPlace::kAuto).replay.is_resident());
  EXPECT_TRUE(Ring(ReplayPlace::kDevice).replay.is_resident());
  EXPECT_FALSE(Ring(ReplayPlace::kHost).replay.is_resident());
}

}  // namespace
}  // namespace sinv
