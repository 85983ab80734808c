#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "rl/agent_list.h"
#include "rl/environments.h"
#include "rl/evaluation.h"
#include "rl/live_view.h"
#include "rl/metrics.h"
#include "rl/model_file.h"
#include "rl/progress.h"
#include "rl/round_thread.h"
#include "rl/run_saver.h"
#include "rl/trainer_settings.h"

namespace sinv {

/// What the machines of a training look at before each step. Thread: any.
struct MachineHands {
  std::atomic<bool> debug{false};  // what crosses the bridge is written down
  std::atomic<bool> text{false};   // there is text over the picture
};

/// What a training works with.
struct TrainerParts {
  EnvironmentsFactory environments;  // where it learns
  AgentFactory agent;
  std::string agent_name;                                 // for the model file
  ModelFile::Named environment;                           // for the model file: environment_of(EnvSettings)
  std::filesystem::path folder;                           // of the run; must exist
  MetricsSink* metrics = nullptr;                         // optional; outlives the trainer
  EnvironmentsFactory evaluation_environments = nullptr;  // where weights are judged; null: as `environments`
  std::function<void(const EpisodeRecord& game)> game_over = nullptr;  // of every game of training, between rounds
  MachineHands* machine_hands = nullptr;  // that the machines of `environments` obey; null: they know none
};

/// How a training ended.
struct TrainerOutcome {
  bool stopped = false;  // by the stop flag, before its limits
  Clock clock;
  double best_mean = 0;                   // confirmed mean of best.bin, by which it was chosen
  std::optional<EvaluationResult> final;  // best.bin again, on games it was not chosen by
};

/// Hands on a training: written by any thread, read between rounds, in the order in which they stand here. Each that
/// takes effect is a line "control" of the metrics.
struct TrainerControls {
  std::atomic<bool> exploit{false};
  std::atomic<bool> pause{false};          // pauses are no training time
  std::atomic<double> speed{0};            // times that of the cabinet, for every game; 0: as fast as it goes
  std::atomic<int> epsilon_hundredths{0};  // to be added to epsilon; like the next three and figure set back when taken
  std::atomic<bool> reset_sigma{false};
  std::atomic<bool> save{false};
  std::atomic<bool> evaluate{false};
  std::atomic<bool> sees{false};           // what the agent sees is to be shown, wherever the training is watched
  std::atomic<bool> machine_debug{false};  // for MachineHands, as is the next
  std::atomic<bool> machine_text{false};
  std::atomic<bool> figure{false};        // somebody draws it; here it is only recorded
  std::atomic<bool> quit{false};          // to be recorded; the stop flag of run() ends the training
  std::atomic<std::uint32_t> watched{0};  // games shown by live(), at most LiveView::kMostGames
  std::atomic<bool> watched_sees{false};  // some watcher wants seen() as well
};

/// The run loop. A training is a chain of rounds. In round r an acting thread steps every environment steps_per_round
/// times with the weights of the end of round r-1, while the owner's thread makes its updates on the replay of the end
/// of round r-1; then both meet, and what was seen enters the replay in the order of the environments. So two threads
/// and one give the same weights bit for bit, and so does a training that was stopped and resumed: what is saved
/// between two rounds is everything that decides the future.
/// In the run folder: `last` (that state) and `frames.STAMP` (of an agent that sees pictures), `best.bin` (the model
/// with the best confirmed evaluation). Thread: one owner; progress() may be read and controls() written from any.
/// Process: run() makes writes past a file size limit fail instead of killing the process (SIGXFSZ).
class Trainer {
 public:
  /// Errors: UserError for settings out of range, or what agent and environments say.
  Trainer(const TrainerSettings& settings, TrainerParts parts);
  ~Trainer();

  /// Goes on from `last` in the run folder. Call it before run(). Errors: UserError: there is none, it is damaged, or
  /// it is of other settings.
  void resume();

  /// Trains until a limit is reached or `stop` is set; then saves. At a limit it also judges the last weights and, on
  /// fresh games, best.bin. Files that cannot be written are reported as events, and training goes on.
  /// Errors: what environments and agent throw.
  TrainerOutcome run(const std::atomic<bool>& stop);

  const Mailbox<Progress>& progress() const { return progress_; }
  TrainerControls& controls() { return controls_; }
  /// Up to kPicturesPerSecond while controls().watched is not 0; a step that nobody watches pays one comparison.
  const Mailbox<LiveView>& live() const { return live_; }
  static constexpr int kPicturesPerSecond = 60;
  /// Up to kSeenPerSecond while somebody wants it and the agent sees pictures; those of the newest decision.
  const Mailbox<SeenPictures>& seen() const { return seen_; }
  static constexpr int kSeenPerSecond = 15;
  const Agent& agent() const { return *agent_; }
  const Clock& clock() const { return counters_.clock; }
  static std::filesystem::path state_path(const std::filesystem::path& folder) { return RunSaver::state_path(folder); }
  static std::filesystem::path best_path(const std::filesystem::path& folder) { return folder / "best.bin"; }

 private:
  using Time = std::chrono::steady_clock::time_point;
  // Streams of the seed: what draws numbers for one purpose must not share them with another.
  static constexpr std::uint64_t kEnvironmentStream = 1;
  static constexpr std::uint64_t kAgentStream = 2;
  static constexpr std::uint64_t kEvaluationStream = 3;
  static constexpr std::uint64_t kConfirmationStream = 4;
  static constexpr std::uint64_t kEndEvaluationStream = 5;
  static constexpr std::uint64_t kEndConfirmationStream = 6;
  static constexpr std::uint64_t kFinalStream = 7;
  static constexpr std::size_t kRecent = 100;
  // Plain data, saved as it is.
  struct Counters {
    Clock clock;
    std::int64_t games = 0;
    std::int64_t recorded_games = 0;  // at the last record of training
    std::int64_t max_score = 0;
    std::int64_t recent[kRecent] = {};  // scores of the last games, a ring
    std::int64_t evaluations = 0;
    std::int64_t next_evaluation_frames = 0;
    std::int64_t next_record_frames = 0;
    std::int64_t best_frames = -1;  // of best.bin; -1: there is none
    double best_mean = 0;
    double last_evaluation = 0;
    double elapsed_s = 0;
  };

  void act_round();
  bool is_watched() const;
  void show_games();
  void show_seen();
  bool wants_seen() const;
  void keep_pace();
  bool take_controls(const std::atomic<bool>& stop);
  void control(const char* name, const std::string& what);
  bool evaluate_due(const std::atomic<bool>& stop);
  void play_round(RoundThread* acting);
  void close_round();
  bool limit_reached() const;
  std::uint64_t stamp() const;
  double elapsed_s() const;
  double mean_recent() const;
  bool judge(std::uint64_t stream, std::uint64_t index, const char* kind, const std::atomic<bool>& stop);
  void finish(const std::atomic<bool>& stop, TrainerOutcome& outcome);
  void keep_best(const EvaluationResult& confirmed);
  EvaluationResult evaluate_weights(std::uint64_t stream, std::uint64_t index, int games, const PolicyFor& policy,
                                    const std::atomic<bool>& stop);
  PolicyFor current_policy() const;
  void begin_save();
  void collect_save();
  void publish(TrainerPhase phase);
  void measure_speed();
  void record_training();
  void record(const std::string& json);
  void event(const std::string& what);

  TrainerSettings settings_;
  TrainerParts parts_;
  std::unique_ptr<Environments> envs_;
  std::unique_ptr<Agent> agent_;
  RunSaver saver_;
  Counters counters_;
  bool resumed_ = false;
  bool begun_ = false;

  // Acting side of a round.
  std::vector<std::uint8_t> actions_;
  std::vector<EpisodeRecord> finished_;
  std::int64_t round_frames_ = 0;

  TrainerControls controls_;
  bool evaluation_asked_ = false;
  Mailbox<LiveView> live_;
  std::unique_ptr<LiveView> shown_games_ = std::make_unique<LiveView>();  // acting thread
  Mailbox<SeenPictures> seen_;
  std::unique_ptr<SeenPictures> shown_pictures_ = std::make_unique<SeenPictures>();  // acting thread
  Time last_picture_;
  Time last_seen_;
  Time next_step_;
  Mailbox<Progress> progress_;
  Progress shown_;
  bool shown_debug_ = false;
  bool shown_text_ = false;
  Time sitting_begin_;
  Time last_save_;
  Time last_shown_;
  Time speed_begin_;
  Clock speed_clock_;
  double elapsed_before_s_ = 0;  // in earlier sittings
};

}  // namespace sinv
