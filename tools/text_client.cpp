#include "tools/text_client.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string_view>
#include <sys/socket.h>
#include <unistd.h>

#include "base/error.h"
#include "tools/machine_choice.h"

namespace sinv {

namespace {

constexpr int kPatienceMs = 30000;
constexpr std::size_t kLongestAnswer = std::size_t{1} << 20;

/// A socket of this program that closes itself.
class Socket {
 public:
  explicit Socket(int number) : number_(number) {
    if (number < 0) throw UserError(text("bench: a socket cannot be had: ", std::strerror(errno)));
  }
  ~Socket() {
    if (number_ >= 0) ::close(number_);
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int number() const { return number_; }

 private:
  int number_;
};

bool readable(int socket, int patience_ms) {
  pollfd entry{socket, POLLIN, 0};
  return ::poll(&entry, 1, patience_ms) == 1;
}

/// The replaced system's flags were -video none -sound none -nothrottle and nothing else.
mame::Launch slow_launch(const Machines& machines, const std::string& address) {
  mame::Launch launch = machines.launch_without_plugin();
  for (const char* option : {"-samplerate", "-frameskip", "-numprocessors"}) {
    const auto found = std::find(launch.arguments.begin(), launch.arguments.end(), option);
    if (found != launch.arguments.end()) launch.arguments.erase(found, found + 2);
  }
  launch.arguments.insert(launch.arguments.end(), {"-plugin", "sinv"});
  std::erase_if(launch.environment, [](const std::string& word) { return word.rfind("SINV_MAME_", 0) == 0; });
  launch.environment.push_back("SINV_MAME_MODE=text");
  launch.environment.push_back("SINV_MAME_ADDRESS=" + address);
  return launch;
}

}  // namespace

TextClient::TextClient(const Machines& machines) : inflater_(kLongestAnswer) {
  const Socket listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in place{};
  place.sin_family = AF_INET;
  place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof place;
  auto* address = reinterpret_cast<sockaddr*>(&place);
  if (::bind(listener.number(), address, size) != 0 || ::listen(listener.number(), 1) != 0 ||
      ::getsockname(listener.number(), address, &size) != 0) {
    throw UserError(text("bench: no port to listen on: ", std::strerror(errno)));
  }
  process_ =
      mame::Process::start(loop_, slow_launch(machines, text("socket.127.0.0.1:", ntohs(place.sin_port))), [] {});
  if (!readable(listener.number(), kPatienceMs)) {
    process_->kill();
    process_->wait(std::chrono::seconds(5));
    fail("does not connect");
  }
  socket_ = ::accept4(listener.number(), nullptr, nullptr, SOCK_CLOEXEC);
  const int on = 1;
  ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

TextClient::~TextClient() {
  process_->kill();
  process_->wait(std::chrono::seconds(5));
  if (socket_ >= 0) ::close(socket_);
}

void TextClient::fail(const std::string& what) const {
  throw UserError(text("bench: the MAME of the text protocol ", what, "; ", process_->obituary()));
}

const std::vector<std::string>& TextClient::batch(std::span<const std::string> lines) {
  sent_.clear();
  for (const std::string& line : lines) sent_.append(line).push_back('\n');
  sent_ += "__end__\n";
  if (::send(socket_, sent_.data(), sent_.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(sent_.size())) fail("is gone");

  // A stream has no length before it: it is whole when it can be unpacked.
  std::span<const std::byte> unpacked;
  received_.clear();
  do {
    if (!readable(socket_, kPatienceMs)) fail("does not answer");
    const std::size_t before = received_.size();
    received_.resize(before + 16384);
    const ssize_t got = ::recv(socket_, received_.data() + before, 16384, 0);
    if (got <= 0) fail("is gone");
    received_.resize(before + static_cast<std::size_t>(got));
    if (received_.size() > kLongestAnswer) fail("answers with something that is no zlib stream");
  } while (inflater_.unpack(received_, unpacked) != nullptr);

  answer_.clear();
  std::string_view rest(reinterpret_cast<const char*>(unpacked.data()), unpacked.size());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    answer_.emplace_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (answer_.back().rfind("ERR", 0) == 0) fail("refuses: " + answer_.back());
  }
  if (answer_.size() != lines.size()) {
    fail(text("answers ", lines.size(), " commands with ", answer_.size(), " lines"));
  }
  return answer_;
}

}  // namespace sinv
