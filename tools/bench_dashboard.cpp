// bench dashboard: updates of a training with no page open, with one and with many, in turn.
#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <chrono>
#include <cstdlib>
#include <fmt/core.h>
#include <map>
#include <memory>
#include <poll.h>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "base/error.h"
#include "rl/trainer.h"
#include "tools/bench.h"
#include "tools/config.h"
#include "tools/dash/dashboard.h"
#include "tools/rom_choice.h"

namespace sinv {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int kManyClients = 50;

// A page that reads as fast as it can and looks at nothing.
class Reader {
 public:
  explicit Reader(int port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in where{};
    where.sin_family = AF_INET;
    where.sin_port = htons(static_cast<std::uint16_t>(port));
    where.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&where), sizeof where) != 0) {
      ::close(socket_);
      throw UserError("bench: the dashboard does not take connections");
    }
    say(
        fmt::format("GET /live HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
                    "Sec-WebSocket-Protocol: sinv\r\n\r\n",
                    port));
  }
  ~Reader() { ::close(socket_); }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  // One text frame, masked with zeros (RFC 6455, 5.2): the live picture of one game, as an open page asks for it.
  void watch() {
    const std::string words = R"({"watch":1})";
    say(std::string{'\x81', static_cast<char>(0x80 | words.size()), 0, 0, 0, 0} + words);
  }
  int socket() const { return socket_; }
  /// What has come, thrown away unread.
  std::int64_t drain() {
    std::int64_t bytes = 0;
    for (;;) {
      const ssize_t got = ::recv(socket_, nullptr, 1 << 20, MSG_TRUNC | MSG_DONTWAIT);
      if (got <= 0) return bytes;
      bytes += got;
    }
  }

 private:
  void say(const std::string& bytes) const {
    if (::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size())) {
      throw UserError("bench: the dashboard has closed a connection");
    }
  }
  int socket_;
};

// So many open pages, on a thread of their own.
class Audience {
 public:
  Audience(int port, int count) {
    for (int i = 0; i < count; ++i) readers_.push_back(std::make_unique<Reader>(port));
    for (const auto& reader : readers_) reader->watch();
    if (count > 0) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  std::int64_t bytes() const { return bytes_.load(); }

 private:
  void run(const std::stop_token& stop) {
    std::vector<pollfd> waits;
    for (const auto& reader : readers_) waits.push_back({reader->socket(), POLLIN, 0});
    while (!stop.stop_requested()) {
      if (::poll(waits.data(), waits.size(), 50) <= 0) continue;
      for (std::size_t i = 0; i < waits.size(); ++i) {
        if (waits[i].revents != 0) bytes_.fetch_add(readers_[i]->drain());
      }
    }
  }
  std::vector<std::unique_ptr<Reader>> readers_;
  std::atomic<std::int64_t> bytes_{0};
  std::jthread thread_;  // ends before the readers go
};

// The next moment at which the training says how far it is.
std::pair<double, std::int64_t> next_reading(const Trainer& trainer) {
  const std::uint64_t before = trainer.progress().version();
  while (trainer.progress().version() == before) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  const double now = std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
  return {now, trainer.progress().read().updates};
}

double updates_per_s(const Trainer& trainer, double seconds) {
  const auto [begin, from] = next_reading(trainer);
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
  const auto [end, to] = next_reading(trainer);
  return static_cast<double>(to - from) / (end - begin);
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

BenchResult bench_dashboard(const BenchSettings& settings) {
  std::string folder = (std::filesystem::temp_directory_path() / "sinv_bench_XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw UserError(text(folder, ": cannot be made"));
  RunConfig config;
  config.take({{"agent", settings.agent, ""}});
  config.train.minutes = 0;
  config.train.evaluation_period_frames = 0;
  config.train.save_period_s = 1e9;
  config.agent.dqn.warmup_steps = 5000;
  const RomSet rom = choose_rom(settings.rom);
  Trainer trainer(config.train, {.environments = game_environments(cabinet_factory(rom, config.cabinet), config.env),
                                 .agent = agent_factory(config.agent),
                                 .agent_name = config.agent.agent,
                                 .environment = environment_of(config.env),
                                 .folder = folder});
  std::atomic<bool> stop{false};
  HandsOn on{trainer.controls(), stop, {}};
  dash::PageSettings page;
  page.port = 0;
  std::map<int, std::vector<double>> speeds;
  std::map<int, std::vector<double>> ratios;
  double megabytes_per_s = 0;
  {
    const Dashboard dashboard(page, {folder}, rom,
                              LiveTraining{.folder = folder,
                                           .progress = trainer.progress(),
                                           .live = trainer.live(),
                                           .hands = on,
                                           .seen = trainer.seen()});
    std::jthread training([&] { trainer.run(stop); });
    while (trainer.progress().read().updates == 0) std::this_thread::sleep_for(std::chrono::milliseconds(50));
    std::array counts{0, 1, kManyClients};
    for (int repeat = 0; repeat < settings.repeats; ++repeat) {
      std::map<int, double> now;
      for (const int count : counts) {
        const Audience audience(dashboard.port(), count);
        now[count] = updates_per_s(trainer, settings.seconds);
        if (count == kManyClients) megabytes_per_s = static_cast<double>(audience.bytes()) / settings.seconds / 1e6;
      }
      for (const auto& [count, speed] : now) {
        speeds[count].push_back(speed);
        ratios[count].push_back(speed / now[0]);
      }
      std::rotate(counts.begin(), counts.begin() + 1, counts.end());  // so that a drift favours none
    }
    stop.store(true);
  }
  std::error_code ignored;
  std::filesystem::remove_all(folder, ignored);
  BenchResult result{"dashboard",
                     {{"agent", settings.agent},
                      {"rom", rom.description},
                      {"seconds", settings.seconds},
                      {"repeats", settings.repeats}},
                     {{"megabytes_per_s_to_50_clients", megabytes_per_s}}};
  for (const auto& [count, values] : speeds) {
    result.figures[fmt::format("updates_per_s_{}_clients", count)] = median(values);
    if (count > 0) result.figures[fmt::format("ratio_to_none_{}_clients", count)] = median(ratios[count]);
  }
  return result;
}

}  // namespace sinv
