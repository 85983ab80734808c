#include "bridge/obs/obs_client.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <libwebsockets.h>
#include <map>
#include <string_view>
#include <vector>

#include "base/sha256.h"
#include "base/text.h"
#include "bridge/lws_loop.h"

namespace sinv::obs {

namespace {

// protocol.md: WebSocketOpCode, WebSocketCloseCode::AuthenticationFailed, EventSubscription::Outputs.
enum Op : int { kHello = 0, kIdentify = 1, kIdentified = 2, kEvent = 5, kRequest = 6, kRequestResponse = 7 };
constexpr int kAuthenticationFailed = 4009;
constexpr int kOutputs = 1 << 6;
constexpr const char* kHowToGiveIt = "give it with SINV_OBS_PASSWORD or --obs-password-file";

std::string base64_of_hash(const std::string& letters) {
  const std::array<std::uint8_t, 32> hash = sha256(letters);
  std::array<char, 48> out{};
  lws_b64_encode_string(reinterpret_cast<const char*>(hash.data()), static_cast<int>(hash.size()), out.data(),
                        static_cast<int>(out.size()));
  return out.data();
}

// A text of `json` that may not be there or be something else.
std::string text_in(const nlohmann::json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return found != json.end() && found->is_string() ? found->get<std::string>() : "";
}

nlohmann::json object_in(const nlohmann::json& json, const char* name) {
  const auto found = json.is_object() ? json.find(name) : json.end();
  return found != json.end() && found->is_object() ? *found : nlohmann::json::object();
}

}  // namespace

std::string authentication(const std::string& password, const std::string& salt, const std::string& challenge) {
  return base64_of_hash(base64_of_hash(password + salt) + challenge);
}

struct ObsClient::Body {
  enum class State : std::uint8_t { kWaits, kConnects, kIdentifies, kReady, kEnds };

  ObsSettings settings;
  Hooks hooks;
  std::array<lws_protocols, 2> protocols{};
  State state = State::kWaits;
  bool stopped = false;  // the owner's
  lws* wsi = nullptr;
  std::string why;  // the connection is being given up
  std::string last_said;
  std::string incoming;
  std::deque<std::string> outgoing;
  std::map<std::string, std::function<void(const Answer&)>> asked;
  std::uint64_t requests = 0;
  std::chrono::milliseconds retry{0};
  std::unique_ptr<LoopTimer> retries;
  std::unique_ptr<LoopTimer> patience;
  LwsLoop lws_loop;  // last: its thread ends before the rest goes

  void start() {
    retry = settings.first_retry;
    protocols[0] = {"obswebsocket.json", &on_socket, 0, 4096, 0, this, 0};
    protocols[1] = {};
    lws_context_creation_info info{};
    info.port = CONTEXT_PORT_NO_LISTEN;
    info.protocols = protocols.data();
    info.user = this;
    lws_loop.open(info, "obs: libwebsockets could not begin", [this] {
      retries = std::make_unique<LoopTimer>(lws_loop.loop());
      patience = std::make_unique<LoopTimer>(lws_loop.loop());
      connect();
    });
  }

  void stop() {
    if (stopped) return;
    stopped = true;
    lws_loop.close([this] {
      state = State::kEnds;
      retries = nullptr;
      patience = nullptr;
      if (hooks.ends) hooks.ends();
    });
  }

  void say(const std::string& line) {
    if (line == last_said || !hooks.said) return;
    last_said = line;
    hooks.said(line);
  }

  std::string where() const { return text(settings.host, ":", settings.port); }

  void connect() {
    state = State::kConnects;
    why.clear();
    incoming.clear();
    outgoing.clear();
    const std::string host = where();
    lws_client_connect_info info{};
    info.context = lws_loop.raw();
    info.address = settings.host.c_str();
    info.port = settings.port;
    info.path = "/";
    info.host = host.c_str();
    info.protocol = protocols[0].name;
    info.local_protocol_name = protocols[0].name;
    info.ietf_version_or_minus_one = -1;
    info.pwsi = &wsi;
    wait_for("it does not answer");
    // Without a connection the reason has been told by the callback already, or there is none.
    if (lws_client_connect_via_info(&info) == nullptr) gone("cannot be reached");
  }

  void wait_for(const char* complaint) {
    patience->start(settings.patience, [this, complaint] { give_up(complaint); });
  }

  // Called by a timer: libwebsockets is not at work, so the connection may end at once. It would not see what was
  // left to its next turn before something else wakes it.
  void give_up(const std::string& reason) {
    if (wsi == nullptr) {
      gone(reason);
      return;
    }
    if (why.empty()) why = reason;
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE, LWS_TO_KILL_SYNC);
    gone(reason);  // of a connection that never stood there was no word
  }

  void gone(const std::string& reason) {
    if (state == State::kWaits || state == State::kEnds) return;
    const bool was_ready = state == State::kReady;
    state = State::kWaits;
    wsi = nullptr;
    patience->stop();
    say(text("OBS at ", where(), ": ", why.empty() ? reason : why));
    for (const auto& [id, answered] : std::exchange(asked, {})) answered({false, "the connection was lost"});
    if (was_ready && hooks.lost) hooks.lost();
    retries->start(retry, [this] { connect(); });
    retry = std::min(2 * retry, settings.longest_retry);
  }

  static int on_socket(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
    auto& body = *static_cast<Body*>(lws_context_user(lws_get_context(wsi)));
    if (body.state == State::kEnds) return 0;
    const std::string_view letters(static_cast<const char*>(in), in == nullptr ? 0 : size);
    switch (reason) {
      case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
        body.gone(letters.empty() ? "cannot be reached" : text("cannot be reached: ", letters));
        return 0;
      case LWS_CALLBACK_CLIENT_ESTABLISHED:
        body.state = State::kIdentifies;
        return 0;
      case LWS_CALLBACK_CLIENT_RECEIVE:
        return body.receive(letters);
      case LWS_CALLBACK_CLIENT_WRITEABLE:
        return body.write();
      case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        body.note_close(letters);
        return 0;
      case LWS_CALLBACK_CLIENT_CLOSED:
        body.gone("the connection ended");
        return 0;
      default:
        return 0;
    }
  }

  void note_close(std::string_view letters) {
    if (!why.empty() || letters.size() < 2) return;
    const int code = static_cast<std::uint8_t>(letters[0]) << 8 | static_cast<std::uint8_t>(letters[1]);
    why = code == kAuthenticationFailed
              ? text("the password is wrong; ", kHowToGiveIt)
              : text("OBS closed the connection (", code, letters.size() > 2 ? " " : "", letters.substr(2), ")");
  }

  int receive(std::string_view piece) {
    if (lws_is_first_fragment(wsi) != 0) incoming.clear();
    if (incoming.size() + piece.size() > kMostMessageBytes) {
      why = "a message of more than a megabyte is not of obs-websocket";
      return -1;
    }
    incoming += piece;
    if (lws_is_final_fragment(wsi) == 0 || lws_remaining_packet_payload(wsi) != 0) return 0;
    const nlohmann::json message = nlohmann::json::parse(incoming, nullptr, false);
    const auto op = message.is_object() ? message.find("op") : message.end();
    if (op == message.end() || !op->is_number_integer()) {
      why = "what it says is not obs-websocket 5";
      return -1;
    }
    take(op->get<int>(), object_in(message, "d"));
    return why.empty() ? 0 : -1;
  }

  void take(int op, const nlohmann::json& data) {
    if (op == kHello && state == State::kIdentifies) identify(data);
    if (op == kIdentified && state == State::kIdentifies) identified();
    if (op == kRequestResponse && state == State::kReady) answer(data);
    if (op == kEvent && state == State::kReady && hooks.event) {
      hooks.event(text_in(data, "eventType"), object_in(data, "eventData"));
    }
  }

  void identify(const nlohmann::json& hello) {
    nlohmann::json data{{"rpcVersion", 1}, {"eventSubscriptions", kOutputs}};
    if (hello.contains("authentication")) {
      if (settings.password.empty()) {
        why = text("it wants a password; ", kHowToGiveIt);
        return;
      }
      const nlohmann::json wanted = object_in(hello, "authentication");
      data["authentication"] = authentication(settings.password, text_in(wanted, "salt"), text_in(wanted, "challenge"));
    }
    send(kIdentify, data);
  }

  void identified() {
    state = State::kReady;
    patience->stop();
    retry = settings.first_retry;
    ask("GetVersion", [this](const Answer& answer) {
      if (!answer.done) return;
      say(text("connected to OBS ", text_in(answer.data, "obsVersion"), " (obs-websocket ",
               text_in(answer.data, "obsWebSocketVersion"), ") at ", where()));
    });
    if (hooks.ready) hooks.ready();
  }

  void ask(const std::string& request, std::function<void(const Answer&)> answered) {
    if (state != State::kReady) {
      answered({false, "there is no connection"});
      return;
    }
    const std::string id = std::to_string(++requests);
    if (asked.empty()) wait_for("it does not answer");
    asked[id] = std::move(answered);
    send(kRequest, {{"requestType", request}, {"requestId", id}});
  }

  void answer(const nlohmann::json& data) {
    const auto found = asked.find(text_in(data, "requestId"));
    if (found == asked.end()) return;
    const auto answered = std::move(found->second);
    asked.erase(found);
    patience->stop();
    if (!asked.empty()) wait_for("it does not answer");
    const nlohmann::json status = object_in(data, "requestStatus");
    const auto result = status.find("result");
    Answer given{result != status.end() && *result == true, "", object_in(data, "responseData")};
    if (!given.done) {
      const std::string comment = text_in(status, "comment");
      given.why = text(text_in(data, "requestType"), " was refused (", status.value("code", nlohmann::json()).dump(),
                       comment.empty() ? "" : ": ", comment, ")");
    }
    answered(given);
  }

  void send(int op, const nlohmann::json& data) {
    outgoing.push_back(nlohmann::json{{"op", op}, {"d", data}}.dump());
    lws_callback_on_writable(wsi);
  }

  int write() {
    if (outgoing.empty()) return 0;
    const std::string message = std::move(outgoing.front());
    outgoing.pop_front();
    std::vector<std::uint8_t> room(LWS_PRE + message.size());
    std::memcpy(room.data() + LWS_PRE, message.data(), message.size());
    if (lws_write(wsi, room.data() + LWS_PRE, message.size(), LWS_WRITE_TEXT) < 0) return -1;
    if (!outgoing.empty()) lws_callback_on_writable(wsi);
    return 0;
  }
};

ObsClient::ObsClient(ObsSettings settings, Hooks hooks) : body_(std::make_unique<Body>()) {
  body_->settings = std::move(settings);
  body_->hooks = std::move(hooks);
  body_->start();
}

ObsClient::~ObsClient() { body_->stop(); }

void ObsClient::stop() { body_->stop(); }
bool ObsClient::ready() const { return body_->state == Body::State::kReady; }
void ObsClient::say(const std::string& line) { body_->say(line); }

void ObsClient::ask(const std::string& request, std::function<void(const Answer& answer)> answered) {
  body_->ask(request, std::move(answered));
}

Loop& ObsClient::loop() { return body_->lws_loop.loop(); }

}  // namespace sinv::obs
