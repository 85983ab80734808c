#pragma once

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

namespace sinv {

/// Threads that share the loops of one owner: run() splits a loop into parts, and whoever is free takes the next one,
/// so a helper that the machine keeps from running costs nothing but its part. What a part computes must not depend on
/// who takes it or when; then the results do not depend on the number of threads.
/// A run allocates nothing and locks nothing; helpers spin for a moment after it and then sleep.
/// Thread: run() and the destructor belong to the owner.
class Team {
 public:
  static constexpr int kMostThreads = 8;
  static constexpr int kMostParts = 65535;

  /// The owner counts: a team of 1 has no helpers. Errors: Error if threads is not 1 .. kMostThreads.
  explicit Team(int threads);
  ~Team();
  Team(const Team&) = delete;
  Team& operator=(const Team&) = delete;

  int threads() const { return static_cast<int>(helpers_.size()) + 1; }

  /// Calls part(i, slot) for every i below `parts`, at most kMostParts; returns when all are done. slot, below
  /// threads(), is the caller's own: room for one caller's intermediate results. part must not throw.
  template <class Part>
  void run(int parts, const Part& part) {
    run(
        parts, [](const void* what, int i, int slot) { (*static_cast<const Part*>(what))(i, slot); }, &part);
  }

 private:
  using Call = void (*)(const void* what, int part, int slot);
  // Number of the run, its parts (16 bits), the next part (16 bits): a claim of a run that is over fails.
  static constexpr std::uint64_t kRun = std::uint64_t{1} << 32;
  static constexpr std::uint32_t kLeave = 0xFFFFFFFF;

  void run(int parts, Call call, const void* what);
  void take_parts(std::uint64_t state, int slot);
  void help(int slot);

  std::atomic<std::uint64_t> state_{0};
  std::atomic<std::uint32_t> runs_{0};  // what helpers wait for; kLeave: the end
  std::atomic<int> left_{0};
  std::atomic<Call> call_{nullptr};
  std::atomic<const void*> what_{nullptr};
  std::vector<std::thread> helpers_;
};

/// The same without a team: the caller takes every part, in order.
template <class Part>
void run_parts(Team* team, int parts, const Part& part) {
  if (team != nullptr && team->threads() > 1 && parts > 1) {
    team->run(parts, part);
  } else {
    for (int i = 0; i < parts; ++i) part(i, 0);
  }
}

}  // namespace sinv
