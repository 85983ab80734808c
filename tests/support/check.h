#pragma once

#include <string>
#include <vector>

/// Checks without a test library, so that a machine with nothing but a compiler and CUDA can run them
/// (tools/gpu_check.sh), and the ordinary tests as well.
namespace sinv {

struct CheckResult {
  double worst = 0;     // the largest difference as a share of its bound: up to 1 is right
  std::string problem;  // the first one; empty: none
  bool passed() const { return problem.empty() && worst <= 1; }
};

struct Check {
  const char* name;
  CheckResult (*run)();
};

/// Runs one; what it throws becomes its problem.
CheckResult run_check(const Check& check);
/// Runs all and prints a line for each. Returns whether all passed.
bool print_checks(const std::vector<Check>& checks);
/// Prints why there is no GPU to run on. Returns the exit status: 1 if SINV_REQUIRE_GPU is 1, else 0.
int print_no_gpu(const std::string& reason);

}  // namespace sinv
