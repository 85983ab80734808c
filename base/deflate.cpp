#include "base/deflate.h"

#include <zlib.h>

#include "base/error.h"

namespace sinv {
namespace {

Bytef* letters(std::span<const std::byte> bytes) {
  return reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
}

}  // namespace

struct Deflater::Stream {
  z_stream z{};
};

Deflater::Deflater(int level) : stream_(std::make_unique<Stream>()) {
  if (deflateInit(&stream_->z, level) != Z_OK) throw Error("zlib: deflateInit failed: out of memory?");
}

Deflater::~Deflater() { deflateEnd(&stream_->z); }

std::span<const std::byte> Deflater::pack(std::span<const std::byte> bytes) {
  z_stream& z = stream_->z;
  deflateReset(&z);
  const std::size_t bound = deflateBound(&z, static_cast<uLong>(bytes.size()));
  if (packed_.size() < bound) packed_.resize(bound);
  z.next_in = letters(bytes);
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(packed_.data());
  z.avail_out = static_cast<uInt>(packed_.size());
  const int status = deflate(&z, Z_FINISH);
  SINV_CHECK(status == Z_STREAM_END, "zlib: deflate ended with ", status);
  return std::span<const std::byte>(packed_).first(z.total_out);
}

struct Inflater::Stream {
  z_stream z{};
};

Inflater::Inflater(std::size_t max_bytes) : stream_(std::make_unique<Stream>()), max_bytes_(max_bytes) {
  if (inflateInit(&stream_->z) != Z_OK) throw Error("zlib: inflateInit failed: out of memory?");
}

Inflater::~Inflater() { inflateEnd(&stream_->z); }

const char* Inflater::unpack(std::span<const std::byte> packed, std::span<const std::byte>& bytes) {
  // One byte more than allowed: zlib wants room even for nothing, and what is too long shows itself.
  if (bytes_.empty()) bytes_.resize(max_bytes_ + 1);
  z_stream& z = stream_->z;
  inflateReset(&z);
  z.next_in = letters(packed);
  z.avail_in = static_cast<uInt>(packed.size());
  z.next_out = reinterpret_cast<Bytef*>(bytes_.data());
  z.avail_out = static_cast<uInt>(bytes_.size());
  const int status = inflate(&z, Z_FINISH);
  if (z.total_out > max_bytes_) return "the zlib stream is longer than allowed";
  if (status == Z_MEM_ERROR) throw Error("zlib: inflate has no memory");
  if (status != Z_STREAM_END) return "the zlib stream is damaged or cut off";
  if (z.avail_in != 0) return "bytes follow the zlib stream";
  bytes = std::span<const std::byte>(bytes_).first(z.total_out);
  return nullptr;
}

}  // namespace sinv
