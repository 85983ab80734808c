// The contract of an agent, over the list of agents.
#include "rl/agent.h"

#include <cmath>
#include <gtest/gtest.h>
#include <optional>
#include <vector>

#include "base/error.h"
#include "base/option.h"
#include "rl/agent_list.h"
#include "rl/evaluation.h"
#include "tests/rl/corridor.h"
#include "tests/rl/small_agent.h"
#include "tests/support/fake_device.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

constexpr int kEnvs = 4;
constexpr int kSteps = 5;  // of a round

// A training without the run loop: environments, an agent and a clock.
struct Pair {
  Pair(const AgentSettings& settings, std::uint64_t seed, int history = 2)
      : envs(kEnvs, seed, history, small_picture(settings.agent)),
        agent(agent_factory(settings)({.envs = kEnvs,
                                       .observation_size = envs.observation_size(),
                                       .history = history,
                                       .picture = envs.picture(),
                                       .actions = Corridor::kActions,
                                       .steps_per_round = kSteps},
                                      seed)),
        actions(kEnvs) {}
  void begin() {
    envs.reset();
    agent->begin(envs);
    agent->merge(clock);
  }
  // One round; appends the actions.
  void round(std::vector<int>* made = nullptr) {
    for (int step = 0; step < kSteps; ++step) {
      agent->act(envs, actions);
      envs.step(actions);
      agent->observe(envs, actions);
      if (made != nullptr) made->insert(made->end(), actions.begin(), actions.end());
    }
    const std::int64_t updates = std::max<std::int64_t>(0, agent->updates_due(clock) - clock.updates);
    agent->learn(updates);
    clock.updates += updates;
    clock.steps += kEnvs * kSteps;
    clock.frames += kEnvs * kSteps * 3;
    agent->merge(clock);
  }
  std::vector<int> rounds(int count) {
    std::vector<int> made;
    for (int i = 0; i < count; ++i) round(&made);
    return made;
  }
  Corridor envs;
  std::unique_ptr<Agent> agent;
  std::vector<std::uint8_t> actions;
  Clock clock;
};

// "NAME" on the CPU, "NAME on a device" on a fake one.
class EveryAgent : public testing::TestWithParam<std::string> {
 protected:
  EveryAgent() : name_(GetParam().substr(0, GetParam().find(' '))) {
    if (name_ == GetParam()) return;
    device_.emplace();
    choose_device("cuda");
  }
  ~EveryAgent() override { choose_device("cpu"); }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::optional<FakeDevice> device_;
};

std::vector<std::string> agents_everywhere() {
  std::vector<std::string> all = agent_names();
  all.push_back("dqn-mlp on a device");  // pictures: tests/rl/dqn/device_replay_test.cpp
  return all;
}

TEST_P(EveryAgent, SameSeedSameActionsAnotherSeedOthers) {
  const AgentSettings settings = small_agent(name());
  Pair one(settings, 7), two(settings, 7), other(settings, 8);
  one.begin();
  two.begin();
  other.begin();
  const std::vector<int> made = one.rounds(60);
  EXPECT_EQ(made, two.rounds(60));
  EXPECT_NE(made, other.rounds(60));
}

TEST_P(EveryAgent, DreamingChangesNothing) {
  const AgentSettings settings = small_agent(name());
  Pair one(settings, 7), watched(settings, 7);
  one.begin();
  watched.begin();
  watched.agent->set_dreaming(true);
  EXPECT_EQ(one.rounds(60), watched.rounds(60));
  EXPECT_EQ(watched.agent->dreamt().picture.empty(), name() != "dreamer");
  watched.agent->set_dreaming(false);
  EXPECT_TRUE(watched.agent->dreamt().picture.empty());
}

TEST_P(EveryAgent, NeverLeavesTheActionSet) {
  Pair pair(small_agent(name()), 3);
  pair.begin();
  for (const int action : pair.rounds(200)) {
    ASSERT_GE(action, 0);
    ASSERT_LT(action, Corridor::kActions);
  }
}

// Compares futures: after load() of what save() wrote, the next actions and weights are the same.
TEST_P(EveryAgent, ARestoredAgentHasTheSameFuture) {
  const AgentSettings settings = small_agent(name());
  Pair one(settings, 7);
  one.begin();
  one.rounds(70);  // past the warm-up, with the ring wrapped nowhere near an even place
  ByteWriter out;
  one.agent->save(out);
  ByteWriter world;
  one.envs.save(world);
  std::vector<std::span<std::byte>> parts;
  one.agent->bulk(parts);
  std::vector<std::vector<std::byte>> large;
  for (const auto& part : parts) large.emplace_back(part.begin(), part.end());

  Pair two(settings, 7);  // a fresh one: never began
  ByteReader in(out.bytes(), "test");
  two.agent->load(in);
  EXPECT_EQ(in.left(), 0U);
  parts.clear();
  two.agent->bulk(parts);
  ASSERT_EQ(parts.size(), large.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    ASSERT_EQ(parts[i].size(), large[i].size());
    std::copy(large[i].begin(), large[i].end(), parts[i].begin());
  }
  two.agent->loaded();
  TestFolder folder;
  if (StreamedState* streamed = one.agent->streamed()) {
    ASSERT_TRUE(streamed->begin_save(folder / "frames", 70));
    streamed->wait_for_save();
    two.agent->streamed()->load_file(folder / "frames", 70);
  }
  ByteReader world_in(world.bytes(), "test");
  two.envs.load(world_in);
  two.clock = one.clock;

  for (int i = 0; i < 20; ++i) ASSERT_EQ(one.rounds(5), two.rounds(5)) << "after " << i * 5 << " rounds";
  const std::vector<ModelTensor> weights_one = one.agent->model();
  const std::vector<ModelTensor> weights_two = two.agent->model();
  ASSERT_EQ(weights_one.size(), weights_two.size());
  for (std::size_t i = 0; i < weights_one.size(); ++i) EXPECT_EQ(weights_one[i].values, weights_two[i].values);
}

TEST_P(EveryAgent, LearnsATinyTask) {
  const EvaluationProtocol protocol{.games = 50, .seed = 5, .envs = 25};
  const EnvironmentsFactory task = corridors(2, small_picture(name()));
  const EvaluationResult random = evaluate(task, random_policy(1), protocol);
  Pair pair(small_agent(name()), 11);
  pair.begin();
  pair.rounds(1500);
  const EvaluationResult learnt = evaluate(
      task, [&](const Environments& envs) { return pair.agent->greedy_policy(envs.count()); }, protocol);
  EXPECT_LT(random.mean, 70) << to_text(random);
  EXPECT_EQ(learnt.mean, 100) << to_text(learnt);  // the shortest way from every room
}

// What a policy remembers is the same from the first step of an episode that both saw.
TEST_P(EveryAgent, ExploitingActsAsTheGreedyPolicy) {
  Pair pair(small_agent(name()), 11);
  pair.begin();
  pair.rounds(300);
  pair.agent->set_mode(ActingMode::kExploit);
  const std::unique_ptr<BatchPolicy> greedy = pair.agent->greedy_policy(kEnvs);
  std::vector<std::uint8_t> wanted(kEnvs);
  std::vector<bool> from_the_start(kEnvs, false);
  int compared = 0;
  for (std::uint32_t step = 0; step < 3 * Corridor::kCap; ++step) {
    greedy->act(pair.envs.observations(), wanted);
    pair.agent->act(pair.envs, pair.actions);
    for (std::size_t env = 0; env < kEnvs; ++env) {
      if (!from_the_start[env]) continue;
      ASSERT_EQ(pair.actions[env], wanted[env]) << "step " << step;
      ++compared;
    }
    pair.envs.step(pair.actions);
    pair.agent->observe(pair.envs, pair.actions);
    for (const EpisodeRecord& over : pair.envs.finished()) {
      greedy->restart(static_cast<int>(over.env));
      from_the_start[over.env] = true;
    }
    if (step % kSteps == kSteps - 1) pair.agent->merge(pair.clock);
  }
  EXPECT_GT(compared, 100);
}

TEST_P(EveryAgent, AModelFilePlaysAsTheAgentDoes) {
  Pair pair(small_agent(name()), 11);
  pair.begin();
  pair.rounds(300);
  ModelFile model{.agent = name(),
                  .observation_size = pair.envs.observation_size(),
                  .history = 2,
                  .picture = pair.envs.picture(),
                  .actions = Corridor::kActions,
                  .network = pair.agent->model_settings(),
                  .environment = {},
                  .scores = {},
                  .tensors = pair.agent->model()};
  const std::unique_ptr<BatchPolicy> from_file = make_policy(model, kEnvs);
  const std::unique_ptr<BatchPolicy> greedy = pair.agent->greedy_policy(kEnvs);
  std::vector<std::uint8_t> one(kEnvs), two(kEnvs);
  greedy->act(pair.envs.observations(), one);
  from_file->act(pair.envs.observations(), two);
  EXPECT_EQ(one, two);
  const auto q_one = greedy->q_values();
  const auto q_two = from_file->q_values();
  EXPECT_EQ(std::vector<float>(q_one.begin(), q_one.end()), std::vector<float>(q_two.begin(), q_two.end()));

  const auto refused = [&](ModelFile changed) {
    try {
      make_policy(changed, 1);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("made");
  };
  ModelFile missing = model;
  missing.tensors.erase(missing.tensors.begin());
  EXPECT_NE(refused(missing).find("holds no tensor " + model.tensors[0].name), std::string::npos) << refused(missing);
  ModelFile other = model;
  other.actions = 3;
  EXPECT_NE(refused(other).find(" of the model file is ["), std::string::npos) << refused(other);
  ModelFile unknown = model;
  unknown.agent = "dqn";
  EXPECT_NE(refused(unknown).find("agent \"dqn\" is not known; known: "), std::string::npos) << refused(unknown);
}

INSTANTIATE_TEST_SUITE_P(Agents, EveryAgent, testing::ValuesIn(agents_everywhere()), [](const auto& info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '-', '_');
  std::replace(name.begin(), name.end(), ' ', '_');
  return name;
});

// Every part of the DQN can be switched off alone, and the rest still learns.
struct Part {
  const char* name;
  const char* key;
  const char* value;
};
class DqnWithout : public testing::TestWithParam<Part> {};

TEST_P(DqnWithout, LearnsATinyTask) {
  AgentSettings settings = small_agent("dqn-mlp");
  Options options;
  describe(options, settings);
  options.set(GetParam().key, GetParam().value);
  Pair pair(settings, 5);
  pair.begin();
  pair.rounds(1500);
  const EvaluationResult learnt =
      evaluate(corridors(2), [&](const Environments& envs) { return pair.agent->greedy_policy(envs.count()); },
               {.games = 50, .seed = 5, .envs = 25});
  EXPECT_EQ(learnt.mean, 100) << to_text(learnt);
}
INSTANTIATE_TEST_SUITE_P(
    Parts, DqnWithout,
    testing::Values(Part{"double", "dqn.double", "false"}, Part{"dueling", "dqn.head", "single"},
                    Part{"noise", "dqn.noisy", "false"}, Part{"priorities", "dqn.prioritised", "false"},
                    Part{"n_step", "dqn.n_step", "1"}, Part{"clipping", "dqn.clip_norm", "0"},
                    Part{"copying", "dqn.target_update", "average"}, Part{"huber", "dqn.huber_delta", "0"},
                    Part{"float_rows", "dqn.replay_rows", "int16"}, Part{"ladder", "dqn.epsilon_ladder", "3"},
                    Part{"shared_head", "dqn.head", "dueling-split"}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(DqnAgent, RefusesANetworkThatDoesNotSeeWhatTheEnvironmentShows) {
  const auto refused = [](const char* network, const FrameShape& picture) {
    AgentSettings settings = small_agent("dqn-cnn");
    settings.dqn.network = network;
    const int pixels = static_cast<int>(picture.pixels());
    try {
      agent_factory(settings)({.observation_size = pixels > 0 ? pixels : 6, .picture = picture}, 1);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("made");
  };
  EXPECT_EQ(refused("deepmind", kNoFrame),
            "dqn.network deepmind sees pictures, but env.pixels gives none; set env.pixels to ship-64");
  EXPECT_EQ(refused("mlp", FrameShape{}),
            "dqn.network mlp sees numbers, but env.pixels gives pictures; set env.pixels to none, or take the agent "
            "dqn-cnn");
}

TEST(DreamerAgent, RefusesWhatShowsNoPicturesOrTooSmallOnes) {
  const auto refused = [](const FrameShape& picture) {
    const int pixels = static_cast<int>(picture.pixels());
    try {
      agent_factory(small_agent("dreamer"))({.observation_size = pixels > 0 ? pixels : 6, .picture = picture}, 1);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string("made");
  };
  EXPECT_EQ(refused(kNoFrame),
            "the agent dreamer sees pictures, but env.pixels gives none; set env.pixels to field-64");
  EXPECT_NE(refused(FrameShape{.width = 36, .height = 36}).find("a picture of 36x36 is too small"), std::string::npos);
}

// Watchers see the stack as the network does: the ship of the newest picture in the middle.
TEST(DreamerAgent, ShowsItsPicturesAsItsCameraMovesThem) {
  constexpr std::size_t kShipsRow = 60;
  std::vector<std::uint8_t> stack(2 * 64 * 64);
  std::fill_n(stack.begin() + kShipsRow * 64 + 40, 5, 255);
  std::fill_n(stack.begin() + (64 + kShipsRow) * 64 + 42, 5, 255);
  const FrameShape shape{.width = 64, .height = 64};
  AgentSettings settings = small_agent("dreamer");
  for (const bool follows : {false, true}) {
    settings.dreamer.learner.follow_ship = follows;
    const auto agent = agent_factory(settings)(
        {.envs = 1, .observation_size = 64 * 64, .history = 2, .picture = shape, .actions = 6, .steps_per_round = 1},
        1);
    std::vector<std::uint8_t> seen(stack.size());
    agent->look(shape, stack, seen);
    const std::size_t moved = follows ? 12 : 0;  // from 42 + 5 / 2 into the middle
    for (const std::size_t i : {std::size_t{40}, std::size_t{41}, std::size_t{46}}) {
      EXPECT_EQ(seen[kShipsRow * 64 + i - moved], stack[kShipsRow * 64 + i]) << follows << ' ' << i;
      EXPECT_EQ(seen[(64 + kShipsRow) * 64 + i - moved], stack[(64 + kShipsRow) * 64 + i]) << follows << ' ' << i;
    }
  }
}

// It looks for five steps, at the beginning of an episode too, and goes on alone.
TEST(DreamerAgent, DreamsOfTheFirstEnvironment) {
  Pair pair(small_agent("dreamer"), 3);
  pair.begin();
  pair.agent->set_dreaming(true);
  EXPECT_TRUE(pair.agent->dreamt().picture.empty());  // nothing was seen yet
  int steps = 0;
  int longest = 0;
  int episodes = 0;
  for (int step = 0; step < 400; ++step) {
    pair.agent->act(pair.envs, pair.actions);
    pair.envs.step(pair.actions);
    pair.agent->observe(pair.envs, pair.actions);
    const bool ended = pair.envs.terminated()[0] != 0 || pair.envs.truncated()[0] != 0;
    episodes += ended ? 1 : 0;
    steps = ended || steps == 50 ? 1 : steps + 1;
    const Agent::Dreamt dreamt = pair.agent->dreamt();
    ASSERT_EQ(dreamt.picture.size(), pair.envs.picture().pixels());
    ASSERT_EQ(dreamt.steps, std::max(0, steps - 5)) << step;
    longest = std::max(longest, dreamt.steps);
    for (const float pixel : dreamt.picture) ASSERT_TRUE(std::isfinite(pixel));
    if (step % kSteps == kSteps - 1) pair.agent->merge(pair.clock);
  }
  EXPECT_GT(episodes, 0);
  EXPECT_GT(longest, 0);
}

TEST(DreamerAgent, OvershootingPastASequenceIsRefused) {
  DreamerSettings settings;
  settings.learner.loss.steps = 3;
  settings.learner.loss.overshooting = 3;
  try {
    check(settings);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_STREQ(error.what(), "dreamer.overshooting is 3, wanted below dreamer.sequence, which is 3");
  }
}

TEST(DreamerAgent, APresetComesFirstAndAWordOverIt) {
  AgentSettings settings;
  settings.agent = "dreamer";
  settings.dreamer.preset = "small";
  TrainerSettings train;
  EnvSettings env;
  choose_defaults(settings, train, env);
  EXPECT_EQ(settings.dreamer.learner.world.deter, 200);
  EXPECT_EQ(env.pixels, "grey-64");
  EXPECT_EQ(env.history, 2);
  EXPECT_EQ(env.frames_per_step, 8);
  settings.dreamer.preset = "predecessor";
  choose_defaults(settings, train, env);
  EXPECT_EQ(settings.dreamer.learner.behaviour.horizon, 10);
  EXPECT_EQ(env.pixels, "full");
  EXPECT_EQ(env.history, 1);
  EXPECT_EQ(env.frames_per_step, 4);
  settings.dreamer.preset = "atari";
  choose_defaults(settings, train, env);
  EXPECT_EQ(settings.dreamer.learner.world.deter, 600);
}

TEST(DqnAgent, RefusesChoicesThatAreNotKnown) {
  AgentSettings settings = small_agent("dqn-mlp");
  settings.dqn.head = "duelling";
  try {
    check(settings.dqn);
    FAIL();
  } catch (const UserError& error) {
    EXPECT_NE(std::string(error.what()).find("dqn.head \"duelling\" is not known; known: single, dueling-shared"),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace sinv
