#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.h"

namespace sinv {

/// The state of a training on disk: a small part, then large arrays, closed by a checksum over all before it.
/// Layout, little-endian: "SINVSTAT", u32 version, u32 count of arrays, u64 bytes of the small part, u64 bytes of each
/// array, the small part, the arrays, u32 CRC-32.
class StateFile {
 public:
  /// Errors: UserError with the path: cannot be read, is no state file, is of another version, is damaged.
  static StateFile read(const std::filesystem::path& path);

  std::span<const std::byte> small() const { return small_; }
  /// Copies the arrays out. Errors: UserError when their sizes are not those of `parts`.
  void fill(std::span<const std::span<std::byte>> parts) const;

 private:
  std::string path_;
  std::vector<std::byte> bytes_;
  std::span<const std::byte> small_;
  std::vector<std::span<const std::byte>> arrays_;
};

/// Writes states in the background: take() copies what it is given, write() has a thread of its own write that, whole
/// or not at all, so that the state before stays until the new one is in place. Thread: one owner. The copy is kept and
/// used again, so memory is taken once per size.
class StateSaver {
 public:
  explicit StateSaver(std::filesystem::path path);
  /// Waits for what is being written.
  ~StateSaver();
  StateSaver(const StateSaver&) = delete;
  StateSaver& operator=(const StateSaver&) = delete;

  /// False, and does nothing, while the state before is still being written.
  bool take(std::span<const std::byte> small, std::span<const std::span<std::byte>> parts);
  /// Begins to write what was taken last. REQUIRES: not busy().
  void write();
  /// Waits for the end of what is being written. Afterwards take_error() tells how it went.
  void wait();
  bool busy() const;
  /// What went wrong with the last state written, once; the older file is as it was.
  std::optional<std::string> take_error();
  /// States that are on disk.
  std::int64_t saved() const { return saved_; }

 private:
  void collect();
  std::filesystem::path path_;
  std::vector<std::byte> image_;
  std::size_t image_bytes_ = 0;
  std::future<void> writing_;
  std::optional<std::string> error_;
  std::int64_t saved_ = 0;
};

/// Removes what a killed writer left beside `path`: files named `path`.NUMBER.tmp.
void remove_leftovers(const std::filesystem::path& path);

}  // namespace sinv
