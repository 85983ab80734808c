#include "rl/dreamer/memory.h"

#include <algorithm>

#include "base/error.h"

namespace sinv {

DreamerMemory::DreamerMemory(const DreamerSettings& settings, const AgentShape& shape)
    : replay_({.envs = shape.envs,
               .capacity_steps = std::max<std::int64_t>(settings.replay_steps, 2 * std::int64_t{shape.envs}),
               .picture = shape.picture,
               .follow_ship = settings.learner.follow_ship,
               .discount = static_cast<float>(settings.gamma),
               .ends_share = settings.ends_share}),
      row_(shape.picture.stored_bytes()),
      envs_(static_cast<std::size_t>(shape.envs)),
      history_(static_cast<std::size_t>(shape.history)),
      steps_per_round_(shape.steps_per_round) {
  const std::size_t steps = envs_ * static_cast<std::size_t>(shape.steps_per_round);
  staged_.resize(steps);
  next_rows_.resize(steps * row_);
  final_rows_.resize(steps * row_);
  first_rows_.resize(envs_ * row_);
}

// The newest picture of a stack is its last one.
void DreamerMemory::stage(std::vector<std::uint8_t>& rows, std::size_t at, std::size_t env,
                          const Observations& observations) const {
  const auto newest = observations.pictures.subspan(((env + 1) * history_ - 1) * row_, row_);
  std::ranges::copy(newest, rows.begin() + static_cast<std::ptrdiff_t>(at * row_));
}

void DreamerMemory::begin(const Environments& envs) {
  for (std::size_t env = 0; env < envs_; ++env) stage(first_rows_, env, env, envs.observations());
  begun_ = true;
}

void DreamerMemory::observe(const Environments& envs, std::span<const std::uint8_t> actions) {
  SINV_CHECK(steps_ < steps_per_round_, "DreamerMemory::observe: ", steps_ + 1, " steps in a round of ",
             steps_per_round_);
  const std::size_t base = static_cast<std::size_t>(steps_) * envs_;
  for (std::size_t env = 0; env < envs_; ++env) {
    const bool ended = envs.terminated()[env] != 0 || envs.truncated()[env] != 0;
    staged_[base + env] = {.reward = envs.rewards()[env],
                           .action = actions[env],
                           .terminated = static_cast<std::uint8_t>(envs.discounts()[env] == 0.0F),
                           .ended = static_cast<std::uint8_t>(ended)};
    stage(next_rows_, base + env, env, envs.observations());
    if (ended) stage(final_rows_, base + env, env, envs.final_observations());
  }
  ++steps_;
}

void DreamerMemory::merge() {
  for (std::size_t env = 0; env < envs_; ++env) {
    const int number = static_cast<int>(env);
    if (begun_) replay_.begin(number, row_of(first_rows_, env));
    for (std::size_t step = 0; step < static_cast<std::size_t>(steps_); ++step) {
      const std::size_t at = step * envs_ + env;
      const Staged& staged = staged_[at];
      const bool ended = staged.ended != 0;
      replay_.step(number, staged.action, staged.reward, staged.terminated != 0,
                   row_of(ended ? final_rows_ : next_rows_, at));
      if (ended) replay_.begin(number, row_of(next_rows_, at));
    }
  }
  begun_ = false;
  steps_ = 0;
}

void DreamerMemory::load(ByteReader& in) {
  replay_.load(in);
  begun_ = false;
  steps_ = 0;
}

}  // namespace sinv
