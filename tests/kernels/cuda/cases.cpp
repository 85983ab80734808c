#include "tests/kernels/cuda/cases.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace sinv {

std::vector<Check> kernel_cases() {
  std::vector<Check> all;
  for (const auto* list :
       {&elementwise_cases(), &image_cases(), &optimiser_cases(), &replay_cases(), &rows_cases(), &rssm_cases()}) {
    all.insert(all.end(), list->begin(), list->end());
  }
  return all;
}

void compare_outputs(CheckResult& result, const std::string& where, const std::deque<NamedOutput>& wanted,
                     const std::deque<NamedOutput>& found) {
  SINV_CHECK(wanted.size() == found.size(), found.size(), " outputs, the CPU has ", wanted.size());
  for (std::size_t o = 0; o < wanted.size(); ++o) {
    const auto other = std::ranges::find(found, wanted[o].name, &NamedOutput::name);
    SINV_CHECK(other != found.end() && other->values.size() == wanted[o].values.size(), "output ", wanted[o].name,
               " is not there in the CPU's size");
    const std::vector<float>& values = other->values;
    const Bound bound = wanted[o].bound;
    for (std::size_t i = 0; i < values.size() && result.problem.empty(); ++i) {
      const auto w = static_cast<double>(wanted[o].values[i]);
      const auto f = static_cast<double>(values[i]);
      if (w == f || (std::isnan(w) && std::isnan(f))) continue;
      const double room = bound.absolute + bound.relative * std::abs(w);
      if (std::abs(w - f) <= room) {
        result.worst = std::max(result.worst, std::abs(w - f) / room);
        continue;
      }
      result.problem = text(where, ": ", wanted[o].name, "[", i, "] is ", f, ", the CPU gives ", w, ", bound ", room);
    }
  }
}

}  // namespace sinv
