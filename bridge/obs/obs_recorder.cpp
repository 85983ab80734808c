#include "bridge/obs/obs_recorder.h"

#include <future>

#include "base/text.h"

namespace sinv::obs {

namespace {

std::string text_of(const nlohmann::json& data, const char* name) {
  const auto found = data.find(name);
  return found != data.end() && found->is_string() ? found->get<std::string>() : "";
}

}  // namespace

struct ObsRecorder::Body {
  enum class State : std::uint8_t { kIdle, kStarts, kRecords, kStops };

  ObsSettings settings;
  Hooks hooks;
  State state = State::kIdle;
  std::function<void()> started;                         // kStarts: called when OBS says so
  std::function<void(const std::string& path)> stopped;  // kStops: the same
  std::shared_ptr<std::promise<void>> finishing;
  std::unique_ptr<LoopTimer> patience;
  std::unique_ptr<ObsClient> client;

  void fail(const std::string& why) {
    client->say(text("nothing is recorded: ", why));
    rest();
    settle();
  }

  void rest() {
    state = State::kIdle;
    started = nullptr;
    stopped = nullptr;
    patience->stop();
  }

  // Once the end is near, what is recorded is of no game.
  void settle() {
    if (finishing == nullptr) return;
    if (state == State::kIdle) std::exchange(finishing, nullptr)->set_value();
    if (state == State::kRecords) {
      end([this](const std::string& path) {
        if (hooks.recorded) hooks.recorded({path, std::nullopt});
        settle();
      });
    }
  }

  void wait_for(const char* complaint) {
    patience->start(settings.patience, [this, complaint] { fail(complaint); });
  }

  void game_over(std::int64_t score) {
    if (state == State::kIdle && client->ready()) begin();
    if (state == State::kRecords) {
      end([this, score](const std::string& path) {
        if (hooks.recorded) hooks.recorded({path, score});
        if (finishing == nullptr) {
          state = State::kStarts;
          patience->start(settings.settle, [this] { begin(); });
        }
        settle();
      });
    }
  }

  // OBS says "done" when it has begun to start; the event tells that it records.
  void begin() {
    state = State::kStarts;
    client->ask("GetRecordStatus", [this](const Answer& status) {
      if (!status.done) return fail(status.why);
      const auto active = status.data.find("outputActive");
      if (active == status.data.end() || *active != true) return start();
      end([this](const std::string& path) {
        client->say(text("a recording that was under way was stopped: ", path));
        start();
      });
    });
  }

  void start() {
    state = State::kStarts;
    wait_for("OBS did not start to record");
    started = [this] {
      rest();
      state = State::kRecords;
      if (hooks.started) hooks.started();
      settle();
    };
    client->ask("StartRecord", [this](const Answer& answer) {
      if (!answer.done) fail(answer.why);
    });
  }

  void end(std::function<void(const std::string& path)> then) {
    state = State::kStops;
    wait_for("OBS did not end its recording");
    stopped = [this, then = std::move(then)](const std::string& path) {
      rest();
      then(path);
    };
    client->ask("StopRecord", [this](const Answer& answer) {
      if (!answer.done) fail(answer.why);
    });
  }

  // The file is whole when OBS says STOPPED, which may be before or after its answer to StopRecord.
  void event(const std::string& type, const nlohmann::json& data) {
    if (type != "RecordStateChanged") return;
    const std::string now = text_of(data, "outputState");
    if (now == "OBS_WEBSOCKET_OUTPUT_STARTED" && state == State::kStarts && started) std::exchange(started, nullptr)();
    if (now != "OBS_WEBSOCKET_OUTPUT_STOPPED") return;
    if (state == State::kStops && stopped) return std::exchange(stopped, nullptr)(text_of(data, "outputPath"));
    if (state == State::kRecords) fail("the recording was stopped in OBS");
    if (state == State::kStarts && started) fail("OBS could not record; its own log says why");
  }
};

ObsRecorder::ObsRecorder(const ObsSettings& settings, Hooks hooks) : body_(std::make_unique<Body>()) {
  Body& body = *body_;
  body.settings = settings;
  body.hooks = std::move(hooks);
  ObsClient::Hooks of_client;
  of_client.said = body.hooks.said;
  of_client.lost = [&body] {
    if (body.client == nullptr) return;
    body.rest();
    body.settle();
  };
  of_client.ends = [&body] { body.patience = nullptr; };
  of_client.event = [&body](const std::string& type, const nlohmann::json& data) {
    if (body.client != nullptr) body.event(type, data);
  };
  auto client = std::make_unique<ObsClient>(settings, std::move(of_client));
  Loop& loop = client->loop();
  loop.call([&] {
    body.patience = std::make_unique<LoopTimer>(loop);
    body.client = std::move(client);
  });
}

ObsRecorder::~ObsRecorder() {
  auto finishing = std::make_shared<std::promise<void>>();
  std::future<void> finished = finishing->get_future();
  body_->client->loop().call([&] {
    body_->finishing = std::move(finishing);
    body_->settle();
  });
  finished.wait_for(body_->settings.patience);
  body_->client->stop();
}

void ObsRecorder::game_over(std::int64_t score) {
  body_->client->loop().post([this, score] { body_->game_over(score); });
}

}  // namespace sinv::obs
