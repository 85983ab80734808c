#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace sinv {

/// A run folder as the page lists it.
struct ShelvedRun {
  std::string name;
  std::filesystem::path path;
  std::string agent;
  std::string seed;
  std::int64_t frames = 0;
  double best_game = 0;
};

/// The runs of these places, each a run folder or a folder of them, by name; what cannot be read is left out.
std::vector<ShelvedRun> shelved_runs(const std::vector<std::filesystem::path>& places);

/// Whole lines of metrics.jsonl from byte `from` on, `most_bytes` or a little less at a time.
std::string metrics_from(const std::filesystem::path& folder, std::uint64_t from, std::uint64_t most_bytes);

}  // namespace sinv
