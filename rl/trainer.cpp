#include "rl/trainer.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace sinv {
namespace {

constexpr std::uint32_t kStateVersion = 3;

std::uint64_t seed_for(std::uint64_t seed, std::uint64_t stream, std::uint64_t index) {
  const Philox::Block block = Philox::at(seed, index, stream);
  return (std::uint64_t{block.word[0]} << 32) | block.word[1];
}

double seconds_since(std::chrono::steady_clock::time_point then) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - then).count();
}

}  // namespace

Trainer::Trainer(const TrainerSettings& settings, TrainerParts parts)
    : settings_((check(settings), settings)), parts_(std::move(parts)), saver_(parts_.folder) {
  // The acting thread steps the environments; the learner has the other core.
  const int env_threads = std::max(1, settings_.threads - 1);
  envs_ = parts_.environments(settings_.envs, seed_for(settings_.seed, kEnvironmentStream, 0), env_threads);
  const AgentShape shape{.envs = settings_.envs,
                         .observation_size = envs_->observation_size(),
                         .history = envs_->history(),
                         .picture = envs_->picture(),
                         .actions = envs_->actions(),
                         .steps_per_round = settings_.steps_per_round,
                         .threads = settings_.threads};
  agent_ = parts_.agent(shape, seed_for(settings_.seed, kAgentStream, 0));
  actions_.resize(static_cast<std::size_t>(settings_.envs));
  finished_.reserve(actions_.size() * static_cast<std::size_t>(settings_.steps_per_round));
  counters_.next_evaluation_frames = settings_.evaluation_period_frames;
  counters_.next_record_frames = settings_.record_period_frames;
}

Trainer::~Trainer() = default;

void Trainer::resume() {
  const StateFile file = StateFile::read(state_path(parts_.folder));
  ByteReader in(file.small(), state_path(parts_.folder).string());
  const auto version = in.get<std::uint32_t>();
  const auto seed = in.get<std::uint64_t>();
  const auto envs = in.get<std::int32_t>();
  const auto steps_per_round = in.get<std::int32_t>();
  const std::string agent = in.get_text();
  if (version != kStateVersion || seed != settings_.seed || envs != settings_.envs ||
      steps_per_round != settings_.steps_per_round || agent != parts_.agent_name) {
    throw UserError(text(state_path(parts_.folder).string(), ": is of agent ", agent, ", seed ", seed, ", ", envs,
                         " environments, ", steps_per_round, " steps per round (state version ", version,
                         "); the settings say ", parts_.agent_name, ", ", settings_.seed, ", ", settings_.envs, ", ",
                         settings_.steps_per_round, " (", kStateVersion, "); resume with the settings of the run"));
  }
  in.get(counters_);
  envs_->load(in);
  agent_->load(in);
  std::vector<std::span<std::byte>> parts;
  agent_->bulk(parts);
  file.fill(parts);
  agent_->loaded();
  if (StreamedState* streamed = agent_->streamed()) {
    streamed->load_file(RunSaver::frames_path(parts_.folder, stamp()), stamp());
  }
  elapsed_before_s_ = counters_.elapsed_s;
  if (parts_.metrics != nullptr) parts_.metrics->rewind(counters_.clock.frames);
  resumed_ = true;
}

void Trainer::act_round() {
  round_frames_ = 0;
  finished_.clear();
  for (int step = 0; step < settings_.steps_per_round; ++step) {
    agent_->set_dreaming(is_watched() && wants_seen());
    agent_->act(*envs_, actions_);
    envs_->step(actions_);
    agent_->observe(*envs_, actions_);
    for (const std::uint32_t frames : envs_->frames()) round_frames_ += frames;
    finished_.insert(finished_.end(), envs_->finished().begin(), envs_->finished().end());
    if (is_watched()) show_games();
    if (controls_.speed.load(std::memory_order_relaxed) > 0) keep_pace();
  }
}

void Trainer::play_round(RoundThread* acting) {
  const std::int64_t updates =
      std::max<std::int64_t>(0, agent_->updates_due(counters_.clock) - counters_.clock.updates);
  if (acting != nullptr) {
    acting->start();
    try {
      agent_->learn(updates);
    } catch (...) {
      acting->finish();
      throw;
    }
    acting->finish();
  } else {
    act_round();
    agent_->learn(updates);
  }
  counters_.clock.updates += updates;
}

void Trainer::close_round() {
  counters_.clock.frames += round_frames_;
  counters_.clock.steps += static_cast<std::int64_t>(settings_.envs) * settings_.steps_per_round;
  for (const EpisodeRecord& game : finished_) {
    counters_.recent[static_cast<std::size_t>(counters_.games) % kRecent] = game.score;
    ++counters_.games;
    counters_.max_score = std::max(counters_.max_score, game.score);
    if (parts_.game_over) parts_.game_over(game);
  }
  agent_->merge(counters_.clock);
}

// Two states of one step count are the same, so it names them.
std::uint64_t Trainer::stamp() const { return static_cast<std::uint64_t>(counters_.clock.steps); }

double Trainer::elapsed_s() const { return elapsed_before_s_ + seconds_since(sitting_begin_); }

bool Trainer::limit_reached() const {
  return (settings_.frames > 0 && counters_.clock.frames >= settings_.frames) ||
         (settings_.minutes > 0 && elapsed_s() >= settings_.minutes * 60);
}

double Trainer::mean_recent() const {
  const auto count = static_cast<std::size_t>(std::min<std::int64_t>(counters_.games, kRecent));
  double sum = 0;
  for (std::size_t i = 0; i < count; ++i) sum += static_cast<double>(counters_.recent[i]);
  return count == 0 ? 0 : sum / static_cast<double>(count);
}

TrainerOutcome Trainer::run(const std::atomic<bool>& stop) {
  std::signal(SIGXFSZ, SIG_IGN);
  saver_.clean(resumed_ ? std::optional(stamp()) : std::nullopt);
  remove_leftovers(best_path(parts_.folder));
  sitting_begin_ = last_shown_ = speed_begin_ = std::chrono::steady_clock::now();
  speed_clock_ = counters_.clock;
  publish(TrainerPhase::kStarting);
  if (!resumed_ && !begun_) {
    envs_->reset();
    agent_->begin(*envs_);
    agent_->merge(counters_.clock);
    begun_ = true;
    begin_save();  // so that there is something to resume from at any time
  }
  last_save_ = std::chrono::steady_clock::now();

  TrainerOutcome outcome;
  {
    std::optional<RoundThread> acting;
    if (settings_.threads >= 2) acting.emplace([this] { act_round(); });
    while (!stop.load() && !limit_reached()) {
      play_round(acting ? &*acting : nullptr);
      close_round();
      if (counters_.clock.frames >= counters_.next_record_frames) {
        record_training();
        while (counters_.next_record_frames <= counters_.clock.frames) {
          counters_.next_record_frames += settings_.record_period_frames;
        }
      }
      if (!take_controls(stop) || !evaluate_due(stop)) break;
      collect_save();
      if (seconds_since(last_save_) >= settings_.save_period_s) begin_save();
      if (seconds_since(last_shown_) >= 0.1) publish(TrainerPhase::kTraining);
    }
  }
  if (controls_.quit.exchange(false)) control("quit", "saves and ends");
  outcome.stopped = !limit_reached();
  saver_.wait();
  collect_save();
  begin_save();
  if (!outcome.stopped) finish(stop, outcome);
  publish(TrainerPhase::kSaving);
  saver_.wait();
  collect_save();
  outcome.clock = counters_.clock;
  outcome.best_mean = counters_.best_mean;
  publish(TrainerPhase::kFinished);
  return outcome;
}

// The end of a run judges with streams of its own and keeps nothing of it in the agent, so that a longer run that
// passes this point learns the same.
void Trainer::finish(const std::atomic<bool>& stop, TrainerOutcome& outcome) {
  if (settings_.final_games == 0) return;
  const auto frames = static_cast<std::uint64_t>(counters_.clock.frames);
  if (!judge(kEndEvaluationStream, frames, "evaluation", stop)) return;
  if (counters_.best_frames < 0) return;
  publish(TrainerPhase::kEvaluating);
  try {
    const ModelFile best = load_model(best_path(parts_.folder));
    const PolicyFor policy = [&best](const Environments& envs) { return make_policy(best, envs.count()); };
    outcome.final = evaluate_weights(kFinalStream, frames, settings_.final_games, policy, stop);
    nlohmann::json json = to_json(*outcome.final);
    json["kind"] = "end";
    json["frames"] = counters_.clock.frames;
    json["best_frames"] = counters_.best_frames;
    json["elapsed_s"] = elapsed_s();
    record(json.dump());
  } catch (const UserError& error) {
    event(error.what());
  }
  saver_.wait();
  collect_save();
  begin_save();
}

PolicyFor Trainer::current_policy() const {
  return [this](const Environments& envs) { return agent_->greedy_policy(envs.count()); };
}

EvaluationResult Trainer::evaluate_weights(std::uint64_t stream, std::uint64_t index, int games,
                                           const PolicyFor& policy, const std::atomic<bool>& stop) {
  const EvaluationProtocol protocol{
      .games = games, .seed = seed_for(settings_.seed, stream, index), .threads = settings_.threads};
  const EnvironmentsFactory& where =
      parts_.evaluation_environments ? parts_.evaluation_environments : parts_.environments;
  return evaluate(where, policy, protocol, [&stop] { return stop.load(); });
}

// A short evaluation in passing; only one that beats the best is played again, longer and on other games, and that
// second score alone decides. So best.bin is not simply the luckiest of many short evaluations. Returns false when it
// was broken off.
bool Trainer::judge(std::uint64_t stream, std::uint64_t index, const char* kind, const std::atomic<bool>& stop) {
  publish(TrainerPhase::kEvaluating);
  const auto keep = [&](const EvaluationResult& result, const char* name) {
    nlohmann::json json = to_json(result);
    json["kind"] = name;
    json["frames"] = counters_.clock.frames;
    json["updates"] = counters_.clock.updates;
    json["elapsed_s"] = elapsed_s();
    record(json.dump());
  };
  const EvaluationResult passing = evaluate_weights(stream, index, settings_.evaluation_games, current_policy(), stop);
  if (passing.games < settings_.evaluation_games) return false;
  std::optional<EvaluationResult> confirmed;
  if (counters_.best_frames < 0 || passing.mean > counters_.best_mean) {
    const std::uint64_t other = stream == kEvaluationStream ? kConfirmationStream : kEndConfirmationStream;
    confirmed = evaluate_weights(other, index, settings_.confirmation_games, current_policy(), stop);
    if (confirmed->games < settings_.confirmation_games) return false;
  }
  counters_.last_evaluation = passing.mean;
  keep(passing, kind);
  if (confirmed) {
    keep(*confirmed, "confirmation");
    if (counters_.best_frames < 0 || confirmed->mean > counters_.best_mean) keep_best(*confirmed);
  }
  publish(TrainerPhase::kTraining);
  return true;
}

void Trainer::keep_best(const EvaluationResult& confirmed) {
  ModelFile model{.agent = parts_.agent_name,
                  .observation_size = envs_->observation_size(),
                  .history = envs_->history(),
                  .picture = envs_->picture(),
                  .actions = envs_->actions(),
                  .network = agent_->model_settings(),
                  .environment = parts_.environment,
                  .frames = counters_.clock.frames,
                  .steps = counters_.clock.steps,
                  .updates = counters_.clock.updates,
                  .seed = settings_.seed,
                  .scores = {},
                  .tensors = agent_->model()};
  const nlohmann::json figures = to_json(confirmed);
  for (const auto& [name, value] : figures.items()) model.scores[name] = value.get<double>();
  try {
    save_model(best_path(parts_.folder), model);
  } catch (const UserError& error) {
    event(error.what());
    return;
  }
  counters_.best_mean = confirmed.mean;
  counters_.best_frames = counters_.clock.frames;
}

void Trainer::begin_save() {
  if (saver_.busy()) return;
  counters_.elapsed_s = elapsed_s();
  ByteWriter out;
  out.put(kStateVersion);
  out.put(settings_.seed);
  out.put<std::int32_t>(settings_.envs);
  out.put<std::int32_t>(settings_.steps_per_round);
  out.put_text(parts_.agent_name);
  out.put(counters_);
  envs_->save(out);
  agent_->save(out);
  std::vector<std::span<std::byte>> parts;
  agent_->bulk(parts);
  if (saver_.begin(out.bytes(), parts, agent_->streamed(), stamp())) last_save_ = std::chrono::steady_clock::now();
}

void Trainer::collect_save() {
  if (const std::optional<std::string> error = saver_.poll()) event(*error);
}

void Trainer::measure_speed() {
  const double seconds = seconds_since(speed_begin_);
  if (seconds < 1) return;
  const Clock& now = counters_.clock;
  shown_.frames_per_s = static_cast<double>(now.frames - speed_clock_.frames) / seconds;
  shown_.steps_per_s = static_cast<double>(now.steps - speed_clock_.steps) / seconds;
  shown_.updates_per_s = static_cast<double>(now.updates - speed_clock_.updates) / seconds;
  speed_clock_ = now;
  speed_begin_ = std::chrono::steady_clock::now();
}

void Trainer::publish(TrainerPhase phase) {
  measure_speed();
  last_shown_ = std::chrono::steady_clock::now();
  const AgentReport report = agent_->report();
  const Clock& clock = counters_.clock;
  shown_.phase = phase == TrainerPhase::kTraining && clock.updates == 0 ? TrainerPhase::kWarmUp : phase;
  shown_.frames = clock.frames;
  shown_.steps = clock.steps;
  shown_.updates = clock.updates;
  shown_.games = counters_.games;
  shown_.frames_limit = settings_.frames;
  shown_.minutes_limit = settings_.minutes;
  shown_.elapsed_s = elapsed_s();
  shown_.mean_score_100 = mean_recent();
  shown_.max_score = counters_.max_score;
  shown_.evaluations = counters_.evaluations;
  shown_.last_evaluation = counters_.last_evaluation;
  shown_.best_evaluation = counters_.best_mean;
  shown_.epsilon = report.epsilon;
  shown_.sigma = report.sigma;
  shown_.loss = report.loss;
  shown_.mean_q = report.mean_q;
  shown_.gradient_norm = report.gradient_norm;
  shown_.learning_rate = report.learning_rate;
  shown_.beta = report.beta;
  shown_.replay_size = report.replay_size;
  shown_.replay_capacity = report.replay_capacity;
  shown_.saves = saver_.saved();
  double left = settings_.minutes > 0 ? settings_.minutes * 60 - shown_.elapsed_s : 0;
  if (settings_.frames > 0 && shown_.frames_per_s > 0) {
    const double by_frames = static_cast<double>(settings_.frames - clock.frames) / shown_.frames_per_s;
    left = settings_.minutes > 0 ? std::min(left, by_frames) : by_frames;
  }
  shown_.left_s = std::max(0.0, left);
  progress_.publish(shown_);
}

void Trainer::record_training() {
  measure_speed();
  const AgentReport report = agent_->report();
  // Of the games since the last record; of more than the ring holds, the last ones.
  nlohmann::json scores = nlohmann::json::array();
  const std::int64_t most = kRecent;
  for (std::int64_t i = std::max(counters_.recorded_games, counters_.games - most); i < counters_.games; ++i) {
    scores.push_back(counters_.recent[static_cast<std::size_t>(i) % kRecent]);
  }
  counters_.recorded_games = counters_.games;
  nlohmann::json json{{"kind", "train"},
                      {"frames", counters_.clock.frames},
                      {"steps", counters_.clock.steps},
                      {"updates", counters_.clock.updates},
                      {"games", counters_.games},
                      {"mean_score_100", mean_recent()},
                      {"max_score", counters_.max_score},
                      {"scores", scores},
                      {"epsilon", report.epsilon},
                      {"sigma", report.sigma},
                      {"loss", report.loss},
                      {"mean_q", report.mean_q},
                      {"gradient_norm", report.gradient_norm},
                      {"learning_rate", report.learning_rate},
                      {"beta", report.beta},
                      {"replay_size", report.replay_size},
                      {"frames_per_s", shown_.frames_per_s},
                      {"updates_per_s", shown_.updates_per_s},
                      {"elapsed_s", elapsed_s()}};
  for (const auto& [layer, sigma] : agent_->layer_sigmas()) json["sigma_layers"][layer] = sigma;
  for (const AgentReport::Figure& figure : report.figures) json[figure.name] = figure.value;
  record(json.dump());
}

void Trainer::record(const std::string& json) {
  if (parts_.metrics == nullptr) return;
  try {
    parts_.metrics->record(json);
  } catch (const UserError& error) {
    event(error.what());
  }
}

void Trainer::event(const std::string& what) {
  ++shown_.events;
  const std::size_t count = std::min(what.size(), shown_.last_event.size() - 1);
  std::memcpy(shown_.last_event.data(), what.data(), count);
  shown_.last_event[count] = '\0';
  publish(shown_.phase);
  if (parts_.metrics == nullptr) return;
  try {
    const nlohmann::json json{{"kind", "event"}, {"frames", counters_.clock.frames}, {"text", what}};
    parts_.metrics->record(json.dump());
  } catch (const UserError&) {
    // The disk that refused the file refuses its report too; the watchers have it.
  }
}

}  // namespace sinv
