#include "rl/metrics.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

JsonLinesFile::~JsonLinesFile() { close(); }

void JsonLinesFile::close() {
  if (descriptor_ >= 0) ::close(descriptor_);
  descriptor_ = -1;
}

void JsonLinesFile::record(std::string_view json) {
  if (descriptor_ < 0) descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) throw UserError(text(path_.string(), ": cannot be opened: ", std::strerror(errno)));
  line_.assign(json);
  line_ += '\n';
  // One write, so that a kill between two records leaves whole lines.
  const ssize_t put = ::write(descriptor_, line_.data(), line_.size());
  if (put == static_cast<ssize_t>(line_.size())) return;
  const int cause = put < 0 ? errno : ENOSPC;
  if (put > 0) {
    struct stat about {};
    if (::fstat(descriptor_, &about) == 0 && ::ftruncate(descriptor_, about.st_size - put) != 0) close();
  }
  throw UserError(text(path_.string(), ": a record could not be written: ", std::strerror(cause)));
}

void JsonLinesFile::rewind(std::int64_t frames) {
  close();
  if (!std::filesystem::exists(path_)) return;
  const std::vector<std::byte> bytes = read_file(path_);
  std::istringstream in(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  std::string kept;
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || record.value("frames", std::int64_t{0}) > frames) continue;
    kept += line;
    kept += '\n';
  }
  write_file(path_, kept);
}

}  // namespace sinv
