#include "tools/report/results_table.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <fcntl.h>
#include <fmt/chrono.h>
#include <sstream>
#include <sys/file.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

namespace sinv {

namespace {

constexpr const char* kHeading =
    "experiment,finished,run,agent,seed,frames,updates,games,minutes,max_score,mean_score_100,best_mean,final_mean,"
    "final_standard_error,settings\n";

// RFC 4180: a field with a comma, a quote or a line end stands in quotes, and quotes in it are doubled.
std::string field(const std::string& letters) {
  if (letters.find_first_of(",\"\n") == std::string::npos) return letters;
  std::string out = "\"";
  for (const char letter : letters) {
    if (letter == '"') out += '"';
    out += letter;
  }
  return out + "\"";
}

int next_number(const std::filesystem::path& table) {
  const std::vector<std::byte> bytes = read_file(table);
  std::istringstream in(std::string(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
  int largest = 0;
  for (std::string line; std::getline(in, line);) largest = std::max(largest, std::atoi(line.c_str()));
  return largest + 1;
}

struct Descriptor {
  int number;
  ~Descriptor() { ::close(number); }
};

}  // namespace

int append_result(const std::filesystem::path& table, const RunHistory& run, const std::string& settings) {
  const Descriptor file{::open(table.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)};
  if (file.number < 0 || ::flock(file.number, LOCK_EX) != 0) {
    throw UserError(text(table.string(), ": cannot be opened: ", std::strerror(errno)));
  }
  const int experiment = next_number(table);
  const TrainRecord last = run.train.empty() ? TrainRecord{} : run.train.back();
  std::string line = std::filesystem::file_size(table) == 0 ? kHeading : "";
  line +=
      fmt::format("{},{:%Y-%m-%d %H:%M:%S},{},{},{},{},{:.0f},{:.0f},{:.2f},{:.0f},{:.1f},{:.1f},", experiment,
                  fmt::localtime(std::time(nullptr)), field(run.name), field(run.agent), run.seed, last.frames,
                  last.updates, last.games, last.elapsed_s / 60, last.max_score, last.mean_score_100, run.best_mean());
  line += run.final ? fmt::format("{:.1f},{:.1f},", run.final->mean, run.final->standard_error) : ",,";
  line += field(settings) + "\n";
  if (::write(file.number, line.data(), line.size()) != static_cast<ssize_t>(line.size())) {
    throw UserError(text(table.string(), ": a line could not be written: ", std::strerror(errno)));
  }
  return experiment;
}

}  // namespace sinv
