// train: a run folder, a trainer in it, and a display beside it.
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fmt/core.h>
#include <memory>
#include <optional>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/spdlog.h>
#include <string>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "game/features.h"
#include "rl/trainer.h"
#include "tools/command_line.h"
#include "tools/config.h"
#include "tools/dash/dashboard.h"
#include "tools/dash/hands.h"
#include "tools/dash/terminal_keys.h"
#include "tools/device_words.h"
#include "tools/machine_choice.h"
#include "tools/machine_facts.h"
#include "tools/record/best_video.h"
#include "tools/record/game_keeper.h"
#include "tools/record/obs_games.h"
#include "tools/report/run_reports.h"
#include "tools/run_folder.h"
#include "tools/terminal.h"
#include "tools/train_display.h"

namespace sinv {

namespace {

struct TrainWords {
  std::optional<std::string> agent;
  std::optional<std::string> preset;
  std::string config;
  std::vector<std::string> settings;
  std::optional<double> minutes;
  std::optional<std::int64_t> frames;
  std::optional<std::uint64_t> seed;
  std::optional<int> envs;
  std::optional<int> threads;
  std::optional<std::string> rom;
  std::optional<std::string> machine;
  std::string out;
  std::string resume;
  bool plain = false;
  DeviceWords device;
  bool tensorboard = false;
  int figure_seconds = 60;
  std::string dashboard = "127.0.0.1:5000";
  std::string record = "none";
  std::string obs = "off";
  std::string obs_password_file;
};

void declare(CommandLine& line, TrainWords& words) {
  CLI::App& app = line.app;
  app.add_option("--agent", words.agent, "what learns: " + join(agent_names()));
  app.add_option("--preset", words.preset, "sizes of the agent dreamer: " + join(dreamer_presets()));
  app.add_option("--minutes", words.minutes, "training time; 0: no limit");
  app.add_option("--frames", words.frames, "frames of the game in all; 0: no limit");
  app.add_option("--seed", words.seed, "decides everything that is drawn by chance");
  app.add_option("--out", words.out, "the run folder; without it a new one in runs/");
  app.add_option("--resume", words.resume, "go on in this run folder, with its settings; limits may be given anew");
  app.add_option("--rom", words.rom, "a game ROM, folder or zip; without it the engine's own game");
  app.add_option("--machine", words.machine, "cabinet: in this process; mame: one MAME for each game played at once");
  app.add_option("--envs", words.envs, "games played at once");
  app.add_option("--threads", words.threads, "1: act and learn in turn; 2: at the same time, with the same result");
  app.add_option("--config", words.config, "a TOML file of settings; `sinv_engine config` prints one");
  app.add_option("--set", words.settings, "key=value over the file; may be repeated");
  declare_device(app, words.device);
  app.add_flag("--plain", words.plain, "plain lines instead of the live display");
  app.add_flag("--tensorboard", words.tensorboard, "write TensorBoard's event file too");
  app.add_option("--dashboard", words.dashboard, "port, or address:port, of the page in the browser; or off")
      ->capture_default_str();
  app.add_option(
         "--record", words.record,
         "best: a video of the best game at the end; all: a replay of every game too; none: the best game's replay")
      ->capture_default_str();
  app.add_option("--obs", words.obs,
                 "host:port of OBS Studio's WebSocket server (127.0.0.1:4455): it records the games of the first "
                 "environment and the best stays in the run folder; password: SINV_OBS_PASSWORD; or off")
      ->capture_default_str();
  app.add_option("--obs-password-file", words.obs_password_file, "a file with the password instead");
  app.add_option("--figure", words.figure_seconds, "seconds between two training figures; 0: none")
      ->capture_default_str()
      ->check(CLI::Range(0, 86'400));
}

// The convenience words are settings by another name.
void add_words(std::vector<Assignment>& given, const TrainWords& words) {
  const auto put = [&given](const char* key, const auto& value) {
    if (value) given.push_back({key, fmt::format("{}", *value), ""});
  };
  put("agent", words.agent);
  put("dreamer.preset", words.preset);
  put("train.minutes", words.minutes);
  put("train.frames", words.frames);
  put("train.seed", words.seed);
  put("train.envs", words.envs);
  put("train.threads", words.threads);
  put("cabinet.rom", words.rom);
  put("machine", words.machine);
  // A limit in frames alone means: these frames, however long they take.
  if (words.frames && *words.frames > 0 && !words.minutes) given.push_back({"train.minutes", "0", ""});
}

// A MAME is a process that wants a core. The number for cabinets helps nobody.
void fit_to_machine(RunConfig& config, const std::vector<Assignment>& given) {
  constexpr int kMames = 2;
  const bool chosen = std::any_of(given.begin(), given.end(), [](const auto& one) { return one.key == "train.envs"; });
  if (config.machine == "mame" && !chosen) config.train.envs = kMames;
}

void refuse_changes_of_a_resumed_run(const TrainWords& words) {
  if (words.agent || words.preset || words.seed || words.envs || words.rom || words.machine || !words.config.empty() ||
      !words.out.empty()) {
    throw UserError(
        "train: --resume goes on with the settings of the run folder; only --minutes, --frames, --threads, --device, "
        "--precision, --plain, --tensorboard, --figure, --record, --obs, --obs-password-file, "
        "--dashboard and --set train.* may stand beside it");
  }
  for (const std::string& assignment : words.settings) {
    if (assignment.rfind("train.", 0) != 0 || assignment.rfind("train.seed", 0) == 0 ||
        assignment.rfind("train.envs", 0) == 0 || assignment.rfind("train.steps_per_round", 0) == 0) {
      throw UserError(text("train: --set ", assignment, " would change what the saved training is made of"));
    }
  }
}

std::shared_ptr<spdlog::logger> open_log(const RunFolder& folder) {
  try {
    auto sink = std::make_shared<spdlog::sinks::basic_file_sink_mt>(folder.log().string());
    auto log = std::make_shared<spdlog::logger>("train", std::move(sink));
    log->set_level(spdlog::level::info);
    log->set_pattern("%Y-%m-%d %H:%M:%S.%e %l %v");
    log->flush_on(spdlog::level::info);
    return log;
  } catch (const spdlog::spdlog_ex& error) {
    throw UserError(text(folder.log().string(), ": ", error.what()));
  }
}

void print_outcome(const TrainerOutcome& outcome, const RunFolder& folder) {
  const std::string path = folder.path().string();
  if (outcome.final) {
    fmt::print("best.bin, on games it was not chosen by: {}\n", to_text(*outcome.final));
  }
  fmt::print("{} after {} frames, {} updates.\n", outcome.stopped ? "Stopped" : "Finished",
             thousands(outcome.clock.frames), thousands(outcome.clock.updates));
  fmt::print("  go on:  sinv_engine train --resume {}{}\n", path,
             outcome.stopped ? "" : " --minutes N   (N: all sittings together)");
  if (std::filesystem::exists(Trainer::best_path(folder.path()))) {
    fmt::print("  watch:  sinv_engine play --model {}\n", Trainer::best_path(folder.path()).string());
  }
}

std::vector<std::string> feature_names(const EnvSettings& settings) {
  std::vector<std::string> names;
  for (const FeatureRow& row : feature_table(feature_set_of(settings.features))) names.emplace_back(row.name);
  return names;
}

GameReplay replay_about(const RunConfig& config, const RomSet& rom) {
  return {.rom_crc = rom.image->crc,
          .ships = static_cast<std::uint8_t>(config.cabinet.ships),
          .bonus_score = static_cast<std::uint16_t>(config.cabinet.bonus_score),
          .seed = config.train.seed,
          .agent = config.agent.agent,
          .score = 0,
          .state = {},
          .buttons = {}};
}

// Beside every line of training, how quickly the bridge answered so far.
class BridgeMetrics final : public MetricsSink {
 public:
  BridgeMetrics(MetricsSink& inner, const Machines& machines) : inner_(inner), machines_(machines) {}
  void record(std::string_view json) override {
    inner_.record(json);
    if (!machines_.in_mame()) return;
    const nlohmann::json line = nlohmann::json::parse(json);
    if (line["kind"] != "train") return;
    nlohmann::json bridge = machines_.latency_json(line["frames"].get<std::int64_t>());
    bridge.erase("histogram");
    bridge["elapsed_s"] = line["elapsed_s"];
    inner_.record(bridge.dump());
  }
  void rewind(std::int64_t frames) override { inner_.rewind(frames); }

 private:
  MetricsSink& inner_;
  const Machines& machines_;
};

// A page that cannot be served is a sentence; the training goes on without.
std::unique_ptr<Dashboard> open_dashboard(const std::optional<dash::PageSettings>& settings, const RomSet& rom,
                                          LiveTraining live) {
  if (!settings) return nullptr;
  try {
    const std::filesystem::path runs = std::filesystem::absolute(live.folder).parent_path();
    auto dashboard = std::make_unique<Dashboard>(*settings, std::vector{runs}, rom, std::move(live));
    fmt::print("{}\n", dashboard->line());
    std::fflush(stdout);
    return dashboard;
  } catch (const UserError& error) {
    fmt::print(stderr, "sinv_engine: {}\n", error.what());
    return nullptr;
  }
}

}  // namespace

int train_command(Words said) {
  CommandLine line("train", "Teaches an agent. Ctrl-C ends the round, saves, and says how to go on.");
  TrainWords words;
  declare(line, words);
  if (!line.parse(said)) return 0;

  const bool resuming = !words.resume.empty();
  std::optional<RunFolder> folder;
  RunConfig config;
  std::vector<Assignment> given;
  if (resuming) {
    refuse_changes_of_a_resumed_run(words);
    folder.emplace(RunFolder::open(words.resume));
    given = assignments_in(folder->config());
  } else if (!words.config.empty()) {
    given = assignments_in(words.config);
  }
  for (Assignment& assignment : assignments_of(words.settings)) given.push_back(std::move(assignment));
  add_words(given, words);
  config.take(given);
  if (!resuming) fit_to_machine(config, given);
  config.check();
  const DeviceChoice device = take_device(words.device);
  if (words.record != "best" && words.record != "all" && words.record != "none") {
    throw UserError(text("train: ", unknown_name("--record", words.record, {"best", "all", "none"})));
  }
  const std::optional<dash::PageSettings> page = dashboard_settings(words.dashboard);
  const std::optional<obs::ObsSettings> studio = obs_settings(words.obs, words.obs_password_file);

  const RomSet rom = choose_rom(config.cabinet.rom);
  if (!rom.warning.empty()) fmt::print(stderr, "sinv_engine: {}\n", rom.warning);
  if (!folder) {
    const AgentKind& kind = agent_kind(config.agent.agent);
    folder.emplace(RunFolder::create(words.out.empty() ? new_run_path(kind.name, config.train.seed)
                                                       : std::filesystem::path(words.out)));
  }
  write_file(folder->config(), std::string_view(config.toml(false)));
  const auto log = open_log(*folder);
  spdlog::set_default_logger(log);  // what the bridge has to say
  log->info("{} {} seed {} on {}, {}", resuming ? "resuming" : "training", config.agent.agent, config.train.seed,
            rom.description, config.machine);
  log->info("machine {}", machine_facts().dump());
  log->info("{}", device.note);
  fmt::print("{}\n", device.note);

  const Machines machines(config, rom, folder->path());
  RunReports reports(folder->path(), words.tensorboard, std::chrono::seconds(words.figure_seconds));
  // What MAME saves of itself no cabinet takes: games in MAME leave no replay.
  std::optional<GameKeeper> keeper;
  MachineHands machine_hands;
  EnvironmentsFactory environments = machines.environments(config.env, &machine_hands);
  if (!machines.in_mame()) {
    keeper.emplace(folder->path(), replay_about(config, rom), words.record == "all");
    environments = game_environments(keeper->watch(machines.factory()), config.env);
  }
  std::unique_ptr<ObsGames> obs_games;
  if (studio) obs_games = std::make_unique<ObsGames>(*studio, folder->path());
  BridgeMetrics metrics(reports, machines);
  TrainerOutcome outcome;
  {
    Trainer trainer(config.train, {.environments = environments,
                                   .agent = agent_factory(config.agent),
                                   .agent_name = config.agent.agent,
                                   .environment = environment_of(config.env),
                                   .folder = folder->path(),
                                   .metrics = &metrics,
                                   .evaluation_environments = machines.cabinets(config.env),
                                   .game_over =
                                       [&](const EpisodeRecord& game) {
                                         if (keeper) keeper->game_over(game);
                                         if (obs_games) obs_games->game_over(game);
                                       },
                                   .machine_hands = machines.in_mame() ? &machine_hands : nullptr});
    if (resuming) trainer.resume();
    const bool plain = words.plain || !is_terminal();
    HandsOn on{trainer.controls(), stop_flag(), [&reports] { reports.draw_figure(); }};
    const auto dashboard = open_dashboard(
        page, rom,
        {.folder = folder->path(),
         .progress = trainer.progress(),
         .live = trainer.live(),
         .hands = on,
         .seen = trainer.seen(),
         .latency = machines.in_mame() ? [&machines] { return machines.latency(); } : std::function<mame::Latency()>(),
         .features = feature_names(config.env),
         .title = {
             {"agent", config.agent.agent},
             {"seed", fmt::format("seed {}", config.train.seed)},
             {"game", rom.description},
             {"machine", fmt::format("{} of {}", config.machine, machine_facts()["processor"].get<std::string>())}}});
    std::unique_ptr<TerminalKeys> keys;
    if (!plain) keys = std::make_unique<TerminalKeys>([&on](char key) { act_by_key(on, key); });
    TrainDisplay display(trainer.progress(),
                         {config.agent.agent, folder->path().string(), rom.description, config.train.seed}, plain,
                         {&trainer.live(), &trainer.seen(), feature_names(config.env)});
    outcome = trainer.run(stop_flag());
  }
  keeper.reset();  // its files are written
  obs_games.reset();
  if (machines.in_mame()) reports.record(machines.latency_json(outcome.clock.frames).dump());
  log->info("{} at {} frames, {} updates, best mean {:.1f}", outcome.stopped ? "stopped" : "finished",
            outcome.clock.frames, outcome.clock.updates, outcome.best_mean);
  print_outcome(outcome, *folder);
  if (words.record != "none") fmt::print("{}", record_best(folder->path(), rom));
  fmt::print("{}", reports.finish(!outcome.stopped, changed_settings(config.options)));
  return 0;
}

}  // namespace sinv
