// bench [NAME]: figures of the engine's parts, medians of repeats, as a table or as JSON.
#include "tools/bench.h"

#include <array>
#include <fmt/core.h>
#include <vector>

#include "base/error.h"
#include "tools/command_line.h"
#include "tools/machine_facts.h"

namespace sinv {

namespace {

struct Bench {
  const char* name;
  const char* summary;
  BenchResult (*run)(const BenchSettings& settings);
};

constexpr std::array kBenches{
    Bench{"bridge", "steps per second through MAME, beside MAME alone", &bench_bridge},
    Bench{"cabinet", "emulated cycles and frames per second, one core", &bench_cabinet},
    Bench{"dashboard", "updates per second of a training with 0, 1 and 50 open pages", &bench_dashboard},
    Bench{"env", "environment steps per second, features included", &bench_env_steps},
    Bench{"learner", "updates per second and latency of one decision", &bench_learner},
    Bench{"pixels", "making one picture of each preset", &bench_pictures},
    Bench{"replay", "prioritised sampling plus priority update; frames too", &bench_replay_tree},
};

void print_table(const BenchResult& result) {
  fmt::print("{}", result.name);
  for (const auto& [key, value] : result.settings.items()) fmt::print("  {}={}", key, value.dump());
  fmt::print("\n");
  for (const auto& [key, value] : result.figures) fmt::print("  {:<44} {:>20.6g}\n", key, value);
}

}  // namespace

int bench_command(Words words) {
  CommandLine line("bench", "Measures the engine. Machines are noisy: compare ratios of one run.");
  std::string name;
  BenchSettings settings;
  bool json = false;
  std::string known;
  for (const Bench& bench : kBenches) known += fmt::format("\n  {:<9} {}", bench.name, bench.summary);
  line.app.add_option("name", name, "one of them; without it all run:" + known);
  line.app.add_option("--agent", settings.agent, "agent of the learner and dashboard benches")->capture_default_str();
  line.app.add_option("--preset", settings.preset, "sizes of the learner bench of the agent dreamer")
      ->capture_default_str();
  line.app.add_option("--batch", settings.batch, "batch of the learner and replay benches")->capture_default_str();
  line.app.add_option("--threads", settings.threads, "threads of the learner bench")->capture_default_str();
  line.app.add_option("--device", settings.device, "of the learner bench: cpu, cuda, cuda:N or auto")
      ->capture_default_str();
  line.app.add_option("--precision", settings.precision, "of the learner bench: float32, tf32 or bf16")
      ->capture_default_str();
  line.app.add_option("--seconds", settings.seconds, "time of one repeat")->capture_default_str();
  line.app.add_option("--repeats", settings.repeats, "repeats; the median counts")->capture_default_str();
  line.app.add_option("--rom", settings.rom,
                      "game ROM of the bridge, cabinet, dashboard and env benches: folder or zip");
  line.app.add_option("--spin-us", settings.spin_us, "bridge bench: without mame.share, with this mame.spin_us");
  line.app.add_option("--envs", settings.envs, "bridge bench: MAMEs that run at once; 0: one a processor");
  line.app.add_flag("--json", json, "print one JSON object (a list when several benches run)");
  if (!line.parse(words)) return 0;
  if (settings.repeats < 1) throw UserError("bench: --repeats must be 1 or more");
  if (settings.envs < 0) throw UserError("bench: --envs must be 0 or more");
  if (settings.seconds <= 0) throw UserError("bench: --seconds must be more than 0");

  nlohmann::json all = nlohmann::json::array();
  std::vector<std::string> names;
  for (const Bench& bench : kBenches) {
    names.emplace_back(bench.name);
    if (!name.empty() && name != bench.name) continue;
    const BenchResult result = bench.run(settings);
    all.push_back({{"bench", result.name},
                   {"machine", machine_facts()},
                   {"settings", result.settings},
                   {"figures", result.figures}});
    if (!json) print_table(result);
  }
  if (all.empty()) throw UserError(unknown_name("bench", name, names));
  if (json) fmt::print("{}\n", (all.size() == 1 ? all[0] : all).dump(2));
  return 0;
}

}  // namespace sinv
