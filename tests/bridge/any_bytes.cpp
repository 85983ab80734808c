#include "tests/bridge/any_bytes.h"

#include <algorithm>

#include "base/error.h"
#include "bridge/mame/frame_reader.h"

namespace sinv::mame {
namespace {

/// What decodes must encode to the same body again: the layouts leave no freedom.
template <class Message>
void one(std::span<const std::byte> body) {
  Message message;
  if (decode(body, message) != nullptr) return;
  std::vector<std::byte> again;
  encode(message, 0, again);
  const auto same = std::span<const std::byte>(again).subspan(kHeaderBytes);
  SINV_CHECK(std::equal(same.begin(), same.end(), body.begin(), body.end()), kind_name(Message::kKind),
             ": what was decoded encodes to another body");
}

template <class... Messages>
void all(std::span<const std::byte> body) {
  (one<Messages>(body), ...);
}

}  // namespace

void take_any_bytes(std::span<const std::byte> bytes) {
  if (bytes.empty()) return;
  const std::size_t piece = std::size_t{1} + std::to_integer<std::size_t>(bytes.front());
  bytes = bytes.subspan(1);
  all<Hello, Welcome, Refused, Step, StepReply, Rule, Read, ReadReply, Write, PowerOnReply, StateSaveReply, StateLoad,
      Text, Throttle, Console, ConsoleReply, Debug, StatisticsReply, Failed, Empty<Kind::kPing>>(bytes);
  hello_version(bytes);
  FrameReader reader;
  Frame frame;
  while (!bytes.empty()) {
    const std::size_t count = std::min(piece, bytes.size());
    reader.feed(bytes.first(count));
    bytes = bytes.subspan(count);
    while (reader.next(frame) == FrameReader::Status::kFrame) {
      SINV_CHECK(frame.body.size() <= kMaxBodyBytes, "a body of ", frame.body.size(), " bytes came through");
      kind_name(frame.kind);
      all<Hello, Step, StepReply, Rule, Read, PowerOnReply, Text, Failed>(frame.body);
    }
  }
}

}  // namespace sinv::mame
