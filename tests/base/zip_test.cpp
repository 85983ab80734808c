#include "base/zip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "base/random.h"
#include "tests/support/zip_writer.h"

namespace sinv {
namespace {

using testing::AllOf;
using testing::HasSubstr;

template <class Fn>
std::string message_of(Fn&& fn) {
  try {
    fn();
  } catch (const UserError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Zip, GivesBackWhatWasPackedStoredOrDeflated) {
  for (const std::size_t size : {0, 1, 1000, 2048, 100'000}) {
    ZipWriter writer;
    writer.add("a", test_bytes(size, 1), false);
    writer.add("folder/b.bin", test_bytes(size, 2), true);
    const auto archive = writer.finish(size == 1000 ? "a comment" : "");
    const ZipReader reader(archive, "x.zip");
    ASSERT_EQ(reader.members().size(), 2U);
    EXPECT_EQ(reader.members()[0].name, "a");
    EXPECT_EQ(reader.members()[1].name, "folder/b.bin");
    EXPECT_EQ(reader.read(reader.members()[0], size), test_bytes(size, 1));
    EXPECT_EQ(reader.read(reader.members()[1], size), test_bytes(size, 2));
  }
}

TEST(Zip, AnEmptyArchiveHasNoMembers) {
  const auto archive = ZipWriter().finish();
  EXPECT_TRUE(ZipReader(archive, "x.zip").members().empty());
}

TEST(Zip, WhatIsNoZipIsCalledSo) {
  for (const std::size_t size : {0, 1, 21, 22, 5000}) {
    const auto bytes = test_bytes(size, 3);
    EXPECT_THAT(message_of([&] { ZipReader(bytes, "x.zip"); }), HasSubstr("x.zip: not a zip archive")) << size;
  }
}

TEST(Zip, EveryTruncationIsAnError) {
  ZipWriter writer;
  writer.add("a", test_bytes(100, 1), true);
  const auto archive = writer.finish();
  for (std::size_t size = 4; size < archive.size(); ++size) {
    const std::vector<std::byte> part(archive.begin(), archive.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_THAT(message_of([&] { ZipReader(part, "x.zip"); }), HasSubstr("damaged zip archive")) << size;
  }
}

TEST(Zip, ADamagedMemberIsNamed) {
  ZipWriter writer;
  writer.add("a.bin", test_bytes(100, 1), false);
  auto archive = writer.finish();
  archive[60] ^= std::byte{1};
  const ZipReader reader(archive, "x.zip");
  EXPECT_THAT(message_of([&] { reader.read(reader.members()[0], 1000); }),
              AllOf(HasSubstr("damaged"), HasSubstr("a.bin has another checksum")));
}

TEST(Zip, AMemberOverTheLimitIsRefusedBeforeItIsUnpacked) {
  ZipWriter writer;
  writer.add("big", test_bytes(5000, 1), true);
  const auto archive = writer.finish();
  const ZipReader reader(archive, "x.zip");
  EXPECT_THAT(message_of([&] { reader.read(reader.members()[0], 4999); }),
              HasSubstr("big has 5000 bytes, at most 4999"));
}

TEST(Zip, EncryptionAndOtherMethodsAreNamed) {
  ZipWriter writer;
  writer.add("a", test_bytes(100, 1), false);
  const auto archive = writer.finish();
  const ZipReader reader(archive, "x.zip");
  ZipReader::Member member = reader.members()[0];
  member.flags = 1;
  EXPECT_THAT(message_of([&] { reader.read(member, 1000); }), HasSubstr("encrypted"));
  member.flags = 0;
  member.method = 12;
  EXPECT_THAT(message_of([&] { reader.read(member, 1000); }), HasSubstr("method 12"));
}

// Random damage, thousands of times: either a UserError, or bytes whose checksum is the one of the directory. Run with
// the asan preset this is also a test for reads out of bounds.
TEST(Zip, NoDamageDoesHarm) {
  ZipWriter writer;
  writer.add("invaders.h", test_bytes(2048, 1), false);
  writer.add("invaders.g", test_bytes(2048, 2), true);
  const auto whole = writer.finish("comment");
  Random random(3, 0);
  int refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto archive = whole;
    const auto changes = 1 + random.below(4);
    for (std::uint32_t change = 0; change < changes; ++change) {
      const auto size = static_cast<std::uint32_t>(archive.size());
      // Half of the damage goes where the structures are: the last 200 bytes and the first 40.
      const std::uint32_t at = random.below(2) == 0   ? random.below(size)
                               : random.below(3) == 0 ? random.below(40)
                                                      : size - 1 - random.below(200);
      switch (random.below(3)) {
        case 0:
          archive[at] = static_cast<std::byte>(random.bits() & 0xFF);
          break;
        case 1:
          archive[at] ^= static_cast<std::byte>(1U << random.below(8));
          break;
        default:
          archive.resize(std::max<std::size_t>(300, at));
          break;
      }
    }
    try {
      const ZipReader reader(archive, "x.zip");
      for (const ZipReader::Member& member : reader.members()) {
        const auto bytes = reader.read(member, 1 << 16);
        ASSERT_EQ(crc32(bytes), member.crc);
      }
    } catch (const UserError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 5000);
}

}  // namespace
}  // namespace sinv
