#include "tools/model_choice.h"

#include "base/error.h"
#include "tools/machine_facts.h"

namespace sinv {

std::string choose_model(const std::string& path) {
  if (!path.empty()) return path;
  std::string shipped = find_piece("models/dqn_mlp.bin");
  if (shipped.empty()) {
    throw UserError("no model ships with this build; train one with sinv_engine train, then name it with --model");
  }
  return shipped;
}

}  // namespace sinv
