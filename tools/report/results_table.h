#pragma once

#include <filesystem>
#include <string>

#include "tools/report/run_history.h"

namespace sinv {

/// Appends a finished run to `table`, a CSV file with a heading, and returns the number of the experiment: one more
/// than the largest there. Several processes may append at once. `settings` are those that are not the default.
/// Errors: UserError with the path and the system's own text.
int append_result(const std::filesystem::path& table, const RunHistory& run, const std::string& settings);

}  // namespace sinv
