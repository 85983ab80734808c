#include "rl/dqn/memory.h"

#include <algorithm>
#include <type_traits>

#include "base/error.h"
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

/// Rows: Replay<.., float> or FrameReplay.
template <class Rows>
class MemoryOf final : public DqnMemory {
  static constexpr bool kPictures = std::is_same_v<Rows, FrameReplay>;
  using Value = std::conditional_t<kPictures, std::uint8_t, float>;

 public:
  template <class Shape>
  MemoryOf(const ReplaySettings& settings, const Shape& row, std::size_t row_size, const AgentShape& shape)
      : rows_(settings, row),
        row_(row_size),
        envs_(static_cast<std::size_t>(shape.envs)),
        history_(static_cast<std::size_t>(shape.history)),
        steps_per_round_(shape.steps_per_round) {
    const std::size_t steps = envs_ * static_cast<std::size_t>(shape.steps_per_round);
    staged_.resize(steps);
    next_rows_.resize(steps * row_);
    final_rows_.resize(steps * row_);
    first_rows_.resize(envs_ * row_);
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

  void merge() override {
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
    begun_ = false;
    steps_ = 0;
  }

  void sample(Random& random, double beta, std::span<std::uint32_t> slots, const DqnBatch& batch) const override {
    if constexpr (kPictures) {
      rows_.sample(
          random, beta, slots,
          {batch.frames_tm1, batch.action_tm1, batch.return_t, batch.discount_t, batch.frames_t, batch.weight});
    } else {
      rows_.sample(random, beta, slots,
                   {batch.observation_tm1, batch.action_tm1, batch.return_t, batch.discount_t, batch.observation_t,
                    batch.weight});
    }
  }
  ReplayIndex& index() override { return rows_.index(); }
  const ReplayIndex& index() const override { return rows_.index(); }

  void save(ByteWriter& out) const override {
    if constexpr (!kPictures) rows_.save(out);
  }
  void load(ByteReader& in) override {
    if constexpr (!kPictures) rows_.load(in);
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

  Rows rows_;
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
  const ReplaySettings replay = replay_settings(settings, shape.envs, shape.history);
  if (shape.picture != kNoFrame) {
    return std::make_unique<MemoryOf<FrameReplay>>(replay, shape.picture, shape.picture.stored_bytes(), shape);
  }
  const int row = shape.observation_size / shape.history;
  const auto size = static_cast<std::size_t>(row);
  if (settings.replay_rows == "int16") {
    return std::make_unique<MemoryOf<Replay<std::int16_t, float>>>(replay, row, size, shape);
  }
  return std::make_unique<MemoryOf<Replay<float, float>>>(replay, row, size, shape);
}

}  // namespace sinv
