// dream: what a world model expects to see, beside what happened, on games that it was not trained on.
#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "game/ram_map.h"
#include "rl/dreamer/agent.h"
#include "rl/dreamer/choices.h"
#include "rl/dreamer/dream_report.h"
#include "rl/model_file.h"
#include "tools/command_line.h"
#include "tools/config.h"
#include "tools/machine_choice.h"
#include "tools/machine_facts.h"
#include "tools/picture.h"
#include "tools/record/video_writer.h"

namespace sinv {
namespace {

constexpr int kPlayerRow = 32;  // from below: hardware reference, the player's sprite

struct DreamWords {
  std::string model;
  std::string out = "dream";
  std::string rom;
  int context = 5;
  int horizon = 45;
  int windows = 64;
  int choices = 0;
  std::uint64_t seed = 1'000'003;
  bool video = true;
  bool json = false;
};

void declare(CommandLine& line, DreamWords& words) {
  CLI::App& app = line.app;
  app.add_option("--model", words.model, "a model of the agent dreamer")->required();
  app.add_option("--out", words.out, "writes OUT.png, OUT.mp4 and OUT.json")->capture_default_str();
  app.add_option("--context", words.context, "pictures that the model is shown")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--horizon", words.horizon, "steps that it then goes on alone")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000));
  app.add_option("--windows", words.windows, "stretches of games that are measured")
      ->capture_default_str()
      ->check(CLI::Range(2, 4096));
  app.add_option("--choices", words.choices,
                 "moments at which every action is tried, in the game and in dreams: what of it the model knows")
      ->capture_default_str()
      ->check(CLI::Range(0, 100'000));
  app.add_option("--seed", words.seed, "of the games; another one than the training's")->capture_default_str();
  app.add_option("--rom", words.rom, "a game ROM, folder or zip; without it the engine's own game");
  app.add_flag("!--no-video", words.video, "no OUT.mp4");
  app.add_flag("--json", words.json, "print the figures as JSON");
}

/// A part of the screen in the pixels of a picture that shows it from column 16 and row 215 (from below) on.
PictureBox in_picture(const FrameShape& picture, int left, int bottom, int width, int height) {
  const double scale = picture.width / 192.0;
  const auto clip = [](double at, int end) { return std::clamp(static_cast<int>(at), 0, end); };
  return {.left = clip(std::floor((left - 16) * scale), picture.width),
          .top = clip(std::floor((216 - bottom - height) * scale), picture.height),
          .right = clip(std::ceil((left + width - 16) * scale), picture.width),
          .bottom = clip(std::ceil((216 - bottom) * scale), picture.height)};
}

// Sizes: hardware reference, section 4. An alien shot that was only asked for is not drawn yet.
void find_objects(const Ram& ram, const FrameShape& picture, DreamMoment& moment) {
  if (static_cast<Shot>(peek(ram, at::kShotStatus)) == Shot::kFlying) {
    moment.shots.push_back(in_picture(picture, peek(ram, at::kShotX) - kScreenLeft, peek(ram, at::kShotY), 1, 4));
  }
  for (const std::uint16_t record : {at::kRolling, at::kPlunger, at::kSquiggly}) {
    if (!alien_shot_live(ram, record) || peek(ram, static_cast<std::uint16_t>(record + 6)) <= 1) continue;
    moment.shots.push_back(
        in_picture(picture, alien_shot_x(ram, record) - kScreenLeft, alien_shot_y(ram, record), 3, 8));
  }
  if (controllable(ram)) {
    moment.player.push_back(in_picture(picture, peek(ram, at::kPlayerX) - kScreenLeft, kPlayerRow, 16, 8));
  }
}

nlohmann::json to_json(const DreamStep& step) {
  return {{"error", step.error},
          {"still_error", step.still_error},
          {"lit_found", step.lit_found},
          {"lit_wrong", step.lit_wrong},
          {"shots_found", step.shots_found},
          {"shots_still", step.shots_still},
          {"player_found", step.player_found},
          {"player_still", step.player_still},
          {"shot_pixels", step.shot_pixels},
          {"reward_correlation", step.reward_correlation},
          {"reward_expected", step.reward_expected},
          {"reward_real", step.reward_real},
          {"ends_expected", step.ends_expected},
          {"ends_real", step.ends_real}};
}

nlohmann::json to_json(const ChoiceReport& report, const ChoiceSettings& settings) {
  return {{"moments", settings.moments},
          {"steps", settings.steps},
          {"ended_expected", report.ended_expected},
          {"ended_real", report.ended_real},
          {"ended_correlation", report.ended_correlation},
          {"ended_safest", report.ended_safest},
          {"ended_least", report.ended_least},
          {"reward_expected", report.reward_expected},
          {"reward_real", report.reward_real},
          {"reward_correlation", report.reward_correlation}};
}

void print_choices(const ChoiceReport& report, const ChoiceSettings& settings) {
  fmt::print(
      "each action alone for {} steps, from {} moments: a life lost {:.3f} expected, {:.3f} real; reward {:.2f} "
      "expected,\n{:.2f} real. Between a moment's actions, expected against real: correlation {:.2f} for lives, {:.2f} "
      "for "
      "rewards.\nThe action that is safest in the dream really loses {:.3f}, the one that is safest in the game "
      "{:.3f}.\n",
      settings.steps, settings.moments, report.ended_expected, report.ended_real, report.reward_expected,
      report.reward_real, report.ended_correlation, report.reward_correlation, report.ended_safest, report.ended_least);
}

void print_table(const DreamReport& report) {
  fmt::print("step   error  (still)   lit: found  wrong   shots (still)   player (still)\n");
  const auto percent = [](double share) { return 100 * share; };
  const std::size_t last = report.steps.size() - 1;
  for (const std::size_t k : {std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{5}, std::size_t{10},
                              std::size_t{15}, std::size_t{30}, last}) {
    if (k > last) continue;
    const DreamStep& step = report.steps[k];
    fmt::print("{:4}  {:.4f} ({:.4f})       {:4.0f}%  {:4.0f}%    {:3.0f}%  ({:3.0f}%)     {:3.0f}%  ({:3.0f}%)\n", k,
               step.error, step.still_error, percent(step.lit_found), percent(step.lit_wrong),
               percent(step.shots_found), percent(step.shots_still), percent(step.player_found),
               percent(step.player_still));
  }
  const auto share = [&](double DreamStep::*figure) {
    double sum = 0;
    for (std::size_t k = 1; k <= last; ++k) sum += report.steps[k].*figure / static_cast<double>(last);
    return sum;
  };
  fmt::print(
      "step 0 is the last picture seen, reconstructed; still: that picture taken for all that follow. Found: of the\n"
      "pixels that are lit, those that the model shows (half as bright as the dimmest lit one, or more); wrong: of\n"
      "those it shows, the dark ones.\n"
      "reward, expected against real: correlation {:.2f} where it sees, {:.2f} where it dreams\n"
      "a step where it dreams: reward {:.4f} expected, {:.4f} real; lives lost {:.4f} expected, {:.4f} real\n",
      report.reward_correlation_seen, report.reward_correlation_dreamt, share(&DreamStep::reward_expected),
      share(&DreamStep::reward_real), share(&DreamStep::ends_expected), share(&DreamStep::ends_real));
}

std::uint8_t grey(float value) {
  return static_cast<std::uint8_t>(std::lround(255.0F * std::clamp(value, 0.0F, 1.0F)));
}

/// Pictures beside and above each other, with a thin line between.
class Sheet {
 public:
  Sheet(int columns, int rows, const FrameShape& picture, int scale)
      : picture_(picture),
        scale_(scale),
        width_(columns * (picture.width * scale + kLine) + kLine),
        height_(rows * (picture.height * scale + kLine) + kLine),
        pixels_(static_cast<std::size_t>(width_) * static_cast<std::size_t>(height_), kLineGrey) {}
  template <class Grey>
  void put(int column, int row, Grey&& grey_of) {
    const auto at = [](int y, int width, int x) {
      return static_cast<std::size_t>(y) * static_cast<std::size_t>(width) + static_cast<std::size_t>(x);
    };
    for (int y = 0; y < picture_.height * scale_; ++y) {
      for (int x = 0; x < picture_.width * scale_; ++x) {
        const int to_y = kLine + row * (picture_.height * scale_ + kLine) + y;
        const int to_x = kLine + column * (picture_.width * scale_ + kLine) + x;
        pixels_[at(to_y, width_, to_x)] = grey_of(at(y / scale_, picture_.width, x / scale_));
      }
    }
  }
  int width() const { return width_; }
  int height() const { return height_; }
  const std::vector<std::uint8_t>& pixels() const { return pixels_; }

 private:
  static constexpr int kLine = 2;  // even, as videos want their sides
  static constexpr std::uint8_t kLineGrey = 96;
  FrameShape picture_;
  int scale_;
  int width_;
  int height_;
  std::vector<std::uint8_t> pixels_;
};

// A window: what happened above, what the model showed below.
void put_pair(Sheet& sheet, int column, int row, const DreamWindow& window, const std::vector<float>& shown,
              std::size_t number, std::size_t moment) {
  const std::vector<std::uint8_t>& real = window[moment].picture;
  sheet.put(column, row, [&](std::size_t p) { return real[p]; });
  sheet.put(column, row + 1, [&](std::size_t p) { return grey(shown[number * real.size() + p]); });
}

void write_strip(const std::string& path, const FrameShape& picture, const DreamReport& report) {
  constexpr int kPairs = 2;
  const auto context = static_cast<std::size_t>(report.context);
  std::vector<std::size_t> moments{0, context - 1};
  for (std::size_t k = 0; k <= report.steps.size() - 1; k += 5) {
    moments.push_back(context - 1 + std::max<std::size_t>(1, k));
  }
  Sheet sheet(static_cast<int>(moments.size()), 2 * kPairs, picture, picture.width <= 96 ? 2 : 1);
  for (std::size_t pair = 0; pair < kPairs; ++pair) {
    for (std::size_t i = 0; i < moments.size(); ++i) {
      put_pair(sheet, static_cast<int>(i), static_cast<int>(2 * pair), report.real[pair], report.shown[moments[i]],
               pair, moments[i]);
    }
  }
  write_grey_png(path, sheet.width(), sheet.height(), sheet.pixels());
}

void write_video(const std::string& path, const FrameShape& picture, int frames_per_step, const DreamReport& report) {
  constexpr int kColumns = 4;
  const int columns = std::min<int>(kColumns, static_cast<int>(report.real.size()));
  const VideoShape shape{Sheet(columns, 2, picture, 1).width(), Sheet(columns, 2, picture, 1).height(),
                         60.0 / frames_per_step};
  VideoWriter video(path, shape);
  std::vector<unsigned char> rgb;
  for (std::size_t moment = 0; moment < report.real[0].size(); ++moment) {
    Sheet sheet(columns, 2, picture, 1);
    for (int column = 0; column < columns; ++column) {
      const auto number = static_cast<std::size_t>(column);
      put_pair(sheet, column, 0, report.real[number], report.shown[moment], number, moment);
    }
    rgb.clear();
    for (const std::uint8_t value : sheet.pixels()) rgb.insert(rgb.end(), 3, value);
    video.frame(rgb);
  }
  video.finish();
}

}  // namespace

int dream_command(Words said) {
  CommandLine line("dream", "Shows what a Dreamer's world model expects, beside what happened, and measures it.");
  DreamWords words;
  declare(line, words);
  if (!line.parse(said)) return 0;
  const ModelFile model = load_model(words.model);
  if (model.agent != "dreamer") {
    throw UserError(text("dream: ", words.model, " is of the agent ", model.agent, ", which has no world model"));
  }
  RunConfig config;
  config.env = environment_of(model);
  config.cabinet.rom = words.rom;
  config.check();
  const RomSet rom = choose_rom(config.cabinet.rom);
  constexpr int kGames = 8;  // at once
  GameEnvironments envs(cabinet_factory(rom, CabinetSettings{}), config.env, kGames, words.seed, 1);
  check_model_plays(model, envs);
  const FrameShape picture = envs.picture();
  const std::unique_ptr<BatchPolicy> policy = make_policy(model, kGames);
  const auto find = [&](int env, DreamMoment& moment) { find_objects(envs.env(env).ram(), picture, moment); };
  const std::vector<DreamWindow> windows =
      record_windows(envs, *policy, find, words.windows, words.context + words.horizon, words.horizon);
  const std::unique_ptr<Dream> dream = dream_of(model, words.windows, words.seed);
  const DreamReport report = dream_report(*dream, windows, words.context);

  nlohmann::json all{{"model", words.model},
                     {"model_frames", model.frames},
                     {"model_updates", model.updates},
                     {"game", rom.description},
                     {"seed", words.seed},
                     {"context", words.context},
                     {"windows", words.windows},
                     {"reward_correlation_seen", report.reward_correlation_seen},
                     {"reward_correlation_dreamt", report.reward_correlation_dreamt},
                     {"steps", nlohmann::json::array()}};
  for (const DreamStep& step : report.steps) all["steps"].push_back(to_json(step));
  ChoiceSettings choices;
  ChoiceReport chosen;
  if (words.choices > 0) {
    constexpr int kAtOnce = 16;
    constexpr int kDreams = 4;  // of each moment
    choices.moments = words.choices;
    choices.context = words.context;
    GameEnvironments games(cabinet_factory(rom, CabinetSettings{}), config.env, kAtOnce, words.seed, 1);
    const std::unique_ptr<BatchPolicy> player = make_policy(model, kAtOnce);
    const std::unique_ptr<Dream> dreams = dream_of(model, kAtOnce * kDreams, words.seed);
    chosen = choice_report(record_choices(games, *player, *dreams, choices));
    all["choices"] = to_json(chosen, choices);
  }
  write_file(words.out + ".json", all.dump(2) + "\n");
  write_strip(words.out + ".png", picture, report);
  if (words.video) write_video(words.out + ".mp4", picture, config.env.frames_per_step, report);
  if (words.json) {
    fmt::print("{}\n", all.dump(2));
  } else {
    print_table(report);
    if (words.choices > 0) print_choices(chosen, choices);
  }
  return 0;
}

}  // namespace sinv
