#pragma once

#include <functional>
#include <future>
#include <string>

#include "bridge/loop.h"

struct lws_context;
struct lws_context_creation_info;

namespace sinv {

/// A libwebsockets context on a loop of its own. What it has to say goes to the log. Thread: made, opened and closed by
/// one owner; everything of libwebsockets is touched on the loop's thread alone.
class LwsLoop {
 public:
  LwsLoop();
  /// REQUIRES: closed, when it was opened.
  ~LwsLoop();
  LwsLoop(const LwsLoop&) = delete;
  LwsLoop& operator=(const LwsLoop&) = delete;

  /// Fills in what belongs to the loop and makes the context; `opened` is then called on the loop's thread. `info` must
  /// stay until this returns, and what it points to until close(). Errors: UserError with `failure`; what `opened`
  /// throws.
  void open(lws_context_creation_info& info, const std::string& failure, const std::function<void()>& opened);
  /// Calls `closes` on the loop's thread, then ends every connection and waits for that.
  void close(const std::function<void()>& closes);

  Loop& loop() { return loop_; }
  lws_context* raw() { return context_; }

 private:
  void wait_until_closed(std::promise<void>& gone);

  Loop loop_;
  lws_context* context_ = nullptr;
};

}  // namespace sinv
