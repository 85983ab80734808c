#pragma once

#include <string>

namespace sinv {

/// `path`, or the model that ships when it is empty. Errors: UserError when that is not installed.
std::string choose_model(const std::string& path);

}  // namespace sinv
