#include "tests/support/check.h"

#include <cstdio>
#include <cstdlib>
#include <exception>

namespace sinv {

CheckResult run_check(const Check& check) {
  CheckResult result;
  try {
    result = check.run();
  } catch (const std::exception& error) {
    result.problem = error.what();
  }
  return result;
}

bool print_checks(const std::vector<Check>& checks) {
  bool all = true;
  for (const Check& check : checks) {
    const CheckResult result = run_check(check);
    std::printf("  %-58s %s  worst %.3f of its bound  %s\n", check.name, result.passed() ? "ok    " : "FAILED",
                result.worst, result.problem.c_str());
    std::fflush(stdout);
    all = all && result.passed();
  }
  return all;
}

int print_no_gpu(const std::string& reason) {
  const char* require = std::getenv("SINV_REQUIRE_GPU");
  const bool required = require != nullptr && std::string(require) == "1";
  std::printf("%s: %s\n", required ? "FAILED" : "SKIPPED", reason.c_str());
  return required ? 1 : 0;
}

}  // namespace sinv
