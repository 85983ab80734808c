#pragma once

#include <deque>
#include <string>
#include <vector>

#include "tests/support/check.h"

/// Every operation of kernels/cuda that is a kernel of ours, against the CPU: cases without a test library, so that the
/// same ones run in the emulation (cuda_kernels_test) and on a GPU (gpu_kernels). A case is a function in one of the
/// *_cases.cpp and a line in its list.
namespace sinv {

const std::vector<Check>& elementwise_cases();
const std::vector<Check>& image_cases();
const std::vector<Check>& optimiser_cases();
const std::vector<Check>& replay_cases();
const std::vector<Check>& rows_cases();
const std::vector<Check>& rssm_cases();
/// All of them.
std::vector<Check> kernel_cases();

/// |found - wanted| <= absolute + relative * |wanted|. 2^-24 = 6e-8 is one rounding.
struct Bound {
  double relative = 0;
  double absolute = 0;
};

struct NamedOutput {
  std::string name;
  Bound bound;
  std::vector<float> values;
};

/// The first element that differs by more than its bound becomes the result's problem.
void compare_outputs(CheckResult& result, const std::string& where, const std::deque<NamedOutput>& wanted,
                     const std::deque<NamedOutput>& found);

}  // namespace sinv
