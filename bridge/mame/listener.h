#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>

#include "bridge/loop.h"
#include "bridge/mame/protocol.h"

namespace sinv::mame {

struct ListenerSettings {
  std::string path;     // of a Unix socket in a folder that only this user can enter; or empty:
  std::string address;  // ADDRESS:PORT
  std::string token;    // empty: none is asked for
  std::string set;      // the game that MAME must run
  bool compress = false;
  std::chrono::milliseconds patience{5000};  // until HELLO must be there
};

/// A plugin that has been welcomed. The socket now belongs to whoever has the Arrival.
struct Arrival {
  int socket = -1;
  Hello hello;
  std::string why;  // nobody came, and this is the reason; else empty
};

/// Takes connections, reads their HELLO and answers it. What does not begin as it should is dropped with a reason in
/// the log; what could come to its senses (version, token, game) is sent the reason in REFUSED. At most kMostGuests are
/// heard at a time.
/// Thread: the loop's, all of it. Errors: UserError from the constructor when the address is taken or not to be had.
class Listener {
 public:
  static constexpr std::size_t kMostGuests = 64;

  Listener(Loop& loop, ListenerSettings settings);
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// `come` is called once, with the plugin that names this instance; over TCP one that names none will do as well.
  void expect(const std::string& instance, std::function<void(Arrival)> come);
  void forget(const std::string& instance);

  /// As a plugin is told it: "domain./path" or "socket.1.2.3.4:5678".
  const std::string& address() const { return address_; }
  /// Why somebody was last turned away since then; empty when nobody was.
  std::string refusal_since(std::chrono::steady_clock::time_point then) const;

 private:
  struct Server;
  struct Guest;
  void accept();
  void hear(Guest& guest);
  void welcome(Guest& guest, Hello hello);
  void refuse(Guest& guest, const std::string& why);
  void drop(Guest& guest, const std::string& why);
  void note(const Guest& guest, const std::string& why);
  void close(Guest& guest);
  std::string why_not(const Hello& hello) const;

  Loop& loop_;
  ListenerSettings settings_;
  std::string address_;
  Server* server_ = nullptr;
  std::set<Guest*> guests_;
  std::map<std::string, std::function<void(Arrival)>> expected_;
  std::string refusal_;
  std::chrono::steady_clock::time_point refused_at_{};
};

}  // namespace sinv::mame
