#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <string>

#include "bridge/loop.h"
#include "bridge/mame/launch.h"

namespace sinv::mame {

/// A child process, started by the loop. It is stopped by its handle only, never by a number that might by then belong
/// to another process. It is in a session of its own, so that Ctrl-C in the terminal reaches the engine alone, which
/// may want to save MAME's state before it ends.
/// Thread: any, where nothing else is said.
class Process : public std::enable_shared_from_this<Process> {
 public:
  /// `ended` is called on the loop's thread when the process has ended.
  /// Errors: UserError when it cannot be started or its folder or log cannot be made.
  static std::shared_ptr<Process> start(Loop& loop, const Launch& launch, std::function<void()> ended);

  /// SIGKILL.
  void kill();
  /// SIGTERM after `grace`, SIGKILL a second later.
  void stop(std::chrono::milliseconds grace);
  /// True when it has ended within `patience`.
  bool wait(std::chrono::milliseconds patience) const;

  int pid() const { return pid_; }
  /// "status 1", "signal 9", or "it runs".
  std::string how_it_ended() const;
  /// The last lines of its output, without those of which every machine without sound is full. Empty when there are
  /// none.
  std::string last_lines(int count = 15) const;
  /// For people: how it ended, and its last lines.
  std::string obituary() const;

  Process(Loop& loop, std::filesystem::path log) : loop_(loop), log_(std::move(log)) {}

 private:
  struct Handle;
  void on_exit(std::int64_t status, int signal);

  Loop& loop_;
  std::filesystem::path log_;
  std::uintmax_t log_from_ = 0;  // the log goes on from the process before
  int pid_ = 0;
  Handle* handle_ = nullptr;  // the loop's; null once it has ended
  std::function<void()> ended_;
  std::unique_ptr<LoopTimer> timer_;
  std::int64_t status_ = 0;
  int signal_ = 0;
  std::promise<void> end_;
  std::shared_future<void> has_ended_ = end_.get_future().share();
};

}  // namespace sinv::mame
