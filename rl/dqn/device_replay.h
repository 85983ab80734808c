#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "kernels/device_memory.h"
#include "kernels/replay.h"
#include "rl/dqn/learner.h"
#include "rl/replay_index.h"

namespace sinv {

/// The rows of a replay: pinned memory of the host.
struct ReplayRows {
  const std::byte* data = nullptr;  // [slots, values] in this form
  std::uint32_t values = 0;         // of a row
  RowForm form = RowForm::kFloat;
};

/// A ReplayIndex and its rows as a device draws from them: slots, priorities and the stream of random numbers live on
/// the device, and a draw, its priorities and the rows of a batch are queued without waiting for anything. The index
/// stays the one that forms windows and says what can be drawn; the rows stay where a save reads them.
/// The device has nothing before the first ready(): until then, and after forget(), the host's state is the right one.
/// Thread: ready(), queue_batch() and queue_errors() belong to the learning side, the rest to one thread between
/// rounds, when no update runs. Only ready() (the first one), fetch() and what was made take memory or wait for the
/// device.
class DeviceReplay {
 public:
  /// `settings`: those of the index, with most_changes. `batch`: transitions of one update. Both must outlive this.
  /// Errors: UserError if the device has no room.
  DeviceReplay(ReplayIndex& index, const ReplaySettings& settings, const ReplayRows& rows, int batch,
               ReplayPlace place);
  ~DeviceReplay();
  DeviceReplay(const DeviceReplay&) = delete;
  DeviceReplay& operator=(const DeviceReplay&) = delete;

  /// The rows are on the device.
  bool is_resident() const { return ring_.resident != nullptr; }

  /// What the index recorded goes to the device, without waiting. A row that is written again before it has arrived is
  /// recorded again, so the host need not wait before it writes rows.
  void send(double beta);
  /// The device's state comes home: masses, largest priority, random numbers.
  void fetch();
  /// What is on the device counts no longer.
  void forget() {
    sent_.wait();
    is_home_ = true;
  }
  /// REQUIRES: forget() before, or nothing sent yet.
  void set_draws(const Random& draws, double beta);
  /// Where the random numbers stood at the last fetch().
  const Random& draws() const { return draws_; }

  /// Before each update, outside of its graph. Errors: Error if there is nothing to draw.
  void ready(const Stream& s);
  /// Queues a draw into the learner's batch, and the priorities of what was drawn last.
  void queue_batch(const Stream& s, const DqnBatch& batch);
  void queue_errors(const Stream& s, std::span<const float> td_error);

 private:
  void send_all(const Stream& s);

  ReplayIndex& index_;
  ReplaySettings settings_;
  ReplayRows rows_;
  DeviceStream stream_;  // of what is sent
  DeviceBuffer slots_;
  DeviceBuffer nodes_;
  DeviceBuffer state_;
  DeviceBuffer resident_;
  DeviceBuffer drawn_;  // slots of the batch
  DeviceBuffer arrived_;
  PinnedBuffer changes_;
  DeviceEvent sent_;
  ReplayRing ring_;
  Random draws_;
  double beta_ = 0;
  bool is_home_ = true;     // the host's state is the right one
  bool is_ordered_ = true;  // the updates come behind what was sent
};

}  // namespace sinv
