// What the pictures show of the engine's own game in the built-in cabinet.
#include <algorithm>
#include <gtest/gtest.h>
#include <string>

#include "base/bytes.h"
#include "base/error.h"
#include "base/file.h"
#include "cabinet/cabinet.h"
#include "game/env.h"
#include "game/pixels.h"
#include "game/rom_set.h"
#include "game/scripted.h"
#include "game/start.h"
#include "game/vec_env.h"

namespace sinv {
namespace {

std::unique_ptr<Machine> cabinet() {
  static const std::shared_ptr<const RomImage> image =
      load_rom_set(std::filesystem::path(SINV_BINARY_DIR) / "roms").image;
  return std::make_unique<Cabinet>(image);
}

std::vector<std::uint8_t> picture(const PixelPreset& preset, const Machine& machine) {
  std::vector<std::uint8_t> out(preset.pixels());
  render_pixels(preset, machine.ram(), machine.ram_before(), out);
  return out;
}

// Rows first .. last of the leftmost `columns` pixels: '#' bright, '+' lit, '.' dark.
std::string drawn(const PixelPreset& preset, const std::vector<std::uint8_t>& pixels, int first, int last,
                  int columns) {
  std::string out;
  for (int y = first; y <= last; ++y) {
    for (int x = 0; x < columns; ++x) {
      const std::uint8_t value = pixels[static_cast<std::size_t>(y * preset.width + x)];
      out += value > 127 ? '#' : value > 0 ? '+' : '.';
    }
    out += '\n';
  }
  return out;
}

TEST(PixelsOfTheGame, StandUprightWithTheScoreAboveAndTheShipBelow) {
  const std::unique_ptr<Machine> machine = cabinet();
  start_game(*machine);
  const std::uint8_t nothing = 0;
  for (int frame = 0; frame < 40; ++frame) machine->run(std::span(&nothing, 1));
  ASSERT_EQ(phase(machine->ram()), Phase::kPlaying);
  const PixelPreset& field = pixel_preset_of("play-field");
  // The ship at its start on the left; the ground is the lowest row.
  EXPECT_EQ(drawn(field, picture(field, *machine), 87, 99, 32),
            "................................\n"
            "...##...........................\n"
            ".######.........................\n"
            ".#######........................\n"
            ".#######........................\n"
            "................................\n"
            "................................\n"
            "................................\n"
            "................................\n"
            "................................\n"
            "................................\n"
            "................................\n"
            "################################\n");
  const PixelPreset& deepmind = pixel_preset_of("deepmind");
  // SCORE<1> HI..., and the zeros below.
  EXPECT_EQ(drawn(deepmind, picture(deepmind, *machine), 0, 11, 40),
            "........................................\n"
            "........................................\n"
            "...+++++++++++++++.++.+.++....++++++...+\n"
            "...+++#++#+###+#+++#++#.+#+...#+#+#+++++\n"
            "...+++#++#+###+#++++++#++++...#+#+#+++++\n"
            "...+++++++++++++++.+++++++....++++++...+\n"
            "........................................\n"
            "........................................\n"
            ".........++++++++++++............+++++++\n"
            ".........############............#######\n"
            ".........++++++++++++............+++++++\n"
            "........................................\n");
}

// The checksums change only with the game in rom/ or its script; pixels_test.cpp holds the oracle.
TEST(PixelsOfTheGame, AreThePicturesOfRecord) {
  const std::unique_ptr<Machine> machine = cabinet();
  start_game(*machine);
  for (int frame = 0; frame < 500; ++frame) {
    const std::uint8_t buttons = buttons_for(scripted_action(machine->ram()), machine->ram());
    machine->run(std::span(&buttons, 1));
  }
  const auto sum = [&](const char* name) {
    return crc32(std::as_bytes(std::span<const std::uint8_t>(picture(pixel_preset_of(name), *machine))));
  };
  EXPECT_EQ(sum("deepmind"), 353056003U);
  EXPECT_EQ(sum("play-field"), 1696785365U);
  EXPECT_EQ(sum("full"), 1902829419U);
  EXPECT_EQ(sum("field-64"), 864974342U);
  EXPECT_EQ(sum("ship-64"), 3944602552U);
  EXPECT_EQ(sum("grey-64"), 3499080583U);
}

// Stacks by definition: the newest picture behind those of the steps before, the first one for all before the start.
TEST(PixelsOfTheGame, AreStackedByTheEnvironmentOldestFirst) {
  for (const PixelPreset& preset : pixel_presets()) {
    EnvSettings settings;
    settings.pixels = preset.name;
    settings.history = 3;
    Env env(cabinet(), settings, 5);
    EXPECT_EQ(env.observation_size(), 0U);
    EXPECT_EQ(env.picture(), (FrameShape{preset.width, preset.height, preset.binary}));
    const auto now = [&] {
      std::vector<std::uint8_t> out(stored_shape(preset).stored_bytes());
      if (preset.binary) {
        render_packed(preset, env.ram(), env.machine().ram_before(), out);
      } else {
        render_pixels(preset, env.ram(), env.machine().ram_before(), out);
      }
      return out;
    };
    env.reset();
    std::vector<std::vector<std::uint8_t>> rows(3, now());
    std::vector<std::uint8_t> seen(env.pictures_size());
    const auto wanted = [&] {
      std::vector<std::uint8_t> out;
      for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
      return out;
    };
    Random random(3, 3);
    for (int step = 0; step < 40; ++step) {
      env.observe_pictures(seen);
      ASSERT_EQ(seen, wanted()) << preset.name << ", step " << step;
      env.step(random_action(random));
      rows.erase(rows.begin());
      rows.push_back(now());
    }
    EXPECT_NE(rows[0], rows[2]);
    ByteWriter out;
    env.save(out);
    Env restored(cabinet(), settings, 9);
    ByteReader in(out.bytes(), "state");
    restored.load(in);
    restored.observe_pictures(seen);
    EXPECT_EQ(seen, wanted());
    try {
      env.observe_pictures(std::span(seen).first(5));
      FAIL();
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("Env::observe_pictures: room for 5 bytes, wanted"), std::string::npos);
    }
  }
}

// A batch shows the last stack of a game that ended beside the first of the next. Its twins are environments that are
// reset by hand.
TEST(PixelsOfTheGame, OfTheLastMomentStandBesideThoseOfTheNextGame) {
  EnvSettings settings;
  settings.pixels = "play-field";
  settings.frame_cap = 100;
  VecEnv batch(cabinet, settings, 2, 5);
  Env twins[2] = {{cabinet(), settings, 5, 0}, {cabinet(), settings, 5, 1}};
  batch.reset();
  for (Env& twin : twins) twin.reset();
  Random random(4, 4);
  std::vector<Action> actions(2);
  std::vector<std::uint8_t> stack(batch.pictures_size());
  const auto row = [&](std::span<const std::uint8_t> all, std::size_t i) {
    const auto part = all.subspan(i * stack.size(), stack.size());
    return std::vector<std::uint8_t>(part.begin(), part.end());
  };
  int ended = 0;
  for (int step = 0; step < 100; ++step) {
    for (Action& action : actions) action = random_action(random);
    batch.step(actions);
    for (std::size_t i = 0; i < 2; ++i) {
      const StepResult result = twins[i].step(actions[i]);
      if (result.terminated || result.truncated) {
        twins[i].observe_pictures(stack);
        EXPECT_EQ(row(batch.final_pictures(), i), stack);
        twins[i].reset();
        ++ended;
      }
      twins[i].observe_pictures(stack);
      ASSERT_EQ(row(batch.pictures(), i), stack) << "step " << step;
    }
  }
  EXPECT_GE(ended, 4);
}

// A part of the screen: columns, and rows from below.
struct Box {
  int left, bottom, width, height;
};

// The column of the screen at which the picture begins; of kShip64, when its ship obeys.
int first_column(const PixelPreset& preset, const Ram& ram) {
  if (preset.view == PixelView::kDeepmind) return 0;
  if (preset.view == PixelView::kShip64) return peek(ram, at::kPlayerX) + kGunOffset - kScreenLeft - 97;
  return 16;
}

// A lit pixel stands in that part of the picture. A picture's pixel belongs to it when their areas meet.
bool shows(const PixelPreset& preset, const Ram& ram, const std::vector<std::uint8_t>& pixels, const Box& box) {
  const bool whole = preset.view == PixelView::kDeepmind;
  const double scale_x = whole ? 84.0 / 224 : preset.width / 192.0;
  const double scale_y = whole ? 84.0 / 256 : scale_x;
  const int origin_x = first_column(preset, ram);
  const int origin_y = whole ? 256 : 216;                       // rows count down from here
  const int slack = preset.view == PixelView::kShip64 ? 1 : 0;  // the ship of two frames is a column wider
  const double left = (box.left - slack - origin_x) * scale_x;
  const double right = (box.left + box.width + slack - origin_x) * scale_x;
  const double top = (origin_y - box.bottom - box.height) * scale_y;
  const double bottom = (origin_y - box.bottom) * scale_y;
  for (int y = std::max(0, static_cast<int>(top)); y < std::min<double>(preset.height, bottom); ++y) {
    for (int x = std::max(0, static_cast<int>(left)); x < std::min<double>(preset.width, right); ++x) {
      if (x + 1 > left && pixels[static_cast<std::size_t>(y * preset.width + x)] != 0) return true;
    }
  }
  return false;
}

// Of kShip64: five columns in the lowest row of the ship.
bool ship_in_the_middle(const std::vector<std::uint8_t>& pixels) {
  const std::span<const std::uint8_t> row = std::span(pixels).subspan(60 * 64, 64);
  return std::count(row.begin() + 30, row.begin() + 35, 255) == 5;
}

constexpr int kShip64Columns = 192;  // 97 to the left of its ship, 94 to its right
constexpr int kFirstStep = 1;        // of an alien shot that is asked for and not drawn before its next turn

// Every shot that flies is in the newest picture of every step, whatever the frames per step and whether frames without
// control are run through or not. Not drawn by the game itself, and so nowhere to be seen:
//   - a shot that is only asked for: player's status 1, alien shot in its first step (at most 3 frames);
//   - the player's shot where the saucer, drawn after it, has wiped it out with its blank margin.
// Outside of the crops, which begin at column 16 and end at 207: alien shots that fall past the ship's reach. Out of
// the sight of kShip64: those that fall half a screen away from it.
TEST(PixelsOfTheGame, ShowEveryLiveShotInEveryStep) {
  constexpr int kSteps = 4000;
  constexpr int kPlayerColumns[] = {kPlayerLeftmost - kScreenLeft + 2,
                                    kPlayerRightmost - kScreenLeft + 14};  // its body
  int player_shots = 0;
  int alien_shots = 0;
  int wiped_by_saucer = 0;
  int outside = 0;
  int out_of_sight = 0;
  int not_drawn = 0;
  for (const int frames : {1, 2, 3, 4, 7}) {
    EnvSettings settings;
    settings.frames_per_step = frames;
    settings.skip_unplayable = frames != 2;
    Env env(cabinet(), settings, static_cast<std::uint64_t>(frames));
    Random random(static_cast<std::uint64_t>(frames), 1);
    env.reset();
    std::vector<std::uint8_t> pixels;
    for (int step = 0; step < kSteps; ++step) {
      if (env.over()) env.reset();
      env.step(random_action(random));
      const Ram& ram = env.ram();
      for (const PixelPreset& preset : pixel_presets()) {
        // Before and after its lives there is no ship for kShip64 to follow, and nothing to be decided.
        if (preset.view == PixelView::kShip64 && !gun_ready(ram)) continue;
        pixels = picture(preset, env.machine());
        if (preset.view == PixelView::kShip64 && !ship_in_the_middle(pixels)) {
          ++not_drawn;
          continue;
        }
        if (static_cast<Shot>(peek(ram, at::kShotStatus)) == Shot::kFlying) {
          const Box box{peek(ram, at::kShotX) - kScreenLeft, peek(ram, at::kShotY), 1, 4};
          if (!shows(preset, ram, pixels, box)) {
            ASSERT_TRUE(peek(ram, at::kSaucerLive) != 0 && box.bottom >= 208)
                << preset.name << ": player's shot at " << box.left << ", " << box.bottom;
            ++wiped_by_saucer;
          }
          ++player_shots;
        }
        for (const std::uint16_t record : {at::kRolling, at::kPlunger, at::kSquiggly}) {
          if (!alien_shot_live(ram, record)) continue;
          if (peek(ram, static_cast<std::uint16_t>(record + 6)) <= kFirstStep) continue;
          const Box box{alien_shot_x(ram, record) - kScreenLeft, alien_shot_y(ram, record), 3, 8};
          if (preset.view != PixelView::kDeepmind && (box.left + box.width <= 16 || box.left >= 208)) {
            ASSERT_TRUE(box.left + box.width <= kPlayerColumns[0] || box.left > kPlayerColumns[1]);
            ++outside;
            continue;
          }
          const int x = box.left - first_column(preset, ram);
          if (preset.view == PixelView::kShip64 && (x < 1 || x + box.width >= kShip64Columns)) {
            ++out_of_sight;
            continue;
          }
          ASSERT_TRUE(shows(preset, ram, pixels, box)) << preset.name << ", step " << step << " of " << frames
                                                       << " frames: alien shot at " << box.left << ", " << box.bottom;
          ++alien_shots;
        }
      }
    }
  }
  EXPECT_GT(player_shots, 20'000);
  EXPECT_GT(alien_shots, 20'000);
  EXPECT_LT(wiped_by_saucer, player_shots / 1000);
  EXPECT_LT(outside, alien_shots / 20);
  EXPECT_LT(out_of_sight, alien_shots / 20);
  EXPECT_LT(not_drawn, 5 * kSteps / 100);
}

}  // namespace
}  // namespace sinv
