#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/deflate.h"
#include "bridge/mame/protocol.h"

namespace sinv::mame {

/// One frame, unpacked. The body is a view into the reader.
struct Frame {
  Kind kind = Kind::kPing;
  std::uint16_t sequence = 0;
  std::span<const std::byte> body;
};

/// Cuts a stream of bytes into frames. Any bytes are safe to give, in pieces of any size. A header that breaks the
/// rules is refused as soon as it is there, before its body.
/// Takes no memory once it has held the largest frame. Thread: one owner.
class FrameReader {
 public:
  enum class Status { kFrame, kMore, kBroken };

  FrameReader();

  /// Where to receive to: room for at least what is missing of the frame that has begun. Then say how many came.
  /// Ends the validity of the last frame's body.
  std::span<std::byte> room();
  void received(std::size_t count);
  /// The same for bytes that are elsewhere.
  void feed(std::span<const std::byte> bytes);

  /// The next frame, kMore when it is not whole yet, or kBroken, for good: why() says what is wrong.
  Status next(Frame& frame);
  const std::string& why() const { return why_; }

  /// Bytes that came behind the last frame taken.
  std::size_t waiting() const { return end_ - begin_; }

 private:
  Status broken(std::string why);

  std::vector<std::byte> buffer_;
  std::size_t begin_ = 0;  // first byte not taken
  std::size_t end_ = 0;
  std::string why_;
  std::unique_ptr<Inflater> inflater_;  // made when the first packed frame comes
};

}  // namespace sinv::mame
