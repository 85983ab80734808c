#include "rl/dreamer/settings.h"

#include "base/error.h"
#include "base/text.h"

namespace sinv {

std::vector<std::string> dreamer_presets() { return {"atari", "small", "predecessor"}; }

DreamerLearnerSettings dreamer_preset(const std::string& name) {
  DreamerLearnerSettings settings;
  if (name == "atari") return settings;
  if (name == "small") {
    settings.world.deter = 200;
    settings.world.hidden = 200;
    settings.world.depth = 24;
    settings.world.units = 200;
    settings.loss.batch = 8;
    settings.loss.steps = 32;
    settings.loss.lit_weight = 4.0F;
    settings.loss.moved_weight = 8.0F;
    // Weights make a picture's loss about ten times as large: so everything beside it is ten times as large too, and
    // rewards (0.46 and more) count as of a standard deviation of 0.03.
    settings.loss.kl_scale = 3.0F;
    settings.loss.reward_scale = 10'000.0F;
    settings.loss.discount_scale = 600.0F;
    settings.clip_norm = 1000.0F;
    settings.loss.overshooting = 9;  // 72 frames, in which an alien's shot falls
    settings.follow_ship = true;
    settings.world_rate = 6e-4F;  // an hour of a CPU is a few thousand updates
    settings.rewards_first_updates = 600;
    settings.model_first_updates = 1000;
    settings.behaviour.entropy_scale = 0.01F;
    settings.actor_rate = 2e-4F;
    settings.critic_rate = 4e-4F;
    return settings;
  }
  if (name == "predecessor") {
    settings.world.height = 192;
    settings.world.width = 192;
    settings.world.deter = 256;
    settings.world.hidden = 256;
    settings.world.variables = 16;
    settings.loss.batch = 32;
    settings.loss.steps = 16;
    settings.behaviour.horizon = 10;
    settings.behaviour.entropy_scale = 0.01F;
    return settings;
  }
  throw UserError(unknown_name("dreamer preset", name, dreamer_presets()));
}

}  // namespace sinv
