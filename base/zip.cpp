#include "base/zip.h"

#include <algorithm>
#include <cstring>
#include <zlib.h>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

namespace {

constexpr std::uint32_t kEndSignature = 0x06054b50;
constexpr std::uint32_t kDirectorySignature = 0x02014b50;
constexpr std::uint32_t kLocalSignature = 0x04034b50;
constexpr std::size_t kEndBytes = 22;
constexpr std::size_t kDirectoryBytes = 46;
constexpr std::size_t kLocalBytes = 30;
constexpr std::size_t kMaxComment = 65535;
constexpr std::uint16_t kStored = 0;
constexpr std::uint16_t kDeflated = 8;
constexpr std::uint16_t kEncrypted = 1;

template <class T>
T get(std::span<const std::byte> bytes, std::size_t at) {
  T value;
  std::memcpy(&value, bytes.data() + at, sizeof value);  // little-endian, as this build is
  return value;
}

}  // namespace

void ZipReader::damaged(const std::string& how) const {
  throw UserError(text(where_, ": damaged zip archive: ", how, "; copy the file anew"));
}

std::span<const std::byte> ZipReader::slice(std::size_t at, std::size_t count, const char* what) const {
  if (at > archive_.size() || count > archive_.size() - at) {
    damaged(text(what, " would end at byte ", at + count, " of ", archive_.size()));
  }
  return archive_.subspan(at, count);
}

ZipReader::ZipReader(std::span<const std::byte> archive, std::string where)
    : archive_(archive), where_(std::move(where)) {
  // The end record is the last thing, but for a comment of unknown length.
  std::size_t end = archive_.size();
  if (archive_.size() >= kEndBytes) {
    const std::size_t lowest = archive_.size() - kEndBytes - std::min(kMaxComment, archive_.size() - kEndBytes);
    for (std::size_t at = archive_.size() - kEndBytes + 1; at-- > lowest;) {
      if (get<std::uint32_t>(archive_, at) != kEndSignature) continue;
      end = at;
      break;
    }
  }
  if (end == archive_.size()) {
    const bool began = archive_.size() >= 4 && get<std::uint32_t>(archive_, 0) == kLocalSignature;
    if (began) damaged("it begins as one but its directory, at the end, is missing");
    throw UserError(text(where_, ": not a zip archive (", archive_.size(),
                         " bytes without a zip directory); give a folder or a zip archive"));
  }
  const auto count = get<std::uint16_t>(archive_, end + 10);
  std::size_t at = get<std::uint32_t>(archive_, end + 16);
  for (int i = 0; i < count; ++i) {
    const auto entry = slice(at, kDirectoryBytes, "a directory entry");
    if (get<std::uint32_t>(entry, 0) != kDirectorySignature) damaged(text("entry ", i, " of its directory is none"));
    Member member;
    member.flags = get<std::uint16_t>(entry, 8);
    member.method = get<std::uint16_t>(entry, 10);
    member.crc = get<std::uint32_t>(entry, 16);
    member.packed_bytes = get<std::uint32_t>(entry, 20);
    member.bytes = get<std::uint32_t>(entry, 24);
    const std::size_t name_bytes = get<std::uint16_t>(entry, 28);
    const std::size_t extra_bytes = get<std::uint16_t>(entry, 30);
    const std::size_t comment_bytes = get<std::uint16_t>(entry, 32);
    member.header_at = get<std::uint32_t>(entry, 42);
    const auto name = slice(at + kDirectoryBytes, name_bytes, "a name");
    member.name.assign(reinterpret_cast<const char*>(name.data()), name.size());
    at += kDirectoryBytes + name_bytes + extra_bytes + comment_bytes;
    members_.push_back(std::move(member));
  }
}

std::vector<std::byte> ZipReader::read(const Member& member, std::size_t max_bytes) const {
  if ((member.flags & kEncrypted) != 0) {
    throw UserError(text(where_, ": ", member.name, " is encrypted; unpack it with its password first"));
  }
  if (member.bytes > max_bytes) {
    throw UserError(text(where_, ": ", member.name, " has ", member.bytes, " bytes, at most ", max_bytes,
                         " are wanted; this is another file"));
  }
  const auto local = slice(member.header_at, kLocalBytes, "a header");
  if (get<std::uint32_t>(local, 0) != kLocalSignature) damaged(text(member.name, " has no header"));
  const std::size_t data_at =
      std::size_t{member.header_at} + kLocalBytes + get<std::uint16_t>(local, 26) + get<std::uint16_t>(local, 28);
  const auto packed = slice(data_at, member.packed_bytes, "a member");
  std::vector<std::byte> bytes(member.bytes);
  if (member.method == kStored) {
    if (packed.size() != bytes.size()) damaged(text(member.name, " is stored but has two sizes"));
    std::copy(packed.begin(), packed.end(), bytes.begin());
  } else if (member.method == kDeflated) {
    z_stream stream{};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error("zlib: inflateInit2 failed: out of memory?");
    std::byte nothing{};  // zlib wants a place to write to even when there is nothing to write
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(packed.data()));
    stream.avail_in = static_cast<uInt>(packed.size());
    stream.next_out = reinterpret_cast<Bytef*>(bytes.empty() ? &nothing : bytes.data());
    stream.avail_out = static_cast<uInt>(bytes.size());
    const int status = inflate(&stream, Z_FINISH);
    const bool whole = status == Z_STREAM_END && stream.total_out == bytes.size();
    inflateEnd(&stream);
    if (!whole) damaged(text(member.name, " does not unpack to its ", bytes.size(), " bytes"));
  } else {
    throw UserError(text(where_, ": ", member.name, " is packed with method ", member.method,
                         ", this program reads 0 (stored) and 8 (deflated); pack it anew with an ordinary zip"));
  }
  if (sinv::crc32(bytes) != member.crc) damaged(text(member.name, " has another checksum than its directory says"));
  return bytes;
}

}  // namespace sinv
