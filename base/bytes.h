#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace sinv {

/// Appends plain values to a byte vector, in the machine's order (little-endian; checked below).
/// A state is written field by field with `put`, and read back in the same order by ByteReader.
class ByteWriter {
 public:
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put(const T& value) { append(&value, sizeof(T)); }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void put_all(std::span<const T> values) {
    put<std::uint64_t>(values.size());
    append(values.data(), values.size_bytes());
  }
  void put_text(const std::string& value) { put_all(std::span<const char>(value)); }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(const void* from, std::size_t count) {
    if (count == 0) return;
    const std::size_t at = bytes_.size();
    bytes_.resize(at + count);  // not insert(): g++ 12 sees an overflow in it that is not there
    std::memcpy(bytes_.data() + at, from, count);
  }
  std::vector<std::byte> bytes_;
};

/// Reads what ByteWriter wrote. Errors: UserError naming `what` when the bytes end early or a count differs.
class ByteReader {
 public:
  ByteReader(std::span<const std::byte> bytes, std::string what) : bytes_(bytes), what_(std::move(what)) {}
  template <class T>
  requires std::is_trivially_copyable_v<T> T get() {
    T value;
    std::memcpy(&value, take(sizeof(T)), sizeof(T));
    return value;
  }
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void get(T& value) { value = get<T>(); }
  /// Fills exactly `values`.
  template <class T>
  requires std::is_trivially_copyable_v<T>
  void get_all(std::span<T> values) {
    const auto count = get<std::uint64_t>();
    if (count != values.size()) {
      throw UserError(text(what_, ": holds ", count, " values where ", values.size(), " are wanted"));
    }
    if (!values.empty()) std::memcpy(values.data(), take(values.size_bytes()), values.size_bytes());
  }
  template <class T>
  requires std::is_trivially_copyable_v<T> std::vector<T> get_vector() {
    const auto count = get<std::uint64_t>();
    if (count > left() / sizeof(T)) throw UserError(text(what_, ": ends early; the file is damaged"));
    std::vector<T> values(count);
    if (count != 0) std::memcpy(values.data(), take(count * sizeof(T)), count * sizeof(T));
    return values;
  }
  std::string get_text() {
    const std::vector<char> letters = get_vector<char>();
    return {letters.begin(), letters.end()};
  }
  std::size_t left() const { return bytes_.size() - at_; }

 private:
  const std::byte* take(std::size_t count) {
    if (count > left()) throw UserError(text(what_, ": ends early; the file is damaged"));
    const std::byte* from = bytes_.data() + at_;
    at_ += count;
    return from;
  }
  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
  std::string what_;
};

static_assert(std::endian::native == std::endian::little, "file formats are little-endian");

}  // namespace sinv
