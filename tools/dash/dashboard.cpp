#include "tools/dash/dashboard.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <random>

#include "base/error.h"
#include "game/action.h"
#include "tools/config.h"
#include "tools/dash/run_shelf.h"
#include "tools/record/best_video.h"
#include "tools/record/film.h"
#include "tools/record/game_keeper.h"
#include "tools/train_display.h"
#include "web/page.h"

namespace sinv {

namespace {

constexpr int kProgressSlot = 0;
constexpr int kPictureSlot = 1;
constexpr int kSeenSlot = 2;
constexpr std::uint32_t kSeenMark = 0xFFFFFFFF;  // where a message of games has their number
constexpr int kTicksPerProgress = 15;            // of 16 ms: four times a second
constexpr int kPagesAtFullRate = 8;              // 60 pictures a second for so many pages, 30 for twice as many
constexpr std::uint64_t kMostMetricsBytes = 64ULL << 20;  // in one answer

template <class Value>
void put(std::vector<std::uint8_t>& to, const Value& value) {
  const std::size_t at = to.size();
  to.resize(at + sizeof(Value));
  std::memcpy(to.data() + at, &value, sizeof(Value));
}

std::uint64_t number_of(const std::string& letters) {
  std::uint64_t value = 0;
  std::from_chars(letters.data(), letters.data() + letters.size(), value);
  return value;
}

dash::Reply not_found(const std::string& what) { return {404, "text/plain", what + "\n"}; }

}  // namespace

std::optional<dash::PageSettings> dashboard_settings(const std::string& word) {
  if (word == "off") return std::nullopt;
  dash::PageSettings settings;
  const std::size_t colon = word.rfind(':');
  if (colon != std::string::npos) settings.address = word.substr(0, colon);
  const std::string port = colon == std::string::npos ? word : word.substr(colon + 1);
  const std::from_chars_result end = std::from_chars(port.data(), port.data() + port.size(), settings.port);
  if (port.empty() || end.ec != std::errc() || end.ptr != port.data() + port.size() || settings.port < 0 ||
      settings.port > 65'535) {
    throw UserError(text("--dashboard ", word, ": wanted off, a port, or address:port"));
  }
  if (settings.address != "localhost" && settings.address.rfind("127.", 0) != 0) {
    std::random_device chance;
    for (int i = 0; i < 4; ++i) settings.token += fmt::format("{:08x}", chance());
  }
  return settings;
}

std::vector<std::uint8_t> live_message(const LiveView& view) {
  std::vector<std::uint8_t> out;
  out.reserve(16 + 4 * view.values + view.games * (LiveGame::kPictureBytes + 64));
  put(out, view.games);
  put(out, view.values);
  for (std::uint32_t i = 0; i < view.values; ++i) put(out, view.observation[i]);
  for (std::uint32_t i = 0; i < view.games; ++i) {
    const LiveGame& game = view.game[i];
    put(out, static_cast<std::int32_t>(game.score));
    put(out, game.lives);
    put(out, game.racks);
    put(out, game.frames);
    put(out, game.action);
    put(out, game.values);
    for (std::uint32_t k = 0; k < game.values; ++k) put(out, game.q[k]);
    out.insert(out.end(), game.picture.begin(), game.picture.end());
  }
  return out;
}

std::vector<std::uint8_t> seen_message(const SeenPictures& seen) {
  std::vector<std::uint8_t> out;
  const std::uint32_t pictures = seen.pictures + (seen.dreamt_steps >= 0 ? 1 : 0);
  const std::size_t bytes = std::size_t{seen.width} * seen.height * pictures;
  out.reserve(20 + bytes);
  put(out, kSeenMark);
  put(out, seen.width);
  put(out, seen.height);
  put(out, seen.pictures);
  put(out, seen.dreamt_steps);
  out.insert(out.end(), seen.grey.begin(), seen.grey.begin() + static_cast<std::ptrdiff_t>(bytes));
  return out;
}

Dashboard::Dashboard(const dash::PageSettings& settings, std::vector<std::filesystem::path> places, const RomSet& rom,
                     std::optional<LiveTraining> live)
    : wanted_port_(settings.port), places_(std::move(places)), rom_(rom), live_(std::move(live)) {
  std::vector<dash::Asset> assets;
  for (const PageFile& file : page_files()) assets.push_back({file.path, file.type, file.bytes});
  if (assets.empty()) {
    throw UserError(
        "dashboard: its page was not built, because npm or its packages were missing at build time; build again where "
        "they are");
  }
  if (live_) live_name_ = std::filesystem::weakly_canonical(live_->folder).filename().string();
  dash::PageServer::Hooks hooks;
  hooks.answer = [this](const dash::Request& request) { return answer(request); };
  hooks.message = [this](std::uint64_t client, std::string_view letters) { message(client, letters); };
  hooks.closed = [this](std::uint64_t client) { closed(client); };
  hooks.tick = [this] {
    if (server_ != nullptr) tick();
  };
  auto server = std::make_unique<dash::PageServer>(settings, std::move(assets), std::move(hooks));
  server->run([&] { server_ = std::move(server); });
}

Dashboard::~Dashboard() {
  std::unique_ptr<dash::PageServer> server;
  server_->run([&] { server = std::move(server_); });
  server = nullptr;
  if (!live_) return;
  live_->hands.controls.watched.store(0);
  live_->hands.controls.watched_sees.store(false);
}

std::string Dashboard::line() const {
  const bool moved = wanted_port_ != 0 && server_->port() != wanted_port_;
  return fmt::format("dashboard: {}{}", server_->url(), moved ? fmt::format("  (port {} is taken)", wanted_port_) : "");
}

dash::Reply Dashboard::answer(const dash::Request& request) {
  if (request.path == "/api/state") return state_reply();
  const bool metrics = request.path == "/api/metrics";
  const bool film = request.path == "/api/film";
  if (!metrics && !film && request.path != "/api/settings") return not_found("no such page");
  const auto name = request.words.find("run");
  const std::vector<ShelvedRun> runs = shelved_runs(places_);
  const auto run = std::find_if(runs.begin(), runs.end(), [&](const ShelvedRun& one) {
    return name != request.words.end() && one.name == name->second;
  });
  if (run == runs.end()) return not_found("no such run");
  if (metrics) {
    const auto from = request.words.find("from");
    const std::uint64_t byte = from == request.words.end() ? 0 : number_of(from->second);
    return {200, "text/plain; charset=utf-8", metrics_from(run->path, byte, kMostMetricsBytes)};
  }
  try {
    if (film) return film_reply(GameKeeper::best_path(run->path));
    nlohmann::json settings = nlohmann::json::array();
    for (const Assignment& setting : assignments_in(run->path / "config.toml")) {
      settings.push_back({setting.key, setting.value});
    }
    return {200, "application/json", settings.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
  } catch (const Error& error) {
    return not_found(error.what());
  }
}

dash::Reply Dashboard::film_reply(const std::filesystem::path& path) const {
  const GameReplay replay = load_replay(path);
  return {200, "application/octet-stream", film_of(replay, *cabinet_of(replay, rom_))};
}

dash::Reply Dashboard::state_reply() const {
  nlohmann::json state{{"live", nullptr},
                       {"title", nlohmann::json::object()},
                       {"runs", nlohmann::json::array()},
                       {"controls", nlohmann::json::array()},
                       {"actions", nlohmann::json::array()},
                       {"features", nlohmann::json::array()}};
  std::error_code fault;
  for (const ShelvedRun& run : shelved_runs(places_)) {
    state["runs"].push_back({{"name", run.name},
                             {"agent", run.agent},
                             {"seed", run.seed},
                             {"frames", run.frames},
                             {"best", run.best_game},
                             {"film", std::filesystem::exists(GameKeeper::best_path(run.path), fault)}});
  }
  for (const std::string_view name : kActionNames) state["actions"].push_back(name);
  if (live_) {
    state["live"] = live_name_;
    for (const auto& [name, value] : live_->title) state["title"][name] = value;
    for (const Hand& hand : hands()) {
      state["controls"].push_back({{"name", hand.name}, {"key", std::string(1, hand.key)}, {"text", hand.text}});
    }
    state["features"] = live_->features;
  }
  return {200, "application/json", state.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)};
}

void Dashboard::message(std::uint64_t client, std::string_view letters) {
  const nlohmann::json said = nlohmann::json::parse(letters, nullptr, false);
  if (!said.is_object() || !live_) return;
  if (said.contains("do") && said["do"].is_string()) act_by_name(live_->hands, said["do"].get<std::string>());
  if (said.contains("watch") && said["watch"].is_number_unsigned()) {
    watching_[client].games = std::min(said["watch"].get<std::uint32_t>(), LiveView::kMostGames);
  }
  if (said.contains("sees") && said["sees"].is_boolean()) watching_[client].sees = said["sees"].get<bool>();
  set_watched();
}

void Dashboard::closed(std::uint64_t client) {
  watching_.erase(client);
  if (live_) set_watched();
}

void Dashboard::set_watched() {
  std::uint32_t most = 0;
  bool sees = false;
  for (const auto& [client, wishes] : watching_) {
    most = std::max(most, wishes.games);
    sees = sees || wishes.sees;
  }
  live_->hands.controls.watched.store(most);
  live_->hands.controls.watched_sees.store(sees);
}

void Dashboard::tick() {
  if (!live_) return;
  // What pictures cost grows with the pages that get them; so the more pages, the fewer pictures for each.
  const bool turn = ticks_ % (1 + (server_->clients() - 1) / kPagesAtFullRate) == 0;
  const std::uint64_t version = live_->live.version();
  if (turn && live_->hands.controls.watched.load() > 0 && version != shown_) {
    shown_ = version;
    server_->send_latest(kPictureSlot, live_message(live_->live.read()));
  }
  const std::uint64_t seen = live_->seen.version();
  if (turn && live_->hands.controls.watched_sees.load() && seen != shown_seen_) {
    shown_seen_ = seen;
    const SeenPictures pictures = live_->seen.read();
    if (pictures.pictures > 0) server_->send_latest(kSeenSlot, seen_message(pictures));
  }
  if (ticks_++ % kTicksPerProgress == 0) server_->send_latest(kProgressSlot, progress_json());
}

std::string Dashboard::progress_json() const {
  const Progress now = live_->progress.read();
  std::error_code fault;
  const std::uintmax_t bytes = std::filesystem::file_size(live_->folder / "metrics.jsonl", fault);
  nlohmann::json json{{"phase", phase_name(now.phase)},
                      {"exploiting", now.exploiting},
                      {"sees", now.sees},
                      {"speed", now.speed},
                      {"frames", now.frames},
                      {"steps", now.steps},
                      {"updates", now.updates},
                      {"games", now.games},
                      {"elapsed_s", now.elapsed_s},
                      {"left_s", now.left_s},
                      {"mean_score_100", now.mean_score_100},
                      {"max_score", now.max_score},
                      {"last_evaluation", now.last_evaluation},
                      {"best_evaluation", now.best_evaluation},
                      {"epsilon", now.epsilon},
                      {"sigma", now.sigma},
                      {"loss", now.loss},
                      {"mean_q", now.mean_q},
                      {"learning_rate", now.learning_rate},
                      {"frames_per_s", now.frames_per_s},
                      {"updates_per_s", now.updates_per_s},
                      {"replay_size", now.replay_size},
                      {"replay_capacity", now.replay_capacity},
                      {"saves", now.saves},
                      {"events", now.events},
                      {"last_event", now.last_event.data()},
                      {"pages", server_->clients()},
                      {"metrics_bytes", fault ? 0 : bytes}};
  if (live_->latency) {
    const mame::Latency::Summary summary = live_->latency().summary();
    json["bridge_p50_us"] = summary.p50_us;
    json["bridge_p99_us"] = summary.p99_us;
    json["bridge_p999_us"] = summary.p999_us;
    json["bridge_late"] = summary.late;
  }
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace sinv
