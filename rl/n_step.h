#pragma once

#include <array>
#include <cmath>
#include <cstdint>

#include "base/error.h"

namespace sinv {

/// A window of rewards that is complete: it began `age` steps before the newest one (0 = with it).
struct NStepWindow {
  int age;
  float ret;       // sum over k of gamma^k r_(t+k)
  float discount;  // of the value that follows: gamma^steps, or 0 after a termination
  int steps;       // rewards in the window: n, or fewer at the end of an episode
};

/// n-step returns of one environment, every start counted: at the end of an episode the windows that are still open
/// close with what they have. A termination leaves no value to add; a truncation keeps the value of the true final
/// observation, discounted by the true length.
/// Source: Sutton and Barto, 2nd edition, section 7.1; tails as in dqn_zoo's transition accumulator.
/// Plain data: saving it is copying it. Thread: one owner.
class NStepReturns {
 public:
  static constexpr int kMaxSteps = 32;

  NStepReturns() = default;
  NStepReturns(int n, double gamma) : n_(n) {
    SINV_CHECK(n >= 1 && n <= kMaxSteps, "NStepReturns: n = ", n, ", wanted 1 to ", kMaxSteps);
    SINV_CHECK(gamma >= 0 && gamma <= 1, "NStepReturns: gamma = ", gamma, ", wanted 0 to 1");
    for (int k = 0; k <= n; ++k) gamma_power_[index(k)] = static_cast<float>(std::pow(gamma, k));
  }

  /// Adds the newest reward and calls done(NStepWindow) for each window that it completes, oldest first.
  template <class Done>
  void push(float reward, bool terminated, bool truncated, Done&& done) {
    for (int age = open_; age > 0; --age) {
      returns_[index(age)] = returns_[index(age - 1)] + gamma_power_[index(age)] * reward;
    }
    returns_[0] = reward;
    ++open_;
    const bool ended = terminated || truncated;
    for (int age = open_ - 1; age >= (ended ? 0 : n_ - 1); --age) {
      const int steps = age + 1;
      done(NStepWindow{age, returns_[index(age)], terminated ? 0.0F : gamma_power_[index(steps)], steps});
    }
    open_ = ended ? 0 : (open_ == n_ ? n_ - 1 : open_);
  }

  /// Windows that wait for more rewards.
  int open() const { return open_; }

 private:
  static constexpr std::size_t index(int i) { return static_cast<std::size_t>(i); }
  std::int32_t n_ = 1;
  std::int32_t open_ = 0;
  std::array<float, kMaxSteps + 1> gamma_power_{};
  std::array<float, kMaxSteps> returns_{};  // by age; the sums run in the order of time
};

}  // namespace sinv
