#include "bridge/mame/frame_reader.h"

#include <algorithm>
#include <cstring>

#include "base/error.h"

namespace sinv::mame {
namespace {

constexpr std::size_t kFirstRoomBytes = 96 * 1024;  // 64 frames of work RAM and two pictures are 78 KiB
constexpr std::size_t kLeastRoomBytes = 4096;

struct Header {
  std::uint32_t length;
  std::uint8_t kind;
  std::uint8_t flags;
  std::uint16_t sequence;
};
static_assert(sizeof(Header) == kHeaderBytes);

Header header_at(const std::byte* bytes) {
  Header header;
  std::memcpy(&header, bytes, sizeof header);  // little-endian, as this build is
  return header;
}

}  // namespace

FrameReader::FrameReader() : buffer_(kFirstRoomBytes) {}

std::span<std::byte> FrameReader::room() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  std::size_t wanted = end_ + kLeastRoomBytes;
  if (end_ >= kHeaderBytes) {
    const std::size_t length = std::min<std::size_t>(header_at(buffer_.data()).length, kMaxBodyBytes);
    wanted = std::max(wanted, kHeaderBytes + length);
  }
  if (buffer_.size() < wanted) buffer_.resize(wanted);
  return std::span(buffer_).subspan(end_);
}

void FrameReader::received(std::size_t count) {
  SINV_CHECK(count <= buffer_.size() - end_, "FrameReader: ", count, " bytes received in a room of ",
             buffer_.size() - end_);
  end_ += count;
}

void FrameReader::feed(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const std::span<std::byte> to = room();
    const std::size_t count = std::min(to.size(), bytes.size());
    std::copy_n(bytes.begin(), count, to.begin());
    received(count);
    bytes = bytes.subspan(count);
  }
}

FrameReader::Status FrameReader::broken(std::string why) {
  why_ = std::move(why);
  return Status::kBroken;
}

FrameReader::Status FrameReader::next(Frame& frame) {
  if (!why_.empty()) return Status::kBroken;
  if (waiting() < kHeaderBytes) return Status::kMore;
  const Header header = header_at(buffer_.data() + begin_);
  if (header.length > kMaxBodyBytes) {
    return broken(text("a frame of ", header.length, " bytes, at most ", kMaxBodyBytes, " are allowed"));
  }
  if ((header.flags & ~kPackedFlag) != 0) return broken(text("a frame with unknown flags ", unsigned{header.flags}));
  if (waiting() - kHeaderBytes < header.length) return Status::kMore;
  frame.kind = static_cast<Kind>(header.kind);
  frame.sequence = header.sequence;
  frame.body = std::span<const std::byte>(buffer_).subspan(begin_ + kHeaderBytes, header.length);
  if ((header.flags & kPackedFlag) != 0) {
    if (inflater_ == nullptr) inflater_ = std::make_unique<Inflater>(kMaxBodyBytes);
    const char* why = inflater_->unpack(frame.body, frame.body);
    if (why != nullptr) return broken(text(kind_name(frame.kind), ": ", why));
  }
  begin_ += kHeaderBytes + header.length;
  return Status::kFrame;
}

}  // namespace sinv::mame
