#include "bridge/lws_loop.h"

#include <array>
#include <fcntl.h>
#include <filesystem>
#include <gtest/gtest.h>
#include <libwebsockets.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

namespace sinv {
namespace {

int open_descriptors() {
  return static_cast<int>(std::distance(std::filesystem::directory_iterator("/proc/self/fd"), {}));
}

int nothing(lws* /*wsi*/, lws_callback_reasons /*reason*/, void* /*user*/, void* /*in*/, std::size_t /*size*/) {
  return 0;
}

// Opens files between libwebsockets' end of its context and libuv's end of the handles in it.
struct Opener {
  uv_check_t check{};
  std::array<int, 8> files{};

  void watch(uv_loop_t* loop) {
    check.data = this;
    uv_check_init(loop, &check);
    uv_check_start(&check, [](uv_check_t* at) {
      for (int& file : static_cast<Opener*>(at->data)->files) file = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
      uv_close(reinterpret_cast<uv_handle_t*>(at), nullptr);
    });
  }
};

int files_lost_with_a_loop() {
  std::array<lws_protocols, 2> protocols{};
  protocols[0] = {"test", &nothing, 0, 0, 0, nullptr, 0};
  lws_context_creation_info info{};
  info.port = CONTEXT_PORT_NO_LISTEN;
  info.protocols = protocols.data();
  Opener opener;
  {
    LwsLoop loop;
    loop.open(info, "test", [] {});
    loop.close([&] { opener.watch(loop.loop().raw()); });
  }
  int lost = 0;
  for (const int file : opener.files) lost += ::close(file) == 0 ? 0 : 1;
  return lost;
}

// libwebsockets closes one of its descriptors twice; what somebody else opens in between must stay open.
TEST(LwsLoop, ClosesItsOwnDescriptorsAndNobodyElses) {
  EXPECT_EQ(files_lost_with_a_loop(), 0);
  const int before = open_descriptors();  // libuv keeps two from its first loop on
  EXPECT_EQ(files_lost_with_a_loop(), 0);
  EXPECT_EQ(open_descriptors(), before);
}

}  // namespace
}  // namespace sinv
