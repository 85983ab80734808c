#pragma once

#include <string>
#include <thread>
#include <vector>

#include "rl/live_view.h"
#include "rl/progress.h"

namespace sinv {

/// In words, for the display and the page.
const char* phase_name(TrainerPhase phase);

/// What stands still during a training and is shown on top of what moves.
struct TrainTitle {
  std::string agent;
  std::string folder;
  std::string game;
  unsigned long long seed = 0;
};

/// What the agent sees, for the display to show while Progress::sees is set. What it points to outlives the display.
struct TrainSight {
  const Mailbox<LiveView>* live = nullptr;
  const Mailbox<SeenPictures>* seen = nullptr;
  std::vector<std::string> features{};  // names of the values
};

/// Shows a training while it runs: a block that is redrawn in a terminal, a line every few seconds elsewhere.
/// Reads the mailbox from a thread of its own; the training never waits for it.
class TrainDisplay {
 public:
  TrainDisplay(const Mailbox<Progress>& progress, TrainTitle title, bool plain, TrainSight sight = {});
  /// Shows the last state once more and ends.
  ~TrainDisplay();
  TrainDisplay(const TrainDisplay&) = delete;
  TrainDisplay& operator=(const TrainDisplay&) = delete;

 private:
  void run(std::stop_token stop, bool plain);
  const Mailbox<Progress>& progress_;
  TrainTitle title_;
  TrainSight sight_;
  std::jthread thread_;
};

/// The block of a terminal `columns` wide, lines ended by '\n'. `history` are mean scores, oldest first. For tests too.
std::string train_block(const Progress& now, const TrainTitle& title, const std::vector<double>& history, int columns);
/// What the agent sees, under the block, in at most `rows` lines: the newest picture, or names and values.
std::string sight_block(const LiveView& live, const SeenPictures& seen, const std::vector<std::string>& features,
                        int columns, int rows);
/// The plain line.
std::string train_line(const Progress& now);

}  // namespace sinv
