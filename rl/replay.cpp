#include "rl/replay.h"

#include <fstream>
#include <limits>

#include "base/error.h"

namespace sinv {
namespace {

// What the kernel thinks can be taken without swapping; no limit where there is no /proc.
std::int64_t free_bytes() {
  std::ifstream in("/proc/meminfo");
  std::string word;
  while (in >> word) {
    std::int64_t kib = 0;
    if (word == "MemAvailable:" && in >> kib) return kib * 1024;
  }
  return std::numeric_limits<std::int64_t>::max();
}

}  // namespace

void check_replay_memory(std::int64_t wanted_bytes, std::int64_t capacity_steps) {
  const std::int64_t free = free_bytes();
  if (wanted_bytes <= free) return;
  const std::int64_t fits = capacity_steps > 0 ? free / std::max<std::int64_t>(1, wanted_bytes / capacity_steps) : 0;
  throw UserError(text("replay of ", capacity_steps, " steps takes ", wanted_bytes >> 20, " MiB, this machine has ",
                       free >> 20, " MiB free; hold at most ", fits, " steps"));
}

}  // namespace sinv
