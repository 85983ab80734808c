#include "bridge/mame/address.h"

#include <arpa/inet.h>
#include <charconv>

#include "base/error.h"

namespace sinv::mame {

TcpAddress tcp_address(const std::string& words) {
  const auto wrong = [&](const char* how) {
    return UserError(text("mame.listen: \"", words, "\" ", how, "; wanted ADDRESS:PORT, for example 127.0.0.1:4000, ",
                          "[::1]:4000 or 0.0.0.0:4000 (port 0: any that is free)"));
  };
  const std::size_t colon = words.rfind(':');
  if (colon == std::string::npos) throw wrong("has no port");
  TcpAddress address{.host = words.substr(0, colon)};
  const std::string port = words.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (error != std::errc() || end != port.data() + port.size()) throw wrong("has no port from 0 to 65535");
  if (address.host == "localhost") address.host = "127.0.0.1";
  if (address.host.size() > 2 && address.host.front() == '[' && address.host.back() == ']') {
    address.host = address.host.substr(1, address.host.size() - 2);
    in6_addr six{};
    if (inet_pton(AF_INET6, address.host.c_str(), &six) != 1) throw wrong("is no address");
    address.loopback = IN6_IS_ADDR_LOOPBACK(&six);
    return address;
  }
  in_addr four{};
  if (inet_pton(AF_INET, address.host.c_str(), &four) != 1) throw wrong("is no address in digits");
  address.loopback = (ntohl(four.s_addr) >> 24) == 127;
  return address;
}

bool same_secret(std::string_view a, std::string_view b) {
  unsigned different = a.size() == b.size() ? 0 : 1;
  for (std::size_t i = 0; i < a.size() && !b.empty(); ++i) {
    different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i % b.size()]);
  }
  return different == 0;
}

}  // namespace sinv::mame
