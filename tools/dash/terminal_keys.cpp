#include "tools/dash/terminal_keys.h"

#include <cstdlib>
#include <poll.h>
#include <termios.h>
#include <unistd.h>

namespace sinv {

namespace {

termios before;
bool changed = false;

void put_back() {
  if (changed) ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  changed = false;
}

bool take_terminal() {
  if (::isatty(STDIN_FILENO) == 0 || ::tcgetpgrp(STDIN_FILENO) != ::getpgrp()) return false;
  if (::tcgetattr(STDIN_FILENO, &before) != 0) return false;
  termios raw = before;
  raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (::tcsetattr(STDIN_FILENO, TCSANOW, &raw) != 0) return false;
  changed = true;
  static const bool registered = std::atexit(&put_back) == 0;
  static_cast<void>(registered);
  return true;
}

}  // namespace

TerminalKeys::TerminalKeys(std::function<void(char key)> pressed) : pressed_(std::move(pressed)) {
  if (take_terminal()) thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

TerminalKeys::~TerminalKeys() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  put_back();
}

void TerminalKeys::run(const std::stop_token& stop) {
  constexpr int kWaitMs = 100;
  while (!stop.stop_requested()) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (::poll(&input, 1, kWaitMs) <= 0) continue;
    char key = 0;
    if (::read(STDIN_FILENO, &key, 1) != 1) return;
    pressed_(key);
  }
}

}  // namespace sinv
