#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kernels/device.h"

/// How fast the memory-bound operations of the device move bytes, beside a plain copy.
namespace sinv {

struct Bandwidth {
  std::string name;
  double gigabytes_per_s;  // each input read once, each output written once
};

/// The first line is the copy. `floats`: of the largest array, a multiple of 2^16; past the caches (2^26) what counts
/// is memory. Takes four arrays of that size. On the loaded device module.
std::vector<Bandwidth> measure_bandwidths(std::size_t floats);

}  // namespace sinv
