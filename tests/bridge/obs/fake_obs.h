#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace sinv::obs {

/// What was told, in order, for a test to wait for. Thread: any.
class Heard {
 public:
  void add(std::string what);
  /// The first `count`, once they are there.
  std::vector<std::string> wait_for(std::size_t count);
  void wait_for_one(const std::string& what);
  std::vector<std::string> all();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> all_;
};

/// As much of obs-websocket 5 as recording needs, on a free port of this machine. The handshake is libwebsockets', the
/// rest shares no code with the client.
class FakeObs {
 public:
  struct Manners {
    std::string authentication{};   // that Identify must carry; empty: none is asked for
    bool records = false;           // a recording is under way at the beginning
    std::string hello{};            // said instead of Hello
    std::string refused{};          // a request that is refused with 500 "no"
    std::string unanswered{};       // a request that is never answered
    std::string deadly{};           // a request at which the connection ends
    std::string folder = "/v";      // of the recordings 1.mkv, 2.mkv, ...; another one gets the files
    std::string file{};             // that every recording is said to be in
    bool fails_to_record = false;   // STOPPED comes where STARTED should
    int odd_connections = 1 << 20;  // all this holds for so many; later ones meet good manners
  };
  explicit FakeObs(Manners manners);
  ~FakeObs();
  FakeObs(const FakeObs&) = delete;
  FakeObs& operator=(const FakeObs&) = delete;

  int port() const;
  /// "connected", names of requests, "gone".
  Heard heard;
  /// Somebody stops the recording by hand.
  void stop_by_hand();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sinv::obs
