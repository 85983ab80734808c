#include "bridge/loop.h"

#include <csignal>
#include <spdlog/spdlog.h>
#include <uv.h>

#include "base/error.h"

namespace sinv {

Loop::Loop() : loop_(std::make_unique<uv_loop_t>()), wake_(std::make_unique<uv_async_t>()) {
  int status = uv_loop_init(loop_.get());
  SINV_CHECK(status == 0, "libuv: uv_loop_init: ", uv_strerror(status));
  wake_->data = this;
  status =
      uv_async_init(loop_.get(), wake_.get(), [](uv_async_t* wake) { static_cast<Loop*>(wake->data)->take_work(); });
  if (status != 0) {
    uv_loop_close(loop_.get());
    throw Error(text("libuv: uv_async_init: ", uv_strerror(status)));
  }
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

Loop::~Loop() {
  const int status = close();
  if (status != 0) spdlog::error("bridge: the loop closed with {}, {} handles were left", uv_strerror(status), left_);
}

void Loop::post(std::function<void()> work) {
  {
    const std::scoped_lock lock(mutex_);
    SINV_CHECK(!ends_, "Loop: work posted after close()");
    work_.push_back(std::move(work));
  }
  uv_async_send(wake_.get());
}

int Loop::close() {
  if (!thread_.joinable()) return closed_;
  {
    const std::scoped_lock lock(mutex_);
    ends_ = true;
  }
  uv_async_send(wake_.get());
  thread_.join();
  closed_ = uv_loop_close(loop_.get());
  if (left_ > 0) closed_ = UV_EBUSY;
  return closed_;
}

void Loop::take_work() {
  bool ends = false;
  {
    const std::scoped_lock lock(mutex_);
    taken_.swap(work_);
    ends = ends_;
  }
  for (auto& work : taken_) work();
  taken_.clear();
  // Closing the last handle of a clean loop lets uv_run return.
  if (ends && uv_is_closing(reinterpret_cast<uv_handle_t*>(wake_.get())) == 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(wake_.get()), nullptr);
    uv_walk(
        loop_.get(),
        [](uv_handle_t* handle, void* self) {
          if (uv_is_closing(handle) != 0) return;
          ++static_cast<Loop*>(self)->left_;  // its owner is late; do not wait for it for ever
          uv_close(handle, nullptr);
        },
        this);
  }
}

void Loop::run() { uv_run(loop_.get(), UV_RUN_DEFAULT); }

struct LoopTimer::Handle {
  uv_timer_t timer;
  std::function<void()> work;
};

LoopTimer::LoopTimer(Loop& loop) : handle_(new Handle{}) {
  uv_timer_init(loop.raw(), &handle_->timer);
  handle_->timer.data = handle_;
}

LoopTimer::~LoopTimer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->timer),
           [](uv_handle_t* timer) { delete static_cast<Handle*>(timer->data); });
}

void LoopTimer::start(std::chrono::milliseconds delay, std::function<void()> work) {
  handle_->work = std::move(work);
  uv_timer_start(
      &handle_->timer,
      [](uv_timer_t* timer) {
        const std::function<void()> work = std::move(static_cast<Handle*>(timer->data)->work);
        work();  // may destroy the timer
      },
      static_cast<std::uint64_t>(delay.count()), 0);
}

void LoopTimer::stop() { uv_timer_stop(&handle_->timer); }

}  // namespace sinv
