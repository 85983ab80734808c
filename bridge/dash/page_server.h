#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace sinv::dash {

/// A file of the page, served as it is.
struct Asset {
  std::string path;  // "/app.js"; "/" is the page itself
  std::string type;  // "text/javascript"
  std::string_view bytes;
};

/// A GET for something that is no asset: the path and the words behind "?", percent signs resolved.
struct Request {
  std::string path;
  std::map<std::string, std::string> words;
};
struct Reply {
  int status = 200;
  std::string type = "application/json";
  std::string body{};
};

struct PageSettings {
  std::string address = "127.0.0.1";
  int port = 5000;         // 0: any free one
  int ports_to_try = 100;  // a port that is taken leads to the next one
  std::string token{};     // wanted of every client as ?token=...; empty: none is
};

/// A web server for one page: assets, answers in JSON, and a WebSocket (subprotocol "sinv") to every open page. It has
/// a loop and so a thread of its own: who plays and who learns never waits for it. A client that reads too slowly
/// misses what was superseded, and is let go when kMostWaiting messages wait for it. Requests of other web sites (a
/// foreign Origin, a Host that is not this machine) are refused. Thread: made and destroyed by one owner; hooks are
/// called, and send()s must be called, on the server's thread. Errors: UserError: no port is free, the address is not
/// of this machine, or it is not loopback and there is no token.
class PageServer {
 public:
  struct Hooks {
    std::function<Reply(const Request& request)> answer{};                       // must not throw
    std::function<void(std::uint64_t client, std::string_view text)> message{};  // of a page; must not throw
    std::function<void(std::uint64_t client)> closed{};                          // a page is gone; must not throw
    std::function<void()> tick{};  // every `period` while a page is open; must not throw
    std::chrono::milliseconds period{16};
  };
  static constexpr std::size_t kMostWaiting = 256;
  static constexpr std::size_t kMostMessageBytes = 4096;  // of a page's message; a longer one ends its connection

  PageServer(const PageSettings& settings, std::vector<Asset> assets, Hooks hooks);
  ~PageServer();
  PageServer(const PageServer&) = delete;
  PageServer& operator=(const PageServer&) = delete;

  int port() const;
  /// What a person on this machine types, the token included.
  std::string url() const;
  /// Open pages. Thread: any.
  int clients() const;

  /// Has `work` done on the server's thread and waits for it.
  void run(const std::function<void()>& work);

  /// To every page, in order.
  void send_text(std::string text);
  /// To every page; one that still has an older message of this `slot` waiting gets the newer one alone.
  void send_latest(int slot, std::vector<std::uint8_t> bytes);
  void send_latest(int slot, std::string text);

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace sinv::dash
