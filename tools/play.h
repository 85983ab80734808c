#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cabinet/machine.h"
#include "game/env.h"

namespace sinv {

/// A machine that shows every frame it runs to a watcher. What it runs is not changed by being watched.
/// Thread: as the machine inside. Errors: what the machine and the watcher throw.
class WatchedMachine final : public Machine {
 public:
  using Watcher = std::function<void(const Machine& machine)>;
  WatchedMachine(std::unique_ptr<Machine> inner, Watcher watcher)
      : inner_(std::move(inner)), watcher_(std::move(watcher)) {}

  void power_on() override { inner_->power_on(); }
  void run(std::span<const std::uint8_t> buttons) override {
    for (std::size_t i = 0; i < buttons.size(); ++i) {
      inner_->run(buttons.subspan(i, 1));
      watcher_(*inner_);
    }
  }
  const Ram& ram() const override { return inner_->ram(); }
  const Ram& ram_before() const override { return inner_->ram_before(); }
  std::uint64_t frame() const override { return inner_->frame(); }
  std::size_t state_bytes() const override { return inner_->state_bytes(); }
  void save(std::span<std::byte> state) const override { inner_->save(state); }
  void restore(std::span<const std::byte> state) override { inner_->restore(state); }

 private:
  std::unique_ptr<Machine> inner_;
  Watcher watcher_;
};

/// What stands beside the picture while a game is watched.
struct PlayStatus {
  std::string who;
  std::int64_t score = 0;
  int ships = 0;
  std::uint32_t racks = 0;
  std::uint32_t frames = 0;
  int game = 1;
  double frames_per_s = 0;
  Action action = Action::kStay;
  std::vector<float> q;  // of the decision being carried out, by action; may be empty
};

/// The whole screen of `play`, lines ended by '\n', as large as the terminal allows. For tests too.
std::string play_screen(const Ram& ram, const PlayStatus& status, int columns, int rows, bool colours);

}  // namespace sinv
