#pragma once

#include <span>
#include <string>

namespace sinv {

/// `path`; or the model that ships: of the agent `path` (dqn-mlp, dqn-cnn) when no file has that name, of dqn-mlp when
/// it is empty. Errors: UserError when that is not installed.
std::string choose_model(const std::string& path);

/// Of which agents a model should ship.
std::span<const char* const> shipped_agents();
/// Where that of one of them stands; empty: it is not installed.
std::string shipped_model(std::string agent);

}  // namespace sinv
