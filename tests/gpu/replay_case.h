#pragma once

#include <cstdint>
#include <vector>

#include "kernels/device_memory.h"
#include "rl/dqn/device_replay.h"

/// A replay on a device without an agent, for checks and benches.
namespace sinv {

struct ReplayCaseSettings {
  ReplaySettings replay;
  RowForm form = RowForm::kByte;
  std::uint32_t values = 1;  // of a row
  int batch = 32;
  ReplayPlace place = ReplayPlace::kHost;
};

/// Rows of random bytes in rings that are stepped at random; episodes of some 40 steps. Learners may draw from it.
class ReplayCase final : public DqnBatchSource {
 public:
  explicit ReplayCase(const ReplayCaseSettings& settings);

  /// So many steps in every environment, in the index and, if there is one, in `twin`, an index of the host alone.
  void step(int count, ReplayIndex* twin = nullptr);
  DeviceReplay& replay() { return replay_; }
  ReplayIndex& index() { return index_; }
  const std::byte* row(std::uint32_t slot) const { return rows() + slot * row_bytes_; }
  std::size_t row_bytes() const { return row_bytes_; }
  /// Bytes that one batch takes from the rows.
  double batch_bytes() const;

  void ready(const Stream& s) override { replay_.ready(s); }
  void queue_batch(const Stream& s, const DqnBatch& batch) override { replay_.queue_batch(s, batch); }
  void queue_errors(const Stream& s, std::span<const float> td_error) override { replay_.queue_errors(s, td_error); }

 private:
  std::byte* rows() const { return static_cast<std::byte*>(rows_.data()); }
  void store(std::uint32_t slot);

  ReplayCaseSettings settings_;
  std::size_t row_bytes_;
  ReplayIndex index_;
  PinnedBuffer rows_;
  DeviceReplay replay_;
  Random random_{21, 4};
  std::uint64_t stored_ = 0;
  bool begun_ = false;
};

/// A batch in memory of the device.
class DeviceBatch {
 public:
  /// observation_bytes: of one side.
  DeviceBatch(int batch, std::size_t observation_bytes, bool frames);
  const DqnBatch& batch() const { return batch_; }

 private:
  std::vector<DeviceBuffer> memory_;
  DqnBatch batch_;
};

}  // namespace sinv
