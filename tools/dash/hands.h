#pragma once

#include <atomic>
#include <functional>
#include <span>
#include <string_view>

#include "rl/trainer.h"

namespace sinv {

/// What a person may do to a running training, from the page and from the terminal alike.
struct HandsOn {
  TrainerControls& controls;
  std::atomic<bool>& stop;
  std::function<void()> draw_figure{};
};

/// One thing to do: a line of the list.
struct Hand {
  const char* name;  // of the page's message
  char key;
  const char* text;
  void (*act)(HandsOn& on);
};

/// The list. Nothing else enumerates what can be done.
std::span<const Hand> hands();
/// False: there is no such name or key. Thread: any.
bool act_by_name(HandsOn& on, std::string_view name);
bool act_by_key(HandsOn& on, char key);

}  // namespace sinv
