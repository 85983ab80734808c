// What the build makes of the game: sizes, names, checksums.
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <vector>
#include <zlib.h>

#include "rom/own_rom.h"
#include "tests/rom/play.h"

namespace sinv {
namespace {

std::vector<unsigned char> bytes_of(const std::string& name) {
  std::ifstream file(SINV_BINARY_DIR + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::uint32_t crc_of(const unsigned char* bytes, std::size_t size) {
  return static_cast<std::uint32_t>(crc32(0, bytes, static_cast<uInt>(size)));
}

TEST(RomImage, FourPiecesHaveTheGeneratedChecksums) {
  const Rom rom = load_own_rom();
  for (std::size_t i = 0; i < 4; ++i) EXPECT_EQ(crc_of(rom.data() + 2048 * i, 2048), kOwnRomCrc[i]) << i;
}

TEST(RomImage, PiecesCarryTheOldAndTheNewMameNames) {
  const Rom rom = load_own_rom();
  const char* names[4][2] = {{"invaders.h", "9316b-0869_m739h.h1"},
                             {"invaders.g", "9316b-0856_m739g.g1"},
                             {"invaders.f", "9316b-0855_m739f.f1"},
                             {"invaders.e", "9316b-0854_m739e.e1"}};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::vector<unsigned char> wanted(rom.begin() + static_cast<std::ptrdiff_t>(2048 * i),
                                            rom.begin() + static_cast<std::ptrdiff_t>(2048 * (i + 1)));
    for (const char* name : names[i]) EXPECT_EQ(bytes_of(std::string("/roms/invaders/") + name), wanted) << name;
  }
}

TEST(RomImage, ZipHoldsEightStoredFilesWithRightChecksums) {
  const auto zip = bytes_of("/roms/invaders.zip");
  const auto le = [&](std::size_t at, int size) {
    std::uint32_t value = 0;
    for (int i = size; i-- > 0;) value = value << 8 | zip.at(at + static_cast<std::size_t>(i));
    return value;
  };
  ASSERT_GT(zip.size(), 22U);
  const std::size_t end = zip.size() - 22;
  ASSERT_EQ(le(end, 4), 0x06054B50U);
  ASSERT_EQ(le(end + 10, 2), 8U);
  std::size_t directory = le(end + 16, 4);
  for (int file = 0; file < 8; ++file) {
    ASSERT_EQ(le(directory, 4), 0x02014B50U);
    EXPECT_EQ(le(directory + 10, 2), 0U) << "stored";
    const std::size_t local = le(directory + 42, 4);
    ASSERT_EQ(le(local, 4), 0x04034B50U);
    const std::size_t data = local + 30 + le(local + 26, 2) + le(local + 28, 2);
    EXPECT_EQ(le(directory + 16, 4), crc_of(zip.data() + data, 2048));
    EXPECT_EQ(le(local + 14, 4), le(directory + 16, 4));
    directory += 46 + le(directory + 28, 2) + le(directory + 30, 2) + le(directory + 32, 2);
  }
  EXPECT_EQ(directory, end);
}

}  // namespace
}  // namespace sinv
