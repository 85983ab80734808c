#include "game/scripted.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "game/aim.h"

namespace sinv {
namespace {

constexpr int kPlanStepFrames = 3;
constexpr int kLongestPlanFrames = 60;
constexpr int kMargin = 1;            // pixels beyond the touch distance
constexpr int kInKillRowsFrames = 9;  // an alien shot needs at most this long from the player's top to its feet
constexpr int kSaucerReach = 70;      // pixels from which the saucer is worth the way
constexpr int kNeverFrames = 1000;

// First frame at which a shot in flight hits a player who goes `direction` for `moving_frames` and then stands.
int first_hit_frames(const std::array<Threat, 3>& threats, int x, int direction, int moving_frames) {
  int first = kNeverFrames;
  for (const Threat& threat : threats) {
    if (!threat.live) continue;
    for (int at = std::max(0, threat.frames - 1); at <= threat.frames + kInKillRowsFrames; ++at) {
      const int there = std::clamp(x + direction * std::min(at, moving_frames), kPlayerLeftmost, kPlayerRightmost);
      if (std::abs(threat.distance - (there - x)) <= kTouch + kMargin) {
        first = std::min(first, at);
        break;
      }
    }
  }
  return first;
}

struct Target {
  int distance = 0;
  bool fire = false;
};

Target choose_target(const Ram& ram, int gun) {
  Target target;
  const Rack rack = read_rack(ram);
  int best = 1000;
  for (int c = 0; c < kColumns; ++c) {
    if (rack.lowest[static_cast<std::size_t>(c)] < 0) continue;
    const Aim aim = aim_at_column(rack, c, gun, kShotStartY, false);
    target.fire = target.fire || aim.hits;
    // A place under a shield serves only when a shot would get through.
    const int cost = std::abs(aim.distance) + 2 * shield_pixels(ram, std::clamp(gun + aim.distance, 0, 255));
    if (cost < best) {
      best = cost;
      target.distance = aim.distance;
    }
  }
  if (shield_pixels(ram, gun) > 0 && rack.count > 0) target.fire = false;
  if (saucer_flies(ram)) {
    const Aim aim = aim_at_saucer(ram, gun, kShotStartY, false);
    if (std::abs(aim.distance) < kSaucerReach) target = {aim.distance, aim.hits};
  }
  return target;
}

}  // namespace

Action random_action(Random& random) { return static_cast<Action>(random.below(kActions)); }

Action scripted_action(const Ram& ram) {
  const int x = peek(ram, at::kPlayerX);
  const Target target = choose_target(ram, x + kGunOffset);
  const std::array<Threat, 3> threats{threat_of(ram, at::kRolling), threat_of(ram, at::kPlunger),
                                      threat_of(ram, at::kSquiggly)};
  int best_direction = 0;
  int best_first = -1;
  int best_miss = 0;
  for (const int direction : {0, -1, 1}) {
    for (int frames = direction == 0 ? 0 : kPlanStepFrames; frames <= kLongestPlanFrames; frames += kPlanStepFrames) {
      const int first = first_hit_frames(threats, x, direction, frames);
      const int there = std::clamp(x + direction * frames, kPlayerLeftmost, kPlayerRightmost);
      const int miss = std::abs(x + target.distance - there);
      if (first > best_first || (first == best_first && miss < best_miss)) {
        best_first = first;
        best_miss = miss;
        best_direction = direction;
      }
      if (direction == 0) break;
    }
  }
  if (best_direction < 0) return target.fire ? Action::kLeftFire : Action::kLeft;
  if (best_direction > 0) return target.fire ? Action::kRightFire : Action::kRight;
  return target.fire ? Action::kFire : Action::kStay;
}

std::vector<EpisodeRecord> play_games(Env& env, const Policy& policy, std::size_t games) {
  std::vector<EpisodeRecord> records;
  for (std::size_t game = 0; game < games; ++game) {
    env.reset();
    StepResult result;
    do {
      result = env.step(policy(env));
    } while (!result.terminated && !result.truncated);
    records.push_back(EpisodeRecord{.env = 0,
                                    .frames = env.frames(),
                                    .steps = env.steps(),
                                    .racks = env.racks(),
                                    .score = env.score(),
                                    .truncated = result.truncated});
  }
  return records;
}

}  // namespace sinv
