#pragma once

#include "tests/gpu/checks.h"

namespace sinv {

/// Draws, rows, weights and priorities of a replay on the device, against the host's, over rounds of new steps: rows of
/// every form, read from the host and on the device.
CheckResult check_replay();
/// Updates that draw for themselves, inside their graph: the same bits wherever the rows lie.
CheckResult check_replay_updates();
/// Both.
const std::vector<Check>& replay_checks();

}  // namespace sinv
