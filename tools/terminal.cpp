#include "tools/terminal.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace sinv {

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) != 0 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

TerminalSize terminal_size() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {size.ws_col, size.ws_row};
}

LiveBlock::LiveBlock(bool whole_screen) : whole_screen_(whole_screen) {
  fmt::print("{}\x1b[?25l", whole_screen_ ? "\x1b[?1049h\x1b[2J" : "");
}

LiveBlock::~LiveBlock() {
  std::fputs(whole_screen_ ? "\x1b[?25h\x1b[?1049l" : "\x1b[?25h", stdout);
  std::fflush(stdout);
}

void LiveBlock::draw(const std::string& lines) {
  std::string out;
  if (whole_screen_) {
    out = "\x1b[H";
  } else if (drawn_lines_ > 0) {
    out = fmt::format("\x1b[{}A\r", drawn_lines_);
  }
  for (const char letter : lines) {
    if (letter == '\n') out += "\x1b[K";
    out += letter;
  }
  out += "\x1b[J";  // of a longer block before
  drawn_lines_ = static_cast<int>(std::count(lines.begin(), lines.end(), '\n'));
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

namespace {

std::atomic<bool> stop{false};

void on_signal(int number) {
  if (stop.exchange(true)) {
    std::signal(number, SIG_DFL);
    ::raise(number);
  }
}

}  // namespace

std::atomic<bool>& stop_flag() {
  static const bool installed = [] {
    std::signal(SIGINT, &on_signal);
    std::signal(SIGTERM, &on_signal);
    return true;
  }();
  static_cast<void>(installed);
  return stop;
}

std::string clock_text(double seconds) {
  const auto whole = static_cast<long long>(std::max(0.0, std::round(seconds)));
  if (whole >= 3600) return fmt::format("{}:{:02}:{:02}", whole / 3600, whole / 60 % 60, whole % 60);
  return fmt::format("{:02}:{:02}", whole / 60, whole % 60);
}

std::string thousands(long long number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (auto at = static_cast<long long>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return number < 0 ? "-" + digits : digits;
}

}  // namespace sinv
