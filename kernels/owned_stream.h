#pragma once

#include <algorithm>
#include <optional>

#include "kernels/device_memory.h"
#include "kernels/team.h"

namespace sinv {

/// Where one owner's operations run: a stream of the device, or on the CPU the owner's thread with a team to share
/// large loops with. Make it before, and destroy it after, all that uses stream(). Neither moves: stream() may point
/// into it.
class OwnedStream {
 public:
  /// threads: of the CPU, the owner's among them; above Team::kMostThreads as many as that. Errors: Error if below 1.
  explicit OwnedStream(Device device, int threads = 1) {
    if (device == Device::kCuda) {
      queue_.emplace();
    } else if (threads != 1) {
      team_.emplace(std::min(threads, Team::kMostThreads));
    }
  }
  OwnedStream(const OwnedStream&) = delete;
  OwnedStream& operator=(const OwnedStream&) = delete;

  Stream stream() { return queue_ ? queue_->stream() : Stream{.handle = team_ ? &*team_ : nullptr}; }

 private:
  std::optional<DeviceStream> queue_;
  std::optional<Team> team_;
};

}  // namespace sinv
