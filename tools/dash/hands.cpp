#include "tools/dash/hands.h"

#include <algorithm>

namespace sinv {

namespace {

constexpr double kSlowest = 1.0 / 8;
constexpr double kFastest = 64;

void toggle(std::atomic<bool>& flag) { flag.store(!flag.load()); }

// From full speed the first step is the cabinet's own.
void scale_speed(HandsOn& on, double factor) {
  const double speed = on.controls.speed.load();
  on.controls.speed.store(speed > 0 ? std::clamp(speed * factor, kSlowest, kFastest) : 1);
}

constexpr Hand kHands[] = {
    {"pause", 'p', "pause / go on", [](HandsOn& on) { toggle(on.controls.pause); }},
    {"quit", 'q', "save and quit",
     [](HandsOn& on) {
       on.controls.quit.store(true);
       on.stop.store(true);
     }},
    {"full", 'f', "full speed", [](HandsOn& on) { on.controls.speed.store(0); }},
    {"real", 'r', "real time", [](HandsOn& on) { on.controls.speed.store(1); }},
    {"slower", '-', "half as fast", [](HandsOn& on) { scale_speed(on, 0.5); }},
    {"faster", '+', "twice as fast", [](HandsOn& on) { scale_speed(on, 2); }},
    {"exploit", 'x', "explore / exploit", [](HandsOn& on) { toggle(on.controls.exploit); }},
    {"epsilon_up", 'e', "epsilon + 0.01", [](HandsOn& on) { on.controls.epsilon_hundredths.fetch_add(1); }},
    {"epsilon_down", 'd', "epsilon - 0.01", [](HandsOn& on) { on.controls.epsilon_hundredths.fetch_sub(1); }},
    {"sigma", 'n', "noise as at first", [](HandsOn& on) { on.controls.reset_sigma.store(true); }},
    {"save", 's', "save now", [](HandsOn& on) { on.controls.save.store(true); }},
    {"evaluate", 'v', "evaluate now", [](HandsOn& on) { on.controls.evaluate.store(true); }},
    {"figure", 'g', "draw figure now",
     [](HandsOn& on) {
       if (on.draw_figure) on.draw_figure();
       on.controls.figure.store(true);
     }},
    {"sees", 'w', "what the agent sees", [](HandsOn& on) { toggle(on.controls.sees); }},
    {"debug", 'b', "bridge debug", [](HandsOn& on) { toggle(on.controls.machine_debug); }},
    {"text", 't', "text on MAME", [](HandsOn& on) { toggle(on.controls.machine_text); }},
};

template <class Matches>
bool act(HandsOn& on, Matches&& matches) {
  const auto* const found = std::find_if(std::begin(kHands), std::end(kHands), matches);
  if (found == std::end(kHands)) return false;
  found->act(on);
  return true;
}

}  // namespace

std::span<const Hand> hands() { return kHands; }

bool act_by_name(HandsOn& on, std::string_view name) {
  return act(on, [name](const Hand& hand) { return name == hand.name; });
}

bool act_by_key(HandsOn& on, char key) {
  return act(on, [key](const Hand& hand) { return key == hand.key; });
}

}  // namespace sinv
