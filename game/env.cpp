#include "game/env.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "game/rules.h"
#include "game/start.h"

namespace sinv {
namespace {

EnvSettings checked(const EnvSettings& settings) {
  check(settings);
  return settings;
}

constexpr int kPictureHistory = 4;  // Mnih et al., Nature 518 (2015); the predecessor's

// A machine that is lost again and again is no accident.
constexpr int kAttempts = 3;

template <class Work>
void despite_losses(Work&& work) {
  for (int attempt = 1;; ++attempt) {
    try {
      work();
      return;
    } catch (const MachineLost&) {
      if (attempt == kAttempts) throw;
    }
  }
}

// The rows of a ring, oldest first: that is the one behind the newest.
template <class T>
void unroll(const std::vector<T>& ring, std::size_t newest, std::size_t rows, std::span<T> out) {
  const std::size_t oldest = (newest + 1) % rows * (ring.size() / rows);
  const auto middle = ring.begin() + static_cast<std::ptrdiff_t>(oldest);
  std::rotate_copy(ring.begin(), middle, ring.end(), out.begin());
}

// $21FE after the next cleared rack: 0 on the first, then 1 to 8, then 1 again.
constexpr std::uint8_t next_rack(std::uint8_t number) { return static_cast<std::uint8_t>(number % 8 + 1); }

}  // namespace

Env::Env(std::unique_ptr<Machine> machine, const EnvSettings& settings, std::uint64_t seed, std::uint64_t stream)
    : machine_(std::move(machine)),
      settings_(checked(settings)),
      reward_(settings_.reward),
      features_(feature_set_of(settings_.features)),
      preset_(settings_.pixels == "none" ? nullptr : &pixel_preset_of(settings_.pixels)),
      history_(settings_.history != 0 ? settings_.history
               : preset_ != nullptr   ? kPictureHistory
                                      : default_history(features_)),
      features_count_(preset_ != nullptr ? 0 : feature_count(features_)),
      random_(seed, stream),
      observations_(observation_size()),
      pictures_(static_cast<std::size_t>(history_) * picture().stored_bytes()) {}

void Env::prepare_start() {
  if (!settings_.cache_start || start_ != nullptr) return;
  std::vector<std::byte> state(machine_->state_bytes());
  despite_losses([&] {
    start_game(*machine_);
    machine_->save(state);
  });
  start_ = std::make_shared<const std::vector<std::byte>>(std::move(state));
}

void Env::reset() {
  const Random before = random_;
  despite_losses([&] {
    random_ = before;
    begin_game();
  });
}

void Env::begin_game() {
  prepare_start();
  if (start_ != nullptr) {
    machine_->restore(*start_);
  } else {
    start_game(*machine_);
  }
  const Ram& ram = machine_->ram();
  lost_ = false;
  counters_ = Counters{};
  counters_.over = 0;
  counters_.alive = 1;
  counters_.rack_number = peek(ram, at::kRackNumber);
  score_.begin(ram);
  memory_.begin(ram);
  StepEvents ignored;
  run_idle(random_.below(static_cast<std::uint32_t>(settings_.noop_max_frames) + 1), nullptr, ignored);

  newest_ = 0;
  memory_.observed(machine_->ram());
  remember_observation();
  // A stack never reaches across a reset: the first observation stands for all that were not made.
  const auto repeat = [this](auto& ring) {
    const std::size_t size = ring.size() / static_cast<std::size_t>(history_);
    for (std::size_t row = 0; row < static_cast<std::size_t>(history_); ++row) {
      if (row != newest_) std::copy_n(ring.data() + newest_ * size, size, ring.data() + row * size);
    }
  };
  repeat(observations_);
  repeat(pictures_);
}

class Env::Watch final : public FrameSink {
 public:
  Watch(Env& env, StepEvents& events) : env_(env), events_(events) {}
  void frame(const Ram& ram) override { env_.after_frame(ram, events_); }

 private:
  Env& env_;
  StepEvents& events_;
};

void Env::after_frame(const Ram& ram, StepEvents& events) {
  ++counters_.frames;
  events.points += score_.update(ram);
  events.reference_y = peek(ram, at::kReferenceY);
  const bool alive = player_alive(ram);
  if (counters_.alive != 0 && !alive) ++events.lives_lost;
  counters_.alive = alive ? 1 : 0;
  const std::uint8_t rack = peek(ram, at::kRackNumber);
  if (rack == next_rack(counters_.rack_number)) {
    ++counters_.racks;
    counters_.rack_number = rack;
  }
  if (game_over(ram)) {
    counters_.over = 1;
    events.game_over = true;
    events.landed = landed(ram);
  }
  memory_.frame(ram);
}

void Env::run_held(Action action, StepEvents& events) {
  const std::uint32_t left = static_cast<std::uint32_t>(settings_.frame_cap) - counters_.frames;
  const std::uint32_t frames = std::min(static_cast<std::uint32_t>(settings_.frames_per_step), left);
  const auto sticky = static_cast<float>(settings_.sticky);
  std::array<FrameButtons, kMostFramesPerStep> buttons{};
  std::array<Action, kMostFramesPerStep> actions{};
  // Drawn for all frames, then again for those that were run: a step that ends early draws no more than its frames.
  const Random before = random_;
  const auto draw = [&](std::uint32_t count) {
    Action held = counters_.held;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (!(sticky > 0) || random_.uniform() >= sticky) held = action;
      actions[i] = held;
      buttons[i] = buttons_for(held);
    }
  };
  draw(frames);
  const RamRule* stop = &rules::kControlLostOrOver;
  if (!settings_.skip_unplayable) stop = counters_.alive != 0 ? &rules::kLifeLostOrOver : &rules::kGameOver;
  Watch watch(*this, events);
  const std::uint32_t ran = machine_->run_stretch(
      {.frames = frames, .buttons = std::span(buttons).first(frames), .press = &rules::kGunReady, .stop = stop}, watch);
  if (ran < frames) {
    random_ = before;
    draw(ran);
  }
  counters_.held = actions[ran - 1];
}

void Env::run_idle(std::uint32_t frames, const RamRule* stop, StepEvents& events) {
  constexpr std::array<FrameButtons, 1> kNothing{};
  Watch watch(*this, events);
  for (std::uint32_t left = frames; left > 0;) {
    const std::uint32_t most = std::min(left, kStretchFrames);
    left -= machine_->run_stretch({.frames = most, .buttons = kNothing, .stop = stop}, watch);
    if (stop != nullptr && stop->holds(machine_->ram())) return;
  }
}

StepResult Env::step(Action action) {
  SINV_CHECK(counters_.over == 0, "Env::step: no game runs; call reset() first");
  const std::uint32_t first_frame = counters_.frames;
  const auto cap = static_cast<std::uint32_t>(settings_.frame_cap);
  StepEvents events;
  StepResult result;
  bool lost = lost_;
  try {
    if (!lost && goes_on()) run_held(action, events);
    if (!lost && settings_.skip_unplayable && goes_on() && !controllable(machine_->ram())) {
      run_idle(cap - counters_.frames, &rules::kControllableOrOver, events);
    }
  } catch (const MachineLost&) {
    lost = true;
  }
  ++counters_.steps;
  result.frames = counters_.frames - first_frame;
  result.reward = result.frames != 0 ? reward_(events) : 0.0F;
  result.terminated = counters_.over != 0;
  result.truncated = counters_.over == 0 && (lost || counters_.frames >= cap);
  result.life_lost = events.lives_lost != 0;
  result.discount = result.terminated || (settings_.life_is_terminal && result.life_lost) ? 0.0F : 1.0F;
  result.points = events.points;
  if (result.truncated) counters_.over = 1;
  if (!lost) remember_observation();
  return result;
}

void Env::remember_observation() {
  newest_ = (newest_ + 1) % static_cast<std::uint32_t>(history_);
  const Ram& ram = machine_->ram();
  if (preset_ != nullptr) {
    const std::size_t bytes = picture().stored_bytes();
    render_stored(*preset_, ram, machine_->ram_before(), std::span(pictures_).subspan(newest_ * bytes, bytes));
  } else {
    compute_features(features_, ram, memory_,
                     std::span(observations_).subspan(newest_ * features_count_, features_count_));
  }
  memory_.observed(ram);
}

void Env::observe(std::span<float> out) const {
  SINV_CHECK(out.size() == observation_size(), "Env::observe: room for ", out.size(), " values, wanted ",
             observation_size());
  unroll(observations_, newest_, static_cast<std::size_t>(history_), out);
}

void Env::observe_pictures(std::span<std::uint8_t> out) const {
  SINV_CHECK(out.size() == pictures_size(), "Env::observe_pictures: room for ", out.size(), " bytes, wanted ",
             pictures_size());
  unroll(pictures_, newest_, static_cast<std::size_t>(history_), out);
}

int Env::lives() const {
  const Ram& ram = machine_->ram();
  return game_over(ram) ? 0 : ships_in_reserve(ram) + (player_alive(ram) ? 1 : 0);
}

void Env::share_start(const Env& other) {
  SINV_CHECK(other.machine_->state_bytes() == machine_->state_bytes(),
             "Env::share_start: the other machine's state has ", other.machine_->state_bytes(), " bytes, this one's ",
             machine_->state_bytes());
  start_ = other.start_;
}

std::string Env::seen() const { return preset_ != nullptr ? "pixels " + settings_.pixels : settings_.features; }

void Env::save(ByteWriter& out) const {
  out.put_text(seen());
  out.put(random_);
  out.put(score_);
  out.put(counters_);
  out.put(memory_);
  out.put(newest_);
  out.put_all(std::span<const float>(observations_));
  if (preset_ != nullptr) out.put_all(std::span<const std::uint8_t>(pictures_));
  std::vector<std::byte> state(machine_->state_bytes());
  despite_losses([&] {
    try {
      machine_->save(state);
    } catch (const MachineLost&) {
      lost_ = true;
      throw;
    }
  });
  out.put_all(std::span<const std::byte>(state));
  out.put<std::uint8_t>(lost_ ? 1 : 0);
  out.put<std::uint8_t>(start_ != nullptr ? 1 : 0);
  if (start_ != nullptr) out.put_all(std::span<const std::byte>(*start_));
}

void Env::load(ByteReader& in) {
  const std::string features = in.get_text();
  if (features != seen()) {
    throw UserError(text("env state: was saved with env.features ", features, ", this run has ", seen()));
  }
  in.get(random_);
  in.get(score_);
  in.get(counters_);
  in.get(memory_);
  in.get(newest_);
  in.get_all(std::span<float>(observations_));
  if (preset_ != nullptr) in.get_all(std::span<std::uint8_t>(pictures_));
  if (newest_ >= static_cast<std::uint32_t>(history_))
    throw UserError("env state: a count is out of range; the file is damaged");
  std::vector<std::byte> state(machine_->state_bytes());
  in.get_all(std::span<std::byte>(state));
  despite_losses([&] { machine_->restore(state); });
  lost_ = in.get<std::uint8_t>() != 0;
  start_ = nullptr;
  if (in.get<std::uint8_t>() != 0) {
    in.get_all(std::span<std::byte>(state));
    start_ = std::make_shared<const std::vector<std::byte>>(std::move(state));
  }
}

}  // namespace sinv
