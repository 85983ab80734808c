#include "tools/record/game_replay.h"

#include <cstring>
#include <type_traits>

#include "base/bytes.h"
#include "base/deflate.h"
#include "base/error.h"
#include "base/file.h"
#include "game/score.h"

namespace sinv {

namespace {

constexpr char kMagic[8] = {'S', 'I', 'N', 'V', 'P', 'L', 'A', 'Y'};
constexpr std::uint32_t kVersion = 1;
constexpr std::size_t kMostBytes = std::size_t{16} << 20;  // 30 minutes are 108,000 frames
constexpr std::size_t kHead = sizeof kMagic + 8;

// The numbers of a replay, as they stand in the file.
struct Numbers {
  std::uint64_t seed;
  std::int64_t score;
  std::uint32_t rom_crc;
  std::uint16_t bonus_score;
  std::uint8_t ships;
  std::uint8_t zero;
};
static_assert(std::has_unique_object_representations_v<Numbers> && sizeof(Numbers) == 24);

[[noreturn]] void refuse(const std::filesystem::path& path, const char* why) {
  throw UserError(text(path.string(), ": ", why));
}

}  // namespace

void save_replay(const std::filesystem::path& path, const GameReplay& replay) {
  ByteWriter body;
  body.put(Numbers{replay.seed, replay.score, replay.rom_crc, replay.bonus_score, replay.ships, 0});
  body.put_text(replay.agent);
  body.put_all(std::span<const std::byte>(replay.state));
  body.put_all(std::span<const std::uint8_t>(replay.buttons));
  Deflater deflater(9);
  const std::span<const std::byte> packed = deflater.pack(body.bytes());
  const std::uint32_t sum = crc32(body.bytes());
  std::vector<std::byte> bytes(kHead + packed.size());
  std::memcpy(bytes.data(), kMagic, sizeof kMagic);
  std::memcpy(bytes.data() + sizeof kMagic, &kVersion, 4);
  std::memcpy(bytes.data() + sizeof kMagic + 4, &sum, 4);
  std::memcpy(bytes.data() + kHead, packed.data(), packed.size());
  write_file(path, bytes);
}

GameReplay load_replay(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path);
  if (bytes.size() < kHead || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    refuse(path, "is no replay of a game");
  }
  std::uint32_t version = 0;
  std::uint32_t sum = 0;
  std::memcpy(&version, bytes.data() + sizeof kMagic, 4);
  std::memcpy(&sum, bytes.data() + sizeof kMagic + 4, 4);
  if (version != kVersion)
    throw UserError(text(path.string(), ": is a replay of version ", version, ", this program reads ", kVersion));
  Inflater inflater(kMostBytes);
  std::span<const std::byte> body;
  if (inflater.unpack(std::span(bytes).subspan(kHead), body) != nullptr || crc32(body) != sum) {
    refuse(path, "the replay is damaged");
  }
  ByteReader in(body, path.string());
  GameReplay replay;
  const auto numbers = in.get<Numbers>();
  replay.seed = numbers.seed;
  replay.score = numbers.score;
  replay.rom_crc = numbers.rom_crc;
  replay.bonus_score = numbers.bonus_score;
  replay.ships = numbers.ships;
  replay.agent = in.get_text();
  replay.state = in.get_vector<std::byte>();
  replay.buttons = in.get_vector<std::uint8_t>();
  return replay;
}

std::int64_t play_replay(const GameReplay& replay, Machine& machine,
                         const std::function<bool(const Machine& machine, std::int64_t score)>& shown) {
  machine.restore(replay.state);
  ScoreCounter score;
  score.begin(machine.ram());
  for (const std::uint8_t buttons : replay.buttons) {
    machine.run(std::span(&buttons, 1));
    score.update(machine.ram());
    if (shown && !shown(machine, score.total)) break;
  }
  return score.total;
}

}  // namespace sinv
