#include "rl/environments.h"

#include <algorithm>
#include <utility>

namespace sinv {

GameEnvironments::GameEnvironments(const MachineFactory& make_machine, const EnvSettings& settings, int count,
                                   std::uint64_t seed, int threads)
    : envs_(make_machine, settings, static_cast<std::size_t>(count), seed, threads) {}

void GameEnvironments::step(std::span<const std::uint8_t> actions) {
  for (const std::uint8_t action : actions) {
    SINV_CHECK(action < kActions, "GameEnvironments::step: action ", int{action}, " of ", kActions);
  }
  // An Action is one byte, and the values were checked.
  envs_.step(std::span(reinterpret_cast<const Action*>(actions.data()), actions.size()));
}

bool GameEnvironments::look(int index, LiveGame& game) const {
  const Env& seen = env(index);
  game.score = seen.score();
  game.lives = seen.lives();
  game.racks = seen.racks();
  game.frames = seen.frames();
  const auto picture = std::span(seen.ram()).last<LiveGame::kPictureBytes>();
  std::ranges::copy(picture, game.picture.begin());
  return true;
}

EnvironmentsFactory game_environments(MachineFactory make_machine, EnvSettings settings) {
  return [make_machine = std::move(make_machine), settings = std::move(settings)](int count, std::uint64_t seed,
                                                                                  int threads) {
    return std::make_unique<GameEnvironments>(make_machine, settings, count, seed, threads);
  };
}

}  // namespace sinv
