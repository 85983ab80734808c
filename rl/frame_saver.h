#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sinv {

/// In which order a file holds the frames of a ring of segments: blocks of kFrames frames, block after block from the
/// oldest on, and within that environment after environment. Frames that are overwritten first are thus written first.
struct FrameOrder {
  static constexpr std::uint32_t kFrames = 64;

  struct Segment {
    std::uint32_t oldest = 0;  // slot inside the segment
    std::uint32_t filled = 0;
  };
  std::size_t frame_bytes = 0;
  std::uint32_t ring_slots = 0;
  std::vector<Segment> segments;

  std::uint64_t blocks() const;
  /// Frames of all blocks.
  std::uint64_t frames() const;
  /// The bytes of a block inside the ring: none, one run, or two where it wraps.
  struct Run {
    std::size_t at = 0;
    std::size_t bytes = 0;
  };
  struct Runs {
    Run run[2];
  };
  Runs runs_of(std::uint64_t block) const;
  /// How many blocks must be done before this slot is free to be overwritten; 0 when the file does not hold it.
  std::uint64_t done_before(std::size_t env, std::uint32_t inside) const;
};

/// Writes one file in the background: bytes that it owns, then frames straight from a ring that may be written to
/// meanwhile, closed by a CRC-32 of all before; whole or not at all (base/file.h).
/// Thread: begin(), before_overwrite(), wait() and take_error() belong to the owner of the ring. The writer and it meet
/// in one counter: blocks that are written.
class FrameSaver {
 public:
  FrameSaver() = default;
  /// Waits for what is being written.
  ~FrameSaver();
  FrameSaver(const FrameSaver&) = delete;
  FrameSaver& operator=(const FrameSaver&) = delete;

  /// REQUIRES: not busy(). `frames` must live until the end; `head` is kept and given back by take_head().
  void begin(std::filesystem::path path, std::vector<std::byte> head, FrameOrder order, const std::uint8_t* frames);
  /// Returns when the frame in that slot is written, or need not be.
  void before_overwrite(std::size_t env, std::uint32_t inside) {
    if (active_) wait_for(env, inside);
  }
  bool busy() const;
  /// Waits for the end of what is being written. Afterwards take_error() tells how it went.
  void wait();
  /// What went wrong with the last file, once; an older file of its name is as it was.
  std::optional<std::string> take_error();
  /// Files that are on disk.
  std::int64_t saved() const { return saved_; }
  /// The memory of the last head, to be filled again.
  std::vector<std::byte> take_head();

 private:
  void wait_for(std::size_t env, std::uint32_t inside);
  void write(const std::filesystem::path& path, const std::uint8_t* frames);
  void collect();

  bool active_ = false;
  FrameOrder order_;
  std::vector<std::byte> head_;
  std::atomic<std::uint64_t> done_blocks_{0};
  std::future<void> writing_;
  std::optional<std::string> error_;
  std::int64_t saved_ = 0;
};

}  // namespace sinv
