#pragma once

#include <stdexcept>
#include <string>

#include "base/text.h"

namespace sinv {

/// What a broken contract or a failed vendor call throws. Text = where: what was found, what was wanted, what to do.
class Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message) : std::runtime_error(message) {}
};

/// An Error that a user's input or machine caused (wrong option, file, disk): printed without a source location.
class UserError : public Error {
 public:
  explicit UserError(const std::string& message) : Error(message) {}
};

}  // namespace sinv

// Always on, unlike assert: Release defines NDEBUG. A macro: clang-tidy 14 has no source_location.
#define SINV_CHECK(cond, ...)                                                                                 \
  do {                                                                                                        \
    if (!(cond)) throw ::sinv::Error(::sinv::text(__VA_ARGS__, " [" #cond "] at ", __FILE__, ":", __LINE__)); \
  } while (false)
