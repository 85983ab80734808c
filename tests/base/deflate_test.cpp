#include "base/deflate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace sinv {
namespace {

using ::testing::HasSubstr;

std::vector<std::byte> noise(std::size_t count, std::uint32_t kinds) {
  Random random(1, 2);
  std::vector<std::byte> bytes(count);
  for (std::byte& b : bytes) b = static_cast<std::byte>(random.below(kinds));
  return bytes;
}

std::vector<std::byte> copy(std::span<const std::byte> bytes) { return {bytes.begin(), bytes.end()}; }

TEST(Deflate, WhatIsPackedUnpacksToTheSame) {
  Deflater deflater;
  Inflater inflater(100'000);
  for (const std::size_t count : {0, 1, 2, 511, 7168, 99'999, 100'000, 3}) {
    for (const std::uint32_t kinds : {1U, 4U, 256U}) {
      const auto bytes = noise(count, kinds);
      const auto packed = copy(deflater.pack(bytes));
      std::span<const std::byte> back;
      ASSERT_EQ(inflater.unpack(packed, back), nullptr);
      EXPECT_EQ(copy(back), bytes);
    }
  }
}

// Made by python3: zlib.compress(b"space invaders", 9).
TEST(Deflate, AStreamOfAnotherProgramIsRead) {
  constexpr unsigned char kPacked[] = {0x78, 0xda, 0x2b, 0x2e, 0x48, 0x4c, 0x4e, 0x55, 0xc8, 0xcc, 0x2b,
                                       0x4b, 0x4c, 0x49, 0x2d, 0x2a, 0x06, 0x00, 0x28, 0xf0, 0x05, 0x89};
  Inflater inflater(14);
  std::span<const std::byte> back;
  ASSERT_EQ(inflater.unpack(std::as_bytes(std::span(kPacked)), back), nullptr);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(back.data()), back.size()), "space invaders");
}

TEST(Deflate, AStreamThatIsTooLongIsRefused) {
  Deflater deflater;
  const auto packed = copy(deflater.pack(noise(1001, 2)));
  Inflater inflater(1000);
  std::span<const std::byte> back;
  EXPECT_THAT(inflater.unpack(packed, back), HasSubstr("longer than allowed"));
  const auto bomb = copy(deflater.pack(std::vector<std::byte>(50'000'000)));
  EXPECT_THAT(inflater.unpack(bomb, back), HasSubstr("longer than allowed"));
}

TEST(Deflate, ADamagedOrCutStreamIsRefused) {
  Deflater deflater;
  auto packed = copy(deflater.pack(noise(300, 7)));
  Inflater inflater(1000);
  std::span<const std::byte> back;
  for (std::size_t count = 0; count < packed.size(); ++count) {
    EXPECT_THAT(inflater.unpack(std::span(packed).first(count), back), HasSubstr("cut off"));
  }
  packed.push_back(std::byte{0});
  EXPECT_THAT(inflater.unpack(packed, back), HasSubstr("bytes follow"));
  packed.pop_back();
  packed.back() ^= std::byte{1};
  EXPECT_THAT(inflater.unpack(packed, back), HasSubstr("damaged"));
}

}  // namespace
}  // namespace sinv
