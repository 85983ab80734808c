#include "rl/trainer_settings.h"

#include "base/error.h"
#include "base/option.h"

namespace sinv {

void describe(Options& options, TrainerSettings& s) {
  options.add("train.seed", s.seed, "decides everything that is drawn by chance");
  options.add("train.envs", s.envs, "environments stepped together", 1, 65536);
  options.add("train.threads", s.threads, "1: act and learn in turn; 2 or more: at the same time, with the same result",
              1, 1024);
  options.add("train.steps_per_round", s.steps_per_round, "steps of every environment between two exchanges of weights",
              1, 65536);
  options.add("train.minutes", s.minutes, "training time, all sittings together; 0: no limit", 0, 1e9);
  options.add("train.frames", s.frames, "frames of all environments; 0: no limit", 0);
  options.add("train.evaluation_period_frames", s.evaluation_period_frames, "frames between evaluations; 0: none", 0);
  options.add("train.evaluation_games", s.evaluation_games, "games of an evaluation in passing", 1, 1'000'000);
  options.add("train.confirmation_games", s.confirmation_games,
              "games that must confirm a new best before it is kept; other games than the evaluation's", 1, 1'000'000);
  options.add("train.final_games", s.final_games, "games of the best model at the end, on fresh seeds; 0: none", 0,
              1'000'000);
  options.add("train.save_period_s", s.save_period_s, "seconds between savings of the whole state; 0: every round", 0,
              1e9);
  options.add("train.record_period_frames", s.record_period_frames, "frames between records in metrics.jsonl", 1);
}

void check(const TrainerSettings& s) {
  const auto want = [](bool ok, const char* key, auto value, const char* range) {
    if (!ok) throw UserError(text(key, " is ", value, ", wanted ", range));
  };
  want(s.envs >= 1, "train.envs", s.envs, "1 or more");
  want(s.threads >= 1, "train.threads", s.threads, "1 or more");
  want(s.steps_per_round >= 1, "train.steps_per_round", s.steps_per_round, "1 or more");
  want(s.minutes >= 0, "train.minutes", s.minutes, "0 or more");
  want(s.frames >= 0, "train.frames", s.frames, "0 or more");
  want(s.evaluation_period_frames >= 0, "train.evaluation_period_frames", s.evaluation_period_frames, "0 or more");
  want(s.evaluation_games >= 1, "train.evaluation_games", s.evaluation_games, "1 or more");
  want(s.confirmation_games >= 1, "train.confirmation_games", s.confirmation_games, "1 or more");
  want(s.final_games >= 0, "train.final_games", s.final_games, "0 or more");
  want(s.record_period_frames >= 1, "train.record_period_frames", s.record_period_frames, "1 or more");
}

}  // namespace sinv
