#include "bridge/mame/listener.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <uv.h>

#include "base/error.h"
#include "bridge/mame/address.h"
#include "bridge/mame/frame_reader.h"

namespace sinv::mame {
namespace {

constexpr int kBacklog = 64;

/// What a stranger sends may hold anything; the log shall not.
std::string printable(const std::string& words) {
  std::string out = words.substr(0, 80);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }, '?');
  return out;
}

union AnySocket {
  uv_handle_t handle;
  uv_stream_t stream;
  uv_pipe_t pipe;
  uv_tcp_t tcp;
};

int init(Loop& loop, AnySocket& socket, bool tcp) {
  return tcp ? uv_tcp_init(loop.raw(), &socket.tcp) : uv_pipe_init(loop.raw(), &socket.pipe, 0);
}

int descriptor(const AnySocket& socket) {
  uv_os_fd_t fd = -1;
  return uv_fileno(&socket.handle, &fd) == 0 ? fd : -1;
}

}  // namespace

struct Listener::Server {
  AnySocket socket{};
};

struct Listener::Guest {
  Guest(Loop& loop, Listener& on) : listener(on), timer(loop) {}
  AnySocket socket{};
  Listener& listener;
  LoopTimer timer;
  FrameReader reader;
  std::string name = "a local MAME";
};

Listener::Listener(Loop& loop, ListenerSettings settings)
    : loop_(loop), settings_(std::move(settings)), server_(new Server) {
  const bool tcp = settings_.path.empty();
  int status = init(loop_, server_->socket, tcp);
  server_->socket.handle.data = this;
  if (status == 0 && tcp) {
    const TcpAddress wanted = tcp_address(settings_.address);
    sockaddr_storage where{};
    if (wanted.host.find(':') == std::string::npos) {
      status = uv_ip4_addr(wanted.host.c_str(), wanted.port, reinterpret_cast<sockaddr_in*>(&where));
    } else {
      status = uv_ip6_addr(wanted.host.c_str(), wanted.port, reinterpret_cast<sockaddr_in6*>(&where));
    }
    if (status == 0) status = uv_tcp_bind(&server_->socket.tcp, reinterpret_cast<sockaddr*>(&where), 0);
  } else if (status == 0) {
    status = uv_pipe_bind(&server_->socket.pipe, settings_.path.c_str());
  }
  if (status == 0) {
    status = uv_listen(&server_->socket.stream, kBacklog, [](uv_stream_t* stream, int ready) {
      if (ready == 0) static_cast<Listener*>(stream->data)->accept();
    });
  }
  if (status != 0) {
    uv_close(&server_->socket.handle, [](uv_handle_t* closed) { delete reinterpret_cast<Server*>(closed); });
    if (!tcp) throw UserError(text(settings_.path, ": cannot listen there: ", uv_strerror(status)));
    throw UserError(
        text("mame.listen: cannot listen at ", settings_.address, ": ", uv_strerror(status),
             status == UV_EADDRINUSE ? "; another program has that port: choose another, or 0 for any" : ""));
  }
  if (!tcp) {
    address_ = "domain." + settings_.path;
    return;
  }
  sockaddr_storage bound{};
  int bytes = sizeof bound;
  uv_tcp_getsockname(&server_->socket.tcp, reinterpret_cast<sockaddr*>(&bound), &bytes);
  const TcpAddress wanted = tcp_address(settings_.address);
  const auto port = bound.ss_family == AF_INET ? reinterpret_cast<sockaddr_in*>(&bound)->sin_port
                                               : reinterpret_cast<sockaddr_in6*>(&bound)->sin6_port;
  address_ = text("socket.", wanted.host, ":", ntohs(port));
}

Listener::~Listener() {
  while (!guests_.empty()) close(**guests_.begin());
  uv_close(&server_->socket.handle, [](uv_handle_t* closed) { delete reinterpret_cast<Server*>(closed); });
}

void Listener::expect(const std::string& instance, std::function<void(Arrival)> come) {
  expected_[instance] = std::move(come);
}

void Listener::forget(const std::string& instance) { expected_.erase(instance); }

std::string Listener::refusal_since(std::chrono::steady_clock::time_point then) const {
  return refused_at_ >= then ? refusal_ : "";
}

void Listener::accept() {
  auto* guest = new Guest(loop_, *this);
  const bool tcp = settings_.path.empty();
  int status = init(loop_, guest->socket, tcp);
  guest->socket.handle.data = guest;
  guests_.insert(guest);
  if (status == 0) status = uv_accept(&server_->socket.stream, &guest->socket.stream);
  if (status != 0) return drop(*guest, uv_strerror(status));
  if (tcp) {
    const int on = 1;
    ::setsockopt(descriptor(guest->socket), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::setsockopt(descriptor(guest->socket), SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    sockaddr_storage from{};
    int bytes = sizeof from;
    std::array<char, 64> digits{};
    uv_tcp_getpeername(&guest->socket.tcp, reinterpret_cast<sockaddr*>(&from), &bytes);
    if (from.ss_family == AF_INET) {
      uv_ip4_name(reinterpret_cast<sockaddr_in*>(&from), digits.data(), digits.size());
    } else {
      uv_ip6_name(reinterpret_cast<sockaddr_in6*>(&from), digits.data(), digits.size());
    }
    guest->name = digits.data();
  }
  if (guests_.size() > kMostGuests) return drop(*guest, "too many connections that have not said HELLO");
  guest->timer.start(settings_.patience,
                     [guest] { guest->listener.drop(*guest, "connected and did not say HELLO in time"); });
  uv_read_start(
      &guest->socket.stream,
      [](uv_handle_t* handle, std::size_t, uv_buf_t* buffer) {
        const auto room = static_cast<Guest*>(handle->data)->reader.room();
        *buffer = uv_buf_init(reinterpret_cast<char*>(room.data()), static_cast<unsigned>(room.size()));
      },
      [](uv_stream_t* stream, ssize_t count, const uv_buf_t*) {
        Guest& heard = *static_cast<Guest*>(stream->data);
        if (count < 0) return heard.listener.drop(heard, "went before it had said HELLO");
        heard.reader.received(static_cast<std::size_t>(count));
        heard.listener.hear(heard);
      });
}

void Listener::hear(Guest& guest) {
  Frame frame;
  switch (guest.reader.next(frame)) {
    case FrameReader::Status::kMore:
      return;
    case FrameReader::Status::kBroken:
      return drop(guest, "sent " + guest.reader.why());
    case FrameReader::Status::kFrame:
      break;
  }
  if (frame.kind != Kind::kHello || frame.sequence != 0) {
    return drop(guest, text("began with ", kind_name(frame.kind), ", not with HELLO"));
  }
  const std::uint16_t version = hello_version(frame.body);
  if (version == 0) return drop(guest, "sent a HELLO that is none of ours");
  if (version != kProtocolVersion) {
    return refuse(guest, text("the plugin speaks version ", version, " of the bridge and the engine version ",
                              kProtocolVersion, ": use the plugin that came with this engine (its folder lua/sinv)"));
  }
  Hello hello;
  if (const char* why = decode(frame.body, hello)) return drop(guest, text("sent a damaged HELLO: ", why));
  if (guest.reader.waiting() != 0) return drop(guest, "sent more than HELLO before it was welcome");
  const std::string why = why_not(hello);
  if (!why.empty()) return refuse(guest, why);
  welcome(guest, std::move(hello));
}

std::string Listener::why_not(const Hello& hello) const {
  if (!settings_.token.empty() && !same_secret(hello.token, settings_.token)) {
    return "wrong token: SINV_MAME_TOKEN of MAME must be the engine's mame.token";
  }
  if (hello.set != settings_.set) {
    return text("MAME runs ", printable(hello.set), ", the engine wants ", settings_.set);
  }
  if (hello.ram_address != kRamAddress || hello.ram_bytes != kRamBytes || hello.work_ram_bytes != kWorkRamBytes) {
    return text("RAM of ", hello.ram_bytes, " bytes at ", hello.ram_address, ", ", hello.work_ram_bytes,
                " of them work RAM; the engine wants ", kRamBytes, " at ", kRamAddress, " and ", kWorkRamBytes);
  }
  if (!std::equal(hello.buttons.begin(), hello.buttons.end(), kButtonNames.begin(), kButtonNames.end())) {
    return text("buttons ", printable(join(hello.buttons)), "; the engine wants ",
                join({kButtonNames.begin(), kButtonNames.end()}));
  }
  return "";
}

void Listener::welcome(Guest& guest, Hello hello) {
  auto wanted = expected_.find(hello.instance);
  if (wanted == expected_.end() && hello.instance.empty() && settings_.path.empty()) wanted = expected_.begin();
  if (wanted == expected_.end()) {
    return refuse(guest, text("no machine waits for instance \"", printable(hello.instance), "\""));
  }
  std::vector<std::byte> answer;
  encode(Welcome{.options = settings_.compress ? kMayPackOption : std::uint8_t{0}}, 0, answer);
  // A new connection's buffer is empty, so this is sent whole or not at all.
  const int socket = descriptor(guest.socket);
  if (::send(socket, answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT) !=
      static_cast<ssize_t>(answer.size())) {
    return drop(guest, "went before it was welcomed");
  }
  const int own = ::fcntl(socket, F_DUPFD_CLOEXEC, 0);
  if (own < 0) return drop(guest, text("cannot be taken over: ", std::strerror(errno)));
  const auto come = std::move(wanted->second);
  expected_.erase(wanted);
  close(guest);
  come(Arrival{.socket = own, .hello = std::move(hello), .why = {}});
}

void Listener::refuse(Guest& guest, const std::string& why) {
  note(guest, "was refused: " + why);
  std::vector<std::byte> answer;
  encode(Refused{why}, 0, answer);
  // If it does not go out, the log still has the reason.
  static_cast<void>(::send(descriptor(guest.socket), answer.data(), answer.size(), MSG_NOSIGNAL | MSG_DONTWAIT));
  close(guest);
}

void Listener::drop(Guest& guest, const std::string& why) {
  note(guest, why);
  close(guest);
}

void Listener::note(const Guest& guest, const std::string& why) {
  refusal_ = guest.name + " " + why;
  refused_at_ = std::chrono::steady_clock::now();
  spdlog::warn("bridge: {}", refusal_);
}

void Listener::close(Guest& guest) {
  guests_.erase(&guest);
  guest.timer.stop();
  uv_close(&guest.socket.handle, [](uv_handle_t* closed) { delete static_cast<Guest*>(closed->data); });
}

}  // namespace sinv::mame
