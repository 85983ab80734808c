#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cabinet/machine.h"

namespace sinv {

/// A version of the state vector. A saved model names the version it was trained on; what a version means never
/// changes, a better one gets a new name.
///   predecessor-32, -36  the values of the system this engine replaces; -36 adds the share of each shield
///   rich-1               what the screen shows, placed relative to the gun, and what can be aimed at from it
///   rich-1-hidden        rich-1 and what the screen does not show (reload rate, saucer timer, ...)
enum class FeatureSet : std::uint8_t { kPredecessor32, kPredecessor36, kRich1, kRich1Hidden };

std::string_view feature_set_name(FeatureSet set);
std::vector<std::string> feature_set_names();
/// Errors: UserError with the known names.
FeatureSet feature_set_of(std::string_view name);

/// Values of one observation (without history).
std::size_t feature_count(FeatureSet set);
/// Observations stacked when the settings leave it open: 4 for the predecessor's, 1 for the rich ones.
int default_history(FeatureSet set);

/// What an agent that watches the screen remembers between frames. Plain data; update it once per frame.
struct FeatureMemory {
  std::uint8_t shot_status = 0;  // of the frame before
  std::uint8_t rack = 0;         // of the frame before
  std::uint8_t player_x = 0;     // at the observation before
  std::uint8_t padding = 0;
  std::uint32_t shots_ended = 0;  // player shots that ended since the rack began
  void begin(const Ram& ram);
  void frame(const Ram& ram);     // once per frame, with the RAM at its end
  void observed(const Ram& ram);  // once per observation, after it was computed
};

/// Writes the values of one observation, in [-1, 1]; `out` must hold feature_count(set) values.
/// Thread: any. Takes no memory. Errors: Error when `out` has another size.
void compute_features(FeatureSet set, const Ram& ram, const FeatureMemory& memory, std::span<float> out);

/// One row of the documentation of a version; rows stand in the order of the values.
struct FeatureRow {
  std::string name;
  float low;
  float high;
  std::string source;   // RAM addresses, or "derived"
  std::string meaning;  // one line
};
std::vector<FeatureRow> feature_table(FeatureSet set);

}  // namespace sinv
