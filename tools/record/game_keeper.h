#pragma once

#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "game/vec_env.h"
#include "tools/record/game_replay.h"

namespace sinv {

/// Keeps the best game of a training as a replay (best.replay in the run folder), and with `all` every game (replays/).
/// The machines of the training write down what they are given; files are written on a thread of its own.
/// A game that began before a resume is not kept: its beginning was not seen.
/// Thread: machines on the acting side; game_over() while they stand still. What cannot be written is a line in the
/// log.
class GameKeeper {
 public:
  /// `about`: everything but state, buttons and score. An older best.replay stands until it is beaten.
  GameKeeper(std::filesystem::path folder, GameReplay about, bool all);
  ~GameKeeper();
  GameKeeper(const GameKeeper&) = delete;
  GameKeeper& operator=(const GameKeeper&) = delete;

  /// The machines of `inner`, which then belong to environments 0, 1, ... in the order in which they are made. The
  /// keeper must outlive them.
  MachineFactory watch(MachineFactory inner);
  void game_over(const EpisodeRecord& game);
  static std::filesystem::path best_path(const std::filesystem::path& folder) { return folder / "best.replay"; }

 private:
  class Machine;
  struct Log {
    std::vector<std::byte> state;
    std::vector<std::uint8_t> buttons;
  };
  struct Slot {
    Log now;
    Log before;  // the game that has ended
  };
  struct Work {
    std::filesystem::path path;
    GameReplay replay;
  };
  void run(const std::stop_token& stop);

  std::filesystem::path folder_;
  GameReplay about_;
  bool all_;
  std::int64_t best_ = -1;
  std::int64_t games_ = 0;
  std::vector<std::unique_ptr<Slot>> slots_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::vector<Work> work_;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace sinv
