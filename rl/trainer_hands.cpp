// The part of the trainer that watchers and hands touch: games shown, pace, controls, evaluations that are due.
#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>
#include <thread>

#include "game/pixels.h"
#include "rl/trainer.h"

namespace sinv {
namespace {

constexpr double kCabinetFramesPerSecond = 59.541985;  // MAME mw8080bw.h: 4.992 MHz / 320 / 262

using std::chrono::steady_clock;

steady_clock::duration seconds(double value) {
  return std::chrono::duration_cast<steady_clock::duration>(std::chrono::duration<double>(value));
}

}  // namespace

bool Trainer::is_watched() const {
  return controls_.watched.load(std::memory_order_relaxed) != 0 || controls_.sees.load(std::memory_order_relaxed);
}

bool Trainer::wants_seen() const {
  return controls_.sees.load(std::memory_order_relaxed) || controls_.watched_sees.load(std::memory_order_relaxed);
}

void Trainer::show_games() {
  const Time now = steady_clock::now();
  if (now - last_picture_ < seconds(0.95 / kPicturesPerSecond)) return;
  last_picture_ = now;
  LiveView& view = *shown_games_;
  const std::uint32_t wanted = std::min({controls_.watched.load(std::memory_order_relaxed), LiveView::kMostGames,
                                         static_cast<std::uint32_t>(envs_->count())});
  const std::span<const float> q = agent_->acting_values();
  const auto actions = static_cast<std::size_t>(envs_->actions());
  for (view.games = 0; view.games < wanted; ++view.games) {
    LiveGame& game = view.game[view.games];
    if (!envs_->look(static_cast<int>(view.games), game)) break;
    game.action = actions_[view.games];
    const std::size_t first = view.games * actions;
    game.values = q.size() >= first + actions && actions <= game.q.size() ? static_cast<std::uint32_t>(actions) : 0;
    std::copy_n(q.begin() + static_cast<std::ptrdiff_t>(game.values > 0 ? first : 0), game.values, game.q.begin());
  }
  // The newest row of the first environment's stack is its last one.
  const std::span<const float> seen = envs_->observations().values;
  const auto size = static_cast<std::size_t>(envs_->observation_size());
  const std::size_t row = size / static_cast<std::size_t>(envs_->history());
  view.values = seen.size() >= size ? static_cast<std::uint32_t>(std::min<std::size_t>(row, LiveView::kMostValues)) : 0;
  if (view.values > 0) std::ranges::copy(seen.subspan(size - row, view.values), view.observation.begin());
  live_.publish(view, view.used_bytes());
  if (wants_seen() && now - last_seen_ >= seconds(0.95 / kSeenPerSecond)) {
    last_seen_ = now;
    show_seen();
  }
}

void Trainer::show_seen() {
  const FrameShape shape = envs_->picture();
  const std::span<const std::uint8_t> kept = envs_->observations().pictures;
  const auto count = static_cast<std::size_t>(envs_->history());
  if (shape == kNoFrame || kept.size() < count * shape.stored_bytes()) return;
  if (count * shape.pixels() > SeenPictures::kMostBytes) return;
  SeenPictures& out = *shown_pictures_;
  out.width = static_cast<std::uint32_t>(shape.width);
  out.height = static_cast<std::uint32_t>(shape.height);
  out.pictures = static_cast<std::uint32_t>(count);
  const std::span<std::uint8_t> grey = std::span(out.grey).first(count * shape.pixels());
  agent_->look(shape, kept.first(count * shape.stored_bytes()), grey);
  const Agent::Dreamt dreamt = agent_->dreamt();
  const bool fits = (count + 1) * shape.pixels() <= SeenPictures::kMostBytes;
  out.dreamt_steps = fits && dreamt.picture.size() == shape.pixels() ? dreamt.steps : -1;
  if (out.dreamt_steps >= 0) {
    std::ranges::transform(dreamt.picture, out.grey.begin() + static_cast<std::ptrdiff_t>(grey.size()), [](float x) {
      return static_cast<std::uint8_t>(std::lround(255 * std::clamp(x, 0.0F, 1.0F)));
    });
  }
  seen_.publish(out, out.used_bytes());
}

// A step after the other at the cabinet's speed times `speed`; one that came late does not make the next ones hurry.
void Trainer::keep_pace() {
  const double speed = controls_.speed.load(std::memory_order_relaxed);
  if (!(speed > 0)) return;
  const Time now = steady_clock::now();
  next_step_ = std::max(now, next_step_ + seconds(envs_->frames_per_step() / (kCabinetFramesPerSecond * speed)));
  // Slower than one step in half a second is a pause, and that has a control of its own.
  std::this_thread::sleep_until(std::min(next_step_, now + seconds(0.5)));
}

void Trainer::control(const char* name, const std::string& what) {
  const nlohmann::json line{{"kind", "control"},
                            {"frames", counters_.clock.frames},
                            {"elapsed_s", elapsed_s()},
                            {"name", name},
                            {"text", what}};
  record(line.dump());
}

// False: stopped while it paused.
bool Trainer::take_controls(const std::atomic<bool>& stop) {
  const bool exploit = controls_.exploit.load();
  if (exploit != shown_.exploiting) control("exploit", exploit ? "exploits" : "explores");
  shown_.exploiting = exploit;
  agent_->set_mode(exploit ? ActingMode::kExploit : ActingMode::kExplore);
  const double speed = controls_.speed.load();
  if (speed != shown_.speed) {
    control("speed", speed > 0 ? text("plays at ", speed, " times the cabinet's speed") : "plays at full speed");
    shown_.speed = speed;
  }
  if (const int hundredths = controls_.epsilon_hundredths.exchange(0); hundredths != 0) {
    const bool has = agent_->shift_epsilon(0.01 * hundredths);
    control("epsilon", has ? text("epsilon ", hundredths > 0 ? "up by " : "down by ", 0.01 * std::abs(hundredths))
                           : "this agent has no epsilon");
  }
  if (controls_.reset_sigma.exchange(false)) {
    control("sigma", agent_->reset_noise() ? "sigma as at first" : "this agent has no noise");
  }
  if (controls_.save.exchange(false)) {
    begin_save();
    control("save", "saves");
  }
  if (controls_.evaluate.exchange(false)) {
    evaluation_asked_ = true;
    control("evaluate", "evaluates");
  }
  if (const bool sees = controls_.sees.load(); sees != shown_.sees) {
    control("sees", sees ? "shows what the agent sees" : "shows no longer what the agent sees");
    shown_.sees = sees;
  }
  if (const bool debug = controls_.machine_debug.load(); debug != shown_debug_) {
    shown_debug_ = debug;
    if (parts_.machine_hands != nullptr) parts_.machine_hands->debug.store(debug);
    control("debug", parts_.machine_hands == nullptr ? "only MAME has a bridge"
                     : debug                         ? "MAME prints every request"
                                                     : "MAME prints requests no longer");
  }
  if (const bool letters = controls_.machine_text.load(); letters != shown_text_) {
    shown_text_ = letters;
    if (parts_.machine_hands != nullptr) parts_.machine_hands->text.store(letters);
    control("text", parts_.machine_hands == nullptr ? "only MAME has a screen"
                    : letters                       ? "text on MAME's screen"
                                                    : "no text on MAME's screen");
  }
  if (controls_.figure.exchange(false)) control("figure", "draws the figure");
  if (!controls_.pause.load()) return true;
  control("pause", "pauses");
  const Time begin = steady_clock::now();
  publish(TrainerPhase::kPaused);
  while (controls_.pause.load() && !stop.load()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    collect_save();
  }
  sitting_begin_ += steady_clock::now() - begin;
  speed_begin_ += steady_clock::now() - begin;
  control("pause", "goes on");
  publish(TrainerPhase::kTraining);
  return !stop.load();
}

// One that was asked for draws its games by the frames it was asked at, and the agent is not told of it: the training
// goes on as if nobody had asked. Returns false when it was broken off; it is then still due after a resume.
bool Trainer::evaluate_due(const std::atomic<bool>& stop) {
  if (settings_.evaluation_period_frames > 0 && counters_.clock.frames >= counters_.next_evaluation_frames) {
    evaluation_asked_ = false;
    if (!judge(kEvaluationStream, static_cast<std::uint64_t>(counters_.evaluations), "evaluation", stop)) return false;
    agent_->evaluated(counters_.last_evaluation);
    ++counters_.evaluations;
    while (counters_.next_evaluation_frames <= counters_.clock.frames) {
      counters_.next_evaluation_frames += settings_.evaluation_period_frames;
    }
  }
  if (!evaluation_asked_) return true;
  evaluation_asked_ = false;
  return judge(kEndEvaluationStream, static_cast<std::uint64_t>(counters_.clock.frames), "evaluation", stop);
}

}  // namespace sinv
