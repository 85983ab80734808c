// eval: many games, one table of figures.
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "base/error.h"
#include "rl/evaluation.h"
#include "rl/model_file.h"
#include "tools/command_line.h"
#include "tools/config.h"
#include "tools/device_words.h"
#include "tools/machine_choice.h"
#include "tools/machine_facts.h"
#include "tools/model_choice.h"
#include "tools/terminal.h"

namespace sinv {

int eval_command(Words words) {
  CommandLine line("eval", "Plays many games without noise and prints the scores and the protocol.");
  std::string model_path;
  std::string policy = "model";
  std::vector<std::string> settings;
  std::string rom;
  std::string machine;
  EvaluationProtocol protocol;
  bool json = false;
  line.app.add_option("--model", model_path,
                      "the model, or dqn-mlp or dqn-cnn for the one that ships (dqn-mlp without it)");
  line.app.add_option("--policy", policy, "model, random or scripted")->capture_default_str();
  line.app.add_option("--games", protocol.games, "games")->capture_default_str();
  line.app.add_option("--seed", protocol.seed, "decides the idle frames before each game")->capture_default_str();
  line.app.add_option("--threads", protocol.threads, "threads that step the games")->capture_default_str();
  line.app.add_option("--rom", rom, "a game ROM, folder or zip; without it the engine's own game");
  line.app.add_option("--machine", machine, "cabinet: in this process; mame");
  DeviceWords device;
  declare_device(line.app, device);
  line.app.add_option("--envs", protocol.envs, "games played at once; which games they are depends on it")
      ->capture_default_str();
  line.app.add_option("--set", settings, "env.key=value, cabinet.key=value or mame.key=value; may be repeated");
  line.app.add_flag("--json", json, "print one JSON object");
  if (!line.parse(words)) return 0;
  if (protocol.games < 1) throw UserError("eval: --games must be 1 or more");
  if (protocol.envs < 1) throw UserError("eval: --envs must be 1 or more");
  if (protocol.threads < 1) throw UserError("eval: --threads must be 1 or more");
  if (policy != "model" && policy != "random" && policy != "scripted") {
    throw UserError(unknown_name("policy", policy, {"model", "random", "scripted"}));
  }

  take_device(device);
  RunConfig config;
  ModelFile model;
  PolicyFor make;
  if (policy == "model") {
    model_path = choose_model(model_path);
    model = load_model(model_path);
    config.env = environment_of(model);
    make = [&model](const Environments& envs) {
      check_model_plays(model, envs);
      return make_policy(model, envs.count());
    };
  } else {
    make = policy == "random" ? random_policy(protocol.seed) : scripted_policy();
  }
  config.set_all(settings);
  config.cabinet.rom = rom.empty() ? config.cabinet.rom : rom;
  if (!machine.empty()) config.options.set("machine", machine);
  constexpr int kMames = 2;  // a MAME is a process that wants a core
  if (config.machine == "mame" && line.app.count("--envs") == 0) protocol.envs = kMames;
  config.check();

  const Machines machines(config, choose_rom(config.cabinet.rom));
  const EvaluationResult result =
      evaluate(machines.environments(config.env), make, protocol, [] { return stop_flag().load(); });
  const std::string who = policy == "model" ? model_path : policy + " policy";
  if (json) {
    nlohmann::json games = nlohmann::json::array();
    for (const EpisodeRecord& game : result.episodes) {
      games.push_back({{"score", game.score}, {"frames", game.frames}, {"racks", game.racks}});
    }
    nlohmann::json all = {{"who", who},
                          {"machine", machine_facts()},
                          {"protocol",
                           {{"machine", config.machine},
                            {"games", protocol.games},
                            {"envs", protocol.envs},
                            {"seed", protocol.seed},
                            {"noop_max_frames", config.env.noop_max_frames},
                            {"sticky", config.env.sticky},
                            {"frames_per_step", config.env.frames_per_step},
                            {"frame_cap", config.env.frame_cap},
                            {"ships", config.cabinet.ships}}},
                          {"result", to_json(result)},
                          {"games", games}};
    fmt::print("{}\n", all.dump(2));
    return 0;
  }
  fmt::print("{}: {}\n", who, to_text(result));
  fmt::print("  protocol: {} games, seed {}, 0 to {} idle frames first, sticky {}, {} frames a step, cap {} frames\n",
             result.games, protocol.seed, config.env.noop_max_frames, config.env.sticky, config.env.frames_per_step,
             config.env.frame_cap);
  return 0;
}

}  // namespace sinv
