#include "tools/record/game_keeper.h"

#include <algorithm>
#include <fmt/core.h>
#include <spdlog/spdlog.h>

#include "base/error.h"

namespace sinv {

namespace {

constexpr std::size_t kRoomFrames = 120'000;  // a game is cut at 108,000 (EnvSettings::frame_cap)

}  // namespace

// Writes down the state that a game begins with and the buttons of its frames.
class GameKeeper::Machine final : public sinv::Machine {
 public:
  Machine(std::unique_ptr<sinv::Machine> inner, Slot& slot) : inner_(std::move(inner)), slot_(slot) {}

  void power_on() override {
    inner_->power_on();
    begin({});
  }
  void run(std::span<const std::uint8_t> buttons) override {
    inner_->run(buttons);
    std::vector<std::uint8_t>& log = slot_.now.buttons;
    if (log.size() + buttons.size() <= log.capacity()) log.insert(log.end(), buttons.begin(), buttons.end());
  }
  const Ram& ram() const override { return inner_->ram(); }
  const Ram& ram_before() const override { return inner_->ram_before(); }
  std::uint64_t frame() const override { return inner_->frame(); }
  std::size_t state_bytes() const override { return inner_->state_bytes(); }
  void save(std::span<std::byte> state) const override { inner_->save(state); }
  void restore(std::span<const std::byte> state) override {
    inner_->restore(state);
    begin(state);
  }

 private:
  void begin(std::span<const std::byte> state) {
    std::swap(slot_.now, slot_.before);
    slot_.now.state.assign(state.begin(), state.end());
    slot_.now.buttons.clear();
  }

  std::unique_ptr<sinv::Machine> inner_;
  Slot& slot_;
};

GameKeeper::GameKeeper(std::filesystem::path folder, GameReplay about, bool all)
    : folder_(std::move(folder)), about_(std::move(about)), all_(all) {
  if (std::filesystem::exists(best_path(folder_))) {
    try {
      best_ = load_replay(best_path(folder_)).score;
    } catch (const UserError& error) {
      spdlog::warn("record: {}", error.what());
    }
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

GameKeeper::~GameKeeper() = default;  // std::jthread asks its thread to stop and joins; it writes what is left

MachineFactory GameKeeper::watch(MachineFactory inner) {
  return [this, inner = std::move(inner)] {
    Slot& slot = *slots_.emplace_back(std::make_unique<Slot>());
    slot.now.buttons.reserve(kRoomFrames);
    slot.before.buttons.reserve(kRoomFrames);
    return std::make_unique<Machine>(inner(), slot);
  };
}

void GameKeeper::game_over(const EpisodeRecord& game) {
  ++games_;
  if (game.env >= slots_.size()) return;
  // The environment has begun its next game already.
  const Log& log = slots_[game.env]->before;
  if (log.state.empty() || log.buttons.size() != game.frames) return;
  const bool best = game.score > best_;
  if (!best && !all_) return;
  GameReplay replay = about_;
  replay.score = game.score;
  replay.state = log.state;
  replay.buttons = log.buttons;
  const std::scoped_lock lock(mutex_);
  if (all_) {
    work_.push_back({folder_ / "replays" / fmt::format("{:07}-{}.replay", games_, game.score), replay});
  }
  if (best) {
    best_ = game.score;
    work_.push_back({best_path(folder_), std::move(replay)});
  }
  wake_.notify_one();
}

void GameKeeper::run(const std::stop_token& stop) {
  for (bool last = false; !last;) {
    std::vector<Work> taken;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, stop, [this] { return !work_.empty(); });
      taken.swap(work_);
      last = stop.stop_requested();
    }
    for (const Work& work : taken) {
      try {
        std::filesystem::create_directories(work.path.parent_path());
        save_replay(work.path, work.replay);
      } catch (const std::exception& error) {
        spdlog::warn("record: {}", error.what());
      }
    }
  }
}

}  // namespace sinv
