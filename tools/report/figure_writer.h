#pragma once

#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <mutex>
#include <thread>

namespace sinv {

/// Draws the training figure of a run folder again and again, on a thread of its own that reads the run's files: the
/// training never waits for it. What cannot be written is a line in the log.
class FigureWriter {
 public:
  FigureWriter(std::filesystem::path folder, std::chrono::seconds period);
  ~FigureWriter();
  FigureWriter(const FigureWriter&) = delete;
  FigureWriter& operator=(const FigureWriter&) = delete;

  /// As soon as possible. Thread: any.
  void draw_now();

 private:
  void run(const std::stop_token& stop, std::chrono::seconds period);

  std::filesystem::path folder_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  bool asked_ = false;  // guarded by mutex_
  std::jthread thread_;
};

}  // namespace sinv
