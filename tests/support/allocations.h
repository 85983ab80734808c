#pragma once

#include <cstddef>

namespace sinv {

/// How often the test program has taken memory with operator new, aligned or not, in all threads. A program that calls
/// this has every operator new and delete replaced (tests/support/allocations.cpp must be among its sources).
/// Thread: any.
std::size_t allocations();

}  // namespace sinv
