#include "tools/record/best_video.h"

#include <fmt/core.h>

#include "base/error.h"
#include "tools/record/game_keeper.h"
#include "tools/record/video_writer.h"

namespace sinv {

std::unique_ptr<Machine> cabinet_of(const GameReplay& replay, const RomSet& rom) {
  if (replay.rom_crc != rom.image->crc) {
    throw UserError(
        fmt::format("the replay was played on another ROM (CRC-32 {:08x}) than {} ({:08x}); name it with --rom",
                    replay.rom_crc, rom.where, rom.image->crc));
  }
  CabinetSettings settings;
  settings.ships = replay.ships;
  settings.bonus_score = replay.bonus_score;
  return cabinet_factory(rom, settings)();
}

std::int64_t record_replay(const GameReplay& replay, const RomSet& rom, const std::filesystem::path& path) {
  const std::unique_ptr<Machine> cabinet = cabinet_of(replay, rom);
  VideoWriter video(path);
  const std::int64_t score = play_replay(replay, *cabinet, [&video](const Machine& machine, std::int64_t /*score*/) {
    video.frame(machine.ram());
    return true;
  });
  video.finish();
  return score;
}

std::string record_best(const std::filesystem::path& folder, const RomSet& rom) {
  if (!std::filesystem::exists(GameKeeper::best_path(folder))) return "";
  try {
    const GameReplay replay = load_replay(GameKeeper::best_path(folder));
    record_replay(replay, rom, folder / "best.mp4");
    record_replay(replay, rom, folder / "best.gif");
    return fmt::format("  best game, {} points: {} and best.gif\n", replay.score, (folder / "best.mp4").string());
  } catch (const UserError& error) {
    return fmt::format("  the best game was not recorded: {}\n", error.what());
  }
}

}  // namespace sinv
