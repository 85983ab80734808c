#include "game/rom_set.h"

#include <algorithm>
#include <cctype>
#include <iomanip>
#include <map>
#include <optional>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "base/zip.h"
#include "rom/own_rom.h"

namespace sinv {

namespace {

namespace fs = std::filesystem;

struct Piece {
  const char* file;
  const char* newer_file;  // MAME's later name, or nullptr
  std::uint16_t address;
  std::uint16_t bytes;
  std::uint32_t crc;
};

struct KnownSet {
  const char* name;
  const char* description;
  RomKind kind;
  std::vector<Piece> pieces;
};

constexpr std::uint16_t k1K = 0x400;
constexpr std::uint16_t k2K = 0x800;

constexpr Piece kH{"invaders.h", "9316b-0869_m739h.h1", 0x0000, k2K, 0x734f5ad8};
constexpr Piece kG{"invaders.g", "9316b-0856_m739g.g1", 0x0800, k2K, 0x6bfaca4a};
constexpr Piece kF{"invaders.f", "9316b-0855_m739f.f1", 0x1000, k2K, 0x0ccead96};
constexpr Piece kE{"invaders.e", "9316b-0854_m739e.e1", 0x1800, k2K, 0x14e538b0};
constexpr Piece kSv02{"sv02.35", nullptr, 0x0400, k1K, 0x0e159534};
constexpr Piece kSv04{"sv04.31", nullptr, 0x1400, k1K, 0x1293b826};
constexpr Piece kSv06{"sv06.41", nullptr, 0x1C00, k1K, 0x2c68e0b4};
constexpr Piece kSv09{"sv09.42", nullptr, 0x1800, k1K, 0xcd80b13f};
constexpr Piece kSv10{"sv10.34", nullptr, 0x0800, k1K, 0x483e651e};
constexpr Piece kSv0h{"sv0h.36", nullptr, 0x0000, k1K, 0x86bb8cb6};
constexpr Piece kTv02{"tv02.rp1", nullptr, 0x0800, k2K, 0x3c759a90};
constexpr Piece kTv03{"tv03.n1", nullptr, 0x1000, k2K, 0x0ad3657f};
constexpr Piece kTv04{"tv04.m1", nullptr, 0x1800, k2K, 0xcd2c67f6};

/// Names, sizes, places and checksums: MAME 0.251, `-listxml` and 8080bw.cpp. Where two sets share files, the one with
/// more of its own comes first. `invaders` is last: a folder of a clone may hold files of its parent too.
const std::vector<KnownSet>& known_sets() {
  static const std::vector<KnownSet> kSets{
      {"sisv3", "Space Invaders (SV Version rev 3)", RomKind::kClone, {kSv0h, kSv02, kSv10, kSv04, kSv09, kSv06}},
      {"sisv2",
       "Space Invaders (SV Version rev 2)",
       RomKind::kClone,
       {{"sv01.36", nullptr, 0x0000, k1K, 0xd0c32d72}, kSv02, kSv10, kSv04, kSv09, kSv06}},
      {"sisv",
       "Space Invaders (SV Version rev 4)",
       RomKind::kClone,
       {kSv0h,
        {"sv11.35", nullptr, 0x0400, k1K, 0xfebe6d1a},
        {"sv12.34", nullptr, 0x0800, k1K, 0xa08e7202},
        kSv04,
        {"sv13.42", nullptr, 0x1800, k1K, 0xa9011634},
        {"sv14.41", nullptr, 0x1C00, k1K, 0x58730370}}},
      {"sitv",
       "Space Invaders (TV Version rev 2)",
       RomKind::kClone,
       {{"tv0h.s1", nullptr, 0x0000, k2K, 0xfef18aad}, kTv02, kTv03, kTv04}},
      {"sitv1",
       "Space Invaders (TV Version rev 1)",
       RomKind::kClone,
       {{"tv01.s1", nullptr, 0x0000, k2K, 0x9f37b146}, kTv02, kTv03, kTv04}},
      {"sicv",
       "Space Invaders (CV Version, larger roms)",
       RomKind::kClone,
       {{"cv17.36", nullptr, 0x0000, k2K, 0x3dfbe9e6},
        {"cv18.35", nullptr, 0x0800, k2K, 0xbc3c82bf},
        {"cv19.34", nullptr, 0x1000, k2K, 0xd202b41c},
        {"cv20.33", nullptr, 0x1800, k2K, 0xc74ee7b6}}},
      {"invaderl",
       "Space Invaders (Logitec)",
       RomKind::kClone,
       {{"c01", nullptr, 0x0000, k1K, 0x499f253a},
        {"c02", nullptr, 0x0400, k1K, 0x2d0b2e1f},
        {"c03", nullptr, 0x0800, k1K, 0x03033dc2},
        {"c07", nullptr, 0x1000, k1K, 0x5a7bbf1f},
        {"c04", nullptr, 0x1400, k1K, 0x455b1fa7},
        {"c05", nullptr, 0x1800, k1K, 0x40cbef75},
        {"sv06.bin", nullptr, 0x1C00, k1K, 0x2c68e0b4}}},
      {"spceking",
       "Space King",
       RomKind::kClone,
       {kH,
        {"spcekng2", nullptr, 0x0800, k2K, 0x96dcdd42},
        {"spcekng3", nullptr, 0x1000, k2K, 0x95fc96ad},
        {"spcekng4", nullptr, 0x1800, k2K, 0x54170ada}}},
      {"tst_invd",
       "Space Invaders Test ROM",
       RomKind::kClone,
       {{"test.h", nullptr, 0x0000, k2K, 0xf86a2eea}, kG, kF, kE}},
      {"invaders", "Space Invaders / Space Invaders M", RomKind::kOriginal, {kH, kG, kF, kE}},
  };
  return kSets;
}

std::string lower(std::string name) {
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
  return name;
}

std::string hex(std::uint32_t value) {
  std::ostringstream out;
  out << std::hex << std::setw(8) << std::setfill('0') << value;
  return out.str();
}

constexpr std::size_t kMaxFileBytes = 1 << 20;  // no ROM file of this board is near it

/// The files of a folder or an archive, by lower-case name without folders.
class Files {
 public:
  explicit Files(const fs::path& path) : where_(path.string()) {
    std::error_code error;
    if (fs::is_directory(path, error)) {
      for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
        std::error_code ignored;
        if (at->is_regular_file(ignored)) on_disk_[lower(at->path().filename().string())] = at->path();
      }
      if (error) throw UserError(text(where_, ": cannot be listed: ", error.message()));
      return;
    }
    archive_ = read_file(path);
    zip_.emplace(archive_, where_);
    for (const ZipReader::Member& member : zip_->members()) {
      const std::string name = lower(member.name.substr(member.name.rfind('/') + 1));
      if (!name.empty()) in_zip_[name] = &member;
    }
  }
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  const std::string& where() const { return where_; }

  bool has(const std::string& name) const { return on_disk_.count(name) != 0 || in_zip_.count(name) != 0; }

  std::vector<std::byte> read(const std::string& name) const {
    if (const auto at = in_zip_.find(name); at != in_zip_.end()) return zip_->read(*at->second, kMaxFileBytes);
    const fs::path& path = on_disk_.at(name);
    if (const auto bytes = fs::file_size(path); bytes > kMaxFileBytes) {
      throw UserError(
          text(path.string(), " has ", bytes, " bytes, at most ", kMaxFileBytes, " are wanted; this is another file"));
    }
    return read_file(path);
  }

 private:
  std::string where_;
  std::map<std::string, fs::path> on_disk_;
  std::vector<std::byte> archive_;
  std::optional<ZipReader> zip_;
  std::map<std::string, const ZipReader::Member*> in_zip_;
};

/// The name under which `files` have a piece, or "".
std::string name_in(const Files& files, const Piece& piece) {
  if (files.has(piece.file)) return piece.file;
  if (piece.newer_file != nullptr && files.has(piece.newer_file)) return piece.newer_file;
  return "";
}

bool is_of_parent(const Piece& piece) { return piece.newer_file != nullptr; }

std::size_t count_present(const Files& files, const KnownSet& set) {
  return static_cast<std::size_t>(std::count_if(set.pieces.begin(), set.pieces.end(),
                                                [&](const Piece& piece) { return !name_in(files, piece).empty(); }));
}

std::size_t count_own_present(const Files& files, const KnownSet& set) {
  return static_cast<std::size_t>(std::count_if(set.pieces.begin(), set.pieces.end(), [&](const Piece& piece) {
    return (set.kind == RomKind::kOriginal || !is_of_parent(piece)) && !name_in(files, piece).empty();
  }));
}

/// The set that `files` hold: the first that is whole, else the one with most files; nullptr: not one file of any.
const KnownSet* choose_set(const Files& files) {
  const KnownSet* best = nullptr;
  std::size_t best_count = 0;
  for (const KnownSet& set : known_sets()) {
    if (count_own_present(files, set) == 0) continue;
    const std::size_t count = count_present(files, set);
    if (count == set.pieces.size()) return &set;
    if (count > best_count) {
      best = &set;
      best_count = count;
    }
  }
  return best;
}

std::string names_wanted(const KnownSet& set) {
  std::vector<std::string> names;
  for (const Piece& piece : set.pieces) names.emplace_back(piece.file);
  return join(names);
}

/// The parent set beside a clone's folder or archive, for the files that the clone shares with it.
std::unique_ptr<Files> parent_files(const std::string& where) {
  const fs::path folder = fs::path(where).parent_path();
  std::error_code error;
  for (const fs::path& candidate : {folder / "invaders.zip", folder / "invaders"}) {
    if (fs::exists(candidate, error)) return std::make_unique<Files>(candidate);
  }
  return nullptr;
}

RomSet load_from(const Files& files, const KnownSet& set) {
  RomSet found;
  found.set = set.name;
  found.where = files.where();
  Rom rom{};
  std::vector<std::uint32_t> crcs;
  std::vector<std::string> different;
  std::unique_ptr<Files> parent;
  for (const Piece& piece : set.pieces) {
    const Files* from = &files;
    std::string name = name_in(files, piece);
    if (name.empty() && is_of_parent(piece) && set.kind == RomKind::kClone) {
      if (parent == nullptr) parent = parent_files(files.where());
      if (parent != nullptr) {
        from = parent.get();
        name = name_in(*parent, piece);
      }
    }
    if (name.empty()) {
      throw UserError(text(files.where(), ": has ", count_present(files, set), " of the ", set.pieces.size(),
                           " files of the set \"", set.name, "\"; ", piece.file,
                           piece.newer_file == nullptr ? "" : text(" (or ", piece.newer_file, ")"),
                           " is missing; add it, ", piece.bytes, " bytes"));
    }
    const std::vector<std::byte> bytes = from->read(name);
    if (bytes.size() != piece.bytes) {
      throw UserError(text(from->where(), ": ", name, " has ", bytes.size(), " bytes, ", piece.bytes,
                           " are wanted; copy the file anew"));
    }
    crcs.push_back(crc32(bytes));
    if (crcs.back() != piece.crc) {
      different.push_back(text(name, " ", hex(crcs.back()), " instead of ", hex(piece.crc)));
    }
    std::transform(bytes.begin(), bytes.end(), rom.begin() + piece.address,
                   [](std::byte byte) { return std::to_integer<std::uint8_t>(byte); });
  }
  found.image = std::make_shared<const RomImage>(rom);
  if (std::equal(crcs.begin(), crcs.end(), kOwnRomCrc.begin(), kOwnRomCrc.end())) {
    found.kind = RomKind::kOwn;
    found.description = "the engine's own game";
  } else if (!different.empty()) {
    found.kind = RomKind::kUnknown;
    found.description = text("files of \"", set.name, "\" with other contents");
    found.warning =
        text(files.where(), ": unknown game: checksums differ from MAME's set \"", set.name, "\" (", join(different),
             "); it runs, but scores and features are right only if its RAM is laid out ", "as the original's");
  } else {
    found.kind = set.kind;
    found.description = set.description;
    if (set.kind == RomKind::kClone) {
      found.warning = text(files.where(), ": \"", set.name, "\" (", set.description,
                           ") is a clone; scores and features were checked on \"invaders\" only");
    }
  }
  return found;
}

}  // namespace

RomSet load_rom_set(const fs::path& path) {
  std::error_code error;
  if (!fs::exists(path, error)) {
    throw UserError(text(path.string(), ": nothing is there; a folder or zip archive with ",
                         names_wanted(known_sets().back()), " is wanted; check --rom"));
  }
  const Files files(path);
  if (const KnownSet* set = choose_set(files); set != nullptr) return load_from(files, *set);
  if (fs::is_directory(path, error)) {
    // Perhaps a folder of sets, as MAME's rompath is.
    for (auto set = known_sets().rbegin(); set != known_sets().rend(); ++set) {
      for (const fs::path& candidate : {path / (std::string(set->name) + ".zip"), path / set->name}) {
        if (!fs::exists(candidate, error)) continue;
        const Files inner(candidate);
        if (const KnownSet* chosen = choose_set(inner); chosen != nullptr) return load_from(inner, *chosen);
      }
    }
  }
  throw UserError(text(path.string(), ": no game for this board is in it; ", names_wanted(known_sets().back()),
                       " (2048 bytes each), or invaders.zip with them, are wanted; check --rom"));
}

void write_mame_set(const Rom& rom, const fs::path& rompath) {
  const fs::path folder = rompath / "invaders";
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) throw UserError(text(folder.string(), ": cannot be made: ", error.message()));
  for (const Piece& piece : {kH, kG, kF, kE}) {
    const auto bytes = std::as_bytes(std::span(rom).subspan(piece.address, piece.bytes));
    write_file(folder / piece.file, bytes);
    write_file(folder / piece.newer_file, bytes);
  }
}

}  // namespace sinv
