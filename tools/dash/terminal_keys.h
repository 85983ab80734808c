#pragma once

#include <functional>
#include <memory>
#include <thread>

namespace sinv {

/// Reads single keys of the terminal, without echo and without waiting for Enter, on a thread of its own. Does nothing
/// when standard input is no terminal or this process is not in its foreground. Ctrl-C stays what it is. The terminal
/// is put back at the end, also of a program that ends by std::exit.
class TerminalKeys {
 public:
  explicit TerminalKeys(std::function<void(char key)> pressed);
  ~TerminalKeys();
  TerminalKeys(const TerminalKeys&) = delete;
  TerminalKeys& operator=(const TerminalKeys&) = delete;

  bool reading() const { return thread_.joinable(); }

 private:
  void run(const std::stop_token& stop);
  std::function<void(char key)> pressed_;
  std::jthread thread_;
};

}  // namespace sinv
