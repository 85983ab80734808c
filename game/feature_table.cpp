#include <array>

#include "game/features.h"
#include "game/features_rich.h"
#include "game/ram_map.h"

namespace sinv {
namespace {

using Rows = std::vector<FeatureRow>;

void add(Rows& rows, std::string name, float low, float high, std::string source, std::string meaning) {
  rows.push_back({std::move(name), low, high, std::move(source), std::move(meaning)});
}

std::string at_index(const std::string& name, int i) { return name + "[" + std::to_string(i) + "]"; }

void add_predecessor(Rows& rows, bool shields) {
  add(rows, "saucer_x", -1, 1, "$208A", "byte / 255");
  for (const auto& [name, y] : {std::pair{"rolling", "$203D"}, {"squiggly", "$205D"}, {"plunger", "$204D"}}) {
    add(rows, std::string(name) + "_y", -1, 1, y, "byte / 255; 0 when the shot is free");
    add(rows, std::string(name) + "_x", -1, 1, std::string(y) + " + 1", "byte / 255; 0 when the shot is free");
  }
  add(rows, "alien_count", -1, 1, "$2100-$2136", "live aliens / 55");
  add(rows, "player_x", -1, 1, "$201B", "byte / 255");
  add(rows, "shot_x", -1, 1, "$202A", "byte / 255; stale when no shot flies");
  add(rows, "shot_y", -1, 1, "$2029", "byte / 255; stale when no shot flies");
  add(rows, "shot_in_flight", -1, 1, "$2025", "status 1 or 2");
  add(rows, "ships_in_reserve", -1, 1, "$21FF", "at most 3, / 3");
  for (const char* what : {"mean", "min", "max"}) {
    add(rows, std::string(what) + "_column", -1, 1, "$2100-$2136", "of the live aliens / 10");
    add(rows, std::string(what) + "_row", -1, 1, "$2100-$2136", "of the live aliens / 4, 0 is the lowest row");
  }
  for (int c = 0; c < kColumns; ++c)
    add(rows, at_index("column_live", c), -1, 1, "$2100-$2136", "live share of the column");
  add(rows, "reference_x", -1, 1, "$200A", "byte / 255");
  add(rows, "reference_y", -1, 1, "$2009", "byte / 255");
  if (!shields) return;
  for (int s = 0; s < kShieldCount; ++s)
    add(rows, at_index("shield", s), -1, 1, "picture", "lit share of 22 x 16 pixels");
}

void add_rack(Rows& rows) {
  for (int i = 0; i < kAliensInRack; ++i) {
    add(rows, at_index("alien", i), 0, 1, "$2100 + i", "alive; i = row * 11 + column, from the lower left");
  }
  add(rows, "reference_x", -1, 1, "$200A", "(X - 32) / 224; negative left of the screen");
  add(rows, "reference_y", -1, 1, "$2009", "Y / 256; $E0 and above count as negative");
  add(rows, "direction", -1, 1, "$2008", "-1 left, 1 right");
  add(rows, "step_dx", -1, 1, "$2008", "pixels per rack step / 3");
  add(rows, "drop_pending", 0, 1, "$2007", "the next step goes 8 down");
  add(rows, "step_progress", 0, 1, "$2006, $2000", "share of the live aliens already moved in this step");
  add(rows, "alien_count", 0, 1, "$2100-$2136", "live / 55");
  add(rows, "alien_count_log", 0, 1, "$2100-$2136", "log(1 + live) / log 56");
  add(rows, "rack_velocity", -1, 1, "$2008, $2100-$2136", "step_dx / live aliens: pixels per frame / 3");
  for (const char* bucket : {"0-1", "2-3", "4-7", "8-15", "16-31", "32-55"}) {
    add(rows, std::string("alive_") + bucket, 0, 1, "$2100-$2136", "this many aliens live");
  }
  add(rows, "height_above_landing", -1, 1, "$2009, $2100-$2136",
      "(Y of the lowest live row - 40) / 160; 1 without aliens");
  add(rows, "gap_left", -1, 1, "$200A, $2100-$2136", "from the leftmost alien to the turning edge / 224");
  add(rows, "gap_right", -1, 1, "$200A, $2100-$2136", "from the rightmost alien to the turning edge / 224");
  for (int c = 0; c < kColumns; ++c) {
    add(rows, at_index("column_y", c), -1, 1, "$2009, $2100-$2136", "Y of its lowest live alien / 208; 0 when empty");
  }
}

void add_player(Rows& rows) {
  add(rows, "player_x", -1, 1, "$201B", "left wall -1, right wall 1");
  add(rows, "player_velocity", -1, 1, "history", "pixels since the last observation / 8");
  add(rows, "controllable", 0, 1, "$20EF, $20E9, $2015, $2010-11", "the gun obeys");
  add(rows, "shot_live", 0, 1, "$2025", "requested or flying");
  add(rows, "shot_from_gun", -1, 1, "$202A, $201B", "X of the shot - X of the gun, / 112; 0 without a shot");
  add(rows, "shot_x", -1, 1, "$202A", "(X - 32) / 224; 0 without a shot");
  add(rows, "shot_y", 0, 1, "$2029", "Y / 216; 0 without a shot");
  add(rows, "shot_will_hit", 0, 1, "derived", "the flying shot meets the lowest alien of some column");
  add(rows, "shot_exploding", 0, 1, "$2025", "missed or hit a shield or a shot");
  add(rows, "shot_hit", 0, 1, "$2025", "hit an alien or the saucer; the slot is still busy");
  add(rows, "gun_ready", 0, 1, "$2025, $202D", "a press of fire shoots");
  add(rows, "gun_wait", 0, 1, "$2025, $2026, $2003, $2029", "frames until the slot is free, at most, / 64");
}

void add_alien_shots(Rows& rows) {
  for (const auto& [kind, base] : {std::pair{"rolling", "$2030"}, {"plunger", "$2040"}, {"squiggly", "$2050"}}) {
    const std::string name = kind;
    const std::string source = std::string(base) + " +5, +D, +E";
    add(rows, name + "_live", 0, 1, source, "in flight");
    add(rows, name + "_exploding", 0, 1, source, "");
    add(rows, name + "_x", -1, 1, source, "(X - 32) / 224; 0 when not in flight, like the next four");
    add(rows, name + "_y", 0, 1, source, "Y / 224");
    add(rows, name + "_from_gun", -1, 1, source, "its middle - X of the gun, / 112");
    add(rows, name + "_from_gun_near", -1, 1, source, "the same / 16, cut off");
    add(rows, name + "_height", -1, 1, source, "above the player's top, / 192");
    add(rows, name + "_soon", 0, 1, source, "1 - frames until it is as low as the player / 128; 0 when it cannot kill");
    add(rows, name + "_on_player", 0, 1, source, "it can kill and comes down on the player's columns");
  }
  add(rows, "alien_shots_fast", 0, 1, "$207E", "5 pixels per move instead of 4");
  for (int i = 0; i < 16; ++i) {
    add(rows, at_index("danger", i), -1, 1, "derived",
        "how soon a shot lands on the player moved by " + std::to_string(4 * i - 30) + " px; -1 beyond a wall");
  }
}

void add_saucer(Rows& rows) {
  add(rows, "saucer_live", 0, 1, "$2084, $2085", "flies");
  add(rows, "saucer_hit", 0, 1, "$2085", "");
  add(rows, "saucer_x", -1, 1, "$208A", "(X - 32) / 224; 0 when it does not fly, like the next four");
  add(rows, "saucer_dx", -1, 1, "$208C", "pixels per 3 frames / 2");
  add(rows, "saucer_aim", -1, 1, "derived", "from the gun to where a shot fired now would meet it / 112");
  add(rows, "saucer_aim_near", -1, 1, "derived", "the same / 16, cut off");
  add(rows, "saucer_aim_hits", 0, 1, "derived", "a shot fired now would hit it");
  add(rows, "saucer_value", 0, 1, "history",
      "points for the saucer if the next shot to end hits it / 300, by counting shots");
}

void add_shields(Rows& rows) {
  for (int i = 0; i < kShieldCount * kShieldColumns / 2; ++i) {
    add(rows, at_index("shield", i), 0, 1, "picture",
        "lit share of columns " + std::to_string(i % 11 * 2) + "-" + std::to_string(i % 11 * 2 + 1) + " of shield " +
            std::to_string(i / 11));
  }
  for (const char* half : {"low", "high"}) {
    for (int i = 0; i < 12; ++i) {
      add(rows, at_index(std::string("over_gun_") + half, i), 0, 1, "picture, $201B",
          "lit share of 8 shield rows, " + std::to_string(i - 6) + " px beside the gun");
    }
  }
}

void add_state(Rows& rows) {
  add(rows, "rack_frozen", 0, 1, "$2002, $2068", "an explosion holds the rack");
  add(rows, "ships_in_reserve", 0, 1, "$21FF", "/ 6");
  add(rows, "last_ship", 0, 1, "$21FF", "none in reserve");
  add(rows, "rack_number", 0, 1, "$21FE", "/ 8; says how low the rack began");
  add(rows, "rack_cleared", 0, 1, "$2100-$2136", "no alien lives");
}

void add_aims(Rows& rows) {
  for (int c = 0; c < kColumns; ++c) {
    add(rows, at_index("aim", c), -1, 1, "derived",
        "from the gun to where a shot fired now would meet the column's lowest alien / 64; 0 when empty");
  }
  add(rows, "aim_hits", 0, 1, "derived", "a shot fired now would hit an alien (shields not looked at)");
  add(rows, "aim_points", 0, 1, "derived", "its points / 30");
  add(rows, "aim_nearest", -1, 1, "derived", "the nearest of the aims / 32");
  add(rows, "aim_nearest_fine", -1, 1, "derived", "the same / 8, cut off");
  add(rows, "aim_left_near", 0, 1, "derived", "1 - distance to the nearest aim at or left of the gun / 64");
  add(rows, "aim_right_near", 0, 1, "derived", "1 - distance to the nearest aim at or right of the gun / 64");
  add(rows, "aim_flight", 0, 1, "derived", "frames until a shot at the nearest aim arrives / 48");
  add(rows, "gun_blocked", 0, 1, "picture, $201B", "lit share of the shield column over the gun");
}

void add_hidden(Rows& rows) {
  add(rows, "alien_fire_enabled", 0, 1, "$2069", "");
  add(rows, "alien_fire_delay", 0, 1, "$206A", "frames / 48");
  add(rows, "reload", 0, 1, "$20CF", "moves between alien shots / 48");
  for (const char* kind : {"rolling", "plunger", "squiggly"}) {
    add(rows, std::string(kind) + "_moves", 0, 1, "record +6", "since it was fired / 64");
  }
  add(rows, "saucer_timer", 0, 1, "$2091-92", "frames / 1536");
  add(rows, "saucer_soon", 0, 1, "$2091-92", "1 - frames / 128");
  add(rows, "saucer_from_right", 0, 1, "$208C", "the next pass, while none flies");
  add(rows, "shots_ended", 0, 1, "$208F", "of the rack, modulo 15, / 14");
  for (int i = 0; i < 6; ++i) add(rows, at_index("unused", i), 0, 0, "none", "fills up to a multiple of 16");
}

}  // namespace

std::vector<FeatureRow> feature_table(FeatureSet set) {
  Rows rows;
  if (set == FeatureSet::kPredecessor32 || set == FeatureSet::kPredecessor36) {
    add_predecessor(rows, set == FeatureSet::kPredecessor36);
    return rows;
  }
  add_rack(rows);
  add_player(rows);
  add_alien_shots(rows);
  add_saucer(rows);
  add_shields(rows);
  add_state(rows);
  add_aims(rows);
  if (set == FeatureSet::kRich1Hidden) add_hidden(rows);
  return rows;
}

}  // namespace sinv
