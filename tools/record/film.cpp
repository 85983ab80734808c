#include "tools/record/film.h"

#include <array>
#include <cstring>

#include "base/bytes.h"
#include "base/deflate.h"

namespace sinv {

std::string film_of(const GameReplay& replay, Machine& machine) {
  ByteWriter film;
  film.put(static_cast<std::uint32_t>(replay.buttons.size()));
  std::array<std::uint8_t, kRamBytes - kWorkRamBytes> shown{};  // dark before the first frame
  std::vector<std::uint16_t> places;
  play_replay(replay, machine, [&](const Machine& now, std::int64_t score) {
    const std::uint8_t* const picture = now.ram().data() + kWorkRamBytes;
    places.clear();
    for (std::size_t at = 0; at < shown.size(); at += sizeof(std::uint64_t)) {
      if (std::memcmp(picture + at, shown.data() + at, sizeof(std::uint64_t)) == 0) continue;
      for (std::size_t i = at; i < at + sizeof(std::uint64_t); ++i) {
        if (picture[i] != shown[i]) places.push_back(static_cast<std::uint16_t>(i));
      }
    }
    film.put(static_cast<std::uint32_t>(score));
    film.put(static_cast<std::uint16_t>(places.size()));
    for (const std::uint16_t place : places) {
      shown[place] = picture[place];
      film.put(place);
      film.put(shown[place]);
    }
    return true;
  });
  Deflater deflater(6);
  const std::span<const std::byte> packed = deflater.pack(film.bytes());
  return {reinterpret_cast<const char*>(packed.data()), packed.size()};
}

}  // namespace sinv
