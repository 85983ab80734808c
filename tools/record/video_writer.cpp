#include "tools/record/video_writer.h"

#include <cerrno>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/core.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "tools/picture.h"

extern char** environ;

namespace sinv {

namespace {

constexpr int kScale = 3;  // of the cabinet's picture in .mp4 and .webm

// What ffmpeg is told to make of the pictures.
std::vector<std::string> output_words(const std::string& ending, int colours, int scale) {
  const std::string scaled = fmt::format("scale=iw*{0}:ih*{0}:flags=neighbor", scale);
  if (ending == ".mp4") {
    return {"-vf",  scaled, "-c:v",     "libx264", "-preset",   "veryfast",
            "-crf", "20",   "-pix_fmt", "yuv420p", "-movflags", "+faststart"};
  }
  if (ending == ".webm") {
    return {"-vf",     scaled, "-c:v", "libvpx-vp9", "-deadline", "realtime", "-cpu-used", "8",
            "-row-mt", "1",    "-b:v", "0",          "-crf",      "30",       "-pix_fmt",  "yuv420p"};
  }
  // The delay of a GIF is in hundredths of a second.
  if (ending == ".gif") {
    return {"-vf", text("fps=25,split[a][b];[a]palettegen=max_colors=", colours,
                        ":stats_mode=full[p];[b][p]paletteuse=dither=none")};
  }
  if (ending == ".png") return {};
  throw UserError(text("a recording ends in .mp4, .webm, .gif or .png, not in \"", ending, "\""));
}

}  // namespace

VideoWriter::VideoWriter(std::filesystem::path path) : path_(std::move(path)) {
  constexpr int kColours = 4;  // black and those of the overlay
  open({kPictureWidth, kPictureHeight, kFramesPerSecond, kScale}, kColours);
}

VideoWriter::VideoWriter(std::filesystem::path path, const VideoShape& shape) : path_(std::move(path)) {
  constexpr int kColours = 64;
  open(shape, kColours);
}

void VideoWriter::open(const VideoShape& shape, int colours) {
  rgb_.resize(static_cast<std::size_t>(shape.width) * static_cast<std::size_t>(shape.height) * 3);
  const std::string size = fmt::format("{}x{}", shape.width, shape.height);
  const std::string rate = fmt::format("{:.6f}", shape.pictures_per_s);
  std::signal(SIGPIPE, SIG_IGN);
  const std::string ending = path_.extension().string();
  std::vector<std::string> words{"ffmpeg", "-v", "error", "-y", "-nostdin", "-f", "rawvideo", "-pix_fmt", "rgb24",
                                 "-s",     size, "-r",    rate, "-i",       "-",  "-threads", "1"};
  for (std::string& word : output_words(ending, colours, shape.scale)) words.push_back(std::move(word));
  const std::string stem = (path_.parent_path() / path_.stem()).string();
  if (ending == ".png") {
    temporary_ = stem + "-%06d.png";
  } else {
    temporary_ = text(stem, ".", ::getpid(), ".tmp", ending);
  }
  said_ = text(stem, ".", ::getpid(), ".tmp.log");
  words.push_back(temporary_.string());
  start(words);
}

void VideoWriter::start(const std::vector<std::string>& words) {
  std::vector<char*> letters;
  letters.reserve(words.size() + 1);
  for (const std::string& word : words) letters.push_back(const_cast<char*>(word.c_str()));
  letters.push_back(nullptr);
  int ends[2];
  SINV_CHECK(::pipe2(ends, O_CLOEXEC) == 0, "VideoWriter: pipe2: ", std::strerror(errno));
  const int log = ::open(said_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (log < 0) {
    const int cause = errno;
    ::close(ends[0]);
    ::close(ends[1]);
    throw UserError(text(path_.string(), ": cannot be recorded there: ", std::strerror(cause)));
  }
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, log, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, log, STDERR_FILENO);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);  // Ctrl-C is for us: a recording is ended, not cut
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int fault = posix_spawnp(&pid_, letters[0], &actions, &attributes, letters.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  ::close(log);
  ::close(ends[0]);
  pipe_ = ends[1];
  if (fault == 0) return;
  pid_ = 0;
  ::close(pipe_);
  std::error_code ignored;
  std::filesystem::remove(said_, ignored);
  throw UserError(text("ffmpeg, which makes recordings, cannot be started: ", std::strerror(fault),
                       "; on Debian: apt-get install ffmpeg"));
}

VideoWriter::~VideoWriter() {
  if (pid_ == 0) return;
  end_process();
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
  std::filesystem::remove(said_, ignored);
}

void VideoWriter::end_process() {
  ::close(pipe_);
  while (::waitpid(pid_, &status_, 0) < 0 && errno == EINTR) {
  }
  pid_ = 0;
}

void VideoWriter::fail(const std::string& doing) {
  if (pid_ != 0) end_process();
  const std::vector<std::byte> bytes = read_file(said_);
  std::string said(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  said = said.substr(0, said.find('\n'));
  std::error_code ignored;
  std::filesystem::remove(temporary_, ignored);
  std::filesystem::remove(said_, ignored);
  throw UserError(text(path_.string(), ": ", doing, said.empty() ? "" : ": ", said));
}

void VideoWriter::frame(const Ram& ram) {
  std::size_t at = 0;
  for (int y = 0; y < kPictureHeight; ++y) {
    for (int x = 0; x < kPictureWidth; ++x) {
      const std::uint32_t colour = lit(ram, x, y) ? overlay_colour(x, y) : std::uint32_t{0};
      rgb_[at++] = static_cast<unsigned char>(colour >> 16);
      rgb_[at++] = static_cast<unsigned char>(colour >> 8);
      rgb_[at++] = static_cast<unsigned char>(colour);
    }
  }
  frame(rgb_);
}

void VideoWriter::frame(std::span<const unsigned char> rgb) {
  SINV_CHECK(pid_ != 0, "VideoWriter: a frame after the end");
  SINV_CHECK(rgb.size() == rgb_.size(), "VideoWriter: a picture of ", rgb.size(), " bytes, wanted ", rgb_.size());
  for (std::size_t done = 0; done < rgb.size();) {
    const ssize_t put = ::write(pipe_, rgb.data() + done, rgb.size() - done);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail("ffmpeg ended early");
    done += static_cast<std::size_t>(put);
  }
}

void VideoWriter::finish() {
  SINV_CHECK(pid_ != 0, "VideoWriter: finished twice");
  end_process();
  if (!WIFEXITED(status_) || WEXITSTATUS(status_) != 0) fail("ffmpeg could not finish it");
  std::error_code fault;
  std::filesystem::remove(said_, fault);
  if (path_.extension() == ".png") return;
  std::filesystem::rename(temporary_, path_, fault);
  if (fault) throw UserError(text(path_.string(), ": cannot have its name: ", fault.message()));
}

}  // namespace sinv
