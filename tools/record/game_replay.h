#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// A whole game, played again by any cabinet with the same program: the machine as it stood, and the buttons of each
/// frame.
struct GameReplay {
  std::uint32_t rom_crc = 0;
  std::uint8_t ships = 3;
  std::uint16_t bonus_score = 1500;
  std::uint64_t seed = 0;  // of the training it comes from
  std::string agent;
  std::int64_t score = 0;
  std::vector<std::byte> state;       // Machine::save() at its beginning
  std::vector<std::uint8_t> buttons;  // of each frame
};

/// Written whole or not at all. Format: docs/formats.md. Errors: UserError with the path.
void save_replay(const std::filesystem::path& path, const GameReplay& replay);
/// Errors: UserError with the path: cannot be read, no replay, damaged, of a later format.
GameReplay load_replay(const std::filesystem::path& path);

/// Plays it and returns the score that it makes. `shown` is called after each frame, with the score so far, and ends
/// the game early with false. Errors: Error when the machine does not take the state.
std::int64_t play_replay(const GameReplay& replay, Machine& machine,
                         const std::function<bool(const Machine& machine, std::int64_t score)>& shown);

}  // namespace sinv
