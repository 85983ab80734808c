// The fuzzer's work in small, in every build: noise, and every golden frame cut at every length and mutated.
#include "tests/bridge/any_bytes.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "tests/bridge/golden.h"

namespace sinv::mame {
namespace {

using Bytes = std::vector<std::byte>;

Bytes with_piece(const Bytes& bytes, std::byte piece) {
  Bytes out(1 + bytes.size(), piece);
  std::copy(bytes.begin(), bytes.end(), out.begin() + 1);
  return out;
}

TEST(AnyBytes, NoiseIsTakenWithoutHarm) {
  Random random(11, 0);
  for (int i = 0; i < 50'000; ++i) {
    Bytes bytes(random.below(80) + 1);
    for (std::byte& b : bytes) b = static_cast<std::byte>(random.bits());
    if (bytes.size() > 6 && random.below(2) == 0) bytes[3] = bytes[4] = bytes[6] = std::byte{0};  // a likely header
    ASSERT_NO_THROW(take_any_bytes(bytes));
  }
}

TEST(AnyBytes, GoldenFramesCutAtEveryLengthAreTakenWithoutHarm) {
  for (const auto& [name, frame] : golden_frames()) {
    const std::size_t step = frame.size() > 2000 ? 97 : 1;
    for (std::size_t count = 0; count <= frame.size(); count += step) {
      const Bytes cut(frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(count));
      ASSERT_NO_THROW(take_any_bytes(with_piece(cut, std::byte{255}))) << name << " cut to " << count;
    }
  }
}

TEST(AnyBytes, MutatedGoldenFramesAreTakenWithoutHarm) {
  Random random(12, 0);
  for (const auto& [name, frame] : golden_frames()) {
    for (int i = 0; i < 2000; ++i) {
      Bytes bytes = frame;
      const std::uint32_t changes = 1 + random.below(4);
      for (std::uint32_t c = 0; c < changes; ++c) {
        // Mostly at the front, where the lengths stand.
        const std::size_t range = random.below(4) == 0 ? bytes.size() : std::min<std::size_t>(bytes.size(), 48);
        bytes[random.below(static_cast<std::uint32_t>(range))] = static_cast<std::byte>(random.bits());
      }
      ASSERT_NO_THROW(take_any_bytes(with_piece(bytes, std::byte{255}))) << name << ", mutation " << i;
    }
  }
}

TEST(AnyBytes, MutatedBodiesAreTakenWithoutHarm) {
  Random random(13, 0);
  for (const auto& [name, frame] : golden_frames()) {
    if (frame.size() > 2000) continue;
    const Bytes body(frame.begin() + 8, frame.end());
    for (int i = 0; i < 2000; ++i) {
      Bytes bytes = with_piece(body, std::byte{255});
      for (std::uint32_t c = random.below(4); c > 0; --c) {
        bytes[random.below(static_cast<std::uint32_t>(bytes.size()))] = static_cast<std::byte>(random.bits());
      }
      bytes.resize(bytes.size() - random.below(static_cast<std::uint32_t>(bytes.size())));
      ASSERT_NO_THROW(take_any_bytes(bytes)) << name << ", mutation " << i;
    }
  }
}

}  // namespace
}  // namespace sinv::mame
