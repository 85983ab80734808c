#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/device.h"

/// What a GPU must get right, as functions without a test library, so that a machine with nothing but a compiler and
/// CUDA can run them (tools/gpu_check.sh). They go through the loaded device module, so the same checks run on a fake
/// device in the ordinary tests, where every difference is zero.
namespace sinv {

struct CheckResult {
  std::string name;
  double worst = 0;  // the largest difference as a share of its bound: up to 1 is right
  std::string problem;
  bool passed() const { return problem.empty() && worst <= 1; }
};

struct Check {
  const char* name;
  CheckResult (*run)();
};

/// Matrix products, linear layers and convolutions against the CPU; 100 updates of the learner against the CPU's; a
/// graph against the same work queued piece by piece; answers of the actor.
const std::vector<Check>& device_checks();

/// Runs one; what it throws becomes its problem.
CheckResult run_check(const Check& check);

}  // namespace sinv
