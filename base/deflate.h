#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

namespace sinv {

/// Packs bytes as one zlib stream (RFC 1950). Takes memory when made and when a result is longer than any before.
/// Thread: one owner. Errors: Error when zlib has no memory.
class Deflater {
 public:
  /// `level`: 1 (fast) to 9 (small).
  explicit Deflater(int level = 1);
  ~Deflater();
  Deflater(const Deflater&) = delete;
  Deflater& operator=(const Deflater&) = delete;

  /// Valid until the next call.
  std::span<const std::byte> pack(std::span<const std::byte> bytes);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::vector<std::byte> packed_;
};

/// Unpacks one whole zlib stream. Any bytes are safe to give. Takes memory when made and at the first call.
/// Thread: one owner. Errors: Error when zlib has no memory.
class Inflater {
 public:
  /// No stream gives more than `max_bytes`.
  explicit Inflater(std::size_t max_bytes);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Null and `bytes` set (valid until the next call), or what is wrong: damaged, cut off, too long, or followed by
  /// more.
  const char* unpack(std::span<const std::byte> packed, std::span<const std::byte>& bytes);

 private:
  struct Stream;
  std::unique_ptr<Stream> stream_;
  std::size_t max_bytes_;
  std::vector<std::byte> bytes_;
};

}  // namespace sinv
