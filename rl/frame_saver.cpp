#include "rl/frame_saver.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

std::uint64_t FrameOrder::blocks() const {
  std::uint32_t most = 0;
  for (const Segment& segment : segments) most = std::max(most, segment.filled);
  return std::uint64_t{(most + kFrames - 1) / kFrames} * segments.size();
}

std::uint64_t FrameOrder::frames() const {
  std::uint64_t count = 0;
  for (const Segment& segment : segments) count += segment.filled;
  return count;
}

FrameOrder::Runs FrameOrder::runs_of(std::uint64_t block) const {
  const std::size_t env = block % segments.size();
  const Segment& segment = segments[env];
  const std::uint64_t from = std::min<std::uint64_t>(block / segments.size() * kFrames, segment.filled);
  const std::uint64_t to = std::min<std::uint64_t>(from + kFrames, segment.filled);
  const std::uint64_t first = (segment.oldest + from) % ring_slots;
  const std::uint64_t before_wrap = std::min(to - from, ring_slots - first);
  const std::size_t base = env * ring_slots;
  return {{{(base + first) * frame_bytes, before_wrap * frame_bytes},
           {base * frame_bytes, (to - from - before_wrap) * frame_bytes}}};
}

std::uint64_t FrameOrder::done_before(std::size_t env, std::uint32_t inside) const {
  const Segment& segment = segments[env];
  const std::uint32_t age = inside >= segment.oldest ? inside - segment.oldest : inside + ring_slots - segment.oldest;
  return age < segment.filled ? std::uint64_t{age / kFrames} * segments.size() + env + 1 : 0;
}

FrameSaver::~FrameSaver() {
  if (writing_.valid()) writing_.wait();
}

void FrameSaver::begin(std::filesystem::path path, std::vector<std::byte> head, FrameOrder order,
                       const std::uint8_t* frames) {
  SINV_CHECK(!busy(), "FrameSaver::begin: the file before is still being written");
  collect();
  head_ = std::move(head);
  order_ = std::move(order);
  done_blocks_.store(0, std::memory_order_relaxed);
  active_ = true;
  writing_ = std::async(std::launch::async, [this, frames, to = std::move(path)] {
    // Whoever waits for a block must go on when there will be none.
    struct AllDone {
      ~AllDone() {
        blocks.store(std::numeric_limits<std::uint64_t>::max(), std::memory_order_release);
        blocks.notify_all();
      }
      std::atomic<std::uint64_t>& blocks;
    } at_the_end{done_blocks_};
    write(to, frames);
  });
}

void FrameSaver::write(const std::filesystem::path& path, const std::uint8_t* frames) {
  AtomicFile file(path);
  std::uint32_t sum = 0;
  const auto put = [&](std::span<const std::byte> bytes) {
    sum = crc32(bytes, sum);
    file.write(bytes);
  };
  put(head_);
  const std::uint64_t blocks = order_.blocks();
  for (std::uint64_t block = 0; block < blocks; ++block) {
    for (const FrameOrder::Run& run : order_.runs_of(block).run) {
      put(std::as_bytes(std::span(frames + run.at, run.bytes)));
    }
    done_blocks_.store(block + 1, std::memory_order_release);
    done_blocks_.notify_all();
  }
  const std::uint32_t end = sum;
  file.write(std::as_bytes(std::span(&end, 1)));
  file.commit();
}

void FrameSaver::wait_for(std::size_t env, std::uint32_t inside) {
  const std::uint64_t wanted = order_.done_before(env, inside);
  for (std::uint64_t done = done_blocks_.load(std::memory_order_acquire); done < wanted;
       done = done_blocks_.load(std::memory_order_acquire)) {
    done_blocks_.wait(done, std::memory_order_acquire);
  }
}

bool FrameSaver::busy() const {
  return writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void FrameSaver::collect() {
  if (!writing_.valid()) return;
  try {
    writing_.get();
    ++saved_;
  } catch (const std::exception& error) {
    error_ = error.what();
  }
  active_ = false;
}

void FrameSaver::wait() { collect(); }

std::optional<std::string> FrameSaver::take_error() {
  if (!busy()) collect();
  return std::exchange(error_, std::nullopt);
}

std::vector<std::byte> FrameSaver::take_head() {
  SINV_CHECK(!busy(), "FrameSaver::take_head: the file before is still being written");
  return std::move(head_);
}

}  // namespace sinv
