#include "game/features.h"

#include <algorithm>
#include <array>

#include "base/error.h"
#include "game/aim.h"
#include "game/features_rich.h"
#include "game/ram_map.h"

namespace sinv {
namespace {

struct Version {
  FeatureSet set;
  const char* name;
  std::size_t count;
  int history;
};
constexpr std::array kVersions{
    Version{FeatureSet::kPredecessor32, "predecessor-32", 32, 4},
    Version{FeatureSet::kPredecessor36, "predecessor-36", 36, 4},
    Version{FeatureSet::kRich1, "rich-1", kRichCount, 1},
    Version{FeatureSet::kRich1Hidden, "rich-1-hidden", kRichCount + kHiddenCount, 1},
};

const Version& version(FeatureSet set) { return kVersions.at(static_cast<std::size_t>(set)); }

// [0, 1] to [-1, 1].
constexpr float symmetric(float share) { return 2.0F * share - 1.0F; }
constexpr float byte_share(std::uint8_t byte) { return static_cast<float>(byte) / 255.0F; }

float* put_rack(const Ram& ram, const Rack& rack, float* out) {
  // An empty rack (the pause after it) counts as one that stands in column 0, row 0.
  int column_sum = 0;
  int row_sum = 0;
  int lowest = kRows;
  int highest = 0;
  for (int r = 0; r < kRows; ++r) {
    const int live = live_in(rack.row[static_cast<std::size_t>(r)]);
    row_sum += r * live;
    if (live == 0) continue;
    lowest = std::min(lowest, r);
    highest = r;
  }
  std::array<int, kColumns> live{};
  for (int c = 0; c < kColumns; ++c) {
    for (const std::uint16_t row : rack.row) live[static_cast<std::size_t>(c)] += row >> c & 1;
    column_sum += c * live[static_cast<std::size_t>(c)];
  }
  const auto count = static_cast<float>(std::max(rack.count, 1));
  constexpr float kLastColumn = kColumns - 1;
  constexpr float kLastRow = kRows - 1;
  *out++ = symmetric(static_cast<float>(column_sum) / count / kLastColumn);
  *out++ = symmetric(static_cast<float>(row_sum) / count / kLastRow);
  *out++ = symmetric(static_cast<float>(rack.first_column) / kLastColumn);
  *out++ = symmetric(static_cast<float>(rack.count == 0 ? 0 : lowest) / kLastRow);
  *out++ = symmetric(static_cast<float>(rack.last_column) / kLastColumn);
  *out++ = symmetric(static_cast<float>(highest) / kLastRow);
  for (const int n : live) *out++ = symmetric(static_cast<float>(n) / kRows);
  *out++ = symmetric(byte_share(peek(ram, at::kReferenceX)));
  *out++ = symmetric(byte_share(peek(ram, at::kReferenceY)));
  return out;
}

float* put_predecessor(const Ram& ram, bool shields, float* out) {
  const Rack rack = read_rack(ram);
  const auto put_byte = [&](std::uint16_t address) { *out++ = symmetric(byte_share(peek(ram, address))); };
  put_byte(at::kSaucerX);
  for (const std::uint16_t record : {at::kRolling, at::kSquiggly, at::kPlunger}) {
    put_byte(static_cast<std::uint16_t>(record + 0x0D));  // Y
    put_byte(static_cast<std::uint16_t>(record + 0x0E));  // X
  }
  *out++ = symmetric(static_cast<float>(rack.count) / kAliensInRack);
  put_byte(at::kPlayerX);
  put_byte(at::kShotX);
  put_byte(at::kShotY);
  *out++ = player_shot_live(ram) ? 1.0F : -1.0F;
  *out++ = symmetric(static_cast<float>(std::min(ships_in_reserve(ram), 3)) / 3.0F);
  out = put_rack(ram, rack, out);
  if (!shields) return out;
  for (int shield = 0; shield < kShieldCount; ++shield) {
    int lit = 0;
    for (int c = 0; c < kShieldColumns; ++c) lit += shield_pixels(ram, kShieldLeft + shield * kShieldPitch + c);
    *out++ = symmetric(static_cast<float>(lit) / (16 * kShieldColumns));
  }
  return out;
}

}  // namespace

std::string_view feature_set_name(FeatureSet set) { return version(set).name; }

std::vector<std::string> feature_set_names() {
  std::vector<std::string> names;
  names.reserve(kVersions.size());
  for (const Version& v : kVersions) names.emplace_back(v.name);
  return names;
}

FeatureSet feature_set_of(std::string_view name) {
  for (const Version& v : kVersions) {
    if (name == v.name) return v.set;
  }
  throw UserError(unknown_name("env.features", name, feature_set_names()));
}

std::size_t feature_count(FeatureSet set) { return version(set).count; }
int default_history(FeatureSet set) { return version(set).history; }

void FeatureMemory::begin(const Ram& ram) {
  *this = FeatureMemory{};
  shot_status = peek(ram, at::kShotStatus);
  rack = peek(ram, at::kRackNumber);
  player_x = peek(ram, at::kPlayerX);
}

void FeatureMemory::frame(const Ram& ram) {
  const std::uint8_t status = peek(ram, at::kShotStatus);
  if (status == 0 && shot_status != 0) ++shots_ended;
  shot_status = status;
  const std::uint8_t rack_now = peek(ram, at::kRackNumber);
  if (rack_now != rack) shots_ended = 0;
  rack = rack_now;
}

void FeatureMemory::observed(const Ram& ram) { player_x = peek(ram, at::kPlayerX); }

void compute_features(FeatureSet set, const Ram& ram, const FeatureMemory& memory, std::span<float> out) {
  SINV_CHECK(out.size() == feature_count(set), "compute_features: room for ", out.size(), " values, ",
             feature_set_name(set), " has ", feature_count(set));
  switch (set) {
    case FeatureSet::kPredecessor32:
      put_predecessor(ram, false, out.data());
      break;
    case FeatureSet::kPredecessor36:
      put_predecessor(ram, true, out.data());
      break;
    case FeatureSet::kRich1:
      put_rich(ram, memory, out.data());
      break;
    case FeatureSet::kRich1Hidden:
      put_hidden(ram, put_rich(ram, memory, out.data()));
      break;
  }
}

}  // namespace sinv
