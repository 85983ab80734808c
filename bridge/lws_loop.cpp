#include "bridge/lws_loop.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fcntl.h>
#include <libwebsockets.h>
#include <mutex>
#include <spdlog/spdlog.h>
#include <string_view>
#include <sys/resource.h>
#include <unistd.h>
#include <uv.h>
#include <vector>

#include "base/error.h"

namespace sinv {

// On a foreign libuv loop libwebsockets 4.1 closes a context's event descriptor twice: in lws_context_destroy() and
// once more when libuv has let go of it (its issue 2514). In between, the number may have been given to another
// thread's file, which would then be closed. So that descriptor gets a high number, where the kernel, which hands out
// the lowest free one, does not come; and between the two something else stands in for it.
namespace {

std::mutex high_numbers;  // held by whoever takes one or gives one back

int first_high_number() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1024) / 2);
}

// While it lives, every low number is taken.
class LowNumbersTaken {
 public:
  LowNumbersTaken() {
    const int first_high = first_high_number();
    int number = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
    while (number >= 0 && number < first_high) {
      taken_.push_back(number);
      number = ::fcntl(number, F_DUPFD_CLOEXEC, 0);
    }
    if (number >= 0) ::close(number);
  }
  ~LowNumbersTaken() {
    for (const int number : taken_) ::close(number);
  }
  LowNumbersTaken(const LowNumbersTaken&) = delete;
  LowNumbersTaken& operator=(const LowNumbersTaken&) = delete;

 private:
  std::vector<int> taken_;
};

bool is_event_descriptor(int number) {
  std::array<char, 64> target{};
  const ssize_t size = ::readlink(text("/proc/self/fd/", number).c_str(), target.data(), target.size());
  return size > 0 && std::string_view(target.data(), static_cast<std::size_t>(size)) == "anon_inode:[eventfd]";
}

// The event descriptor that libwebsockets has libuv watch; -1: none.
int event_descriptor(uv_loop_t* loop) {
  int found = -1;
  uv_walk(
      loop,
      [](uv_handle_t* handle, void* out) {
        int number = -1;
        if (handle->type == UV_POLL && uv_fileno(handle, &number) == 0 && is_event_descriptor(number)) {
          *static_cast<int*>(out) = number;
        }
      },
      &found);
  return found;
}

void destroy_but_hold_event_descriptor(uv_loop_t* loop, lws_context* context) {
  const std::scoped_lock lock(high_numbers);
  const int number = event_descriptor(loop);
  lws_context_destroy(context);
  if (number < 0 || ::fcntl(number, F_GETFD) != -1) return;
  const int source = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  const int stand_in = ::fcntl(source, F_DUPFD_CLOEXEC, number);
  if (stand_in != number && stand_in >= 0) ::close(stand_in);
  ::close(source);
}

}  // namespace

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
    {
      const std::scoped_lock lock(high_numbers);
      const LowNumbersTaken taken;
      context_ = lws_create_context(&info);
    }
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
    destroy_but_hold_event_descriptor(loop_.raw(), context_);
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
