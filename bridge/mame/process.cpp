#include "bridge/mame/process.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <fstream>
#include <unistd.h>
#include <uv.h>

#include "base/error.h"

namespace sinv::mame {
namespace {

constexpr std::chrono::milliseconds kTermGrace{1000};
constexpr std::uintmax_t kTailBytes = 64 * 1024;  // of a log, in which last lines are looked for

bool is_noise(const std::string& line) {
  if (line.find_first_not_of(" \t\r") == std::string::npos) return true;
  for (const char* noise : {"ALSA lib", "XDG_RUNTIME_DIR"}) {
    if (line.find(noise) != std::string::npos) return true;
  }
  return false;
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  all.reserve(words.size() + 1);
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

}  // namespace

struct Process::Handle {
  uv_process_t process{};
  std::shared_ptr<Process> owner;
};

std::shared_ptr<Process> Process::start(Loop& loop, const Launch& launch, std::function<void()> ended) {
  std::error_code error;
  std::filesystem::create_directories(launch.folder, error);
  if (error) throw UserError(text(launch.folder.string(), ": cannot be made: ", error.message()));
  const int log = ::open(launch.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) throw UserError(text(launch.log.string(), ": cannot be written: ", std::strerror(errno)));
  auto made = std::make_shared<Process>(loop, launch.log);
  made->log_from_ = std::filesystem::file_size(launch.log, error);
  made->ended_ = std::move(ended);
  const int status = loop.call([&] {
    auto arguments = pointers(launch.arguments);
    auto environment = pointers(launch.environment);
    const std::string folder = launch.folder.string();
    std::array<uv_stdio_container_t, 3> files{};
    files[0].flags = UV_IGNORE;
    for (std::size_t i = 1; i < files.size(); ++i) {
      files[i].flags = UV_INHERIT_FD;
      files[i].data.fd = log;
    }
    uv_process_options_t options{};
    options.file = arguments[0];
    options.args = arguments.data();
    options.env = environment.data();
    options.cwd = folder.c_str();
    options.flags = UV_PROCESS_DETACHED;  // a session of its own; the kernel's death signal holds all the same
    options.stdio_count = static_cast<int>(files.size());
    options.stdio = files.data();
    options.exit_cb = [](uv_process_t* process, std::int64_t exit_status, int signal) {
      const auto owner = static_cast<Handle*>(process->data)->owner;
      owner->on_exit(exit_status, signal);
    };
    auto* handle = new Handle{.process = {}, .owner = made};
    handle->process.data = handle;
    const int spawned = uv_spawn(loop.raw(), &handle->process, &options);
    if (spawned == 0) {
      made->handle_ = handle;
      made->pid_ = handle->process.pid;
      made->timer_ = std::make_unique<LoopTimer>(loop);
    } else {
      uv_close(reinterpret_cast<uv_handle_t*>(&handle->process),
               [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
    }
    return spawned;
  });
  ::close(log);
  if (status != 0) {
    throw UserError(text(launch.arguments.front(), ": cannot be started: ", uv_strerror(status)));
  }
  return made;
}

void Process::on_exit(std::int64_t status, int signal) {
  status_ = status;
  signal_ = signal;
  timer_.reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&handle_->process),
           [](uv_handle_t* closed) { delete static_cast<Handle*>(closed->data); });
  handle_ = nullptr;
  const auto ended = std::move(ended_);
  end_.set_value();
  if (ended) ended();
}

void Process::kill() {
  loop_.post([self = shared_from_this()] {
    if (self->handle_ != nullptr) uv_process_kill(&self->handle_->process, SIGKILL);
  });
}

void Process::stop(std::chrono::milliseconds grace) {
  loop_.post([self = shared_from_this(), grace] {
    if (self->handle_ == nullptr) return;
    // A bare pointer: the timer is the process's own and goes when it ends.
    self->timer_->start(grace, [process = self.get()] {
      uv_process_kill(&process->handle_->process, SIGTERM);
      process->timer_->start(kTermGrace, [process] { uv_process_kill(&process->handle_->process, SIGKILL); });
    });
  });
}

bool Process::wait(std::chrono::milliseconds patience) const {
  return has_ended_.wait_for(patience) == std::future_status::ready;
}

std::string Process::how_it_ended() const {
  if (!wait(std::chrono::milliseconds(0))) return "it runs";
  return signal_ != 0 ? text("signal ", signal_) : text("status ", status_);
}

std::string Process::last_lines(int count) const {
  std::ifstream in(log_, std::ios::binary);
  std::error_code ignored;
  const std::uintmax_t bytes = std::filesystem::file_size(log_, ignored);
  const std::uintmax_t from = ignored || bytes < kTailBytes ? 0 : bytes - kTailBytes;
  in.seekg(static_cast<std::streamoff>(std::max(log_from_, from)));
  std::deque<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (is_noise(line)) continue;
    lines.push_back("  " + line);
    if (lines.size() > static_cast<std::size_t>(count)) lines.pop_front();
  }
  return join({lines.begin(), lines.end()}, "\n");
}

std::string Process::obituary() const {
  const std::string lines = last_lines();
  return text(wait(std::chrono::milliseconds(0)) ? "it ended with " + how_it_ended() : how_it_ended(),
              lines.empty() ? ", and wrote nothing" : ", and wrote last", " (", log_.string(), ")",
              lines.empty() ? "" : ":\n" + lines);
}

}  // namespace sinv::mame
