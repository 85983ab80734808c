#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>
#include <zlib.h>

namespace sinv {

/// Writes zip archives for tests, after PKWARE APPNOTE 6.3.9 and independently of the reader.
class ZipWriter {
 public:
  void add(const std::string& name, const std::vector<std::byte>& bytes, bool deflated) {
    const auto crc = static_cast<std::uint32_t>(crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
    const std::vector<std::byte> packed = deflated ? deflate_raw(bytes) : bytes;
    const auto at = static_cast<std::uint32_t>(out_.size());
    const std::uint16_t method = deflated ? 8 : 0;
    put(out_, 0x04034b50U);
    put_common(out_, method, crc, packed.size(), bytes.size(), name.size());
    put_text(out_, name);
    out_.insert(out_.end(), packed.begin(), packed.end());

    put(directory_, 0x02014b50U);
    put(directory_, std::uint16_t{20});  // made by
    put_common(directory_, method, crc, packed.size(), bytes.size(), name.size());
    put(directory_, std::uint16_t{0});  // comment
    put(directory_, std::uint16_t{0});  // disk
    put(directory_, std::uint16_t{0});  // internal attributes
    put(directory_, std::uint32_t{0});  // external attributes
    put(directory_, at);
    put_text(directory_, name);
    ++count_;
  }

  std::vector<std::byte> finish(const std::string& comment = "") {
    std::vector<std::byte> all = out_;
    const auto at = static_cast<std::uint32_t>(all.size());
    all.insert(all.end(), directory_.begin(), directory_.end());
    put(all, 0x06054b50U);
    put(all, std::uint16_t{0});
    put(all, std::uint16_t{0});
    put(all, count_);
    put(all, count_);
    put(all, static_cast<std::uint32_t>(directory_.size()));
    put(all, at);
    put(all, static_cast<std::uint16_t>(comment.size()));
    put_text(all, comment);
    return all;
  }

 private:
  template <class T>
  static void put(std::vector<std::byte>& to, T value) {
    for (std::size_t i = 0; i < sizeof(T); ++i) to.push_back(static_cast<std::byte>((value >> (8 * i)) & 0xFF));
  }
  static void put_text(std::vector<std::byte>& to, std::string_view letters) {
    for (const char letter : letters) to.push_back(static_cast<std::byte>(letter));
  }
  static void put_common(std::vector<std::byte>& to, std::uint16_t method, std::uint32_t crc, std::size_t packed,
                         std::size_t bytes, std::size_t name) {
    put(to, std::uint16_t{20});  // needed to extract
    put(to, std::uint16_t{0});   // flags
    put(to, method);
    put(to, std::uint32_t{0});  // time and date
    put(to, crc);
    put(to, static_cast<std::uint32_t>(packed));
    put(to, static_cast<std::uint32_t>(bytes));
    put(to, static_cast<std::uint16_t>(name));
    put(to, std::uint16_t{0});  // extra field
  }
  static std::vector<std::byte> deflate_raw(const std::vector<std::byte>& bytes) {
    z_stream stream{};
    if (deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK) {
      throw std::runtime_error("deflateInit2");
    }
    std::vector<std::byte> packed(bytes.size() + 100);
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    if (deflate(&stream, Z_FINISH) != Z_STREAM_END) throw std::runtime_error("deflate");
    packed.resize(stream.total_out);
    deflateEnd(&stream);
    return packed;
  }

  std::vector<std::byte> out_;
  std::vector<std::byte> directory_;
  std::uint16_t count_ = 0;
};

/// Bytes for tests: `count` of them, from a seed; compressible.
inline std::vector<std::byte> test_bytes(std::size_t count, unsigned seed) {
  std::vector<std::byte> bytes(count);
  for (std::size_t i = 0; i < count; ++i) bytes[i] = static_cast<std::byte>(((i / 5) * 7 + seed * (i % 3)) & 0xFF);
  return bytes;
}

}  // namespace sinv
