#include "tools/dash/run_shelf.h"

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "tools/config.h"

namespace sinv {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t kTailBytes = 16'384;

bool is_run(const fs::path& folder) {
  std::error_code fault;
  return fs::exists(folder / "config.toml", fault);
}

// The last records are enough to know how far it came.
void read_tail(ShelvedRun& run) {
  std::error_code fault;
  const std::uint64_t size = fs::file_size(run.path / "metrics.jsonl", fault);
  if (fault) return;
  std::istringstream in(metrics_from(run.path, size > kTailBytes ? size - kTailBytes : 0, kTailBytes));
  for (std::string line; std::getline(in, line);) {
    const nlohmann::json record = nlohmann::json::parse(line, nullptr, false);
    if (!record.is_object() || !record.contains("frames") || !record["frames"].is_number()) continue;
    run.frames = std::max(run.frames, record["frames"].get<std::int64_t>());
    if (record.contains("max_score") && record["max_score"].is_number())
      run.best_game = record["max_score"].get<double>();
  }
}

void shelve(std::vector<ShelvedRun>& runs, const fs::path& folder) {
  ShelvedRun run{fs::weakly_canonical(folder).filename().string(), folder, "?", "?", 0, 0};
  try {
    for (const Assignment& setting : assignments_in(folder / "config.toml")) {
      if (setting.key == "agent") run.agent = setting.value;
      if (setting.key == "train.seed") run.seed = setting.value;
    }
  } catch (const UserError&) {
    return;
  }
  read_tail(run);
  runs.push_back(std::move(run));
}

}  // namespace

std::vector<ShelvedRun> shelved_runs(const std::vector<fs::path>& places) {
  std::vector<ShelvedRun> runs;
  for (const fs::path& place : places) {
    if (is_run(place)) {
      shelve(runs, place);
      continue;
    }
    std::error_code fault;
    for (const fs::directory_entry& entry : fs::directory_iterator(place, fault)) {
      if (entry.is_directory(fault) && is_run(entry.path())) shelve(runs, entry.path());
    }
  }
  std::sort(runs.begin(), runs.end(), [](const ShelvedRun& a, const ShelvedRun& b) { return a.name < b.name; });
  return runs;
}

std::string metrics_from(const fs::path& folder, std::uint64_t from, std::uint64_t most_bytes) {
  std::ifstream in(folder / "metrics.jsonl", std::ios::binary);
  in.seekg(0, std::ios::end);
  const auto size = in ? static_cast<std::uint64_t>(in.tellg()) : 0;
  if (from >= size) return "";
  std::string bytes(std::min(most_bytes, size - from), '\0');
  in.seekg(static_cast<std::streamoff>(from));
  in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  bytes.resize(static_cast<std::size_t>(in.gcount()));
  const std::size_t end = bytes.rfind('\n');
  return end == std::string::npos ? "" : bytes.substr(0, end + 1);
}

}  // namespace sinv
