#include "tests/bridge/obs/fake_obs.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <fstream>
#include <libwebsockets.h>
#include <nlohmann/json.hpp>

#include "bridge/lws_loop.h"

namespace sinv::obs {

using nlohmann::json;

void Heard::add(std::string what) {
  const std::scoped_lock lock(mutex_);
  all_.push_back(std::move(what));
  changed_.notify_all();
}

std::vector<std::string> Heard::wait_for(std::size_t count) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return all_.size() >= count; });
  return {all_.begin(), all_.begin() + static_cast<std::ptrdiff_t>(count)};
}

void Heard::wait_for_one(const std::string& what) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return std::find(all_.begin(), all_.end(), what) != all_.end(); });
}

std::vector<std::string> Heard::all() {
  const std::scoped_lock lock(mutex_);
  return all_;
}

struct FakeObs::Body {
  Manners manners;
  Heard& heard;
  std::array<lws_protocols, 2> protocols{};
  lws* client = nullptr;
  std::deque<std::string> waiting;
  std::string incoming;
  bool records = false;
  bool close = false;
  int files = 0;
  int connections = 0;
  int port = 0;
  LwsLoop lws_loop;

  explicit Body(Manners with, Heard& tells) : manners(std::move(with)), heard(tells), records(manners.records) {
    protocols[0] = {"obswebsocket.json", &on_socket, 0, 4096, 0, nullptr, 0};
    protocols[1] = {};
    lws_context_creation_info info{};
    info.iface = "127.0.0.1";
    info.protocols = protocols.data();
    info.user = this;
    lws_loop.open(info, "fake OBS",
                  [this] { port = lws_get_vhost_listen_port(lws_get_vhost_by_name(lws_loop.raw(), "default")); });
  }

  void send(const json& message) { send_text(message.dump()); }
  void send_text(std::string message) {
    waiting.push_back(std::move(message));
    if (client != nullptr) lws_callback_on_writable(client);
  }

  std::string path_now() const {
    return manners.file.empty() ? manners.folder + "/" + std::to_string(files) + ".mkv" : manners.file;
  }

  void event(const std::string& state) {
    const json path = state == "STOPPED" ? json(path_now()) : json(nullptr);
    send({{"op", 5},
          {"d",
           {{"eventType", "RecordStateChanged"},
            {"eventIntent", 64},
            {"eventData",
             {{"outputActive", records}, {"outputState", "OBS_WEBSOCKET_OUTPUT_" + state}, {"outputPath", path}}}}}});
  }

  void greet() {
    if (++connections > manners.odd_connections) manners = {};
    heard.add("connected");
    if (!manners.hello.empty()) return send_text(manners.hello);
    json hello{{"op", 0}, {"d", {{"obsWebSocketVersion", "5.1.0"}, {"rpcVersion", 1}}}};
    if (!manners.authentication.empty()) {
      hello["d"]["authentication"] = {{"challenge", "Y2hhbGxlbmdl"}, {"salt", "c2FsdHk="}};
    }
    send(hello);
  }

  int take(const json& message) {
    const json& data = message["d"];
    if (message["op"] == 1) {
      if (data.value("authentication", "") != manners.authentication) {
        std::string why = "Authentication failed.";
        lws_close_reason(client, static_cast<lws_close_status>(4009), reinterpret_cast<unsigned char*>(why.data()),
                         why.size());
        return -1;
      }
      send({{"op", 2}, {"d", {{"negotiatedRpcVersion", 1}}}});
      return 0;
    }
    const std::string request = data["requestType"];
    heard.add(request);
    if (request == manners.deadly) return -1;
    if (request == manners.unanswered) return 0;
    const bool refused = request == manners.refused || (request == "StartRecord" && records);
    json status{{"result", !refused}, {"code", refused ? 500 : 100}};
    if (refused) status["comment"] = "no";
    json reply{{"op", 7},
               {"d", {{"requestType", request}, {"requestId", data["requestId"]}, {"requestStatus", status}}}};
    if (request == "GetVersion")
      reply["d"]["responseData"] = {{"obsVersion", "29.0.2"}, {"obsWebSocketVersion", "5.1.0"}};
    if (request == "GetRecordStatus") reply["d"]["responseData"] = {{"outputActive", records}};
    send(reply);
    if (refused) return 0;
    if (request == "StartRecord") start();
    if (request == "StopRecord") stop();
    return 0;
  }

  void start() {
    records = !manners.fails_to_record;
    ++files;
    event("STARTING");
    event(records ? "STARTED" : "STOPPED");
  }

  void stop() {
    event("STOPPING");
    records = false;
    if (manners.folder != "/v" && manners.file.empty()) std::ofstream(path_now()) << "a game";
    event("STOPPED");
  }

  int write() {
    if (close) return -1;
    if (waiting.empty()) return 0;
    const std::string message = waiting.front();
    waiting.pop_front();
    std::vector<std::uint8_t> room(LWS_PRE + message.size());
    std::memcpy(room.data() + LWS_PRE, message.data(), message.size());
    lws_write(client, room.data() + LWS_PRE, message.size(), LWS_WRITE_TEXT);
    if (!waiting.empty()) lws_callback_on_writable(client);
    return 0;
  }

  static int on_socket(lws* wsi, lws_callback_reasons reason, void*, void* in, std::size_t size) {
    auto& body = *static_cast<Body*>(lws_context_user(lws_get_context(wsi)));
    switch (reason) {
      case LWS_CALLBACK_ESTABLISHED:
        body.client = wsi;
        body.waiting.clear();
        body.greet();
        return 0;
      case LWS_CALLBACK_CLOSED:
        body.client = nullptr;
        body.heard.add("gone");
        return 0;
      case LWS_CALLBACK_SERVER_WRITEABLE:
        return body.write();
      case LWS_CALLBACK_RECEIVE:
        if (lws_is_first_fragment(wsi) != 0) body.incoming.clear();
        body.incoming.append(static_cast<const char*>(in), size);
        if (lws_is_final_fragment(wsi) == 0 || lws_remaining_packet_payload(wsi) != 0) return 0;
        return body.take(json::parse(body.incoming));
      default:
        return 0;
    }
  }
};

FakeObs::FakeObs(Manners manners) : body_(std::make_unique<Body>(std::move(manners), heard)) {}
FakeObs::~FakeObs() {
  body_->lws_loop.close([] {});
}
int FakeObs::port() const { return body_->port; }
void FakeObs::stop_by_hand() {
  body_->lws_loop.loop().call([this] { body_->stop(); });
}

}  // namespace sinv::obs
