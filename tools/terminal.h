#pragma once

#include <atomic>
#include <string>

namespace sinv {

struct TerminalSize {
  int columns = 80;
  int rows = 24;
};

/// Is standard output a terminal that can move its cursor?
bool is_terminal();
TerminalSize terminal_size();

/// A block of lines that is drawn again in place. Leaves the cursor shown and below the block when destroyed.
class LiveBlock {
 public:
  /// `whole_screen` uses the alternate screen, so that the shell's own lines come back afterwards.
  explicit LiveBlock(bool whole_screen);
  ~LiveBlock();
  LiveBlock(const LiveBlock&) = delete;
  LiveBlock& operator=(const LiveBlock&) = delete;
  /// `lines` end with '\n' each.
  void draw(const std::string& lines);

 private:
  bool whole_screen_;
  int drawn_lines_ = 0;
};

/// Set by the first Ctrl-C or SIGTERM; a second one ends the program at once. Installed by the first call.
std::atomic<bool>& stop_flag();

/// "1:02:03" or "02:03".
std::string clock_text(double seconds);
/// "12,345".
std::string thousands(long long number);

}  // namespace sinv
