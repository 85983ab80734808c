// replay: a game that was kept, frame by frame as it was.
#include <chrono>
#include <fmt/core.h>
#include <optional>
#include <string>
#include <thread>

#include "base/error.h"
#include "tools/command_line.h"
#include "tools/picture.h"
#include "tools/play.h"
#include "tools/record/best_video.h"
#include "tools/record/video_writer.h"
#include "tools/terminal.h"

namespace sinv {

namespace {

void show_in_terminal(const GameReplay& replay, Machine& cabinet, double speed) {
  LiveBlock screen(true);
  auto next = std::chrono::steady_clock::now();
  PlayStatus status;
  status.who = fmt::format("{}, seed {}: a game of {} points", replay.agent, replay.seed, thousands(replay.score));
  play_replay(replay, cabinet, [&](const Machine& machine, std::int64_t score) {
    status.score = score;
    status.ships = ships_in_reserve(machine.ram()) + (player_alive(machine.ram()) ? 1 : 0);
    ++status.frames;
    status.frames_per_s = kFramesPerSecond * speed;
    next += std::chrono::duration_cast<std::chrono::steady_clock::duration>(
        std::chrono::duration<double>(1 / (kFramesPerSecond * speed)));
    std::this_thread::sleep_until(next);
    const TerminalSize size = terminal_size();
    screen.draw(play_screen(machine.ram(), status, size.columns, size.rows, true));
    return !stop_flag().load();
  });
}

}  // namespace

int replay_command(Words words) {
  CommandLine line("replay", "Plays a kept game again, exactly, in the terminal or into a file.");
  std::string file;
  std::string record;
  std::string rom_path;
  double speed = 1;
  line.app.add_option("FILE", file, "a replay: best.replay of a run folder")->required();
  line.app.add_option("--record", record, "write it as .mp4, .webm, .gif or .png (one for each frame) instead");
  line.app.add_option("--rom", rom_path, "the game ROM it was played on; without it the engine's own game");
  line.app.add_option("--speed", speed, "1: as the cabinet")->capture_default_str()->check(CLI::Range(0.05, 64.0));
  if (!line.parse(words)) return 0;
  const GameReplay replay = load_replay(file);
  const RomSet rom = choose_rom(rom_path);
  std::int64_t score = replay.score;
  if (!record.empty()) {
    score = record_replay(replay, rom, record);
  } else {
    const std::unique_ptr<Machine> cabinet = cabinet_of(replay, rom);
    if (is_terminal()) {
      show_in_terminal(replay, *cabinet, speed);
    } else {
      score = play_replay(replay, *cabinet, {});
    }
  }
  if (score != replay.score)
    throw Error(fmt::format("{}: made {} points, and {} when it was kept", file, score, replay.score));
  fmt::print("{}: {} points in {} frames, {} seed {}\n", file, score, replay.buttons.size(), replay.agent, replay.seed);
  return 0;
}

}  // namespace sinv
