#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <vector>

namespace sinv {

/// The latest value of one writer for any number of readers; nobody waits. A seqlock: a reader that meets a write
/// reads again. Source: Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.
/// Thread: publish() from one, read() from any.
template <class Value>
class Mailbox {
  static_assert(std::is_trivially_copyable_v<Value>);

 public:
  Mailbox() : words_(kWords) { publish(Value{}); }

  /// Of a value of which only the first `used` bytes tell something, the rest need not be copied: it is read as zeros.
  void publish(const Value& value, std::size_t used = sizeof(Value)) {
    const std::size_t count = (used + 7) / 8;
    const std::uint64_t now = sequence_.load(std::memory_order_relaxed);
    sequence_.store(now + 1, std::memory_order_relaxed);
    // Release and acquire on the words themselves instead of fences, which the thread sanitizer does not know: who
    // reads a new word also sees the odd number before it.
    count_.store(count, std::memory_order_release);
    for (std::size_t i = 0; i < count; ++i) {
      std::uint64_t word = 0;
      std::memcpy(&word, reinterpret_cast<const std::byte*>(&value) + 8 * i, bytes_of(i));
      words_[i].store(word, std::memory_order_release);
    }
    sequence_.store(now + 2, std::memory_order_release);
  }

  Value read() const {
    Value value;
    auto* const bytes = static_cast<std::byte*>(static_cast<void*>(&value));
    std::size_t count = 0;
    for (;;) {
      const std::uint64_t before = sequence_.load(std::memory_order_acquire);
      count = count_.load(std::memory_order_acquire);
      for (std::size_t i = 0; i < count; ++i) {
        const std::uint64_t word = words_[i].load(std::memory_order_acquire);
        std::memcpy(bytes + 8 * i, &word, bytes_of(i));
      }
      if (before % 2 == 0 && sequence_.load(std::memory_order_relaxed) == before) break;
    }
    if (8 * count < sizeof(Value)) std::memset(bytes + 8 * count, 0, sizeof(Value) - 8 * count);
    return value;
  }

  /// Rises with every publish(): lets a reader see that nothing is new.
  std::uint64_t version() const { return sequence_.load(std::memory_order_acquire) / 2; }

 private:
  static constexpr std::size_t kWords = (sizeof(Value) + 7) / 8;
  static constexpr std::size_t bytes_of(std::size_t word) { return std::min<std::size_t>(8, sizeof(Value) - 8 * word); }
  std::atomic<std::uint64_t> sequence_{0};
  std::atomic<std::size_t> count_{0};  // words that hold the value
  std::vector<std::atomic<std::uint64_t>> words_;
};

enum class TrainerPhase : std::uint8_t { kStarting, kWarmUp, kTraining, kPaused, kEvaluating, kSaving, kFinished };

/// What the watchers of a training see. Plain data.
struct Progress {
  TrainerPhase phase = TrainerPhase::kStarting;
  bool exploiting = false;  // exploration is switched off
  bool sees = false;        // what the agent sees is to be shown
  double speed = 0;         // times that of the cabinet; 0: as fast as it goes
  std::int64_t frames = 0;
  std::int64_t steps = 0;
  std::int64_t updates = 0;
  std::int64_t games = 0;
  std::int64_t frames_limit = 0;  // 0: none
  double minutes_limit = 0;       // 0: none
  double elapsed_s = 0;           // training time, all sittings together
  double left_s = 0;              // guessed; 0 when there is no limit
  double mean_score_100 = 0;      // of the last 100 games of training, with exploration
  std::int64_t max_score = 0;     // of any game of training
  std::int64_t evaluations = 0;
  double last_evaluation = 0;  // mean score
  double best_evaluation = 0;  // confirmed mean score of best.bin
  double epsilon = 0;
  double sigma = 0;  // mean size of the learnt noise; 0 without noisy layers
  double loss = 0;
  double mean_q = 0;
  double gradient_norm = 0;
  double learning_rate = 0;
  double beta = 0;
  double frames_per_s = 0;
  double steps_per_s = 0;
  double updates_per_s = 0;
  std::int64_t replay_size = 0;
  std::int64_t replay_capacity = 0;
  std::int64_t saves = 0;
  std::int64_t events = 0;             // things that went wrong and were survived
  std::array<char, 192> last_event{};  // text of the last of them, ended by 0
};

}  // namespace sinv
