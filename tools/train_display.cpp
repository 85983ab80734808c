#include "tools/train_display.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <fmt/core.h>
#include <mutex>
#include <utility>

#include "tools/dash/hands.h"
#include "tools/picture.h"
#include "tools/terminal.h"

namespace sinv {

const char* phase_name(TrainerPhase phase) {
  switch (phase) {
    case TrainerPhase::kStarting:
      return "starting";
    case TrainerPhase::kWarmUp:
      return "filling the replay";
    case TrainerPhase::kTraining:
      return "training";
    case TrainerPhase::kPaused:
      return "paused";
    case TrainerPhase::kEvaluating:
      return "evaluating";
    case TrainerPhase::kSaving:
      return "saving";
    case TrainerPhase::kFinished:
      return "finished";
  }
  return "";
}

namespace {

const char* phase_text(const Progress& now) {
  return now.phase == TrainerPhase::kTraining && now.exploiting ? "training, exploiting" : phase_name(now.phase);
}

double share_done(const Progress& now) {
  double share = 0;
  if (now.minutes_limit > 0) share = now.elapsed_s / (60 * now.minutes_limit);
  if (now.frames_limit > 0) {
    share = std::max(share, static_cast<double>(now.frames) / static_cast<double>(now.frames_limit));
  }
  return std::clamp(share, 0.0, 1.0);
}

std::string bar(double share, int width) {
  const auto full = static_cast<int>(std::lround(share * width));
  std::string out;
  for (int i = 0; i < width; ++i) out += i < full ? "█" : "░";
  return out;
}

// The last `width` groups of the history as bars of eight heights.
std::string sparkline(const std::vector<double>& history, int width) {
  static constexpr std::array kBars{"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  if (history.empty()) return "";
  const double top = std::max(1.0, *std::max_element(history.begin(), history.end()));
  const std::size_t groups = std::min(history.size(), static_cast<std::size_t>(width));
  std::string out;
  for (std::size_t group = 0; group < groups; ++group) {
    const double value = history[(group + 1) * history.size() / groups - 1];
    out += kBars[static_cast<std::size_t>(std::clamp(value / top * 7.99, 0.0, 7.0))];
  }
  return out;
}

// Every key of the list, five to a line.
std::vector<std::string> key_lines() {
  constexpr std::size_t kKeysPerLine = 5;
  std::vector<std::string> lines;
  for (std::size_t i = 0; i < hands().size(); ++i) {
    if (i % kKeysPerLine == 0) lines.push_back(fmt::format(" {:<12}", i == 0 ? "keys" : ""));
    lines.back() += fmt::format(" {} {:<18}", hands()[i].key, hands()[i].text);
  }
  return lines;
}

std::string whole(double number) { return thousands(std::llround(number)); }

}  // namespace

std::string train_block(const Progress& now, const TrainTitle& title, const std::vector<double>& history, int columns) {
  const int width = std::clamp(columns - 40, 10, 60);
  const double share = share_done(now);
  std::string out;
  const auto line = [&out](const std::string& letters) { out += letters + "\n"; };
  line(fmt::format(" sinv_engine train  {}  seed {}  {}", title.agent, title.seed, title.folder));
  line(fmt::format(" on {}", title.game));
  line(fmt::format(" {} {:3.0f} %  {}{}", bar(share, width), 100 * share, clock_text(now.elapsed_s),
                   now.left_s > 0 ? ", left " + clock_text(now.left_s) : ""));
  line(fmt::format(" {:<12} {}", "now", phase_text(now)));
  line(fmt::format(" {:<12} {:>14}   {:>9}/s   {:.0f} x real time", "frames", thousands(now.frames),
                   whole(now.frames_per_s), now.frames_per_s / kFramesPerSecond));
  line(fmt::format(" {:<12} {:>14}   {:>9}/s", "steps", thousands(now.steps), whole(now.steps_per_s)));
  line(fmt::format(" {:<12} {:>14}   {:>9}/s   batch loss {:.4f}   q {:.3f}   gradient {:.3f}", "updates",
                   thousands(now.updates), whole(now.updates_per_s), now.loss, now.mean_q, now.gradient_norm));
  line(fmt::format(" {:<12} {:>14}   last 100: {:.0f}   best game: {}", "games", thousands(now.games),
                   now.mean_score_100, thousands(now.max_score)));
  line(fmt::format(" {:<12} {:>14}   last: {:.0f}   best kept: {:.0f}", "evaluations", now.evaluations,
                   now.last_evaluation, now.best_evaluation));
  line(fmt::format(" {:<12} epsilon {:.3f}   sigma {:.4f}   learning rate {:.2e}   replay {} of {}", "exploring",
                   now.epsilon, now.sigma, now.learning_rate, thousands(now.replay_size),
                   thousands(now.replay_capacity)));
  line(fmt::format(" {:<12} {}", "score", sparkline(history, width)));
  line(fmt::format(" {:<12} {}", "trouble", now.events > 0 ? now.last_event.data() : "none"));
  for (const std::string& keys : key_lines()) line(keys.substr(0, static_cast<std::size_t>(std::max(20, columns - 1))));
  return out;
}

std::string sight_block(const LiveView& live, const SeenPictures& seen, const std::vector<std::string>& features,
                        int columns, int rows) {
  constexpr int kCell = 26;
  std::string out;
  if (seen.pictures > 0) {
    const std::size_t pixels = std::size_t{seen.width} * seen.height;
    out = braille_grey(static_cast<int>(seen.width), static_cast<int>(seen.height),
                       std::span(seen.grey).subspan((seen.pictures - 1) * pixels, pixels));
  } else {
    const auto cells = static_cast<std::uint32_t>(std::max(1, (columns - 1) / kCell));
    for (std::uint32_t i = 0; i < live.values; ++i) {
      out += fmt::format(" {:<17.17}{:>6.2f}  ", i < features.size() ? features[i] : std::to_string(i),
                         live.observation[i]);
      if (i % cells == cells - 1 || i + 1 == live.values) out += '\n';
    }
  }
  std::size_t end = 0;
  for (int row = 0; row < rows && end < out.size(); ++row) end = out.find('\n', end) + 1;
  return out.substr(0, end);
}

std::string train_line(const Progress& now) {
  return fmt::format(
      "{}  {}  frames {}  {}/s  updates {}  {}/s  games {}  last 100: {:.0f}  best game {}  evaluation {:.0f}  "
      "best kept {:.0f}  epsilon {:.3f}  loss {:.4f}{}",
      clock_text(now.elapsed_s), phase_text(now), now.frames, whole(now.frames_per_s), now.updates,
      whole(now.updates_per_s), now.games, now.mean_score_100, now.max_score, now.last_evaluation, now.best_evaluation,
      now.epsilon, now.loss, now.left_s > 0 ? "  left " + clock_text(now.left_s) : "");
}

TrainDisplay::TrainDisplay(const Mailbox<Progress>& progress, TrainTitle title, bool plain, TrainSight sight)
    : progress_(progress), title_(std::move(title)), sight_(std::move(sight)) {
  thread_ = std::jthread([this, plain](const std::stop_token& stop) { run(stop, plain); });
}

TrainDisplay::~TrainDisplay() = default;  // std::jthread asks its thread to stop and joins

void TrainDisplay::run(std::stop_token stop, bool plain) {
  using std::chrono::steady_clock;
  const auto period = plain ? std::chrono::milliseconds(10'000) : std::chrono::milliseconds(250);
  constexpr double kHistorySeconds = 2;
  std::unique_ptr<LiveBlock> block;
  if (!plain) block = std::make_unique<LiveBlock>(false);
  std::vector<double> history;
  double next_history_s = 0;
  std::int64_t events = 0;
  std::mutex mutex;
  std::condition_variable_any wake;
  for (bool last = false; !last;) {
    {
      std::unique_lock lock(mutex);
      wake.wait_for(lock, stop, period, [] { return false; });
    }
    last = stop.stop_requested();
    const Progress now = progress_.read();
    if (now.games > 0 && now.elapsed_s >= next_history_s) {
      history.push_back(now.mean_score_100);
      next_history_s = now.elapsed_s + kHistorySeconds;
    }
    if (block) {
      const TerminalSize size = terminal_size();
      std::string lines = train_block(now, title_, history, size.columns);
      if (now.sees && sight_.live != nullptr) {
        const auto used = static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
        lines +=
            sight_block(sight_.live->read(), sight_.seen->read(), sight_.features, size.columns, size.rows - used - 1);
      }
      block->draw(lines);
      continue;
    }
    if (now.events > events) fmt::print("trouble: {}\n", now.last_event.data());
    events = now.events;
    fmt::print("{}\n", train_line(now));
    std::fflush(stdout);
  }
}

}  // namespace sinv
