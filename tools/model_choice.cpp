#include "tools/model_choice.h"

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/error.h"
#include "tools/machine_facts.h"

namespace sinv {
namespace {

constexpr std::array kShipped{"dqn-mlp", "dqn-cnn"};

}  // namespace

std::span<const char* const> shipped_agents() { return kShipped; }

std::string shipped_model(std::string agent) {
  std::replace(agent.begin(), agent.end(), '-', '_');
  return find_piece("models/" + agent + ".bin");
}

std::string choose_model(const std::string& path) {
  const std::string agent = path.empty() ? kShipped.front() : path;
  const bool named = std::find(kShipped.begin(), kShipped.end(), agent) != kShipped.end();
  std::error_code fault;
  if (!named || (!path.empty() && std::filesystem::exists(path, fault))) return path;
  std::string shipped = shipped_model(agent);
  if (shipped.empty()) {
    throw UserError(text("no model of ", agent,
                         " ships with this build; train one with sinv_engine train, then name it with --model"));
  }
  return shipped;
}

}  // namespace sinv
