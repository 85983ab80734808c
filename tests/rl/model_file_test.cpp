#include "rl/model_file.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "tests/rl/corridor.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

ModelFile some_model() {
  return {.agent = "dqn-mlp",
          .observation_size = 12,
          .history = 2,
          .actions = 4,
          .network = {{"dqn.head", "single"}, {"dqn.hidden", "3"}},
          .environment = {{"env.features", "rich-1"}, {"env.frames_per_step", "4"}},
          .frames = 123456789012,
          .steps = 5,
          .updates = 6,
          .seed = 0xFFFFFFFFFFFFFFFFU,
          .scores = {{"deviation", 0.1}, {"mean", 1890.3333333333333}, {"minimum", -2.5}},
          .tensors = {{"a", {2, 3}, {1, 2, 3, 4, 5, -6.5F}}, {"b", {1}, {0.1F}}}};
}

template <class Work>
std::string refusal(Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    return error.what();
  }
  return "accepted";
}

TEST(ModelFile, ComesBackAsItWas) {
  TestFolder folder;
  const ModelFile model = some_model();
  save_model(folder / "m.bin", model);
  const ModelFile back = load_model(folder / "m.bin");
  EXPECT_EQ(back.agent, model.agent);
  EXPECT_EQ(back.observation_size, 12);
  EXPECT_EQ(back.history, 2);
  EXPECT_EQ(back.actions, 4);
  EXPECT_EQ(back.network, model.network);
  EXPECT_EQ(back.environment, model.environment);
  EXPECT_EQ(back.frames, model.frames);
  EXPECT_EQ(back.seed, model.seed);
  EXPECT_EQ(back.scores, model.scores);
  ASSERT_EQ(back.tensors.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(back.tensors[i].name, model.tensors[i].name);
    EXPECT_EQ(back.tensors[i].shape, model.tensors[i].shape);
    EXPECT_EQ(back.tensors[i].values, model.tensors[i].values);
  }
}

TEST(ModelFile, AnyChangedByteAndAnyCutIsRefused) {
  TestFolder folder;
  save_model(folder / "m.bin", some_model());
  const std::vector<std::byte> good = read_file(folder / "m.bin");
  for (std::size_t at = 0; at < good.size(); at += 7) {
    std::vector<std::byte> bytes = good;
    bytes[at] ^= std::byte{0x10};
    write_file(folder / "m.bin", std::span<const std::byte>(bytes));
    EXPECT_NE(refusal([&] { load_model(folder / "m.bin"); }).find("m.bin"), std::string::npos) << "byte " << at;
  }
  for (std::size_t length = 0; length < good.size(); length += 31) {
    write_file(folder / "m.bin", std::span(good).first(length));
    EXPECT_NE(refusal([&] { load_model(folder / "m.bin"); }).find("m.bin"), std::string::npos) << "cut to " << length;
  }
}

TEST(ModelFile, KeepsTheWholeEnvironment) {
  EnvSettings settings;
  settings.frames_per_step = 5;
  settings.features = "predecessor-32";
  settings.history = 3;
  settings.reward.score_scale = 0.05;
  ModelFile model;
  model.environment = environment_of(settings);
  const EnvSettings back = environment_of(model);
  EXPECT_EQ(back.frames_per_step, 5);
  EXPECT_EQ(back.features, "predecessor-32");
  EXPECT_EQ(back.history, 3);
  EXPECT_EQ(back.reward.score_scale, 0.05);
  EXPECT_EQ(environment_of(back), model.environment);
  model.environment.emplace_back("env.gravity", "1");
  EXPECT_NE(refusal([&] { environment_of(model); }).find("env.gravity"), std::string::npos);
}

TEST(ModelFile, OfPicturesSaysWhatPictures) {
  TestFolder folder;
  ModelFile model = some_model();
  model.picture = {.width = 3, .height = 2, .packed = true};
  save_model(folder / "m.bin", model);
  const ModelFile back = load_model(folder / "m.bin");
  EXPECT_EQ(back.picture, model.picture);
  const Corridor envs(1, 0, 2);
  EXPECT_EQ(
      refusal([&] { check_model_plays(back, envs); }),
      "the model takes observations of 12 values (history 2 of 3 x 2 pixels) and knows 4 actions; the environment "
      "gives 12 values (history 2) and has 4; play the model in the environment it was trained in");
  model.picture.height = 5;  // 30 pixels are no 12 values
  save_model(folder / "m.bin", model);
  EXPECT_NE(refusal([&] { load_model(folder / "m.bin"); }).find("cannot be a model"), std::string::npos);
}

TEST(ModelFile, RefusesEnvironmentsThatItCannotPlayNamingBoth) {
  const Corridor envs(1, 0, 2);
  ModelFile model = some_model();
  EXPECT_NO_THROW(check_model_plays(model, envs));
  model.actions = 6;
  EXPECT_EQ(refusal([&] { check_model_plays(model, envs); }),
            "the model takes observations of 12 values (history 2) and knows 6 actions; the environment gives 12 "
            "values (history 2) and has 4; play the model in the environment it was trained in");
}

}  // namespace
}  // namespace sinv
