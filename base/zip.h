#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sinv {

/// A zip archive in memory, read through its central directory: stored and deflated members, no encryption, no ZIP64,
/// one disk. Source: PKWARE APPNOTE 6.3.9. Any bytes are safe to give.
/// Thread: any, for reading. Errors: UserError with `where` (the archive's path) in front.
class ZipReader {
 public:
  struct Member {
    std::string name;  // as stored; folders end in "/"
    std::uint32_t crc;
    std::uint32_t packed_bytes;
    std::uint32_t bytes;
    std::uint32_t header_at;
    std::uint16_t flags;
    std::uint16_t method;
  };

  /// Keeps a reference to `archive`. Errors: not a zip archive, or its directory is damaged.
  ZipReader(std::span<const std::byte> archive, std::string where);

  const std::vector<Member>& members() const { return members_; }

  /// The member unpacked, its checksum compared. Errors: larger than `max_bytes`, damaged, or of an unknown method.
  std::vector<std::byte> read(const Member& member, std::size_t max_bytes) const;

 private:
  std::span<const std::byte> slice(std::size_t at, std::size_t count, const char* what) const;
  [[noreturn]] void damaged(const std::string& how) const;

  std::span<const std::byte> archive_;
  std::string where_;
  std::vector<Member> members_;
};

}  // namespace sinv
