#include "rl/dqn/memory.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "base/error.h"
#include "kernels/device_module.h"
#include "rl/dqn/device_replay.h"
#include "rl/frame_replay.h"
#include "rl/replay.h"

namespace sinv {
namespace {

struct Staged {
  float reward;
  float discount;
  std::uint8_t action;
  std::uint8_t ended;
};

// How many slots a round changes at most. Each step writes one slot, and one more at an episode's end; closes one
// window, and those that were open; and frees the slots whose history it overwrites.
std::size_t changes_of_round(const ReplaySettings& replay, const AgentShape& shape) {
  const int written = 2 * shape.steps_per_round + 1;
  const int closed = shape.steps_per_round + replay.n_step;
  const int freed = written + replay.history;
  return static_cast<std::size_t>(shape.envs) * static_cast<std::size_t>(written + closed + freed);
}

ReplaySettings settings_of(const DqnSettings& settings, const AgentShape& shape) {
  ReplaySettings replay = replay_settings(settings, shape.envs, shape.history);
  if (chosen_device() == Device::kCuda) replay.most_changes = changes_of_round(replay, shape);
  return replay;
}

/// Rows: Replay<.., float> or FrameReplay.
template <class Rows>
class MemoryOf final : public DqnMemory {
  static constexpr bool kPictures = std::is_same_v<Rows, FrameReplay>;
  using Value = std::conditional_t<kPictures, std::uint8_t, float>;

 public:
  template <class Shape>
  MemoryOf(const DqnSettings& settings, const Shape& row, std::size_t row_size, const AgentShape& shape)
      : rows_(settings_of(settings, shape), row, chosen_device()),
        drawn_(static_cast<std::size_t>(settings.batch)),
        row_(row_size),
        envs_(static_cast<std::size_t>(shape.envs)),
        history_(static_cast<std::size_t>(shape.history)),
        steps_per_round_(shape.steps_per_round) {
    const std::size_t steps = envs_ * static_cast<std::size_t>(shape.steps_per_round);
    staged_.resize(steps);
    next_rows_.resize(steps * row_);
    final_rows_.resize(steps * row_);
    first_rows_.resize(envs_ * row_);
    if (chosen_device() == Device::kCpu) return;
    device_.emplace(rows_.index(), settings_of(settings, shape), rows_on_host(), settings.batch,
                    replay_place(settings));
  }

  void begin(const Environments& envs) override {
    for (std::size_t env = 0; env < envs_; ++env) stage(first_rows_, env, env, envs.observations());
    begun_ = true;
  }

  void observe(const Environments& envs, std::span<const std::uint8_t> actions) override {
    SINV_CHECK(steps_ < steps_per_round_, "DqnMemory::observe: ", steps_ + 1, " steps in a round of ",
               steps_per_round_);
    const std::size_t base = static_cast<std::size_t>(steps_) * envs_;
    for (std::size_t env = 0; env < envs_; ++env) {
      const bool ended = envs.terminated()[env] != 0 || envs.truncated()[env] != 0;
      staged_[base + env] = {envs.rewards()[env], envs.discounts()[env], actions[env],
                             static_cast<std::uint8_t>(ended)};
      stage(next_rows_, base + env, env, envs.observations());
      if (ended) stage(final_rows_, base + env, env, envs.final_observations());
    }
    ++steps_;
  }

  int staged() const override { return steps_ + (begun_ ? 1 : 0); }

  void merge(double beta) override {
    for (std::size_t env = 0; env < envs_; ++env) {
      const int number = static_cast<int>(env);
      if (begun_) rows_.begin(number, row_of(first_rows_, env));
      for (std::size_t step = 0; step < static_cast<std::size_t>(steps_); ++step) {
        const std::size_t at = step * envs_ + env;
        const Staged& staged = staged_[at];
        const bool ended = staged.ended != 0;
        const bool cut = staged.discount == 0.0F;
        rows_.step(number, staged.action, staged.reward, cut, ended && !cut,
                   row_of(ended ? final_rows_ : next_rows_, at));
        if (ended) rows_.begin(number, row_of(next_rows_, at));
      }
    }
    rows_.settle();
    if (device_) device_->send(beta);
    beta_ = beta;
    begun_ = false;
    steps_ = 0;
  }

  void ready(const Stream& s) override {
    if (device_) device_->ready(s);
  }
  void queue_batch(const Stream& s, const DqnBatch& batch) override {
    if (device_) return device_->queue_batch(s, batch);
    if constexpr (kPictures) {
      rows_.sample(
          draws_, beta_, drawn_,
          {batch.frames_tm1, batch.action_tm1, batch.return_t, batch.discount_t, batch.frames_t, batch.weight});
    } else {
      rows_.sample(draws_, beta_, drawn_,
                   {batch.observation_tm1, batch.action_tm1, batch.return_t, batch.discount_t, batch.observation_t,
                    batch.weight});
    }
  }
  void queue_errors(const Stream& s, std::span<const float> td_error) override {
    if (device_) return device_->queue_errors(s, td_error);
    rows_.index().set_priorities(drawn_, td_error);
  }

  const ReplayIndex& index() const override { return rows_.index(); }
  void set_draws(const Random& draws, double beta) override {
    draws_ = draws;
    beta_ = beta;
    if (device_) device_->set_draws(draws, beta);
  }
  Random draws() const override { return device_ ? device_->draws() : draws_; }
  void fetch() override {
    if (device_) device_->fetch();
  }

  void save(ByteWriter& out) const override {
    if constexpr (!kPictures) rows_.save(out);
  }
  void load(ByteReader& in) override {
    if constexpr (!kPictures) rows_.load(in);
    if (device_) device_->forget();
    begun_ = false;
    steps_ = 0;
  }
  void bulk(std::vector<std::span<std::byte>>& parts) override {
    if constexpr (!kPictures) rows_.bulk(parts);
  }
  void loaded() override {
    if constexpr (!kPictures) rows_.loaded();
  }
  StreamedState* streamed() override {
    if constexpr (kPictures) return &rows_;
    return nullptr;
  }

 private:
  static std::span<const Value> values(const Observations& observations) {
    if constexpr (kPictures) {
      return observations.pictures;
    } else {
      return observations.values;
    }
  }
  std::span<const Value> row_of(const std::vector<Value>& rows, std::size_t at) const {
    return std::span(rows).subspan(at * row_, row_);
  }
  // The newest row of a stack is its last one.
  void stage(std::vector<Value>& rows, std::size_t at, std::size_t env, const Observations& observations) const {
    const auto newest = values(observations).subspan(((env + 1) * history_ - 1) * row_, row_);
    std::copy(newest.begin(), newest.end(), rows.begin() + static_cast<std::ptrdiff_t>(at * row_));
  }

  ReplayRows rows_on_host() const {
    if constexpr (kPictures) {
      const FrameShape& shape = rows_.shape();
      return {reinterpret_cast<const std::byte*>(rows_.frames()), static_cast<std::uint32_t>(shape.pixels()),
              shape.packed ? RowForm::kBit : RowForm::kByte};
    } else {
      const bool fixed = sizeof(*rows_.rows()) == sizeof(std::int16_t);
      return {reinterpret_cast<const std::byte*>(rows_.rows()), static_cast<std::uint32_t>(row_),
              fixed ? RowForm::kFixed16 : RowForm::kFloat};
    }
  }

  Rows rows_;
  std::optional<DeviceReplay> device_;
  Random draws_;
  double beta_ = 0;
  std::vector<std::uint32_t> drawn_;  // of the last batch
  std::size_t row_;
  std::size_t envs_;
  std::size_t history_;
  int steps_per_round_;
  int steps_ = 0;
  bool begun_ = false;
  std::vector<Staged> staged_;     // [steps_per_round, N]
  std::vector<Value> next_rows_;   // [steps_per_round, N, row]: the observation after the step
  std::vector<Value> final_rows_;  // the same for the last one of an episode; read where `ended`
  std::vector<Value> first_rows_;  // [N, row]: of begin()
};

}  // namespace

std::unique_ptr<DqnMemory> make_dqn_memory(const DqnSettings& settings, const AgentShape& shape) {
  if (shape.picture != kNoFrame) {
    return std::make_unique<MemoryOf<FrameReplay>>(settings, shape.picture, shape.picture.stored_bytes(), shape);
  }
  const int row = shape.observation_size / shape.history;
  const auto size = static_cast<std::size_t>(row);
  if (settings.replay_rows == "int16") {
    return std::make_unique<MemoryOf<Replay<std::int16_t, float>>>(settings, row, size, shape);
  }
  return std::make_unique<MemoryOf<Replay<float, float>>>(settings, row, size, shape);
}

}  // namespace sinv
