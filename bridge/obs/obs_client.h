#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bridge/loop.h"

namespace sinv::obs {

struct ObsSettings {
  std::string host = "127.0.0.1";
  int port = 4455;
  std::string password{};                        // empty: none
  std::chrono::milliseconds patience{10'000};    // for an answer
  std::chrono::milliseconds settle{250};         // from the end of a recording to the next: OBS 29.0.2 says for a
                                                 // moment that the old one still runs
  std::chrono::milliseconds first_retry{1'000};  // doubled at every failure in a row, up to:
  std::chrono::milliseconds longest_retry{30'000};
};

/// What OBS says to a request.
struct Answer {
  bool done = false;
  std::string why{};  // not done: OBS's words, or what happened to the connection
  nlohmann::json data = nlohmann::json::object();
};

/// Speaks obs-websocket 5 (its docs/generated/protocol.md, RPC version 1) with OBS Studio, on a loop of its own, so
/// that a name that is resolved slowly or a file that is moved holds up nobody else. Connects again and again until it
/// is stopped. Failures are lines of `said`. Thread: made, stopped and destroyed by one owner; hooks are called, and
/// the rest must be called, on the loop's thread. Errors: UserError when libwebsockets cannot begin.
class ObsClient {
 public:
  struct Hooks {
    std::function<void(const std::string& line)> said{};
    std::function<void()> ready{};  // identified
    std::function<void()> lost{};   // no longer; requests under way were answered "not done" before
    std::function<void()> ends{};   // the last call: timers on the loop must go
    std::function<void(const std::string& type, const nlohmann::json& data)> event{};  // of outputs (recordings)
  };
  static constexpr std::size_t kMostMessageBytes = 1 << 20;  // a longer one ends the connection

  ObsClient(ObsSettings settings, Hooks hooks);
  ~ObsClient();
  ObsClient(const ObsClient&) = delete;
  ObsClient& operator=(const ObsClient&) = delete;

  /// Ends the connection: no hook and no answer after that. The destructor does so too.
  void stop();

  bool ready() const;
  /// To `said`, unless it was the last thing that was said.
  void say(const std::string& line);
  /// `answered` is called once; at once, "not done", while there is no connection.
  void ask(const std::string& request, std::function<void(const Answer& answer)> answered);

  Loop& loop();

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

/// The string that Identify must carry. Source: protocol.md, "Creating an authentication string".
std::string authentication(const std::string& password, const std::string& salt, const std::string& challenge);

}  // namespace sinv::obs
