#include "game/env.h"

#include <algorithm>

#include "base/error.h"
#include "game/start.h"

namespace sinv {
namespace {

EnvSettings checked(const EnvSettings& settings) {
  check(settings);
  return settings;
}

// $21FE after the next cleared rack: 0 on the first, then 1 to 8, then 1 again.
constexpr std::uint8_t next_rack(std::uint8_t number) { return static_cast<std::uint8_t>(number % 8 + 1); }

}  // namespace

Env::Env(std::unique_ptr<Machine> machine, const EnvSettings& settings, std::uint64_t seed, std::uint64_t stream)
    : machine_(std::move(machine)),
      settings_(checked(settings)),
      reward_(settings_.reward),
      features_(feature_set_of(settings_.features)),
      history_(settings_.history != 0 ? settings_.history : default_history(features_)),
      features_count_(feature_count(features_)),
      random_(seed, stream),
      observations_(observation_size()) {}

void Env::prepare_start() {
  if (!settings_.cache_start || start_ != nullptr) return;
  start_game(*machine_);
  std::vector<std::byte> state(machine_->state_bytes());
  machine_->save(state);
  start_ = std::make_shared<const std::vector<std::byte>>(std::move(state));
}

void Env::reset() {
  prepare_start();
  if (start_ != nullptr) {
    machine_->restore(*start_);
  } else {
    start_game(*machine_);
  }
  const Ram& ram = machine_->ram();
  counters_ = Counters{};
  counters_.over = 0;
  counters_.alive = 1;
  counters_.rack_number = peek(ram, at::kRackNumber);
  score_.begin(ram);
  memory_.begin(ram);
  const std::uint32_t idle_frames = random_.below(static_cast<std::uint32_t>(settings_.noop_max_frames) + 1);
  StepEvents ignored;
  for (std::uint32_t i = 0; i < idle_frames; ++i) run_frame(0, ignored);

  newest_ = 0;
  memory_.observed(machine_->ram());
  remember_observation();
  // A stack never reaches across a reset: the first observation stands for all that were not made.
  const std::span<const float> first = std::span(observations_).subspan(newest_ * features_count_, features_count_);
  for (std::uint32_t row = 0; row < static_cast<std::uint32_t>(history_); ++row) {
    if (row != newest_)
      std::ranges::copy(first, observations_.begin() + static_cast<std::ptrdiff_t>(row * features_count_));
  }
}

void Env::run_frame(std::uint8_t buttons, StepEvents& events) {
  machine_->run(std::span(&buttons, 1));
  ++counters_.frames;
  const Ram& ram = machine_->ram();
  events.points += score_.update(ram);
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

StepResult Env::step(Action action) {
  SINV_CHECK(counters_.over == 0, "Env::step: no game runs; call reset() first");
  const std::uint32_t first_frame = counters_.frames;
  const auto cap = static_cast<std::uint32_t>(settings_.frame_cap);
  const auto sticky = static_cast<float>(settings_.sticky);
  StepEvents events;
  const auto goes_on = [&] { return counters_.over == 0 && counters_.frames < cap; };
  for (int i = 0; i < settings_.frames_per_step && goes_on(); ++i) {
    if (!(sticky > 0) || random_.uniform() >= sticky) counters_.held = action;
    run_frame(buttons_for(counters_.held, machine_->ram()), events);
    if (events.lives_lost != 0 || (settings_.skip_unplayable && !controllable(machine_->ram()))) break;
  }
  if (settings_.skip_unplayable) {
    while (goes_on() && !controllable(machine_->ram())) run_frame(0, events);
  }
  ++counters_.steps;
  events.reference_y = peek(machine_->ram(), at::kReferenceY);

  StepResult result;
  result.reward = reward_(events);
  result.terminated = counters_.over != 0;
  result.truncated = counters_.over == 0 && counters_.frames >= cap;
  result.life_lost = events.lives_lost != 0;
  result.discount = result.terminated || (settings_.life_is_terminal && result.life_lost) ? 0.0F : 1.0F;
  result.points = events.points;
  result.frames = counters_.frames - first_frame;
  if (result.truncated) counters_.over = 1;
  remember_observation();
  return result;
}

void Env::remember_observation() {
  newest_ = (newest_ + 1) % static_cast<std::uint32_t>(history_);
  const Ram& ram = machine_->ram();
  compute_features(features_, ram, memory_,
                   std::span(observations_).subspan(newest_ * features_count_, features_count_));
  memory_.observed(ram);
}

void Env::observe(std::span<float> out) const {
  SINV_CHECK(out.size() == observation_size(), "Env::observe: room for ", out.size(), " values, wanted ",
             observation_size());
  float* to = out.data();
  for (std::uint32_t age = 1; age <= static_cast<std::uint32_t>(history_); ++age) {  // newest_ + 1 is the oldest row
    const std::size_t row = (newest_ + age) % static_cast<std::uint32_t>(history_);
    to = std::copy_n(observations_.data() + row * features_count_, features_count_, to);
  }
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

void Env::save(ByteWriter& out) const {
  out.put_text(settings_.features);
  out.put(random_);
  out.put(score_);
  out.put(counters_);
  out.put(memory_);
  out.put(newest_);
  out.put_all(std::span<const float>(observations_));
  std::vector<std::byte> state(machine_->state_bytes());
  machine_->save(state);
  out.put_all(std::span<const std::byte>(state));
  out.put<std::uint8_t>(start_ != nullptr ? 1 : 0);
  if (start_ != nullptr) out.put_all(std::span<const std::byte>(*start_));
}

void Env::load(ByteReader& in) {
  const std::string features = in.get_text();
  if (features != settings_.features) {
    throw UserError(text("env state: was saved with env.features ", features, ", this run has ", settings_.features));
  }
  in.get(random_);
  in.get(score_);
  in.get(counters_);
  in.get(memory_);
  in.get(newest_);
  in.get_all(std::span<float>(observations_));
  if (newest_ >= static_cast<std::uint32_t>(history_))
    throw UserError("env state: a count is out of range; the file is damaged");
  std::vector<std::byte> state(machine_->state_bytes());
  in.get_all(std::span<std::byte>(state));
  machine_->restore(state);
  start_ = nullptr;
  if (in.get<std::uint8_t>() != 0) {
    in.get_all(std::span<std::byte>(state));
    start_ = std::make_shared<const std::vector<std::byte>>(std::move(state));
  }
}

}  // namespace sinv
