#include "base/file.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <zlib.h>

#include "base/error.h"

namespace sinv {

std::vector<std::byte> read_file(const std::filesystem::path& path) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw UserError(text(path.string(), ": cannot be opened: ", std::strerror(errno)));
  struct stat about {};
  std::vector<std::byte> bytes;
  if (::fstat(descriptor, &about) == 0 && about.st_size > 0) bytes.reserve(static_cast<std::size_t>(about.st_size));
  std::byte block[65536];
  for (;;) {
    const ssize_t got = ::read(descriptor, block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      const int cause = errno;
      ::close(descriptor);
      throw UserError(text(path.string(), ": cannot be read: ", std::strerror(cause)));
    }
    if (got == 0) break;
    bytes.insert(bytes.end(), block, block + got);
  }
  ::close(descriptor);
  return bytes;
}

std::uint32_t crc32(std::span<const std::byte> bytes, std::uint32_t crc) {
  if (bytes.empty()) return crc;  // zlib takes a null pointer as "start anew"
  return static_cast<std::uint32_t>(::crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  temporary_ = path_;
  temporary_ += text(".", ::getpid(), ".tmp");
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("created");
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::fail(const char* doing) const {
  throw UserError(text(path_.string(), ": cannot be ", doing, ": ", std::strerror(errno),
                       "; the file of that name, if there is one, is as it was"));
}

void AtomicFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(descriptor_, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("written");
    bytes = bytes.subspan(static_cast<std::size_t>(put));
  }
}

void AtomicFile::write(std::string_view letters) { write(std::as_bytes(std::span(letters))); }

void AtomicFile::commit() {
  if (::fsync(descriptor_) != 0) fail("synced");
  // close() may report a write error of a network file system: the rename must not happen then.
  const int descriptor = std::exchange(descriptor_, -1);
  if (::close(descriptor) != 0 || ::rename(temporary_.c_str(), path_.c_str()) != 0) {
    const int cause = errno;
    ::unlink(temporary_.c_str());
    errno = cause;
    fail("renamed into place");
  }
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
  const int folder_descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder_descriptor >= 0) {
    ::fsync(folder_descriptor);  // some file systems refuse; the data itself is safe
    ::close(folder_descriptor);
  }
}

void write_file(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void write_file(const std::filesystem::path& path, std::string_view letters) {
  write_file(path, std::as_bytes(std::span(letters)));
}

}  // namespace sinv
