#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <thread>
#include <utility>

namespace sinv {

/// Runs one piece of work beside its owner, again and again: start() hands it over, finish() waits for its end. Between
/// the two the owner must not touch what the work touches; at all other times the thread sleeps.
/// Thread: start(), finish() and the destructor belong to the owner. Errors: finish() throws what the work threw.
class RoundThread {
 public:
  explicit RoundThread(std::function<void()> work) : work_(std::move(work)), thread_([this] { loop(); }) {}
  ~RoundThread() {
    phase_.wait(kRunning);
    phase_.store(kLeaving);
    phase_.notify_one();
    thread_.join();
  }
  RoundThread(const RoundThread&) = delete;
  RoundThread& operator=(const RoundThread&) = delete;

  void start() {
    phase_.store(kRunning);
    phase_.notify_one();
  }
  void finish() {
    phase_.wait(kRunning);
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
  }

 private:
  enum Phase : int { kIdle, kRunning, kLeaving };
  void loop() {
    for (;;) {
      phase_.wait(kIdle);
      if (phase_.load() == kLeaving) return;
      try {
        work_();
      } catch (...) {
        error_ = std::current_exception();
      }
      phase_.store(kIdle);
      phase_.notify_one();
    }
  }

  std::function<void()> work_;
  std::atomic<int> phase_{kIdle};
  std::exception_ptr error_;
  std::thread thread_;  // last: it uses all of the above
};

}  // namespace sinv
