#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "cabinet/cabinet.h"

namespace sinv {

enum class RomKind {
  kOwn,       // the engine's own game, of this build
  kOriginal,  // MAME's set `invaders`
  kClone,     // another set of MAME's that runs on this board; its RAM map is not known
  kUnknown,   // files of the right names and sizes with other checksums
};

/// A game's program, found and checked.
struct RomSet {
  std::shared_ptr<const RomImage> image;
  RomKind kind = RomKind::kUnknown;
  std::string set;          // MAME's name of the set: "invaders", "sisv2", ...
  std::string description;  // one line for people
  std::string where;        // the folder or archive the files came from
  std::string warning;      // one sentence, or empty: what to know before trusting scores and features
};

/// Loads a set from `path`: a folder or a zip archive with the files of one set, or a folder that holds such a folder
/// or archive under the set's name (PATH/invaders.zip, PATH/invaders/). File names as in MAME 0.251 or newer; upper
/// case will do. Files of the parent set that a clone shares may stand beside its own or in the parent's place. Errors:
/// UserError saying where, what was found, what was wanted and what to do: nothing there, no set in it, a file missing,
/// of the wrong size, or a damaged archive.
RomSet load_rom_set(const std::filesystem::path& path);

/// Writes the program as MAME's set `invaders`, under the file names of MAME 0.251 and those of newer ones, into
/// ROMPATH/invaders/, so that MAME runs any program that the cabinet runs (it warns of checksums it does not know).
/// Errors: UserError (folder or disk).
void write_mame_set(const Rom& rom, const std::filesystem::path& rompath);

}  // namespace sinv
