#pragma once

#include <cstdint>
#include <string>

#include "bridge/mame/protocol.h"

namespace sinv::mame {

/// What a plugin that is none does, over a simulated machine.
struct FakeSettings {
  std::string address{};  // as SINV_MAME_ADDRESS
  std::string instance{};
  std::string token{};
  std::string doorbell{};
  std::uint32_t rom_crc = 0x1978;
  /// works; or from the beginning: silent, noise, half, length, flags, version, set, ram, buttons, early, not_hello;
  /// or at step `after`: hangs, paused, dies, closes, garbage, sequence, counter, half_answer, fails; or always:
  /// sleeps, alive, packs; or stubborn: does not care about the end of the connection nor about SIGTERM.
  std::string how = "works";
  int after = 0;
};

/// Connects and serves until the engine says QUIT or goes. What a process would end with.
int run_fake_plugin(const FakeSettings& settings);

/// A connected socket, or -1.
int connect_to(const std::string& address);

/// HELLO of the simulated machine.
Hello fake_hello(const FakeSettings& settings);

/// All that comes until the other side closes.
std::string read_to_end(int socket);

}  // namespace sinv::mame
