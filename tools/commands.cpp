#include <array>

#include "tools/command.h"

namespace sinv {

std::span<const Command> commands() {
  static constexpr std::array kCommands{
      Command{"train", "teach an agent; with no words: the default agent on the built-in game", &train_command},
      Command{"play", "watch a model play in the terminal; with no words: the one that ships", &play_command},
      Command{"replay", "play a kept game again, exactly, or record it", &replay_command},
      Command{"eval", "play many games with a model and print its scores", &eval_command},
      Command{"dream", "what a Dreamer's world model expects to see, beside what happened", &dream_command},
      Command{"compare", "runs beside each other: a table over seeds, all curves in one figure", &compare_command},
      Command{"dashboard", "runs in the browser, several laid over each other", &dashboard_command},
      Command{"inspect", "what a model file holds: agent, shapes, parameters, training", &inspect_command},
      Command{"bench", "measure the engine: bridge, cabinet, env, learner, replay", &bench_command},
      Command{"info", "this build, this machine, the game ROMs it finds", &info_command},
      Command{"config", "every setting with its default and its meaning", &config_command},
      Command{"trace", "run the cabinet on an inputs file and print checksums of its memory", &trace_command},
      Command{"lockstep", "cabinet and MAME on the same random buttons, all memory compared", &lockstep_command},
      Command{"mame-console", "talk to a MAME in the text protocol: memory, buttons, frames, states",
              &mame_console_command},
      Command{"exec", "run a CP/M .COM program on the bare 8080", &exec_command},
  };
  return kCommands;
}

}  // namespace sinv
