#include "rl/dqn/device_replay.h"

#include "base/error.h"
#include "kernels/device_module.h"

namespace sinv {
namespace {

template <class T>
T* in(const DeviceBuffer& memory) {
  return static_cast<T*>(memory.data());
}

// Room for the rows on the device, or none if they are to be read from the host.
DeviceBuffer rows_on_device(std::size_t bytes, std::int64_t capacity_steps, ReplayPlace place) {
  const std::size_t left = device_module().services.memory_left();
  if (place == ReplayPlace::kHost || (place == ReplayPlace::kAuto && bytes > left / 2)) return {};
  if (bytes > left) {
    const std::size_t step = bytes / static_cast<std::size_t>(capacity_steps);
    throw UserError(text("replay of ", capacity_steps, " steps takes ", bytes >> 20U, " MiB of GPU memory, ",
                         left >> 20U, " MiB are free; hold at most ", left / step,
                         " steps, or set dqn.replay_memory to host"));
  }
  return DeviceBuffer(bytes);
}

}  // namespace

DeviceReplay::DeviceReplay(ReplayIndex& index, const ReplaySettings& settings, const ReplayRows& rows, int batch,
                           ReplayPlace place)
    : index_(index),
      settings_(settings),
      rows_(rows),
      slots_(index.all().size_bytes()),
      nodes_(index.nodes().size_bytes()),
      state_(sizeof(ReplayState)),
      drawn_(static_cast<std::size_t>(batch) * sizeof(std::uint32_t)),
      arrived_(settings.most_changes * sizeof(ReplayChange)),
      changes_(settings.most_changes * sizeof(ReplayChange)) {
  ring_ = {.state = in<ReplayState>(state_),
           .slots = in<ReplaySlot>(slots_),
           .nodes = in<double>(nodes_),
           .leaves = static_cast<std::uint32_t>(index.nodes().size() / 2),
           .slot_count = static_cast<std::uint32_t>(index.slots()),
           .ring_slots = index.ring_slots(),
           .history = static_cast<std::uint32_t>(settings.history),
           .row_values = rows.values,
           .form = rows.form,
           .rows = rows.data,
           .resident = nullptr,
           .home = rows.data};
  resident_ = rows_on_device(ring_.row_bytes() * ring_.slot_count, index.slots(), place);
  if (resident_.data() != nullptr) ring_.rows = ring_.resident = in<std::byte>(resident_);
}

DeviceReplay::~DeviceReplay() { settle(stream_.stream()); }

void DeviceReplay::send(double beta) {
  beta_ = beta;
  if (is_home_) {
    index_.clear_changes();
    return;
  }
  sent_.wait();  // its memory is free again
  auto* to = static_cast<ReplayChange*>(changes_.data());
  std::size_t count = 0;
  for (const ReplayIndex::Change& change : index_.changes()) {
    const std::uint32_t drawable = index_.mass(change.slot) != 0 ? ReplayChange::kDrawable : 0U;
    to[count++] = {change.slot, drawable | (change.new_row ? ReplayChange::kNewRow : 0U), index_.at(change.slot)};
  }
  index_.clear_changes();
  const Stream s = stream_.stream();
  queue_copy(s, arrived_.data(), to, count * sizeof(ReplayChange));
  replay_change(s, ring_, beta, std::span<const ReplayChange>(in<ReplayChange>(arrived_), count));
  sent_.record(s);
  is_ordered_ = false;
}

void DeviceReplay::fetch() {
  if (is_home_) return;
  const Stream s = stream_.stream();
  const std::span<double> masses = index_.masses();
  copy_and_wait(s, masses.data(), ring_.nodes + ring_.leaves, masses.size_bytes());
  ReplayState state;
  copy_and_wait(s, &state, ring_.state, sizeof state);
  index_.set_max_priority(state.max_priority);
  draws_ = state.draws;
}

void DeviceReplay::set_draws(const Random& draws, double beta) {
  SINV_CHECK(is_home_, "DeviceReplay::set_draws: the device has drawn already");
  draws_ = draws;
  beta_ = beta;
}

void DeviceReplay::send_all(const Stream& s) {
  index_.loaded();  // brings the sums up to date
  index_.clear_changes();
  const ReplayState state{.draws = draws_,
                          .alpha = settings_.alpha,
                          .beta = beta_,
                          .priority_floor = settings_.priority_floor,
                          .max_priority = index_.max_priority(),
                          .prioritised = settings_.prioritised ? 1U : 0U};
  copy_and_wait(s, ring_.nodes, index_.nodes().data(), index_.nodes().size_bytes());
  copy_and_wait(s, ring_.slots, index_.all().data(), index_.all().size_bytes());
  copy_and_wait(s, ring_.state, &state, sizeof state);
  if (is_resident()) {
    const std::size_t row = ring_.row_bytes();
    for (std::uint32_t first = 0; first < ring_.slot_count; first += ring_.ring_slots) {
      const std::uint32_t filled = index_.filled(static_cast<int>(first / ring_.ring_slots));
      copy_and_wait(s, ring_.resident + first * row, ring_.home + first * row, filled * row);
    }
  }
  is_home_ = false;
  is_ordered_ = true;
}

void DeviceReplay::ready(const Stream& s) {
  SINV_CHECK(index_.size() > 0, "DeviceReplay: nothing can be drawn");
  if (is_home_) send_all(s);
  if (is_ordered_) return;
  sent_.hold(s);
  is_ordered_ = true;
}

void DeviceReplay::queue_batch(const Stream& s, const DqnBatch& batch) {
  const std::span<std::uint32_t> drawn(in<std::uint32_t>(drawn_), batch.weight.size());
  const bool frames = !batch.frames_tm1.empty();
  replay_sample(s, ring_, drawn, batch.weight);
  replay_gather(s, ring_, drawn,
                {frames ? std::as_writable_bytes(batch.frames_tm1) : std::as_writable_bytes(batch.observation_tm1),
                 frames ? std::as_writable_bytes(batch.frames_t) : std::as_writable_bytes(batch.observation_t),
                 batch.action_tm1, batch.return_t, batch.discount_t});
}

void DeviceReplay::queue_errors(const Stream& s, std::span<const float> td_error) {
  replay_prioritise(s, ring_, std::span<const std::uint32_t>(in<std::uint32_t>(drawn_), td_error.size()), td_error);
}

}  // namespace sinv
