#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "bridge/mame/latency.h"
#include "bridge/mame/launch.h"
#include "game/rom_set.h"
#include "rl/environments.h"
#include "tools/config.h"

namespace sinv {

namespace mame {
class MameFarm;     // bridge/mame/farm.h
class MameMachine;  // bridge/mame/mame_machine.h
}  // namespace mame
struct MachineHands;  // rl/trainer.h

/// The machines that a command plays on: cabinets in this process, or MAMEs that run the same program.
/// Makes MAME's ROM folder from `rom`, finds the plugin, and keeps what MAME writes in `folder`/mame.
/// Thread: one owner; what factory() makes may be used on other threads, and must be gone before this.
class Machines {
 public:
  /// Errors: UserError (no MAME, no plugin, settings out of range, folder).
  Machines(const RunConfig& config, RomSet rom, const std::filesystem::path& folder);
  /// In a temporary folder, removed at the end.
  Machines(const RunConfig& config, RomSet rom);
  ~Machines();

  bool in_mame() const { return farm_ != nullptr; }
  MachineFactory factory() const;
  /// MAMEs answer while others are asked: each is stepped by a thread of its own.
  /// With `hands` they obey them (HandledMame); those must outlive the environments.
  EnvironmentsFactory environments(const EnvSettings& settings, const MachineHands* hands = nullptr) const;
  /// Cabinets that run the same program, whatever factory() makes.
  EnvironmentsFactory cabinets(const EnvSettings& settings) const;
  const RomSet& rom() const { return rom_; }
  /// The next MAME as what it is. REQUIRES: in_mame(). Errors: UserError.
  std::unique_ptr<mame::MameMachine> mame() const;
  /// From state received to action sent, of all MAMEs that are gone and what the others have reported. REQUIRES:
  /// in_mame(). Thread: any.
  mame::Latency latency() const;
  /// Line for metrics.jsonl; `frames` of the training. REQUIRES: in_mame(). Thread: any.
  nlohmann::json latency_json(std::int64_t frames) const;
  /// MAME with the same flags, without the bridge: for measuring. REQUIRES: in_mame().
  mame::Launch launch_without_plugin() const;

 private:
  class Scratch;  // a temporary folder
  void start_farm(const RunConfig& config, const std::filesystem::path& folder);

  RomSet rom_;
  CabinetSettings cabinet_;
  std::unique_ptr<Scratch> scratch_;
  std::filesystem::path folder_;
  std::shared_ptr<mame::MameFarm> farm_;
};

}  // namespace sinv
