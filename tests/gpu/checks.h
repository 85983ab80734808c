#pragma once

#include "tests/support/check.h"

/// What a GPU must get right beside its kernels (tests/kernels/cuda/cases.h). These checks go through the loaded device
/// module, so they run on a fake device in the ordinary tests, where every difference is zero.
namespace sinv {

/// Matrix products, linear layers, convolutions and transposed convolutions against the CPU; updates of the
/// learners against the CPU's; a graph against the same work queued piece by piece; answers of the actor.
const std::vector<Check>& device_checks();

}  // namespace sinv
