#include "rl/frame_replay.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/file.h"

namespace sinv {
namespace {

constexpr char kMagic[8] = {'S', 'I', 'N', 'V', 'F', 'R', 'A', 'M'};
constexpr std::uint32_t kVersion = 1;

// The fixed part of a file; docs/formats.md.
struct FileHead {
  char magic[8];
  std::uint32_t version;
  std::uint32_t block_frames;
  std::uint64_t stamp;
  std::uint64_t small_bytes;
};
static_assert(sizeof(FileHead) == 32);

const FrameShape& checked(const FrameShape& shape) {
  SINV_CHECK(shape.width >= 1 && shape.height >= 1 && shape.pixels() <= std::size_t{1} << 24, "FrameReplay: frames of ",
             shape.width, " x ", shape.height);
  SINV_CHECK(!shape.packed || shape.pixels() % 8 == 0, "FrameReplay: ", shape.width, " x ", shape.height,
             " bits fill no whole bytes");
  return shape;
}

std::string shape_text(std::uint32_t width, std::uint32_t height, std::uint32_t bits) {
  return text(width, " x ", height, " of ", bits, bits == 1 ? " bit" : " bits");
}

// Reads a file in order and sums what it reads.
class SummedReader {
 public:
  explicit SummedReader(const std::filesystem::path& path) : name_(path.string()), in_(path, std::ios::binary) {
    if (!in_) throw UserError(text(name_, ": cannot be opened; the frames of the replay stand there"));
    size_ = std::filesystem::file_size(path);
  }
  void get(std::span<std::byte> to) {
    if (to.size() > left() || !in_.read(reinterpret_cast<char*>(to.data()), static_cast<std::streamsize>(to.size()))) {
      throw UserError(text(name_, ": ends early; the file is damaged"));
    }
    at_ += to.size();
    sum_ = crc32(to, sum_);
  }
  // The checksum of all before must stand here.
  void check_sum() {
    const std::uint32_t wanted = sum_;
    std::uint32_t found = 0;
    get(std::as_writable_bytes(std::span(&found, 1)));
    if (found != wanted) throw UserError(text(name_, ": is damaged (its checksum is wrong)"));
  }
  std::uint64_t left() const { return size_ - at_; }
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::ifstream in_;
  std::uint64_t size_ = 0;
  std::uint64_t at_ = 0;
  std::uint32_t sum_ = 0;
};

}  // namespace

std::int64_t FrameReplay::bytes(const ReplaySettings& settings, const FrameShape& shape) {
  return Replay<std::uint8_t, std::uint8_t>::bytes(settings, static_cast<int>(shape.stored_bytes()));
}

FrameReplay::FrameReplay(const ReplaySettings& settings, const FrameShape& shape, Device device)
    : settings_((check_replay_memory(bytes(settings, checked(shape)), settings.capacity_steps), settings)),
      shape_(shape),
      frame_bytes_(shape.stored_bytes()),
      index_(settings),
      newest_(static_cast<std::size_t>(settings.envs)),
      memory_(static_cast<std::size_t>(index_.slots()) * frame_bytes_, device) {}

void FrameReplay::store(int env, std::uint32_t slot, std::span<const std::uint8_t> frame) {
  SINV_CHECK(frame.size() == frame_bytes_, "FrameReplay: a frame of ", frame.size(), " bytes, wanted ", frame_bytes_);
  const auto segment = static_cast<std::size_t>(env);
  const std::uint32_t inside = slot - static_cast<std::uint32_t>(env) * index_.ring_slots();
  saver_.before_overwrite(segment, inside);
  newest_[segment] = inside;
  std::memcpy(frames() + slot * frame_bytes_, frame.data(), frame_bytes_);
}

void FrameReplay::fetch(std::uint32_t slot) const {
  // The first lines of the run that a stack is; the processor follows a run by itself, page by page.
  constexpr std::size_t kBytes = 512;
  std::array<std::uint32_t, 256> rows;
  const std::span<std::uint32_t> stack = std::span(rows).first(static_cast<std::size_t>(index_.history()));
  for (const std::uint32_t end : {slot, index_.next_of(slot)}) {
    index_.rows_of(end, stack);
    const std::uint8_t* from = frames() + stack[0] * frame_bytes_;
    for (std::size_t i = 0; i < std::min(kBytes, frame_bytes_); i += 64) __builtin_prefetch(from + i);
  }
}

void FrameReplay::stack(std::uint32_t slot, std::uint8_t* to) const {
  std::array<std::uint32_t, 256> rows;
  const auto history = static_cast<std::size_t>(index_.history());
  index_.rows_of(slot, std::span(rows).first(history));
  // Neighbours are copied in one go: mostly that is the whole stack.
  for (std::size_t first = 0; first < history;) {
    std::size_t end = first + 1;
    while (end < history && rows[end] == rows[end - 1] + 1) ++end;
    const std::uint8_t* from = frames() + rows[first] * frame_bytes_;
    const std::size_t bytes = (end - first) * frame_bytes_;
    const std::size_t pixels = (end - first) * shape_.pixels();
    if (shape_.packed) {
      unpack_pixels(std::span(from, bytes), std::span(to, pixels));
    } else {
      std::memcpy(to, from, bytes);
    }
    to += pixels;
    first = end;
  }
}

void FrameReplay::gather(std::span<const std::uint32_t> slots, const TransitionBatch<std::uint8_t>& batch) const {
  const std::size_t observation = static_cast<std::size_t>(index_.history()) * shape_.pixels();
  SINV_CHECK(batch.observation_tm1.size() == slots.size() * observation &&
                 batch.observation_t.size() == slots.size() * observation,
             "FrameReplay::gather: ", slots.size(), " stacks of ", observation, " pixels, buffers of ",
             batch.observation_tm1.size(), " and ", batch.observation_t.size());
  SINV_CHECK(batch.action_tm1.size() == slots.size() && batch.return_t.size() == slots.size() &&
                 batch.discount_t.size() == slots.size(),
             "FrameReplay::gather: ", slots.size(), " slots, room for ", batch.action_tm1.size(), " actions, ",
             batch.return_t.size(), " returns, ", batch.discount_t.size(), " discounts");
  // What a sample needs lies far apart: ask for it some samples ahead, slots before frames.
  constexpr std::size_t kSlotsAhead = 8;
  constexpr std::size_t kFramesAhead = 2;
  for (std::size_t i = 0; i < std::min(kSlotsAhead, slots.size()); ++i) index_.fetch(slots[i]);
  for (std::size_t i = 0; i < std::min(kFramesAhead, slots.size()); ++i) fetch(slots[i]);
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i + kSlotsAhead < slots.size()) index_.fetch(slots[i + kSlotsAhead]);
    if (i + kFramesAhead < slots.size()) fetch(slots[i + kFramesAhead]);
    const ReplayIndex::Slot& slot = index_.at(slots[i]);
    batch.action_tm1[i] = slot.action;
    batch.return_t[i] = slot.ret;
    batch.discount_t[i] = slot.discount;
    stack(slots[i], batch.observation_tm1.data() + i * observation);
    stack(index_.next_of(slots[i]), batch.observation_t.data() + i * observation);
  }
}

void FrameReplay::save(ByteWriter& out) const {
  out.put(shape_.width);
  out.put(shape_.height);
  out.put<std::uint32_t>(shape_.packed ? 1 : 8);
  out.put_all(std::span<const std::uint32_t>(newest_));
  index_.save(out);
}

void FrameReplay::load(ByteReader& in) {
  const auto width = in.get<std::uint32_t>();
  const auto height = in.get<std::uint32_t>();
  const auto bits = in.get<std::uint32_t>();
  const auto own_width = static_cast<std::uint32_t>(shape_.width);
  const auto own_height = static_cast<std::uint32_t>(shape_.height);
  const std::uint32_t own_bits = shape_.packed ? 1 : 8;
  if (width != own_width || height != own_height || bits != own_bits) {
    throw UserError(text("replay: the saved frames are ", shape_text(width, height, bits), ", the settings say ",
                         shape_text(own_width, own_height, own_bits), "; resume with the settings of the run"));
  }
  std::vector<std::uint32_t> newest = in.get_vector<std::uint32_t>();
  if (newest.size() != newest_.size()) {
    throw UserError(text("replay: the saved one is of ", newest.size(), " environments, the settings say ",
                         newest_.size(), "; resume with the settings of the run"));
  }
  index_.load(in);
  newest_ = std::move(newest);
}

void FrameReplay::bulk(std::vector<std::span<std::byte>>& parts) {
  index_.bulk(parts);
  for (std::size_t env = 0; env < newest_.size(); ++env) {
    parts.push_back(std::as_writable_bytes(std::span(frames() + env * index_.ring_slots() * frame_bytes_,
                                                     index_.filled(static_cast<int>(env)) * frame_bytes_)));
  }
}

FrameOrder FrameReplay::order() const {
  FrameOrder order{.frame_bytes = frame_bytes_, .ring_slots = index_.ring_slots(), .segments = {}};
  for (std::size_t env = 0; env < newest_.size(); ++env) {
    const std::uint32_t filled = index_.filled(static_cast<int>(env));
    const bool wrapped = filled == order.ring_slots;
    order.segments.push_back({wrapped ? (newest_[env] + 1) % order.ring_slots : 0, filled});
  }
  return order;
}

bool FrameReplay::begin_save(const std::filesystem::path& path, std::uint64_t stamp) {
  if (saver_.busy()) return false;
  ByteWriter small;
  save(small);
  FileHead head{.magic = {},
                .version = kVersion,
                .block_frames = FrameOrder::kFrames,
                .stamp = stamp,
                .small_bytes = small.bytes().size()};
  std::memcpy(head.magic, kMagic, sizeof kMagic);
  std::vector<std::span<std::byte>> arrays;
  index_.bulk(arrays);
  std::size_t wanted = sizeof head + small.bytes().size() + sizeof(std::uint32_t);
  for (const auto& part : arrays) wanted += part.size();
  std::vector<std::byte> bytes = saver_.take_head();
  bytes.resize(wanted);
  std::size_t at = 0;
  const auto put = [&](const void* from, std::size_t count) {
    if (count != 0) std::memcpy(bytes.data() + at, from, count);
    at += count;
  };
  put(&head, sizeof head);
  put(small.bytes().data(), small.bytes().size());
  const std::uint32_t sum = crc32(std::span(bytes).first(at));
  put(&sum, sizeof sum);
  for (const auto& part : arrays) put(part.data(), part.size());
  saver_.begin(path, std::move(bytes), order(), frames());
  return true;
}

void FrameReplay::clear() {
  index_ = ReplayIndex(settings_);
  std::fill(newest_.begin(), newest_.end(), 0U);
}

void FrameReplay::load_file(const std::filesystem::path& path, std::uint64_t stamp) {
  SINV_CHECK(!saver_.busy(), "FrameReplay::load_file: a save is under way");
  SummedReader in(path);
  FileHead head{};
  in.get(std::as_writable_bytes(std::span(&head, 1)));
  if (std::memcmp(head.magic, kMagic, sizeof kMagic) != 0) throw UserError(text(in.name(), ": holds no replay frames"));
  if (head.version != kVersion || head.block_frames != FrameOrder::kFrames) {
    throw UserError(text(in.name(), ": has version ", head.version, " with blocks of ", head.block_frames,
                         ", this program reads ", kVersion, " with ", FrameOrder::kFrames));
  }
  if (head.small_bytes > in.left()) throw UserError(text(in.name(), ": ends early; the file is damaged"));
  std::vector<std::byte> small(head.small_bytes);
  in.get(small);
  in.check_sum();
  if (head.stamp != stamp) {
    throw UserError(text(in.name(), ": belongs to state ", head.stamp, ", wanted ", stamp,
                         "; the files of one save must stay together"));
  }
  ByteReader reader(small, in.name());
  ReplayIndex before = std::exchange(index_, ReplayIndex(settings_));
  try {
    load(reader);
  } catch (...) {
    index_ = std::move(before);
    throw;
  }
  try {
    std::vector<std::span<std::byte>> arrays;
    index_.bulk(arrays);
    for (const auto& part : arrays) in.get(part);
    const FrameOrder frames = order();
    for (std::uint64_t block = 0; block < frames.blocks(); ++block) {
      for (const FrameOrder::Run& run : frames.runs_of(block).run) {
        in.get(std::as_writable_bytes(std::span(this->frames() + run.at, run.bytes)));
      }
    }
    in.check_sum();
    if (in.left() != 0) throw UserError(text(in.name(), ": has ", in.left(), " bytes too many; the file is damaged"));
  } catch (...) {
    clear();
    throw;
  }
  index_.loaded();
}

}  // namespace sinv
