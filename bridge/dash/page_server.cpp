#include "bridge/dash/page_server.h"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <cstring>
#include <deque>
#include <libwebsockets.h>
#include <list>
#include <netinet/tcp.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "bridge/lws_loop.h"

namespace sinv::dash {

namespace {

constexpr std::size_t kChunkBytes = 16'384;
constexpr int kNoSlot = -1;

struct Message {
  int slot = kNoSlot;
  bool text = true;
  std::vector<std::uint8_t> bytes;  // LWS_PRE bytes of room, then the message
};
using Shared = std::shared_ptr<Message>;

// What libwebsockets keeps for each connection: plain memory, cleared. One of the two is set.
struct Connection {
  struct Client* client;
  struct Answer* answer;  // under way
};

struct Client {
  std::uint64_t number = 0;
  lws* wsi = nullptr;
  std::deque<Shared> waiting;
  std::string incoming;
};

struct Answer {
  std::string bytes;
  std::size_t sent = 0;
};

bool is_loopback(const std::string& address) { return address == "localhost" || address.rfind("127.", 0) == 0; }

std::string header(lws* wsi, lws_token_indexes which) {
  std::array<char, 512> value{};
  const int count = lws_hdr_copy(wsi, value.data(), static_cast<int>(value.size()), which);
  return count > 0 ? std::string(value.data(), static_cast<std::size_t>(count)) : "";
}

std::map<std::string, std::string> words_of(lws* wsi) {
  std::map<std::string, std::string> words;
  std::array<char, 512> piece{};
  for (int i = 0; lws_hdr_copy_fragment(wsi, piece.data(), piece.size(), WSI_TOKEN_HTTP_URI_ARGS, i) > 0; ++i) {
    const std::string word = piece.data();
    const std::size_t equals = word.find('=');
    std::array<char, 512> value{};
    const std::string raw = equals == std::string::npos ? "" : word.substr(equals + 1);
    lws_urldecode(value.data(), raw.c_str(), static_cast<int>(value.size()) - 1);
    words[word.substr(0, equals)] = value.data();
  }
  return words;
}

sockaddr_in socket_address(const std::string& address, int port) {
  sockaddr_in where{};
  where.sin_family = AF_INET;
  where.sin_port = htons(static_cast<std::uint16_t>(port));
  if (::inet_pton(AF_INET, address == "localhost" ? "127.0.0.1" : address.c_str(), &where.sin_addr) != 1) {
    throw UserError(text("dashboard: ", address, " is no IPv4 address; wanted 127.0.0.1 or one of this machine"));
  }
  return where;
}

// A socket that listens there; -1, and errno says why: none can.
int listening_socket(const sockaddr_in& where) {
  const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int yes = 1;
  ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(listener, reinterpret_cast<const sockaddr*>(&where), sizeof where) == 0 &&
      ::listen(listener, SOMAXCONN) == 0) {
    return listener;
  }
  const int cause = errno;
  ::close(listener);
  errno = cause;
  return -1;
}

int port_of(int listener) {
  sockaddr_in where{};
  socklen_t size = sizeof where;
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&where), &size);
  return ntohs(where.sin_port);
}

}  // namespace

struct PageServer::Body {
  PageSettings settings;
  std::vector<Asset> assets;
  Hooks hooks;
  LwsLoop context;
  std::array<lws_protocols, 3> protocols{};
  int listener = -1;
  int port = 0;
  uv_poll_t* watch = nullptr;  // of the listener
  bool waits = false;          // it is not watched until the next period
  std::list<Client> clients;
  std::atomic<int> count{0};
  std::uint64_t numbered = 0;
  std::unique_ptr<LoopTimer> timer;

  ~Body() {
    if (listener >= 0) ::close(listener);
  }

  static Body& of(lws* wsi) { return *static_cast<Body*>(lws_context_user(lws_get_context(wsi))); }

  // The socket that listens is ours: libwebsockets 4.1 frees what it still uses when it cannot bind a port that
  // somebody took since it was tried. It gets the connections.
  void listen() {
    int wanted = settings.port;
    while ((listener = listening_socket(socket_address(settings.address, wanted))) < 0) {
      const int cause = errno;
      const bool next =
          cause == EADDRINUSE && wanted != 0 && wanted < 65'535 && wanted - settings.port + 1 < settings.ports_to_try;
      if (!next) {
        throw UserError(
            text("dashboard: cannot listen on ", settings.address, ":", wanted, ": ", std::strerror(cause)));
      }
      ++wanted;
    }
    port = port_of(listener);
  }

  void start() {
    protocols[0] = {"http", &on_http, sizeof(Connection), kMostMessageBytes, 0, nullptr, 0};
    protocols[1] = {"sinv", &on_socket, sizeof(Connection), kMostMessageBytes, 0, nullptr, 0};
    protocols[2] = {};
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.protocols = protocols.data();
    info.user = this;
    info.keepalive_timeout = 30;
    context.open(info, "dashboard: libwebsockets could not begin", [this] {
      timer = std::make_unique<LoopTimer>(context.loop());
      watch = new uv_poll_t{};
      watch->data = this;
      uv_poll_init(context.loop().raw(), watch, listener);
      listen_on();
      arm();
    });
  }

  void arm() {
    timer->start(hooks.period, [this] {
      if (waits) listen_on();
      if (!clients.empty() && hooks.tick) hooks.tick();
      arm();
    });
  }

  void listen_on() {
    waits = false;
    uv_poll_start(watch, UV_READABLE, [](uv_poll_t* at, int, int) { static_cast<Body*>(at->data)->accept(); });
  }

  void accept() {
    lws_vhost* const host = lws_get_vhost_by_name(context.raw(), "default");
    int taken = 0;
    while ((taken = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
      const int yes = 1;
      ::setsockopt(taken, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
      lws_adopt_socket_vhost(host, taken);  // closes it when it cannot
    }
    if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR) return;
    // Out of descriptors, say: who waits would be reported again at once; he is asked again at the next period.
    uv_poll_stop(watch);
    waits = true;
  }

  void stop() {
    context.close([this] {
      timer = nullptr;
      uv_close(reinterpret_cast<uv_handle_t*>(watch), [](uv_handle_t* at) { delete reinterpret_cast<uv_poll_t*>(at); });
    });
  }

  bool may_enter(lws* wsi, bool wants_token) const {
    const std::string host = header(wsi, WSI_TOKEN_HOST);
    const std::string origin = header(wsi, WSI_TOKEN_ORIGIN);
    if (!origin.empty() && origin != "http://" + host) return false;
    if (!settings.token.empty()) {
      if (!wants_token) return true;
      const std::map<std::string, std::string> words = words_of(wsi);
      const auto given = words.find("token");
      return given != words.end() && given->second == settings.token;
    }
    const std::string name = host.substr(0, host.find(':'));
    return is_loopback(name) || name == settings.address;
  }

  int answer(lws* wsi, Connection& connection, const std::string& path) {
    const auto asset = std::find_if(assets.begin(), assets.end(), [&](const Asset& one) { return one.path == path; });
    // What the page loads by itself comes without the token, and tells nothing.
    const bool wants_token = asset == assets.end() || path == "/";
    Reply reply;
    if (!may_enter(wsi, wants_token)) {
      reply = {403, "text/plain", "This page wants its token: open the address that the program printed.\n"};
    } else if (asset != assets.end()) {
      reply = {200, asset->type, std::string(asset->bytes)};
    } else if (hooks.answer) {
      reply = hooks.answer({path, words_of(wsi)});
    } else {
      reply.status = 404;
    }
    std::array<std::uint8_t, LWS_PRE + 2048> room{};
    std::uint8_t* at = room.data() + LWS_PRE;
    std::uint8_t* const end = room.data() + room.size();
    const auto put = [&](const char* name, const std::string& value) {
      return lws_add_http_header_by_name(wsi, reinterpret_cast<const unsigned char*>(name),
                                         reinterpret_cast<const unsigned char*>(value.c_str()),
                                         static_cast<int>(value.size()), &at, end) == 0;
    };
    const bool done = lws_add_http_common_headers(wsi, static_cast<unsigned>(reply.status), reply.type.c_str(),
                                                  reply.body.size(), &at, end) == 0 &&
                      put("content-security-policy:",
                          "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
                          "connect-src 'self' ws:; frame-ancestors 'none'") &&
                      put("x-content-type-options:", "nosniff") && put("cache-control:", "no-store") &&
                      lws_finalize_write_http_header(wsi, room.data() + LWS_PRE, &at, end) == 0;
    if (!done) return -1;
    if (reply.body.empty()) return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
    delete connection.answer;
    connection.answer = new Answer{std::move(reply.body), 0};
    lws_callback_on_writable(wsi);
    return 0;
  }

  static int write_body(lws* wsi, Connection& connection) {
    Answer* body = connection.answer;
    if (body == nullptr) return 0;
    std::array<std::uint8_t, LWS_PRE + kChunkBytes> chunk;
    const std::size_t count = std::min(kChunkBytes, body->bytes.size() - body->sent);
    std::memcpy(chunk.data() + LWS_PRE, body->bytes.data() + body->sent, count);
    body->sent += count;
    const bool last = body->sent == body->bytes.size();
    if (lws_write(wsi, chunk.data() + LWS_PRE, count, last ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) < 0) return -1;
    if (!last) {
      lws_callback_on_writable(wsi);
      return 0;
    }
    delete body;
    connection.answer = nullptr;
    return lws_http_transaction_completed(wsi) != 0 ? -1 : 0;
  }

  static int on_http(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t) {
    auto* connection = static_cast<Connection*>(user);
    switch (reason) {
      case LWS_CALLBACK_HTTP:
        return of(wsi).answer(wsi, *connection, static_cast<const char*>(in));
      case LWS_CALLBACK_HTTP_WRITEABLE:
        return write_body(wsi, *connection);
      case LWS_CALLBACK_CLOSED_HTTP:
        if (connection != nullptr) {
          delete connection->answer;
          connection->answer = nullptr;
        }
        return 0;
      default:
        return 0;
    }
  }

  static int on_socket(lws* wsi, lws_callback_reasons reason, void* user, void* in, std::size_t size) {
    auto* connection = static_cast<Connection*>(user);
    switch (reason) {
      case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return of(wsi).may_enter(wsi, true) ? 0 : -1;
      case LWS_CALLBACK_ESTABLISHED: {
        Body& body = of(wsi);
        connection->client = &body.clients.emplace_back();
        connection->client->number = ++body.numbered;
        connection->client->wsi = wsi;
        body.count.store(static_cast<int>(body.clients.size()));
        return 0;
      }
      case LWS_CALLBACK_CLOSED: {
        if (connection == nullptr || connection->client == nullptr) return 0;  // was refused
        Body& body = of(wsi);
        const std::uint64_t number = connection->client->number;
        body.clients.remove_if([connection](const Client& client) { return &client == connection->client; });
        body.count.store(static_cast<int>(body.clients.size()));
        if (body.hooks.closed) body.hooks.closed(number);
        return 0;
      }
      case LWS_CALLBACK_SERVER_WRITEABLE:
        return write_message(wsi, *connection->client);
      case LWS_CALLBACK_RECEIVE:
        return of(wsi).receive(wsi, *connection->client, std::string_view(static_cast<const char*>(in), size));
      default:
        return 0;
    }
  }

  int receive(lws* wsi, Client& client, std::string_view piece) {
    if (lws_is_first_fragment(wsi) != 0) client.incoming.clear();
    if (client.incoming.size() + piece.size() > kMostMessageBytes) return -1;
    client.incoming += piece;
    const bool whole = lws_is_final_fragment(wsi) != 0 && lws_remaining_packet_payload(wsi) == 0;
    if (whole && hooks.message) hooks.message(client.number, client.incoming);
    return 0;
  }

  static int write_message(lws* wsi, Client& client) {
    if (client.waiting.size() > kMostWaiting) return -1;
    if (client.waiting.empty()) return 0;
    const Shared message = client.waiting.front();
    client.waiting.pop_front();
    const auto kind = message->text ? LWS_WRITE_TEXT : LWS_WRITE_BINARY;
    // libwebsockets writes its header into the room in front; each client is given the message anew.
    if (lws_write(wsi, message->bytes.data() + LWS_PRE, message->bytes.size() - LWS_PRE, kind) < 0) return -1;
    if (!client.waiting.empty()) lws_callback_on_writable(wsi);
    return 0;
  }

  void send(int slot, bool is_text, const void* bytes, std::size_t size) {
    auto message = std::make_shared<Message>();
    message->slot = slot;
    message->text = is_text;
    message->bytes.resize(LWS_PRE + size);
    if (size > 0) std::memcpy(message->bytes.data() + LWS_PRE, bytes, size);
    for (Client& client : clients) {
      const auto older = std::find_if(client.waiting.begin(), client.waiting.end(),
                                      [slot](const Shared& one) { return slot != kNoSlot && one->slot == slot; });
      if (older != client.waiting.end()) {
        *older = message;
      } else {
        client.waiting.push_back(message);
      }
      lws_callback_on_writable(client.wsi);
    }
  }
};

PageServer::PageServer(const PageSettings& settings, std::vector<Asset> assets, Hooks hooks)
    : body_(std::make_unique<Body>()) {
  Body& body = *body_;
  body.settings = settings;
  body.assets = std::move(assets);
  body.hooks = std::move(hooks);
  if (!is_loopback(settings.address) && settings.token.empty()) {
    throw UserError(text("dashboard: ", settings.address, " can be reached from other machines; that wants a token"));
  }
  body.listen();
  body.start();
}

PageServer::~PageServer() { body_->stop(); }

int PageServer::port() const { return body_->port; }
int PageServer::clients() const { return body_->count.load(); }

std::string PageServer::url() const {
  const std::string host = body_->settings.address == "0.0.0.0" ? "127.0.0.1" : body_->settings.address;
  const std::string tail = body_->settings.token.empty() ? "" : "?token=" + body_->settings.token;
  return text("http://", host, ":", body_->port, "/", tail);
}

void PageServer::run(const std::function<void()>& work) {
  body_->context.loop().call([&work] { work(); });
}

void PageServer::send_text(std::string text) { body_->send(kNoSlot, true, text.data(), text.size()); }
void PageServer::send_latest(int slot, std::vector<std::uint8_t> bytes) {
  body_->send(slot, false, bytes.data(), bytes.size());
}
void PageServer::send_latest(int slot, std::string text) { body_->send(slot, true, text.data(), text.size()); }

}  // namespace sinv::dash
