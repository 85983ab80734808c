#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinv {

/// The whole file. Errors: UserError with the path and the system's own text.
std::vector<std::byte> read_file(const std::filesystem::path& path);

/// CRC-32 (IEEE 802.3, as zlib and zip have it) of bytes, continuing from `crc`.
std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc = 0);

/// A file that appears under its name whole or not at all: written to a temporary name beside it, synced, renamed, and
/// the folder synced. Destroyed without commit(), it removes what it wrote and leaves an older file as it was.
/// Errors: UserError with the path and the system's own text (disk full, no permission, ...).
/// Thread: one owner.
class AtomicFile {
 public:
  explicit AtomicFile(std::filesystem::path path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  void write(std::span<const std::byte> bytes);
  void write(std::string_view letters);
  void commit();

 private:
  [[noreturn]] void fail(const char* doing) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
};

/// Writes a small file atomically.
void write_file(const std::filesystem::path& path, std::string_view letters);
void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes);

}  // namespace sinv
