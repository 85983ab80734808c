#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace sinv {

/// What a figure was measured on: processor, cores, widest vector unit, memory, compiler.
nlohmann::json machine_facts();

/// The folder that holds an installed or built piece ("roms/invaders.zip", "models/default.bin"): beside the program
/// (build tree), under ../share/sinv_engine (installed), or the source tree of this build. Empty when nowhere.
std::string find_piece(const std::string& name);

}  // namespace sinv
