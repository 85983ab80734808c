#include "base/file.h"

#include <csignal>
#include <filesystem>
#include <gtest/gtest.h>
#include <string>
#include <sys/resource.h>

#include "base/error.h"
#include "tests/support/folder.h"

namespace sinv {
namespace {

std::string letters_of(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

int files_in(const std::filesystem::path& folder) {
  int count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.is_regular_file() ? 1 : 0;
  return count;
}

TEST(AtomicFile, AppearsWholeAndReplacesTheOldOne) {
  TestFolder folder;
  write_file(folder / "a.txt", std::string_view("first"));
  write_file(folder / "a.txt", std::string_view("second"));
  EXPECT_EQ(letters_of(folder / "a.txt"), "second");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(AtomicFile, WithoutCommitTheOldFileStays) {
  TestFolder folder;
  write_file(folder / "a.txt", std::string_view("first"));
  {
    AtomicFile file(folder / "a.txt");
    file.write(std::string_view("half"));
  }
  EXPECT_EQ(letters_of(folder / "a.txt"), "first");
  EXPECT_EQ(files_in(folder.path()), 1);
}

// A file size limit stands for a full disk: write() fails in the same way.
TEST(AtomicFile, AFullDiskIsReportedAndTheOldFileStays) {
  TestFolder folder;
  write_file(folder / "a.txt", std::string_view("first"));
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  ::getrlimit(RLIMIT_FSIZE, &old);
  const rlimit small{4096, old.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &small);
  std::string said;
  try {
    write_file(folder / "a.txt", std::string(100'000, 'x'));
  } catch (const UserError& error) {
    said = error.what();
  }
  ::setrlimit(RLIMIT_FSIZE, &old);
  EXPECT_NE(said.find("a.txt: cannot be written: File too large"), std::string::npos) << said;
  EXPECT_EQ(letters_of(folder / "a.txt"), "first");
  EXPECT_EQ(files_in(folder.path()), 1);
}

TEST(AtomicFile, AMissingFolderIsNamed) {
  TestFolder folder;
  EXPECT_THROW(AtomicFile(folder / "no/such/file"), UserError);
}

// The check value of CRC-32 that every catalogue gives.
TEST(Crc32, AgreesWithTheCatalogueValue) {
  const std::string digits = "123456789";
  EXPECT_EQ(crc32(std::as_bytes(std::span(digits))), 0xCBF43926U);
  const auto bytes = std::as_bytes(std::span(digits));
  EXPECT_EQ(crc32(bytes.subspan(4), crc32(bytes.first(4))), 0xCBF43926U);
  EXPECT_EQ(crc32({}, 0xCBF43926U), 0xCBF43926U);
}

}  // namespace
}  // namespace sinv
