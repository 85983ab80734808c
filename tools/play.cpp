// play: a model plays, frame-locked to the cabinet's 59.54 Hz, drawn in the terminal.
#include "tools/play.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <fmt/core.h>
#include <optional>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "bridge/mame/mame_machine.h"
#include "rl/model_file.h"
#include "tools/command_line.h"
#include "tools/config.h"
#include "tools/device_words.h"
#include "tools/machine_choice.h"
#include "tools/model_choice.h"
#include "tools/picture.h"
#include "tools/record/panel.h"
#include "tools/record/video_writer.h"
#include "tools/terminal.h"

namespace sinv {

namespace {

using Time = std::chrono::steady_clock::time_point;
constexpr int kFullColumns = 112;
constexpr int kFullRows = 64;

struct Interrupted {};  // leaves a game in the middle

std::string q_bar(float value, float low, float high, int width) {
  const float share = high > low ? (value - low) / (high - low) : 1.0F;
  const int full = std::clamp(static_cast<int>(std::lround(share * static_cast<float>(width))), 0, width);
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? "█" : " ";
  return out;
}

std::string q_lines(const PlayStatus& status, int columns) {
  if (status.q.empty()) return "";
  const auto [low, high] = std::minmax_element(status.q.begin(), status.q.end());
  const int width = std::clamp(columns - 24, 4, 40);
  std::string out;
  for (std::size_t i = 0; i < status.q.size() && i < kActions; ++i) {
    const bool chosen = i == static_cast<std::size_t>(status.action);
    out += fmt::format(" {} {:<10} {:8.3f} {}\n", chosen ? '>' : ' ', kActionNames[i], status.q[i],
                       q_bar(status.q[i], *low, *high, width));
  }
  return out;
}

}  // namespace

std::string play_screen(const Ram& ram, const PlayStatus& status, int columns, int rows, bool colours) {
  const int text_rows = 2 + static_cast<int>(status.q.size());
  const bool half = columns < kFullColumns || rows < kFullRows + text_rows;
  std::string out = braille_picture(ram, half, colours);
  out +=
      fmt::format(" score {:<8} ships {}   rack {}   game {}   frame {:<7} {:5.1f} frames/s\n", thousands(status.score),
                  status.ships, status.racks + 1, status.game, status.frames, status.frames_per_s);
  out += fmt::format(" {}\n", status.who);
  return out + q_lines(status, columns);
}

namespace {

struct PlayWords {
  DeviceWords device;
  std::string model;
  int games = 1;
  double speed = 1;
  std::uint64_t seed = 1;
  std::string view;
  std::string rom;
  std::string machine;
  bool window = false;
  std::string picture;
  int picture_frame = 0;
  std::string sees;
  std::string record;
  bool panel = false;
  std::vector<std::string> settings;
};

// Watches every frame: keeps time, draws, and writes the picture that was asked for.
class Watcher {
 public:
  Watcher(const PlayWords& words, bool draw) : words_(words), draw_(draw) {
    if (words.panel) {
      panel_.emplace();
      video_.emplace(words.record, PanelPicture::shape());
    } else if (!words.record.empty()) {
      video_.emplace(words.record);
    }
    if (draw_) screen_.emplace(true);
    next_ = last_drawn_ = std::chrono::steady_clock::now();
  }

  void frame(const Machine& machine) {
    if (stop_flag()) throw Interrupted{};
    ++frames_;
    if (words_.picture_frame > 0 && frames_ == words_.picture_frame) write_picture(machine);
    if (panel_) {
      video_->frame(panel_->draw(machine.ram(), status));
    } else if (video_) {
      video_->frame(machine.ram());
    }
    if (!draw_) return;
    if (words_.speed > 0) {
      next_ += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
          std::chrono::duration<double>(1 / (kFramesPerSecond * words_.speed)));
      std::this_thread::sleep_until(next_);
    }
    const Time now = std::chrono::steady_clock::now();
    // Faster than the cabinet: no more pictures than it would show.
    const double since_s = std::chrono::duration<double>(now - last_drawn_).count();
    if (words_.speed == 1 || since_s > 0.9 / kFramesPerSecond) {
      const TerminalSize size = terminal_size();
      screen_->draw(play_screen(machine.ram(), status, size.columns, size.rows, true));
      status.frames_per_s += 0.05 * ((frames_ - frames_drawn_) / std::max(since_s, 1e-6) - status.frames_per_s);
      frames_drawn_ = frames_;
      last_drawn_ = now;
    }
    // A terminal that cannot follow slows the game down; it does not make it jump.
    if (now - next_ > std::chrono::milliseconds(100)) next_ = now;
  }

  /// For MAME's own screen, as far as it has room: what the terminal shows beside the picture.
  std::vector<mame::ScreenText> screen_text() const {
    constexpr std::uint32_t kWhite = 0xFFFFFFFF;
    constexpr std::int16_t kLeft = 4;
    std::vector<mame::ScreenText> lines{
        {kLeft, 0, kWhite, fmt::format("score {}  rack {}", status.score, status.racks + 1)}};
    if (!status.q.empty()) {
      const auto chosen = static_cast<std::size_t>(status.action);
      lines.push_back({kLeft, 16, kWhite, fmt::format("{}  Q {:.2f}", kActionNames[chosen], status.q[chosen])});
    }
    return lines;
  }

  void finish_video() {
    if (video_) video_->finish();
  }

  void write_picture(const Machine& machine) const { write_png(words_.picture, machine.ram(), 2); }

  PlayStatus status;

 private:
  const PlayWords& words_;
  bool draw_;
  std::optional<VideoWriter> video_;
  std::optional<PanelPicture> panel_;
  std::optional<LiveBlock> screen_;
  Time next_;
  Time last_drawn_;
  int frames_ = 0;
  int frames_drawn_ = 0;
};

/// Shows the decision on the screen of MAME, when there is one to be seen.
class MameScreen {
 public:
  explicit MameScreen(mame::MameMachine* machine) : machine_(machine) {}
  void show(const std::vector<mame::ScreenText>& lines) {
    if (machine_ != nullptr) machine_->draw_text(lines);
  }

 private:
  mame::MameMachine* machine_;
};

/// Writes what the agent sees at its decisions: the stack of pictures side by side, the newest on the right.
class SightFiles {
 public:
  /// `to`: a folder for every decision, FILE.png for the last one, or empty.
  SightFiles(std::string to, const Env& env) : to_(std::move(to)), shape_(env.picture()), history_(env.history()) {
    if (to_.empty()) return;
    if (shape_ == kNoFrame) throw UserError("play: --sees shows pictures, and this model sees numbers");
    each_ = !to_.ends_with(".png");
    std::error_code failed;
    if (each_) std::filesystem::create_directories(to_, failed);
    if (failed) throw UserError(text(to_, ": ", failed.message()));
    pixels_.resize(shape_.pixels() * static_cast<std::size_t>(history_));
    rows_.resize(pixels_.size());
  }
  void decision(const BatchPolicy& policy, std::span<const std::uint8_t> pictures) {
    ++decisions_;
    if (to_.empty()) return;
    policy.look(shape_, pictures, pixels_);
    if (each_) write(std::filesystem::path(to_) / fmt::format("{:06}.png", decisions_));
  }
  void finish() {
    if (!to_.empty() && !each_ && decisions_ > 0) write(to_);
  }

 private:
  void write(const std::filesystem::path& path) {
    const auto width = static_cast<std::size_t>(shape_.width);
    const auto height = static_cast<std::size_t>(shape_.height);
    const auto count = static_cast<std::size_t>(history_);
    for (std::size_t picture = 0; picture < count; ++picture) {
      for (std::size_t y = 0; y < height; ++y) {
        std::copy_n(pixels_.data() + (picture * height + y) * width, width,
                    rows_.data() + (y * count + picture) * width);
      }
    }
    write_grey_png(path, shape_.width * history_, shape_.height, rows_);
  }

  std::string to_;
  FrameShape shape_;
  int history_;
  bool each_ = false;
  int decisions_ = 0;
  std::vector<std::uint8_t> pixels_;  // [history, height, width]
  std::vector<std::uint8_t> rows_;    // [height, history, width]
};

void play_game(Env& env, BatchPolicy& policy, Watcher& watcher, MameScreen& screen, SightFiles& seen) {
  std::vector<float> values(env.observation_size());
  std::vector<std::uint8_t> pictures(env.pictures_size());
  std::uint8_t action = 0;
  watcher.status.q.clear();
  env.reset();
  policy.restart(0);
  while (!env.over()) {
    if (stop_flag()) throw Interrupted{};
    env.observe(values);
    env.observe_pictures(pictures);
    seen.decision(policy, pictures);
    policy.act({values, pictures}, std::span(&action, 1));
    const std::span<const float> q = policy.q_values();
    watcher.status.q.assign(q.begin(), q.end());
    watcher.status.action = static_cast<Action>(action);
    screen.show(watcher.screen_text());
    const StepResult result = env.step(static_cast<Action>(action));
    watcher.status.score = env.score();
    watcher.status.ships = env.lives();
    watcher.status.racks = env.racks();
    watcher.status.frames = env.frames();
    if (result.truncated) break;
  }
}

void declare(CommandLine& line, PlayWords& words) {
  CLI::App& app = line.app;
  app.add_option("--model", words.model,
                 "the model, or dqn-mlp or dqn-cnn for the one that ships (dqn-mlp without it)");
  app.add_option("--games", words.games, "games to play; 0: until Ctrl-C")->capture_default_str();
  app.add_option("--speed", words.speed, "1: as the cabinet, 59.54 frames/s; 0: as fast as it goes")
      ->capture_default_str();
  app.add_option("--seed", words.seed, "decides the idle frames before each game")->capture_default_str();
  app.add_option("--view", words.view, "terminal (the default without --window), or none for scores alone");
  app.add_option("--machine", words.machine, "cabinet: in this process; mame");
  declare_device(app, words.device);
  app.add_flag("--window", words.window, "in MAME's own window, with score and Q values on it; means --machine mame");
  app.add_option("--rom", words.rom, "a game ROM, folder or zip; without it the engine's own game");
  app.add_option("--picture", words.picture, "write a PNG of the game: at --picture-frame, or when the last game ends");
  app.add_option("--record", words.record, "write the games as .mp4, .webm, .gif or .png (one for each frame)");
  app.add_flag("--panel", words.panel, "score and Q values beside the picture of --record");
  app.add_option("--picture-frame", words.picture_frame, "frames after the start of the program");
  app.add_option(
      "--sees", words.sees,
      "write what the agent sees, newest picture on the right: FOLDER for every decision, FILE.png for the last");
  app.add_option("--set", words.settings, "env.key=value, cabinet.key=value or mame.key=value; may be repeated");
}

std::string latency_line(const mame::Latency::Summary& latency) {
  return fmt::format(
      "state received to action sent: p50 {:.0f} us, p99 {:.0f}, p99.9 {:.0f}, most {:.0f}; {} of {} late",
      latency.p50_us, latency.p99_us, latency.p999_us, latency.max_us, latency.late, latency.count);
}

void check(PlayWords& words) {
  if (words.view.empty()) words.view = words.window ? "none" : "terminal";
  if (words.games < 0) throw UserError("play: --games must be 0 or more");
  if (!(words.speed >= 0 && words.speed <= 1000)) throw UserError("play: --speed must be between 0 and 1000");
  if (words.view != "terminal" && words.view != "none") {
    throw UserError(unknown_name("view", words.view, {"terminal", "none"}));
  }
  if (words.panel && words.record.empty()) throw UserError("play: --panel wants --record FILE");
  if (words.picture_frame < 0) throw UserError("play: --picture-frame must be 0 or more");
  if (words.picture_frame > 0 && words.picture.empty()) throw UserError("play: --picture-frame wants --picture FILE");
}

}  // namespace

int play_command(Words given) {
  CommandLine line("play", "A model plays in the terminal, with its score and its Q values.");
  PlayWords words;
  declare(line, words);
  if (!line.parse(given)) return 0;
  take_device(words.device);
  check(words);

  words.model = choose_model(words.model);
  const ModelFile model = load_model(words.model);
  RunConfig config;
  config.env = environment_of(model);
  config.set_all(words.settings);
  if (!words.rom.empty()) config.cabinet.rom = words.rom;
  if (words.window) config.machine = "mame";
  if (!words.machine.empty()) config.options.set("machine", words.machine);
  config.mame.window = config.mame.window || words.window;
  // The window shows the game at its speed; the terminal keeps time by itself.
  if (config.mame.window) config.mame.speed = words.speed;
  config.check();
  const RomSet rom = choose_rom(config.cabinet.rom);
  if (!rom.warning.empty()) fmt::print(stderr, "sinv_engine: {}\n", rom.warning);
  const std::unique_ptr<BatchPolicy> policy = make_policy(model, 1);
  check_model_plays(model, GameEnvironments(cabinet_factory(rom, CabinetSettings{}), config.env, 1, words.seed, 1));
  const Machines machines(config, rom);

  const bool draws = words.view == "terminal" && is_terminal();
  std::vector<std::string> later;  // what would disturb the picture
  const auto say = [&](const std::string& line) {
    if (draws) {
      later.push_back(line);
    } else {
      fmt::print("{}\n", line);
    }
  };
  {
    Watcher watcher(words, draws);
    watcher.status.who = fmt::format("{} plays {}", words.model, rom.description);
    std::unique_ptr<Machine> machine = machines.factory()();
    auto* mame = dynamic_cast<mame::MameMachine*>(machine.get());
    MameScreen screen(config.mame.window ? mame : nullptr);
    // Who does not look at every frame leaves whole steps to MAME.
    if (mame == nullptr || words.view == "terminal" || words.picture_frame > 0 || !words.record.empty()) {
      machine = std::make_unique<WatchedMachine>(std::move(machine),
                                                 [&watcher](const Machine& inner) { watcher.frame(inner); });
    }
    Env env(std::move(machine), config.env, words.seed);
    SightFiles seen(words.sees, env);
    try {
      for (int game = 1; words.games == 0 || game <= words.games; ++game) {
        watcher.status.game = game;
        play_game(env, *policy, watcher, screen, seen);
        say(fmt::format("game {}: {} points, {} racks cleared, {} frames", game, env.score(), env.racks(),
                        env.frames()));
      }
    } catch (const Interrupted&) {
      say(fmt::format("left at {} points", env.score()));
    }
    seen.finish();
    watcher.finish_video();
    if (!words.picture.empty() && words.picture_frame == 0) watcher.write_picture(env.machine());
    if (mame != nullptr) say(latency_line(mame->latency().summary()));
  }
  for (const std::string& line : later) fmt::print("{}\n", line);
  return 0;
}

}  // namespace sinv
