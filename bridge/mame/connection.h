#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/deflate.h"
#include "bridge/mame/frame_reader.h"
#include "bridge/mame/latency.h"
#include "bridge/mame/protocol.h"

namespace sinv::mame {

/// The engine's end of a plugin that has been welcomed: one request, one answer, without any other thread between.
/// While it waits it asks the socket for `spin`, then sleeps in the kernel. Requests take no memory once the buffers
/// have grown.
/// Thread: one owner. Errors: what the peer does is an Outcome; a message out of bounds is an Error.
class Connection {
 public:
  struct Settings {
    std::chrono::microseconds spin{50};
    std::chrono::milliseconds patience{5000};
    bool compress = false;
  };
  enum class Outcome {
    kAnswered,
    kFailed,  // the plugin says why(); the connection goes on
    kLost,    // gone, silent or against the protocol, as why() says; for good
  };

  /// Both descriptors become its own; `doorbell` may be -1.
  Connection(int socket, int doorbell, Settings settings);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Sends the request and waits for its answer, `longer` beyond the patience if the request takes its time.
  /// The answer is valid until the next call.
  template <class Request>
  Outcome ask(const Request& request, Frame& answer, std::chrono::milliseconds longer = {}) {
    out_.clear();
    encode(request, ++sequence_ == 0 ? ++sequence_ : sequence_, out_);
    return exchange(Request::kKind, answer, longer);
  }

  const std::string& why() const { return why_; }

  /// From a STEP's answer to the next STEP sent.
  const Latency& latency() const { return latency_; }
  Latency& latency() { return latency_; }

 private:
  using Clock = std::chrono::steady_clock;

  Outcome exchange(Kind request, Frame& answer, std::chrono::milliseconds longer);
  Outcome lost(std::string why);
  bool send(Clock::time_point deadline);
  bool receive(Clock::time_point deadline);
  bool wait_for(short events, Clock::time_point deadline);
  bool ring();

  int socket_;
  int doorbell_;
  Settings settings_;
  std::vector<std::byte> out_;
  FrameReader reader_;
  std::unique_ptr<Deflater> deflater_;
  std::uint16_t sequence_ = 0;
  std::string why_;
  Latency latency_;
  Clock::time_point answered_at_{};
  bool step_before_ = false;  // the last request was a STEP
};

}  // namespace sinv::mame
