#include "game/rom_set.h"

#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "base/file.h"
#include "rom/own_rom.h"
#include "tests/support/zip_writer.h"

namespace sinv {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;

class RomSetTest : public testing::Test {
 protected:
  RomSetTest() {
    std::string pattern = (fs::temp_directory_path() / "sinv_rom_set_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  ~RomSetTest() override { fs::remove_all(folder_); }

  void put(const fs::path& name, const std::vector<std::byte>& bytes) {
    fs::create_directories((folder_ / name).parent_path());
    write_file(folder_ / name, bytes);
  }
  void put_invaders(const fs::path& in = "") {
    unsigned seed = 1;
    for (const char* name : {"invaders.h", "invaders.g", "invaders.f", "invaders.e"}) {
      put(in / name, test_bytes(2048, seed++));
    }
  }
  void put_zip(const fs::path& name, bool deflated = true) {
    ZipWriter writer;
    unsigned seed = 1;
    for (const char* file : {"invaders.h", "invaders.g", "invaders.f", "invaders.e"}) {
      writer.add(file, test_bytes(2048, seed++), deflated);
    }
    put(name, writer.finish());
  }
  std::string message(const fs::path& path) const {
    try {
      load_rom_set(path);
    } catch (const UserError& error) {
      return error.what();
    }
    return "no error";
  }
  void expect_test_rom(const RomSet& set) const {
    for (unsigned part = 0; part < 4; ++part) {
      const auto wanted = test_bytes(2048, part + 1);
      for (std::size_t i = 0; i < 2048; ++i) {
        ASSERT_EQ(set.image->bytes[part * 2048 + i], std::to_integer<int>(wanted[i])) << part << " " << i;
      }
    }
  }

  fs::path folder_;
};

fs::path own_roms() { return fs::path(SINV_BINARY_DIR) / "roms"; }

TEST_F(RomSetTest, TheEnginesOwnGameIsKnownAsZipAsFolderAndByItsParentFolder) {
  for (const fs::path& path : {own_roms() / "invaders.zip", own_roms() / "invaders", own_roms()}) {
    const RomSet set = load_rom_set(path);
    EXPECT_EQ(set.kind, RomKind::kOwn) << path;
    EXPECT_EQ(set.warning, "");
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(crc32(std::as_bytes(std::span(set.image->bytes).subspan(2048 * i, 2048))), kOwnRomCrc[i]);
    }
  }
}

TEST_F(RomSetTest, UnknownContentsRunWithAWarningThatNamesTheChecksums) {
  put_invaders();
  const RomSet set = load_rom_set(folder_);
  EXPECT_EQ(set.kind, RomKind::kUnknown);
  EXPECT_THAT(set.warning, AllOf(HasSubstr("unknown game"), HasSubstr("instead of 734f5ad8")));
  expect_test_rom(set);
}

TEST_F(RomSetTest, FoldersZipsAndParentFoldersGiveTheSameBytes) {
  put_invaders("a/invaders");
  put_zip("b/invaders.zip");
  put_zip("c/anything.zip", false);
  for (const char* path : {"a/invaders", "a", "b", "b/invaders.zip", "c/anything.zip"}) {
    expect_test_rom(load_rom_set(folder_ / path));
  }
}

TEST_F(RomSetTest, NewerMameNamesUpperCaseAndFoldersInArchivesWillDo) {
  put("new/9316b-0869_m739h.h1", test_bytes(2048, 1));
  put("new/9316b-0856_m739g.g1", test_bytes(2048, 2));
  put("new/9316b-0855_m739f.f1", test_bytes(2048, 3));
  put("new/9316b-0854_m739e.e1", test_bytes(2048, 4));
  expect_test_rom(load_rom_set(folder_ / "new"));
  ZipWriter writer;
  writer.add("Roms/", {}, false);
  writer.add("Roms/INVADERS.H", test_bytes(2048, 1), true);
  writer.add("Roms/INVADERS.G", test_bytes(2048, 2), true);
  writer.add("Roms/INVADERS.F", test_bytes(2048, 3), true);
  writer.add("Roms/INVADERS.E", test_bytes(2048, 4), true);
  put("upper.zip", writer.finish());
  expect_test_rom(load_rom_set(folder_ / "upper.zip"));
}

TEST_F(RomSetTest, AOneKibSetIsLaidOutWithItsHole) {
  constexpr std::pair<const char*, std::size_t> kPieces[] = {{"sv01.36", 0x0000}, {"sv02.35", 0x0400},
                                                             {"sv10.34", 0x0800}, {"sv04.31", 0x1400},
                                                             {"sv09.42", 0x1800}, {"sv06.41", 0x1C00}};
  unsigned seed = 1;
  for (const auto& [name, address] : kPieces) put(name, test_bytes(1024, seed++));
  const RomSet set = load_rom_set(folder_);
  EXPECT_EQ(set.set, "sisv2");
  seed = 1;
  for (const auto& [name, address] : kPieces) {
    const auto wanted = test_bytes(1024, seed++);
    for (std::size_t i = 0; i < 1024; ++i) {
      ASSERT_EQ(set.image->bytes[address + i], std::to_integer<int>(wanted[i])) << name;
    }
  }
  EXPECT_EQ(set.image->bytes[0x0C00], 0);
  EXPECT_EQ(set.image->bytes[0x13FF], 0);
}

TEST_F(RomSetTest, ACloneTakesSharedFilesFromItsParentBesideIt) {
  put_zip("invaders.zip");
  ZipWriter writer;
  for (const char* name : {"spcekng2", "spcekng3", "spcekng4"}) writer.add(name, test_bytes(2048, 9), true);
  put("spceking.zip", writer.finish());
  const RomSet set = load_rom_set(folder_ / "spceking.zip");
  EXPECT_EQ(set.set, "spceking");
  EXPECT_EQ(set.image->bytes[7], std::to_integer<int>(test_bytes(2048, 1)[7]));
  EXPECT_EQ(set.image->bytes[0x0807], std::to_integer<int>(test_bytes(2048, 9)[7]));
}

TEST_F(RomSetTest, WhatIsWrongIsSaidInOneSentence) {
  EXPECT_THAT(message(folder_ / "nowhere"), HasSubstr("nowhere: nothing is there"));
  EXPECT_THAT(message(folder_), AllOf(HasSubstr("no game for this board is in it"), HasSubstr("invaders.h")));

  put_invaders("missing");
  fs::remove(folder_ / "missing/invaders.f");
  EXPECT_THAT(message(folder_ / "missing"),
              AllOf(HasSubstr("has 3 of the 4 files"), HasSubstr("invaders.f (or 9316b-0855_m739f.f1) is missing")));

  put_invaders("size");
  put("size/invaders.g", test_bytes(2047, 2));
  EXPECT_THAT(message(folder_ / "size"), HasSubstr("invaders.g has 2047 bytes, 2048 are wanted"));

  put("text.zip", test_bytes(500, 1));
  EXPECT_THAT(message(folder_ / "text.zip"), HasSubstr("text.zip: not a zip archive"));
  put("empty.zip", {});
  EXPECT_THAT(message(folder_ / "empty.zip"), HasSubstr("empty.zip: not a zip archive (0 bytes"));

  put_zip("whole.zip");
  auto bytes = read_file(folder_ / "whole.zip");
  bytes.resize(bytes.size() - 30);
  put("short.zip", bytes);
  EXPECT_THAT(message(folder_ / "short.zip"), HasSubstr("damaged zip archive"));

  put("other.zip", ZipWriter().finish());
  EXPECT_THAT(message(folder_ / "other.zip"), HasSubstr("no game for this board is in it"));

  put("huge/invaders.h", std::vector<std::byte>(2 << 20));
  put("huge/invaders.g", test_bytes(2048, 1));
  put("huge/invaders.f", test_bytes(2048, 1));
  put("huge/invaders.e", test_bytes(2048, 1));
  EXPECT_THAT(message(folder_ / "huge"), HasSubstr("at most"));
}

TEST_F(RomSetTest, WrittenForMameItLoadsAgainUnderBothKindsOfNames) {
  put_invaders("in");
  const RomSet set = load_rom_set(folder_ / "in");
  write_mame_set(set.image->bytes, folder_ / "roms");
  expect_test_rom(load_rom_set(folder_ / "roms"));
  for (const char* older : {"invaders.h", "invaders.g", "invaders.f", "invaders.e"}) {
    fs::remove(folder_ / "roms/invaders" / older);
  }
  expect_test_rom(load_rom_set(folder_ / "roms"));
}

TEST_F(RomSetTest, AMameFolderThatCannotBeMadeIsNamed) {
  put("file", {});
  try {
    write_mame_set(Rom{}, folder_ / "file");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(), AllOf(HasSubstr("file/invaders"), HasSubstr("cannot be made")));
  }
}

}  // namespace
}  // namespace sinv
