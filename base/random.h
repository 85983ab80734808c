#pragma once

#include <cstdint>

#include "base/hd.h"

namespace sinv {

/// Counter-based random numbers: Philox4x32-10. The same key and counter give the same bits on CPU and GPU, so the
/// whole state of a stream is its key and how far it has counted.
/// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011 (constants and round count).
struct Philox {
  struct Block {
    std::uint32_t word[4];
  };
  SINV_HD static constexpr Block at(std::uint64_t key, std::uint64_t counter_low, std::uint64_t counter_high = 0) {
    constexpr std::uint32_t kMul0 = 0xD2511F53U;
    constexpr std::uint32_t kMul1 = 0xCD9E8D57U;
    constexpr std::uint32_t kWeyl0 = 0x9E3779B9U;
    constexpr std::uint32_t kWeyl1 = 0xBB67AE85U;
    auto k0 = static_cast<std::uint32_t>(key);
    auto k1 = static_cast<std::uint32_t>(key >> 32);
    Block c{{static_cast<std::uint32_t>(counter_low), static_cast<std::uint32_t>(counter_low >> 32),
             static_cast<std::uint32_t>(counter_high), static_cast<std::uint32_t>(counter_high >> 32)}};
    for (int round = 0; round < 10; ++round) {
      const std::uint64_t p0 = static_cast<std::uint64_t>(kMul0) * c.word[0];
      const std::uint64_t p1 = static_cast<std::uint64_t>(kMul1) * c.word[2];
      c = Block{{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ k0, static_cast<std::uint32_t>(p1),
                 static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ k1, static_cast<std::uint32_t>(p0)}};
      k0 += kWeyl0;
      k1 += kWeyl1;
    }
    return c;
  }
};

/// 24 random bits as a float in [0, 1).
SINV_HD constexpr float unit_float(std::uint32_t bits) { return static_cast<float>(bits >> 8) * 0x1p-24F; }

/// A stream of random numbers: `seed` and `stream` choose it, `counter` says how many blocks were drawn. Plain data:
/// saving it is copying it. Thread: one owner.
struct Random {
  std::uint64_t seed = 0;
  std::uint64_t stream = 0;
  std::uint64_t counter = 0;
  std::uint32_t spare[4] = {};  // words of the last block not handed out yet
  std::uint32_t spares = 0;

  constexpr Random() = default;
  constexpr Random(std::uint64_t seed_value, std::uint64_t stream_value) : seed(seed_value), stream(stream_value) {}

  constexpr std::uint32_t bits() {
    if (spares == 0) {
      const Philox::Block block = Philox::at(seed, counter++, stream);
      for (int i = 0; i < 4; ++i) spare[i] = block.word[i];
      spares = 4;
    }
    return spare[4 - spares--];
  }
  /// In [0, 1), 24 bits.
  constexpr float uniform() { return unit_float(bits()); }
  /// In [0, 1), 53 bits.
  constexpr double uniform_double() {
    const std::uint64_t high = bits();
    return static_cast<double>(((high << 32) | bits()) >> 11) * 0x1p-53;
  }
  /// In [0, n), n > 0; bias below n / 2^64.
  constexpr std::uint32_t below(std::uint32_t n) {
    const std::uint64_t high = bits();
    const std::uint64_t wide = (high << 32) | bits();
    return static_cast<std::uint32_t>((static_cast<unsigned __int128>(wide) * n) >> 64);
  }
};

}  // namespace sinv
