// The client here is plain sockets and shares no code with the server.
#include "bridge/dash/page_server.h"

#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <mutex>
#include <set>
#include <sys/resource.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace sinv::dash {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class Peer {
 public:
  explicit Peer(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval patience{30, 0};  // a hang guard
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    EXPECT_EQ(::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where), 0);
  }
  ~Peer() { ::close(socket_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  void send(const std::string& bytes) {
    EXPECT_EQ(::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
  }

  /// Empty: the other side has closed.
  std::string receive(std::size_t count) {
    while (held_.size() < count && read_more()) {
    }
    if (held_.size() < count) return "";
    std::string out = held_.substr(0, count);
    held_.erase(0, count);
    return out;
  }

  std::string receive_head() {
    std::size_t end = 0;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos) {
      if (!read_more()) return std::exchange(held_, "");
    }
    return receive(end + 4);
  }

  /// Payload of one message from the server; "" when it has closed.
  std::string receive_message() {
    const std::string head = receive(2);
    if (head.empty() || (head[0] & 0x0F) == 8) return "";
    std::size_t size = static_cast<std::uint8_t>(head[1]);
    if (size == 126) {
      const std::string more = receive(2);
      size = static_cast<std::size_t>(static_cast<std::uint8_t>(more[0])) << 8 | static_cast<std::uint8_t>(more[1]);
    }
    return receive(size);
  }

  /// One message to the server, masked as the standard wants it (RFC 6455, 5.3).
  void send_message(const std::string& text) {
    std::string frame = "\x81";
    if (text.size() < 126) {
      frame += static_cast<char>(0x80 | text.size());
    } else {
      frame += static_cast<char>(0x80 | 126);
      frame += static_cast<char>(text.size() >> 8);
      frame += static_cast<char>(text.size() & 0xFF);
    }
    frame += std::string(4, '\0');  // a mask that changes nothing
    send(frame + text);
  }

  std::string get(const std::string& path, const std::string& host, const std::string& more = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "Connection: close\r\n\r\n");
    std::string all;
    do {
      all += std::exchange(held_, "");
    } while (read_more());
    return all;
  }

  std::string open_socket(const std::string& path, const std::string& host, const std::string& more = "") {
    send("GET " + path + " HTTP/1.1\r\nHost: " + host +
         "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
         "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: sinv\r\n" +
         more + "\r\n");
    return receive_head();
  }

 private:
  bool read_more() {
    char block[4096];
    const ssize_t got = ::recv(socket_, block, sizeof block, 0);
    if (got > 0) held_.append(block, static_cast<std::size_t>(got));
    return got > 0;
  }

  int socket_;
  std::string held_;
};

// What the hooks were told, in order, for a test to wait for.
class Said {
 public:
  void add(std::string what) {
    const std::scoped_lock lock(mutex_);
    all_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::vector<std::string> wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return all_.size() >= count; });
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

std::string host_of(const PageServer& server) { return "127.0.0.1:" + std::to_string(server.port()); }

PageSettings any_port() {
  PageSettings settings;
  settings.port = 0;
  return settings;
}

std::vector<Asset> page() { return {{"/", "text/html", "<p>hello</p>"}, {"/app.js", "text/javascript", "let a;"}}; }

template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(PageServer, ServesItsAssetsAndNothingElse) {
  const PageServer server(any_port(), page(), {});
  const std::string root = Peer(server.port()).get("/", host_of(server));
  EXPECT_THAT(root, StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(root, HasSubstr("content-type: text/html"));
  EXPECT_THAT(root, HasSubstr("default-src 'self'"));
  EXPECT_THAT(root, testing::EndsWith("\r\n\r\n<p>hello</p>"));
  EXPECT_THAT(Peer(server.port()).get("/app.js", host_of(server)), testing::EndsWith("let a;"));
  EXPECT_THAT(Peer(server.port()).get("/../etc/passwd", host_of(server)), StartsWith("HTTP/1.1 404 "));
}

TEST(PageServer, AnswersOfAnySizeArriveWhole) {
  std::string large;
  while (large.size() < 1'000'000) large += std::to_string(large.size()) + ",";
  PageServer::Hooks hooks;
  Said said;
  hooks.answer = [&](const Request& request) {
    for (const auto& [name, value] : request.words) said.add(request.path + " " + name + "=" + value);
    return Reply{200, "text/plain", request.path == "/large" ? large : ""};
  };
  const PageServer server(any_port(), page(), hooks);
  const std::string got = Peer(server.port()).get("/large", host_of(server));
  EXPECT_EQ(got.substr(got.find("\r\n\r\n") + 4), large);
  EXPECT_THAT(Peer(server.port()).get("/empty?run=a%20b&from=7", host_of(server)), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(said.wait_for(2), ElementsAre("/empty from=7", "/empty run=a b"));
}

TEST(PageServer, MessagesGoBothWays) {
  Said said;
  PageServer::Hooks hooks;
  hooks.message = [&](std::uint64_t client, std::string_view text) {
    said.add(std::to_string(client) + " " + std::string(text.substr(0, 10)) + " " + std::to_string(text.size()));
  };
  hooks.closed = [&](std::uint64_t client) { said.add(std::to_string(client) + " closed"); };
  PageServer server(any_port(), page(), hooks);
  {
    Peer peer(server.port());
    EXPECT_THAT(peer.open_socket("/live", host_of(server)), StartsWith("HTTP/1.1 101 "));
    peer.send_message("first");
    EXPECT_THAT(said.wait_for(1), ElementsAre("1 first 5"));
    EXPECT_EQ(server.clients(), 1);
    const std::string picture(7168, 'x');
    server.run([&] {
      server.send_text("one");
      server.send_text("two");
      server.send_latest(0, std::vector<std::uint8_t>(picture.begin(), picture.end()));
    });
    EXPECT_EQ(peer.receive_message(), "one");
    EXPECT_EQ(peer.receive_message(), "two");
    EXPECT_EQ(peer.receive_message(), picture);
    peer.send_message(std::string(3000, 'y'));
    EXPECT_EQ(said.wait_for(2)[1], "1 yyyyyyyyyy 3000");
  }
  EXPECT_EQ(said.wait_for(3)[2], "1 closed");
  EXPECT_EQ(server.clients(), 0);
}

// All are given to the loop in one piece of work, so none has left before the last is there.
TEST(PageServer, OfOneSlotOnlyTheLatestIsSent) {
  Said said;
  PageServer::Hooks hooks;
  hooks.message = [&](std::uint64_t, std::string_view text) { said.add(std::string(text)); };
  PageServer server(any_port(), page(), hooks);
  Peer peer(server.port());
  peer.open_socket("/live", host_of(server));
  peer.send_message("here");
  said.wait_for(1);
  server.run([&] {
    for (int i = 0; i < 1000; ++i) server.send_latest(3, "picture " + std::to_string(i));
    server.send_text("end");
  });
  EXPECT_EQ(peer.receive_message(), "picture 999");
  EXPECT_EQ(peer.receive_message(), "end");
}

TEST(PageServer, WhoReadsTooSlowlyIsLetGo) {
  Said said;
  PageServer::Hooks hooks;
  hooks.message = [&](std::uint64_t, std::string_view text) { said.add(std::string(text)); };
  hooks.closed = [&](std::uint64_t) { said.add("closed"); };
  PageServer server(any_port(), page(), hooks);
  Peer peer(server.port());
  peer.open_socket("/live", host_of(server));
  peer.send_message("here");
  said.wait_for(1);
  server.run([&] {
    for (std::size_t i = 0; i <= PageServer::kMostWaiting; ++i) server.send_text("more");
  });
  EXPECT_EQ(said.wait_for(2)[1], "closed");
}

TEST(PageServer, AMessageThatIsTooLongEndsItsConnection) {
  Said said;
  PageServer::Hooks hooks;
  hooks.message = [&](std::uint64_t, std::string_view) { said.add("message"); };
  hooks.closed = [&](std::uint64_t) { said.add("closed"); };
  const PageServer server(any_port(), page(), hooks);
  Peer peer(server.port());
  peer.open_socket("/live", host_of(server));
  peer.send_message(std::string(PageServer::kMostMessageBytes + 1, 'z'));
  EXPECT_THAT(said.wait_for(1), ElementsAre("closed"));
}

TEST(PageServer, TicksWhileAPageIsOpen) {
  Said said;
  PageServer::Hooks hooks;
  hooks.tick = [&] { said.add("tick"); };
  const PageServer server(any_port(), page(), hooks);
  Peer peer(server.port());
  peer.open_socket("/live", host_of(server));
  EXPECT_GE(said.wait_for(3).size(), 3U);
}

// A page of another site, opened in the same browser, must not steer the training.
TEST(PageServer, OtherSitesAreRefused) {
  const PageServer server(any_port(), page(), {});
  const std::string host = host_of(server);
  EXPECT_THAT(Peer(server.port()).get("/", host, "Origin: http://elsewhere.example\r\n"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Peer(server.port()).get("/", "elsewhere.example"), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Peer(server.port()).get("/", host, "Origin: http://" + host + "\r\n"), StartsWith("HTTP/1.1 200 "));
  Peer peer(server.port());
  EXPECT_THAT(peer.open_socket("/live", host, "Origin: http://elsewhere.example\r\n"), Not(HasSubstr(" 101 ")));
  EXPECT_EQ(server.clients(), 0);
}

TEST(PageServer, ATokenIsWantedOfEverybody) {
  PageSettings settings = any_port();
  settings.token = "secret";
  const PageServer server(settings, page(), {});
  EXPECT_THAT(server.url(), testing::EndsWith("/?token=secret"));
  EXPECT_THAT(Peer(server.port()).get("/", host_of(server)), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Peer(server.port()).get("/?token=other", host_of(server)), StartsWith("HTTP/1.1 403 "));
  EXPECT_THAT(Peer(server.port()).get("/?token=secret", "a.machine:80"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Peer(server.port()).get("/app.js", "a.machine:80"), StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(Peer(server.port()).get("/api/state", host_of(server)), StartsWith("HTTP/1.1 403 "));
  Peer without(server.port());
  EXPECT_THAT(without.open_socket("/live", host_of(server)), Not(HasSubstr(" 101 ")));
  Peer with(server.port());
  EXPECT_THAT(with.open_socket("/live?token=secret", host_of(server)), StartsWith("HTTP/1.1 101 "));
}

TEST(PageServer, ATakenPortLeadsToTheNextOne) {
  const PageServer first(any_port(), page(), {});
  PageSettings settings;
  settings.port = first.port();
  const PageServer second(settings, page(), {});
  EXPECT_GT(second.port(), first.port());
  settings.ports_to_try = 1;
  EXPECT_THAT(error_of([&] { PageServer(settings, page(), {}); }),
              testing::AllOf(HasSubstr("dashboard: cannot listen on 127.0.0.1:"), HasSubstr("Address already in use")));
}

// All want the same port at the same time, some between another's look at it and its taking it.
TEST(PageServer, ServersThatBeginAtOnceGetAPortEach) {
  PageSettings settings;
  settings.port = PageServer(any_port(), page(), {}).port();
  for (int round = 0; round < 5; ++round) {
    std::array<std::unique_ptr<PageServer>, 8> servers;
    std::vector<std::thread> beginners;
    beginners.reserve(servers.size());
    for (auto& server : servers) {
      beginners.emplace_back([&] { server = std::make_unique<PageServer>(settings, page(), PageServer::Hooks{}); });
    }
    for (std::thread& beginner : beginners) beginner.join();
    std::set<int> ports;
    for (const auto& server : servers) {
      ports.insert(server->port());
      EXPECT_THAT(Peer(server->port()).get("/app.js", host_of(*server)), StartsWith("HTTP/1.1 200 "));
    }
    EXPECT_EQ(ports.size(), servers.size());
  }
}

TEST(PageServer, WhoComesWhileThereAreNoDescriptorsWaits) {
  const PageServer server(any_port(), page(), {});
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  ::close(next);
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit one_left{static_cast<rlim_t>(next) + 1, limit.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &one_left);
  Peer peer(server.port());  // takes it
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  ::setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THAT(peer.get("/app.js", host_of(server)), StartsWith("HTTP/1.1 200 "));
}

TEST(PageServer, AddressesThatWillNotDoAreNamed) {
  PageSettings settings = any_port();
  settings.address = "0.0.0.0";
  EXPECT_EQ(error_of([&] { PageServer(settings, page(), {}); }),
            "dashboard: 0.0.0.0 can be reached from other machines; that wants a token");
  settings.token = "t";
  settings.address = "somewhere";
  EXPECT_EQ(error_of([&] { PageServer(settings, page(), {}); }),
            "dashboard: somewhere is no IPv4 address; wanted 127.0.0.1 or one of this machine");
  settings.address = "203.0.113.7";
  EXPECT_THAT(error_of([&] { PageServer(settings, page(), {}); }),
              HasSubstr("dashboard: cannot listen on 203.0.113.7:0: Cannot assign requested address"));
}

TEST(PageServer, EndsWithPagesOpen) {
  auto server = std::make_unique<PageServer>(any_port(), page(), PageServer::Hooks{});
  Peer one(server->port());
  Peer two(server->port());
  one.open_socket("/live", host_of(*server));
  two.open_socket("/live", host_of(*server));
  server = nullptr;
  EXPECT_EQ(one.receive_message(), "");
}

}  // namespace
}  // namespace sinv::dash
