#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "game/pixels.h"
#include "rl/frame_saver.h"
#include "rl/replay.h"
#include "rl/replay_index.h"
#include "rl/row_memory.h"
#include "rl/streamed_state.h"

namespace sinv {

/// Replay memory of pictures: single frames, each stored once, under a ReplayIndex, which forms the n-step returns,
/// draws by priority and says which slots a stack is made of. Each environment has a segment of the ring of its own, so
/// a stack is a run of neighbours; before the start of an episode stands its first frame, as in Env, and no stack and
/// no n-step window reaches over an episode's end or the write position. An episode of L steps takes L + 1 frames. All
/// memory is taken and touched when it is made; inserting and drawing take none. Thread: one owner at a time; what
/// begin_save() started reads along until it is done.
class FrameReplay final : public StreamedState {
 public:
  /// `device`: who reads the frames beside the host. Errors: as ReplayIndex; Error for a shape without pixels, or
  /// packed where pixels are no multiple of 8; UserError if it does not fit into memory.
  FrameReplay(const ReplaySettings& settings, const FrameShape& shape, Device device = Device::kCpu);

  /// What a replay of these settings takes: frames, slots, and the tree (at most 4 doubles a slot).
  static std::int64_t bytes(const ReplaySettings& settings, const FrameShape& shape);

  /// As ReplayIndex::begin and step, with the newest frame in its stored form: shape().stored_bytes() bytes.
  void begin(int env, std::span<const std::uint8_t> frame) { store(env, index_.begin(env), frame); }
  void step(int env, int action, float reward, bool terminated, bool truncated,
            std::span<const std::uint8_t> next_frame) {
    store(env, index_.step(env, action, reward, terminated, truncated), next_frame);
  }
  void settle() { index_.settle(); }

  std::int64_t size() const { return index_.size(); }
  const FrameShape& shape() const { return shape_; }
  ReplayIndex& index() { return index_; }
  const ReplayIndex& index() const { return index_; }
  std::span<const std::uint8_t> frame(std::uint32_t slot) const {
    return {frames() + slot * frame_bytes_, frame_bytes_};
  }
  /// All frames, in the order of their slots.
  const std::uint8_t* frames() const { return reinterpret_cast<const std::uint8_t*>(memory_.data()); }

  /// Draws and fills a whole batch: B stacks [history, height, width] of bytes, oldest frame first, whatever the stored
  /// form. `slots` (B of them) is what set_priorities() wants back.
  void sample(Random& random, double beta, std::span<std::uint32_t> slots,
              const TransitionBatch<std::uint8_t>& batch) const {
    index_.sample(random, beta, slots, batch.weight);
    gather(slots, batch);
  }
  /// Everything but the weights. Errors: Error if the buffers have other sizes.
  void gather(std::span<const std::uint32_t> slots, const TransitionBatch<std::uint8_t>& batch) const;

  /// State in two parts, as Replay has it, for replays that are small enough to be copied.
  void save(ByteWriter& out) const;
  void load(ByteReader& in);
  void bulk(std::vector<std::span<std::byte>>& parts);
  void loaded() { index_.loaded(); }

  /// Writes the whole replay as it stands to a file, in the background and straight from the ring: here only the index
  /// is copied (20 bytes a slot). Inserting may go on, and waits when it would overwrite a frame that is not yet
  /// written; since the oldest are written first, that is for a moment, unless the disk is slower than the game. False,
  /// and does nothing, while the save before is still being written. `stamp` ties the file to the rest of the state.
  /// saver() tells how it went. REQUIRES: settled.
  bool begin_save(const std::filesystem::path& path, std::uint64_t stamp) override;
  FrameSaver& saver() { return saver_; }
  bool saving() const override { return saver_.busy(); }
  void wait_for_save() override { saver_.wait(); }
  std::optional<std::string> take_save_error() override { return saver_.take_error(); }
  /// Restores what begin_save() wrote; the future is then that of the saved replay, bit for bit. No save may be under
  /// way. Errors: UserError with the path: no such file, of another shape, of other settings, another stamp (nothing
  /// has changed then), ended early or damaged (the replay is empty then).
  void load_file(const std::filesystem::path& path, std::uint64_t stamp) override;

 private:
  std::uint8_t* frames() { return reinterpret_cast<std::uint8_t*>(memory_.data()); }
  void store(int env, std::uint32_t slot, std::span<const std::uint8_t> frame);
  void fetch(std::uint32_t slot) const;
  void stack(std::uint32_t slot, std::uint8_t* to) const;
  FrameOrder order() const;
  void clear();

  ReplaySettings settings_;
  FrameShape shape_;
  std::size_t frame_bytes_;
  ReplayIndex index_;
  std::vector<std::uint32_t> newest_;  // inside the ring of each environment
  RowMemory memory_;
  FrameSaver saver_;  // last, so that it is gone before what it reads
};

}  // namespace sinv
