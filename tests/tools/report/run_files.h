#pragma once

#include <filesystem>
#include <fmt/core.h>
#include <string>

#include "base/file.h"

namespace sinv {

/// A run folder as a training leaves it, with `records` lines of training: at record i it has come to 1,000 * (i + 1)
/// frames and i + 1 minutes with a mean score of first + step * i.
inline std::filesystem::path write_run(const std::filesystem::path& folder, const std::string& seed, int records,
                                       double first, double step, const std::string& settings = "") {
  std::filesystem::create_directories(folder);
  write_file(folder / "config.toml", fmt::format("agent = \"dqn-mlp\"\n[train]\nseed = {}\n{}", seed, settings));
  std::string lines;
  for (int i = 0; i < records; ++i) {
    lines += fmt::format(
        R"({{"kind":"train","frames":{},"updates":{},"games":{},"mean_score_100":{},"max_score":900,"elapsed_s":{},"sigma":0.1}})"
        "\n",
        1000 * (i + 1), 10 * (i + 1), i + 1, first + step * i, 60 * (i + 1));
  }
  write_file(folder / "metrics.jsonl", std::string_view(lines));
  return folder;
}

}  // namespace sinv
