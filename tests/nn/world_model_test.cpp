// The world model and what trains on it: sizes of the recipe, and whole losses against values that PyTorch computed in
// double precision; see tests/golden/README.md.
#include "nn/world_model.h"

#include <cmath>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "nn/world_loss.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

// The sums of the layer sizes that the release gives for six actions.
TEST(WorldModel, HasTheParametersOfTheRecipe) {
  const WorldModelSettings settings;
  ParameterStore store;
  Random init(1, 0);
  const WorldModel model(settings, store, init);
  const auto count_of = [&](const std::string& start) {
    std::size_t count = 0;
    store.for_each([&](const std::string& name, const auto&, std::span<const float> values) {
      if (name.rfind(start, 0) == 0) count += values.size();
    });
    return count;
  };
  EXPECT_EQ(count_of(""), 19'968'179U);
  EXPECT_EQ(count_of("encoder"), 1'549'776U);
  EXPECT_EQ(count_of("decoder"), 10'497'553U);
  EXPECT_EQ(count_of("reward"), 1'131'601U);
  EXPECT_EQ(count_of("discount"), 1'131'601U);
  ParameterStore actor_store;
  const DenseHead actor("actor", settings.feature(), settings.latent(), settings.units, settings.head_layers,
                        settings.actions, actor_store, init);
  EXPECT_EQ(actor_store.values().size(), 1'133'606U);
}

TEST(WorldModel, TheDecoderEndsAtThePicture) {
  for (const int side : {64, 96, 100, 128, 192}) {
    WorldModelSettings settings;
    settings.height = side;
    settings.width = side;
    EXPECT_EQ(decoder_shapes(settings).back().out_height(), side);
    EXPECT_EQ(decoder_shapes(settings).back().out_width(), side);
  }
  const std::vector<DeconvShape> atari = decoder_shapes({});
  EXPECT_EQ(atari[0].channels, 1536);
  EXPECT_EQ(atari[1].height, 5);
  EXPECT_EQ(atari[2].height, 13);
  EXPECT_EQ(atari[3].height, 30);
}

TEST(WorldModel, APictureThatDoesNotFitIsNamed) {
  const auto refusal = [](int width, int height) {
    WorldModelSettings settings;
    settings.width = width;
    settings.height = height;
    ParameterStore store;
    Random init(1, 0);
    try {
      const WorldModel model(settings, store, init);
    } catch (const UserError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(refusal(40, 64), HasSubstr("a picture of 40x64 is too small; wanted at least 46 on each side"));
  EXPECT_THAT(refusal(52, 52), HasSubstr("a picture of 52x52 is too small; wanted at least 64 on each side"));
  EXPECT_THAT(refusal(64, 67), HasSubstr("needs different kernels for its sides"));
}

// The numbers in [0, 1) of dreamer.py.
float drawn(std::uint64_t kind, std::uint64_t index) {
  std::uint64_t x = ((index + kind * 1000003) * 2654435761U) & 0xFFFFFFFFU;
  x = ((x ^ (x >> 15U)) * 2246822519U) & 0xFFFFFFFFU;
  return static_cast<float>(x >> 8U) * 0x1p-24F;
}
void draw_into(std::span<float> values, std::uint64_t kind, float offset = 0.0F) {
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = drawn(kind, i) + offset;
}

struct Golden {
  std::string name;
  float share;
  float lit_weight;
  int overshooting;
};

constexpr int kBatch = 2;
constexpr int kSteps = 3;
constexpr int kActions = 3;

WorldModelSettings small() {
  WorldModelSettings settings;
  settings.actions = kActions;
  settings.deter = 5;
  settings.hidden = 6;
  settings.variables = 3;
  settings.classes = 4;
  settings.depth = 1;
  settings.units = 5;
  settings.head_layers = 2;
  return settings;
}

void fill(const SequenceBatch& batch) {
  for (std::size_t i = 0; i < batch.frames.size(); ++i) {
    batch.frames[i] = static_cast<std::uint8_t>(drawn(10, i) * 256.0F);
  }
  for (std::size_t i = 0; i < batch.before.size(); ++i) {
    batch.before[i] = static_cast<std::uint8_t>(drawn(14, i) * 256.0F);
  }
  draw_into(batch.noise, 13);
  for (std::size_t i = 0; i < batch.keep.size(); ++i) {
    batch.keep[i] = i < kBatch || i == 2 * kBatch - 1 ? 0.0F : 1.0F;
    batch.reward[i] = static_cast<float>(std::tanh(2 * static_cast<double>(drawn(12, i)) - 1));
    batch.discount[i] = i == 3 ? 0.0F : 0.9F;
    batch.weight[i] = i == 5 ? 0.0F : 0.2F;
    const auto action = static_cast<std::size_t>(drawn(11, i) * kActions);
    for (std::size_t a = 0; a < kActions; ++a) batch.action[i * kActions + a] = a == action ? batch.keep[i] : 0.0F;
  }
}

std::map<std::string, std::vector<double>> read(const std::string& name) {
  std::ifstream in(std::string(SINV_SOURCE_DIR) + "/tests/golden/dreamer_" + name + ".txt");
  std::map<std::string, std::vector<double>> values;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string kind;
    std::string what;
    words >> kind >> what;
    for (double v = 0; words >> v;) values[kind + " " + what].push_back(v);
  }
  return values;
}

TEST(WorldLoss, IsItsPartsTimesTheirScales) {
  ParameterStore store;
  Random init(1, 0);
  const WorldModel model(small(), store, init);
  store.finish(true, {});
  WorldLossSettings settings;
  settings.batch = kBatch;
  settings.steps = kSteps;
  settings.reward_scale = 100.0F;
  settings.discount_scale = 7.0F;
  settings.kl_scale = 0.5F;
  Tape tape;
  const WorldLossVars loss = record_world_loss(tape, model, store, settings);
  tape.finish(loss.loss);
  fill(loss.batch);
  tape.forward();
  const auto number = [&](Var x) { return static_cast<double>(tape.value(x).data[0]); };
  EXPECT_GT(number(loss.reward_loss), 1e-3);
  const double wanted = number(loss.image_loss) + 100 * number(loss.reward_loss) + 7 * number(loss.discount_loss) +
                        0.5 * number(loss.kl_loss);
  EXPECT_NEAR(number(loss.loss), wanted, 1e-6 * wanted);  // four roundings of 2^-24
}

// The error of pictures by definition, with what changed since those before; and with its factor.
TEST(WorldLoss, PicturesCountByWhatIsLitAndWhatMoved) {
  ParameterStore store;
  Random init(1, 0);
  const WorldModel model(small(), store, init);
  store.finish(true, {});
  WorldLossSettings settings;
  settings.batch = kBatch;
  settings.steps = kSteps;
  settings.lit_above = 0.101F;  // between two bytes
  settings.lit_weight = 3.0F;
  settings.moved_weight = 5.0F;
  settings.pictures_wait = true;
  Tape tape;
  const WorldLossVars loss = record_world_loss(tape, model, store, settings);
  tape.finish(loss.loss);
  fill(loss.batch);
  const auto number = [&](Var x) { return static_cast<double>(tape.value(x).data[0]); };
  std::vector<double> whole;
  for (const float scale : {0.0F, 1.0F}) {
    loss.batch.picture_scale[0] = scale;
    tape.forward();
    whole.push_back(number(loss.loss));
  }
  const std::size_t rows = loss.batch.keep.size();
  const std::size_t pixels = loss.batch.frames.size() / rows;
  const std::span<const float> shown = tape.value(loss.prediction).flat();
  const auto real = [&](std::size_t i) { return loss.batch.frames[i] / 255.0 - 0.5; };
  double wanted = 0;
  for (std::size_t i = 0; i < rows * pixels; ++i) {
    const double moved = std::abs(real(i) - (loss.batch.before[i] / 255.0 - 0.5));
    const double weight = (real(i) > 0.101 ? 3 : 1) * (1 + 5 * moved);
    wanted += loss.batch.weight[i / pixels] * 0.5 * weight * std::pow(static_cast<double>(shown[i]) - real(i), 2);
  }
  EXPECT_NEAR(number(loss.image_loss), wanted, 1e-5 * wanted);
  EXPECT_NEAR(whole[1] - whole[0], wanted, 1e-5 * wanted);
}

class GoldenDreamer : public ::testing::TestWithParam<Golden> {
 protected:
  // Every element within 2e-5 of the tensor's largest: sums of some thousand float products in another order than
  // double precision. The file has seven digits.
  void expect(const std::string& name, std::span<const float> found) {
    const std::vector<double>& row = wanted_[name];
    ASSERT_EQ(row.size(), found.size()) << name;
    double most = 0;
    for (const double v : row) most = std::max(most, std::abs(v));
    EXPECT_GT(most, 0) << name << " is all zeros: nothing is checked";
    for (std::size_t i = 0; i < row.size(); ++i) ASSERT_NEAR(found[i], row[i], 2e-5 * most) << name << " " << i;
  }
  void expect_gradients(const std::string& group, ParameterStore& store) {
    std::size_t at = 0;
    store.for_each([&](const std::string& name, const auto&, std::span<const float> values) {
      expect(group + " " + name, store.device_gradients().subspan(at, values.size()));
      at += values.size();
    });
  }
  std::map<std::string, std::vector<double>> wanted_ = read(GetParam().name);
};

TEST_P(GoldenDreamer, EveryGradientOfAllThreeLossesIsThatOfPyTorch) {
  ASSERT_FALSE(wanted_.empty()) << "tests/golden is not found";
  const Golden& golden = GetParam();
  ParameterStore world;
  ParameterStore actor_store;
  ParameterStore critic_store;
  ParameterStore slow_store;
  Random init(1, 0);
  const WorldModelSettings sizes = small();
  const WorldModel model(sizes, world, init);
  const DenseHead actor("actor", sizes.feature(), sizes.latent(), sizes.units, sizes.head_layers, kActions, actor_store,
                        init);
  const DenseHead critic("critic", sizes.feature(), sizes.latent(), sizes.units, sizes.head_layers, 1, critic_store,
                         init);
  const DenseHead slow("critic", sizes.feature(), sizes.latent(), sizes.units, sizes.head_layers, 1, slow_store, init);
  std::uint64_t kind = 1;
  for (ParameterStore* store : {&world, &actor_store, &critic_store, &slow_store}) {
    store->finish(store != &slow_store);
    draw_into(store->values(), kind++, -0.5F);
  }

  Tape world_tape;
  WorldLossSettings loss_settings;
  loss_settings.batch = kBatch;
  loss_settings.steps = kSteps;
  loss_settings.lit_above = 0.25F;
  loss_settings.lit_weight = golden.lit_weight;
  loss_settings.overshooting = golden.overshooting;
  const WorldLossVars loss = record_world_loss(world_tape, model, world, loss_settings);
  world_tape.finish(loss.loss);
  fill(loss.batch);
  Tape tape;
  const BehaviourVars behaviour =
      record_behaviour(tape, model, world, actor, critic, {actor_store, critic_store, slow_store},
                       tape.constant_of(world_tape, loss.stoch), tape.constant_of(world_tape, loss.deter),
                       {.horizon = 4, .lambda = 0.95F, .entropy_scale = 0.01F, .reinforce_share = golden.share});
  tape.finish(behaviour.loss);
  draw_into(behaviour.action_noise, 20);
  draw_into(behaviour.noise, 21);
  std::copy(loss.batch.discount.begin(), loss.batch.discount.end(), behaviour.discount.begin());
  std::copy(loss.batch.weight.begin(), loss.batch.weight.end(), behaviour.weight.begin());

  for (int pass = 0; pass < 2; ++pass) {  // a tape is replayed: the second pass must give the same
    world_tape.forward();
    world_tape.backward();
    tape.forward();
    tape.backward();
    const auto scalar = [&](const char* name, const Tape& on, Var x) {
      expect(std::string("loss ") + name, on.value(x).flat());
    };
    expect("state stoch", world_tape.value(loss.stoch).flat());
    expect("state deter", world_tape.value(loss.deter).flat());
    scalar("world", world_tape, loss.loss);
    scalar("image", world_tape, loss.image_loss);
    scalar("reward", world_tape, loss.reward_loss);
    scalar("discount", world_tape, loss.discount_loss);
    scalar("kl", world_tape, loss.kl_loss);
    if (golden.overshooting > 0) {
      scalar("foretold_reward", world_tape, loss.foretold_reward_loss);
      scalar("foretold_discount", world_tape, loss.foretold_discount_loss);
    }
    scalar("actor", tape, behaviour.actor_loss);
    scalar("critic", tape, behaviour.critic_loss);
    expect_gradients("world", world);
    expect_gradients("actor", actor_store);
    expect_gradients("critic", critic_store);
  }
}

INSTANTIATE_TEST_SUITE_P(PyTorch, GoldenDreamer,
                         ::testing::Values(Golden{"reinforce", 1.0F, 1.0F, 0}, Golden{"mixed", 0.75F, 4.0F, 0},
                                           Golden{"overshooting", 1.0F, 1.0F, 2}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace sinv
