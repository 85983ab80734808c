#include "tools/run_folder.h"

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <sys/file.h>
#include <unistd.h>
#include <utility>

#include "base/error.h"

namespace sinv {

namespace fs = std::filesystem;

RunFolder::RunFolder(fs::path path) : path_(std::move(path)) {
  const fs::path lock = path_ / ".lock";
  lock_ = ::open(lock.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (lock_ < 0) throw UserError(text(lock.string(), ": cannot be created: ", std::strerror(errno)));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    ::close(std::exchange(lock_, -1));
    throw UserError(text(path_.string(), ": another process trains in this folder; choose another with --out"));
  }
}

RunFolder::RunFolder(RunFolder&& other) noexcept
    : path_(std::move(other.path_)), lock_(std::exchange(other.lock_, -1)) {}

RunFolder::~RunFolder() {
  if (lock_ >= 0) ::close(lock_);
}

RunFolder RunFolder::create(const fs::path& path) {
  std::error_code fault;
  fs::create_directories(path, fault);
  if (fault || !fs::is_directory(path, fault)) {
    throw UserError(text(path.string(), ": the run folder cannot be made: ", fault.message()));
  }
  if (!fs::is_empty(path, fault)) {
    throw UserError(text(path.string(), ": this folder is not empty; go on in it with --resume ", path.string(),
                         ", or choose another with --out"));
  }
  return RunFolder(path);
}

RunFolder RunFolder::open(const fs::path& path) {
  std::error_code fault;
  if (!fs::is_directory(path, fault)) {
    throw UserError(text(path.string(), ": there is no such run folder to resume"));
  }
  if (!fs::exists(path / "config.toml", fault)) {
    throw UserError(text(path.string(), ": no run folder: it holds no config.toml"));
  }
  return RunFolder(path);
}

fs::path new_run_path(const std::string& agent, unsigned long long seed) {
  const std::string stem = fmt::format("{}-{:%Y%m%d-%H%M%S}-s{}", agent, fmt::localtime(std::time(nullptr)), seed);
  fs::path path = fs::path("runs") / stem;
  for (int number = 2; fs::exists(path); ++number) path = fs::path("runs") / fmt::format("{}-{}", stem, number);
  return path;
}

}  // namespace sinv
