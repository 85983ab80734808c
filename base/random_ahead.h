#pragma once

#include <cstdint>

#include "base/hd.h"
#include "base/random.h"

/// Numbers of a stream by their place, so that many threads draw what one would draw in turn.
namespace sinv {

/// What bits() gives at its call number `ahead`, 0 the next one.
SINV_HD constexpr std::uint32_t peek(const Random& random, std::uint64_t ahead) {
  if (ahead < random.spares) return random.spare[4 - random.spares + ahead];
  ahead -= random.spares;
  return Philox::at(random.seed, random.counter + ahead / 4, random.stream).word[ahead % 4];
}

/// What uniform_double() gives after so many calls of it.
SINV_HD constexpr double peek_double(const Random& random, std::uint64_t calls) {
  const std::uint64_t high = peek(random, 2 * calls);
  return static_cast<double>(((high << 32) | peek(random, 2 * calls + 1)) >> 11) * 0x1p-53;
}

/// As if bits() had been called so many times.
SINV_HD constexpr void skip(Random& random, std::uint64_t words) {
  if (words <= random.spares) {
    random.spares -= static_cast<std::uint32_t>(words);
    return;
  }
  words -= random.spares;
  const std::uint64_t blocks = (words + 3) / 4;
  random.counter += blocks;
  const Philox::Block last = Philox::at(random.seed, random.counter - 1, random.stream);
  for (int i = 0; i < 4; ++i) random.spare[i] = last.word[i];
  random.spares = static_cast<std::uint32_t>(4 * blocks - words);
}

}  // namespace sinv
