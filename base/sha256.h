#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace sinv {

/// SHA-256 (FIPS 180-4, 6.2) of letters.
std::array<std::uint8_t, 32> sha256(std::string_view letters);

}  // namespace sinv
