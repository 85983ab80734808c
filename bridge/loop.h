#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <vector>

struct uv_loop_s;
struct uv_async_s;

namespace sinv {

/// The one libuv loop of the bridge, on a thread of its own: listeners, handshakes, child processes and timers live
/// there and are touched only there. All signals are blocked on that thread.
/// Whatever was made on the loop must be gone before it. Thread: any. Errors: Error when libuv cannot begin.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Has `work` done on the loop's thread, in the order of the calls. It must not throw.
  void post(std::function<void()> work);

  /// Has `work` done there and waits for what it returns or throws. On the loop's own thread: done at once.
  template <class Work>
  auto call(Work&& work) {
    using Result = std::invoke_result_t<Work&>;
    std::packaged_task<Result()> task(std::ref(work));
    std::future<Result> done = task.get_future();
    if (on_loop()) {
      task();
    } else {
      post([&task] { task(); });
    }
    return done.get();
  }

  bool on_loop() const { return std::this_thread::get_id() == thread_.get_id(); }

  /// Ends the thread and closes every handle; the destructor does so too. 0, or libuv's code when handles were left.
  int close();

  uv_loop_s* raw() { return loop_.get(); }

 private:
  void run();
  void take_work();

  std::unique_ptr<uv_loop_s> loop_;
  std::unique_ptr<uv_async_s> wake_;
  std::mutex mutex_;
  std::vector<std::function<void()>> work_;  // guarded by mutex_
  std::vector<std::function<void()>> taken_;
  bool ends_ = false;  // guarded by mutex_
  int closed_ = 0;
  int left_ = 0;
  std::thread thread_;
};

/// A timer on the loop. Thread: the loop's.
class LoopTimer {
 public:
  explicit LoopTimer(Loop& loop);
  ~LoopTimer();
  LoopTimer(const LoopTimer&) = delete;
  LoopTimer& operator=(const LoopTimer&) = delete;

  /// Calls `work` once after `delay`; starting it again forgets what was to come.
  void start(std::chrono::milliseconds delay, std::function<void()> work);
  void stop();

 private:
  struct Handle;
  Handle* handle_;
};

}  // namespace sinv
