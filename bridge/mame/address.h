#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sinv::mame {

/// "127.0.0.1:4000", "[::1]:4000", "localhost:0"; port 0: any that is free.
struct TcpAddress {
  std::string host;  // digits
  std::uint16_t port = 0;
  bool loopback = false;
};

/// Errors: UserError naming mame.listen and what an address looks like.
TcpAddress tcp_address(const std::string& words);

/// Takes as long for any two words of equal lengths, so that its time tells nothing about a secret.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace sinv::mame
