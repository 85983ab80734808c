#include "rl/evaluation.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>
#include <tuple>

#include "base/error.h"
#include "game/scripted.h"

namespace sinv {

void ScriptedPolicy::act(const Observations&, std::span<std::uint8_t> actions) {
  for (std::size_t i = 0; i < actions.size(); ++i) {
    actions[i] = static_cast<std::uint8_t>(scripted_action(envs_.env(static_cast<int>(i)).ram()));
  }
}

PolicyFor random_policy(std::uint64_t seed) {
  return [seed](const Environments& envs) { return std::make_unique<RandomPolicy>(envs.actions(), seed); };
}

PolicyFor scripted_policy() {
  return [](const Environments& envs) -> std::unique_ptr<BatchPolicy> {
    const auto* game = dynamic_cast<const GameEnvironments*>(&envs);
    SINV_CHECK(game != nullptr, "scripted_policy: plays the game alone");
    return std::make_unique<ScriptedPolicy>(*game);
  };
}

EvaluationResult evaluate(const EnvironmentsFactory& make_environments, const PolicyFor& make_policy,
                          const EvaluationProtocol& protocol, const std::function<bool()>& stop) {
  SINV_CHECK(protocol.games >= 1 && protocol.envs >= 1, "evaluate: ", protocol.games, " games on ", protocol.envs,
             " environments");
  const int count = std::min(protocol.games, protocol.envs);
  const std::unique_ptr<Environments> envs = make_environments(count, protocol.seed, protocol.threads);
  const std::unique_ptr<BatchPolicy> policy = make_policy(*envs);
  std::vector<std::uint8_t> actions(static_cast<std::size_t>(count));
  // The game that each environment plays, by the order in which the games were begun; past the last: not counted.
  std::vector<int> playing(static_cast<std::size_t>(count));
  std::iota(playing.begin(), playing.end(), 0);
  int begun = count;
  int done = 0;
  std::vector<EpisodeRecord> episodes(static_cast<std::size_t>(protocol.games));
  std::vector<bool> ended(episodes.size(), false);
  envs->reset();
  while (done < protocol.games && !(stop && stop())) {
    policy->act(envs->observations(), actions);
    envs->step(actions);
    for (const EpisodeRecord& record : envs->finished()) {
      policy->restart(static_cast<int>(record.env));
      int& game = playing[record.env];
      if (game < protocol.games) {
        episodes[static_cast<std::size_t>(game)] = record;
        ended[static_cast<std::size_t>(game)] = true;
        ++done;
      }
      game = begun++;
    }
  }
  std::vector<EpisodeRecord> whole;
  for (std::size_t i = 0; i < episodes.size(); ++i) {
    if (ended[i]) whole.push_back(episodes[i]);
  }
  EvaluationResult result = summarise(std::move(whole));
  result.seed = protocol.seed;
  return result;
}

EvaluationResult summarise(std::vector<EpisodeRecord> episodes) {
  EvaluationResult result;
  result.games = static_cast<int>(episodes.size());
  if (episodes.empty()) return result;
  std::vector<double> scores;
  std::set<std::tuple<std::int64_t, std::uint32_t, std::uint32_t>> distinct;
  for (const EpisodeRecord& episode : episodes) {
    scores.push_back(static_cast<double>(episode.score));
    distinct.emplace(episode.score, episode.steps, episode.racks);
    result.mean_racks += episode.racks;
    result.mean_steps += episode.steps;
    result.mean_frames += episode.frames;
    result.truncated += episode.truncated ? 1 : 0;
    result.steps += episode.steps;
  }
  const auto n = static_cast<double>(scores.size());
  result.mean_racks /= n;
  result.mean_steps /= n;
  result.mean_frames /= n;
  result.distinct = static_cast<int>(distinct.size());
  std::sort(scores.begin(), scores.end());
  result.minimum = scores.front();
  result.maximum = scores.back();
  result.mean = std::accumulate(scores.begin(), scores.end(), 0.0) / n;
  const std::size_t half = scores.size() / 2;
  result.median = scores.size() % 2 == 1 ? scores[half] : (scores[half - 1] + scores[half]) / 2;
  const std::size_t cut = scores.size() / 4;  // as rliable: whole games alone are cut
  const auto kept = static_cast<double>(scores.size() - 2 * cut);
  result.interquartile_mean = std::accumulate(scores.begin() + static_cast<std::ptrdiff_t>(cut),
                                              scores.end() - static_cast<std::ptrdiff_t>(cut), 0.0) /
                              kept;
  double squares = 0;
  for (const double score : scores) squares += (score - result.mean) * (score - result.mean);
  if (scores.size() > 1) result.deviation = std::sqrt(squares / (n - 1));
  result.standard_error = result.deviation / std::sqrt(n);
  result.episodes = std::move(episodes);
  return result;
}

nlohmann::json to_json(const EvaluationResult& result) {
  return {{"games", result.games},
          {"seed", result.seed},
          {"mean", result.mean},
          {"median", result.median},
          {"interquartile_mean", result.interquartile_mean},
          {"deviation", result.deviation},
          {"standard_error", result.standard_error},
          {"minimum", result.minimum},
          {"maximum", result.maximum},
          {"mean_racks", result.mean_racks},
          {"mean_steps", result.mean_steps},
          {"mean_frames", result.mean_frames},
          {"truncated", result.truncated},
          {"distinct", result.distinct},
          {"steps", result.steps}};
}

std::string to_text(const EvaluationResult& result) {
  std::ostringstream out;
  out.precision(result.mean < 100 ? 3 : 4);
  out << "mean " << result.mean << " +- " << result.standard_error << " (" << result.games << " games, median "
      << result.median << ", iqm " << result.interquartile_mean << ", deviation " << result.deviation << ", "
      << result.minimum << " to " << result.maximum << ", racks " << result.mean_racks << ", " << result.distinct
      << " distinct)";
  return out.str();
}

}  // namespace sinv
