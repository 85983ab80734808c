#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "rl/environments.h"
#include "rl/policy.h"

namespace sinv {

/// How a policy is judged. What else matters (no-op starts, sticky actions, frame cap, frames per step) is in the
/// settings of the environments and stands in the same record.
struct EvaluationProtocol {
  int games = 100;
  std::uint64_t seed = 0;
  int envs = 50;  // played at once; the result does not depend on threads, but does on this
  int threads = 1;
};

struct EvaluationResult {
  int games = 0;
  std::uint64_t seed = 0;
  double mean = 0;
  double median = 0;
  double interquartile_mean = 0;  // of what is left when a quarter of the games is cut off at either end
  double deviation = 0;           // of the sample, n - 1
  double standard_error = 0;      // deviation / sqrt(games)
  double minimum = 0;
  double maximum = 0;
  double mean_racks = 0;
  double mean_steps = 0;
  double mean_frames = 0;
  int truncated = 0;  // games that reached the frame cap
  int distinct = 0;   // different (score, steps, racks): 1 would be the same game over and over
  std::int64_t steps = 0;
  std::vector<EpisodeRecord> episodes;  // in the order in which the games were begun
};

/// Makes the policy that plays `envs`.
using PolicyFor = std::function<std::unique_ptr<BatchPolicy>(const Environments& envs)>;

/// Plays protocol.games whole games on fresh environments and sums them up. The games counted are the first that
/// were begun, each played to its end, so that short games are not favoured. `stop`, when given, is asked between
/// steps and ends the evaluation with the games that are done.
EvaluationResult evaluate(const EnvironmentsFactory& make_environments, const PolicyFor& make_policy,
                          const EvaluationProtocol& protocol, const std::function<bool()>& stop = {});

/// The figures of finished games. Public for tests.
EvaluationResult summarise(std::vector<EpisodeRecord> episodes);

/// The random and the scripted policy; the latter plays GameEnvironments alone.
PolicyFor random_policy(std::uint64_t seed);
PolicyFor scripted_policy();

/// All figures without the single games.
nlohmann::json to_json(const EvaluationResult& result);
/// "mean 1890 +- 35 (100 games, median 1850, iqm 1860, 420 to 3310, racks 1.2, 100 distinct)"
std::string to_text(const EvaluationResult& result);

}  // namespace sinv
