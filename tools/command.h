#pragma once

#include <span>
#include <string>

namespace sinv {

using Words = std::span<const std::string>;

/// One command of the program: a file of tools/ and a line in the list of commands.cpp.
struct Command {
  const char* name;
  const char* summary;
  int (*run)(Words words);  // the words after the command's name; returns the exit status
};

/// Every command, in the order in which help lists them.
std::span<const Command> commands();

int train_command(Words words);
int play_command(Words words);
int eval_command(Words words);
int dream_command(Words words);
int bench_command(Words words);
int info_command(Words words);
int config_command(Words words);
int compare_command(Words words);
int dashboard_command(Words words);
int inspect_command(Words words);
int replay_command(Words words);
int exec_command(Words words);
int trace_command(Words words);
int lockstep_command(Words words);
int mame_console_command(Words words);

}  // namespace sinv
