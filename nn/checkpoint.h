#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sinv {

/// Element types of a safetensors file, by their names there.
enum class DataType : std::uint8_t { kU8, kI8, kU16, kI16, kU32, kI32, kU64, kI64, kF32, kF64 };
const char* data_type_name(DataType type);  // "F32"
std::size_t data_type_size(DataType type);

template <class T>
struct DataTypeOf;
#define SINV_DATA_TYPE(T, k)                       \
  template <>                                      \
  struct DataTypeOf<T> {                           \
    static constexpr DataType value = DataType::k; \
  };
SINV_DATA_TYPE(std::byte, kU8)
SINV_DATA_TYPE(std::uint8_t, kU8)
SINV_DATA_TYPE(std::int8_t, kI8)
SINV_DATA_TYPE(std::uint16_t, kU16)
SINV_DATA_TYPE(std::int16_t, kI16)
SINV_DATA_TYPE(std::uint32_t, kU32)
SINV_DATA_TYPE(std::int32_t, kI32)
SINV_DATA_TYPE(std::uint64_t, kU64)
SINV_DATA_TYPE(std::int64_t, kI64)
SINV_DATA_TYPE(float, kF32)
SINV_DATA_TYPE(double, kF64)
#undef SINV_DATA_TYPE

/// Texts by name: agent, shapes, feature version, counters, scores. The name "sinv.crc32" is taken.
using Metadata = std::map<std::string, std::string>;

/// Writes a safetensors file: 8 bytes little-endian length of the header, the header in JSON, then the data. The
/// metadata carries a CRC-32 of header and data, so that any altered byte is noticed.
/// Format: https://github.com/huggingface/safetensors (README, "Format"); docs/formats.md has our metadata.
/// Thread: one owner.
class CheckpointWriter {
 public:
  /// Later values replace earlier ones. Errors: Error for the name that is taken.
  void set(const std::string& name, const std::string& value);
  /// Refers to `values`, which must live and stay unchanged until write() returns: big buffers are not copied.
  /// Errors: Error for a name that is there already, or when shape and count disagree.
  template <class T>
  void add(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const T> values) {
    add_bytes(name, DataTypeOf<T>::value, shape, std::as_bytes(values));
  }
  /// A state as one row of bytes.
  void add(const std::string& name, std::span<const std::byte> bytes) {
    add_bytes(name, DataType::kU8, {static_cast<std::int64_t>(bytes.size())}, bytes);
  }
  /// The whole file or nothing appears under `path`. Errors: UserError with the path and the system's text.
  void write(const std::filesystem::path& path) const;

 private:
  struct Entry {
    std::string name;
    DataType type;
    std::vector<std::int64_t> shape;
    std::span<const std::byte> bytes;
  };
  void add_bytes(const std::string& name, DataType type, const std::vector<std::int64_t>& shape,
                 std::span<const std::byte> bytes);
  std::string header(const std::string& checksum) const;

  Metadata metadata_;
  std::vector<Entry> entries_;
};

/// One tensor of a file; begin and end count from the start of the data.
struct TensorInfo {
  DataType type;
  std::vector<std::int64_t> shape;
  std::uint64_t begin;
  std::uint64_t end;
};

/// A checkpoint opened for reading: the constructor verifies the whole file (in pieces of 1 MiB), then tensors are read
/// straight to where they are wanted.
/// Errors: UserError, one sentence with the path: absent, not of this format, truncated, altered, tensor absent (names
///         the known), wrong type or shape (names both).
/// Thread: one owner.
class CheckpointReader {
 public:
  explicit CheckpointReader(const std::filesystem::path& path);

  const Metadata& metadata() const { return metadata_; }
  /// The text of one name.
  const std::string& get(const std::string& name) const;
  /// The same as a whole number.
  std::int64_t get_int(const std::string& name) const;
  const std::map<std::string, TensorInfo>& tensors() const { return tensors_; }
  bool has(const std::string& name) const { return tensors_.count(name) != 0; }

  template <class T>
  void read(const std::string& name, const std::vector<std::int64_t>& shape, std::span<T> to) {
    read_bytes(name, DataTypeOf<T>::value, shape, std::as_writable_bytes(to));
  }
  /// A state written with add(name, bytes).
  std::vector<std::byte> read_state(const std::string& name);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[noreturn]] void refuse(const std::string& why) const;
  void parse(const std::string& header);
  void check_layout();
  void check_sum(std::string header, const std::string& sum);
  const TensorInfo& tensor(const std::string& name) const;
  void read_bytes(const std::string& name, DataType type, const std::vector<std::int64_t>& shape,
                  std::span<std::byte> to);
  void fill(std::uint64_t offset, std::span<std::byte> to);

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::uint64_t data_start_ = 0;
  std::uint64_t data_size_ = 0;
  Metadata metadata_;
  std::map<std::string, TensorInfo> tensors_;
};

}  // namespace sinv
