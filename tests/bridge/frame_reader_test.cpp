#include "bridge/mame/frame_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/bridge/golden.h"

namespace sinv::mame {
namespace {

using ::testing::HasSubstr;
using Status = FrameReader::Status;
using Bytes = std::vector<std::byte>;

Bytes frame_of(std::uint32_t length, std::uint8_t flags, std::size_t body_bytes) {
  Bytes bytes(kHeaderBytes + body_bytes);
  for (int i = 0; i < 4; ++i) bytes[static_cast<std::size_t>(i)] = static_cast<std::byte>(length >> (8 * i));
  bytes[4] = std::byte{0x0F};
  bytes[5] = static_cast<std::byte>(flags);
  return bytes;
}

TEST(FrameReader, FramesComeOutWholeWhereverTheStreamIsCut) {
  Bytes stream;
  std::vector<Bytes> bodies;
  for (const auto& [name, bytes] : golden_frames()) {
    if (name == "step_reply_zlib") continue;
    stream.insert(stream.end(), bytes.begin(), bytes.end());
    bodies.emplace_back(bytes.begin() + kHeaderBytes, bytes.end());
  }
  Random random(3, 0);
  for (const std::size_t piece :
       {std::size_t{1}, std::size_t{7}, std::size_t{8}, std::size_t{9}, std::size_t{1000}, stream.size()}) {
    FrameReader reader;
    Frame frame;
    std::size_t taken = 0;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      reader.feed(std::span(stream).subspan(at, std::min(piece, stream.size() - at)));
      Status status{};
      while ((status = reader.next(frame)) == Status::kFrame) {
        ASSERT_LT(taken, bodies.size());
        EXPECT_EQ(Bytes(frame.body.begin(), frame.body.end()), bodies[taken]);
        ++taken;
      }
      ASSERT_EQ(status, Status::kMore) << reader.why();
    }
    EXPECT_EQ(taken, bodies.size());
    EXPECT_EQ(reader.waiting(), 0U);
  }
}

TEST(FrameReader, TheLargestFrameIsTakenAndOneByteMoreIsRefusedAtTheHeader) {
  FrameReader reader;
  Frame frame;
  reader.feed(frame_of(kMaxBodyBytes, 0, kMaxBodyBytes));
  ASSERT_EQ(reader.next(frame), Status::kFrame);
  EXPECT_EQ(frame.body.size(), kMaxBodyBytes);
  reader.feed(frame_of(kMaxBodyBytes + 1, 0, 0));
  EXPECT_EQ(reader.next(frame), Status::kBroken);
  EXPECT_THAT(reader.why(), HasSubstr("a frame of 1048577 bytes, at most 1048576"));
  reader.feed(golden_frames().at("ping"));
  EXPECT_EQ(reader.next(frame), Status::kBroken) << "broken for good";
}

TEST(FrameReader, UnknownFlagsAreRefused) {
  FrameReader reader;
  Frame frame;
  reader.feed(frame_of(0, 2, 0));
  EXPECT_EQ(reader.next(frame), Status::kBroken);
  EXPECT_THAT(reader.why(), HasSubstr("unknown flags 2"));
}

TEST(FrameReader, APackedBodyThatIsNoneOrTooLongIsRefused) {
  Frame frame;
  FrameReader noise;
  noise.feed(frame_of(20, kPackedFlag, 20));
  EXPECT_EQ(noise.next(frame), Status::kBroken);
  EXPECT_THAT(noise.why(), HasSubstr("PING: the zlib stream is damaged"));
  Deflater deflater(9);
  Bytes bomb = frame_of(0, 0, 0);
  replace_body_by_packed(bomb, deflater.pack(Bytes(kMaxBodyBytes + 1)));
  FrameReader reader;
  reader.feed(bomb);
  EXPECT_EQ(reader.next(frame), Status::kBroken);
  EXPECT_THAT(reader.why(), HasSubstr("longer than allowed"));
}

TEST(FrameReader, RoomIsNeverMoreThanOneFrameNeeds) {
  FrameReader reader;
  reader.feed(frame_of(0xFFFFFFFF, 0, 0));
  EXPECT_LE(reader.room().size(), kMaxBodyBytes + kHeaderBytes + 4096);
}

TEST(FrameReader, MoreReceivedThanThereWasRoomForIsAnError) {
  FrameReader reader;
  const std::size_t room = reader.room().size();
  try {
    reader.received(room + 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("bytes received in a room of"));
  }
}

}  // namespace
}  // namespace sinv::mame
