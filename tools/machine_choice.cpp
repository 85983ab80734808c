#include "tools/machine_choice.h"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/error.h"
#include "bridge/mame/farm.h"
#include "bridge/mame/mame_machine.h"
#include "tools/dash/mame_hands.h"
#include "tools/machine_facts.h"

namespace sinv {

namespace fs = std::filesystem;

class Machines::Scratch {
 public:
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "sinv_mame_XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw UserError(text(pattern, ": cannot be made"));
    path_ = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

Machines::Machines(const RunConfig& config, RomSet rom, const fs::path& folder)
    : rom_(std::move(rom)), cabinet_(config.cabinet) {
  if (config.machine == "mame") start_farm(config, folder);
}

Machines::Machines(const RunConfig& config, RomSet rom) : rom_(std::move(rom)), cabinet_(config.cabinet) {
  if (config.machine != "mame") return;
  scratch_ = std::make_unique<Scratch>();
  start_farm(config, scratch_->path());
}

Machines::~Machines() = default;

void Machines::start_farm(const RunConfig& config, const fs::path& folder) {
  mame::MameSettings settings = config.mame;
  const CabinetSettings defaults;
  if (cabinet_.ships != defaults.ships || cabinet_.bonus_score != defaults.bonus_score) {
    throw UserError("cabinet.ships and cabinet.bonus_score are switches of the built-in cabinet; MAME has its own");
  }
  if (settings.window && std::getenv("DISPLAY") == nullptr && std::getenv("WAYLAND_DISPLAY") == nullptr) {
    throw UserError(
        "mame.window: there is no display (DISPLAY and WAYLAND_DISPLAY are not set); play without --window");
  }
  folder_ = fs::absolute(folder);
  if (settings.rompath.empty()) {
    settings.rompath = (folder_ / "mame" / "roms").string();
    write_mame_set(rom_.image->bytes, settings.rompath);
  }
  if (settings.plugin.empty()) {
    const std::string file = find_piece("lua/sinv/plugin.json");
    if (file.empty()) {
      throw UserError(
          "the MAME plugin, lua/sinv, is neither beside the program nor installed; name its folder with "
          "--set mame.plugin=FOLDER");
    }
    settings.plugin = fs::path(file).parent_path().parent_path().string();
  }
  farm_ = mame::MameFarm::open(settings, folder_);
}

MachineFactory Machines::factory() const {
  if (farm_ == nullptr) return cabinet_factory(rom_, cabinet_);
  return [farm = farm_] { return farm->machine(); };
}

EnvironmentsFactory Machines::environments(const EnvSettings& settings, const MachineHands* hands) const {
  if (farm_ == nullptr) return cabinets(settings);
  MachineFactory machine = factory();
  if (hands != nullptr) machine = [farm = farm_, hands] { return std::make_unique<HandledMame>(farm, *hands); };
  return [farm = farm_, make = game_environments(std::move(machine), settings)](int count, std::uint64_t seed,
                                                                                int threads) {
    farm->prepare(count);
    return make(count, seed, std::max(count, threads));
  };
}

std::unique_ptr<mame::MameMachine> Machines::mame() const {
  SINV_CHECK(in_mame(), "Machines::mame: the run plays on cabinets");
  return farm_->machine();
}

mame::Latency Machines::latency() const {
  SINV_CHECK(in_mame(), "Machines::latency: the run plays on cabinets");
  return farm_->latency();
}

nlohmann::json Machines::latency_json(std::int64_t frames) const {
  const mame::Latency latency = this->latency();
  const mame::Latency::Summary summary = latency.summary();
  nlohmann::json histogram = nlohmann::json::array();
  for (std::size_t i = 0; i < mame::Latency::kBuckets; ++i) {
    if (latency.buckets()[i] != 0) histogram.push_back({mame::Latency::edge_us(i), latency.buckets()[i]});
  }
  return {{"kind", "bridge"},           {"frames", frames},         {"steps", summary.count},
          {"late", summary.late},       {"p50_us", summary.p50_us}, {"p99_us", summary.p99_us},
          {"p999_us", summary.p999_us}, {"max_us", summary.max_us}, {"histogram", histogram}};
}

mame::Launch Machines::launch_without_plugin() const {
  SINV_CHECK(in_mame(), "Machines::launch_without_plugin: the run plays on cabinets");
  const mame::MameSettings& settings = farm_->settings();
  constexpr int kNoMachine = 9999;  // a folder of its own
  mame::Launch launch = launch_of(settings, find_mame(settings), folder_ / "mame", kNoMachine, {});
  const auto plugin = std::find(launch.arguments.begin(), launch.arguments.end(), "-plugin");
  launch.arguments.erase(plugin, plugin + 2);
  return launch;
}

EnvironmentsFactory Machines::cabinets(const EnvSettings& settings) const {
  return game_environments(cabinet_factory(rom_, cabinet_), settings);
}

}  // namespace sinv
