#include "bridge/lws_loop.h"

#include <array>
#include <cstring>
#include <libwebsockets.h>
#include <spdlog/spdlog.h>
#include <string_view>
#include <uv.h>

#include "base/error.h"

namespace sinv {

LwsLoop::LwsLoop() {
  lws_set_log_level(LLL_ERR, [](int, const char* line) {
    spdlog::warn("libwebsockets: {}", std::string_view(line, std::strcspn(line, "\n")));
  });
}

LwsLoop::~LwsLoop() = default;

void LwsLoop::open(lws_context_creation_info& info, const std::string& failure, const std::function<void()>& opened) {
  loop_.call([&] {
    std::array<void*, 1> loops{loop_.raw()};
    info.options |= LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DISABLE_IPV6;
    info.foreign_loops = loops.data();
    info.gid = -1;
    info.uid = -1;
    context_ = lws_create_context(&info);
    if (context_ == nullptr) {
      throw UserError(text(failure, "; is the package libwebsockets-evlib-uv there?"));
    }
    opened();
  });
}

// The first call closes what libwebsockets has on a foreign loop, the second one, when the loop has let go of it all,
// frees the rest.
void LwsLoop::close(const std::function<void()>& closes) {
  std::promise<void> gone;
  loop_.call([&] {
    closes();
    lws_context_destroy(context_);
  });
  wait_until_closed(gone);
  gone.get_future().wait();
}

void LwsLoop::wait_until_closed(std::promise<void>& gone) {
  loop_.post([this, &gone] {
    int handles = 0;
    uv_walk(
        loop_.raw(), [](uv_handle_t*, void* count) { ++*static_cast<int*>(count); }, &handles);
    if (handles > 1) {  // the loop's own is left
      wait_until_closed(gone);
      return;
    }
    lws_context_destroy(context_);
    gone.set_value();
  });
}

}  // namespace sinv
