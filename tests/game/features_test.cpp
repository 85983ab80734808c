#include "game/features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/error.h"
#include "base/random.h"
#include "game/aim.h"
#include "game/ram_map.h"

namespace sinv {
namespace {

using testing::HasSubstr;

std::uint8_t& at_of(Ram& ram, int address) { return ram[static_cast<std::size_t>(address) - kRamAddress]; }

// The RAM right after the start of a game (hardware reference, section 14), with full shields.
Ram fresh_game() {
  Ram ram{};
  for (int i = 0; i < 55; ++i) at_of(ram, 0x2100 + i) = 1;
  at_of(ram, 0x2000) = 1;
  at_of(ram, 0x2008) = 2;
  at_of(ram, 0x2009) = 0x78;
  at_of(ram, 0x200A) = 0x38;
  at_of(ram, 0x2015) = 0xFF;
  at_of(ram, 0x201B) = 0x30;
  at_of(ram, 0x2029) = 0x28;
  at_of(ram, 0x202A) = 0x30;
  at_of(ram, 0x2067) = 0x21;
  at_of(ram, 0x2068) = 1;
  at_of(ram, 0x207E) = 0xFC;
  at_of(ram, 0x2082) = 55;
  at_of(ram, 0x208A) = 0x29;
  at_of(ram, 0x208C) = 2;
  at_of(ram, 0x20E7) = at_of(ram, 0x20E9) = at_of(ram, 0x20EF) = 1;
  at_of(ram, 0x21FF) = 2;
  for (int shield = 0; shield < 4; ++shield) {
    for (int c = 0; c < 22; ++c) {
      at_of(ram, 0x2806 + shield * 0x5A0 + 32 * c) = 0xFF;
      at_of(ram, 0x2807 + shield * 0x5A0 + 32 * c) = 0xFF;
    }
  }
  return ram;
}

std::vector<float> values(FeatureSet set, const Ram& ram, const FeatureMemory& memory = {}) {
  std::vector<float> out(feature_count(set));
  compute_features(set, ram, memory, out);
  return out;
}

std::map<std::string, float> named(FeatureSet set, const Ram& ram, const FeatureMemory& memory = {}) {
  const std::vector<float> row = values(set, ram, memory);
  const std::vector<FeatureRow> table = feature_table(set);
  std::map<std::string, float> out;
  for (std::size_t i = 0; i < row.size(); ++i) out[table[i].name] = row[i];
  return out;
}

constexpr std::array kSets{FeatureSet::kPredecessor32, FeatureSet::kPredecessor36, FeatureSet::kRich1,
                           FeatureSet::kRich1Hidden};

TEST(Features, EveryVersionHasATableOfUniqueNamesAsLongAsItsVector) {
  const std::map<FeatureSet, std::size_t> counts{{FeatureSet::kPredecessor32, 32},
                                                 {FeatureSet::kPredecessor36, 36},
                                                 {FeatureSet::kRich1, 240},
                                                 {FeatureSet::kRich1Hidden, 256}};
  for (const FeatureSet set : kSets) {
    EXPECT_EQ(feature_count(set), counts.at(set));
    const std::vector<FeatureRow> table = feature_table(set);
    EXPECT_EQ(table.size(), counts.at(set)) << feature_set_name(set);
    std::set<std::string> names;
    for (const FeatureRow& row : table) EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(feature_set_of(feature_set_name(set)), set);
  }
}

TEST(Features, AnUnknownVersionAndAWrongRoomAreRefused) {
  try {
    feature_set_of("rich-2");
    FAIL();
  } catch (const UserError& error) {
    EXPECT_THAT(error.what(),
                HasSubstr("env.features \"rich-2\" is not known; known: predecessor-32, predecessor-36, rich-1"));
  }
  std::vector<float> room(31);
  try {
    compute_features(FeatureSet::kPredecessor32, Ram{}, {}, room);
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("compute_features: room for 31 values, predecessor-32 has 32"));
  }
}

// Any RAM at all, not only what the game can show; guards stand around the vector.
TEST(Features, EveryValueStaysInItsStatedRangeForAnyRam) {
  Random random(1, 0);
  for (int round = 0; round < 300; ++round) {
    Ram ram;
    for (std::uint8_t& byte : ram) byte = static_cast<std::uint8_t>(random.bits());
    if (round % 2 == 0) {
      for (int i = 0; i < 55; ++i) at_of(ram, 0x2100 + i) &= 1;
      at_of(ram, 0x2025) = static_cast<std::uint8_t>(random.below(6));
    }
    FeatureMemory memory;
    memory.player_x = static_cast<std::uint8_t>(random.bits());
    memory.shots_ended = random.bits();
    for (const FeatureSet set : kSets) {
      const std::size_t n = feature_count(set);
      std::vector<float> guarded(n + 2, 77.0F);
      compute_features(set, ram, memory, std::span(guarded).subspan(1, n));
      ASSERT_EQ(guarded.front(), 77.0F);
      ASSERT_EQ(guarded.back(), 77.0F);
      const std::vector<FeatureRow> table = feature_table(set);
      for (std::size_t i = 0; i < n; ++i) {
        ASSERT_GE(guarded[i + 1], table[i].low) << table[i].name;
        ASSERT_LE(guarded[i + 1], table[i].high) << table[i].name;
      }
    }
  }
}

// Worked out by hand from the predecessor's list: each value to [0, 1], then to [-1, 1].
TEST(Features, PredecessorVectorIsItsList) {
  Ram ram = fresh_game();
  at_of(ram, 0x208A) = 51;
  at_of(ram, 0x203D) = 102;  // rolling y
  at_of(ram, 0x203E) = 153;
  at_of(ram, 0x205D) = 204;  // squiggly
  at_of(ram, 0x205E) = 255;
  at_of(ram, 0x204D) = 0;  // plunger
  at_of(ram, 0x204E) = 51;
  at_of(ram, 0x201B) = 102;
  at_of(ram, 0x202A) = 153;
  at_of(ram, 0x2029) = 204;
  at_of(ram, 0x2025) = 2;
  at_of(ram, 0x21FF) = 2;
  at_of(ram, 0x200A) = 51;
  at_of(ram, 0x2009) = 102;
  for (int i = 0; i < 55; ++i) at_of(ram, 0x2100 + i) = 0;
  for (const int i : {1 * 11 + 2, 1 * 11 + 7, 3 * 11 + 6}) at_of(ram, 0x2100 + i) = 1;
  for (int c = 0; c < 22; ++c) at_of(ram, 0x2806 + 0x5A0 + 32 * c) = 0;  // half of the second shield
  const std::vector<float> row = values(FeatureSet::kPredecessor36, ram);
  const std::vector<float> expected{-0.6F,  // saucer x
                                    -0.2F,
                                    0.2F,
                                    0.6F,
                                    1.0F,
                                    -1.0F,
                                    -0.6F,              // rolling, squiggly, plunger: y, x
                                    2.0F * 3 / 55 - 1,  // alien count
                                    -0.2F,
                                    0.2F,
                                    0.6F,
                                    1.0F,
                                    2.0F * 2 / 3 - 1,  // player x, shot x, shot y, in flight, reserve
                                    0.0F,
                                    2.0F * 5 / 12 - 1,
                                    -0.6F,
                                    -0.5F,
                                    0.4F,
                                    0.5F,  // mean, min, max: column, row
                                    -1,
                                    -1,
                                    -0.6F,
                                    -1,
                                    -1,
                                    -1,
                                    -0.6F,
                                    -0.6F,
                                    -1,
                                    -1,
                                    -1,  // live share of the columns
                                    -0.6F,
                                    -0.2F,  // reference x, y
                                    1.0F,
                                    0.0F,
                                    1.0F,
                                    1.0F};
  ASSERT_EQ(row.size(), expected.size());
  for (std::size_t i = 0; i < row.size(); ++i) EXPECT_NEAR(row[i], expected[i], 1e-6F) << i;
  const std::vector<float> shorter = values(FeatureSet::kPredecessor32, ram);
  EXPECT_TRUE(std::equal(shorter.begin(), shorter.end(), row.begin()));
}

TEST(Features, RichRackValuesFollowTheRam) {
  Ram ram = fresh_game();
  auto f = named(FeatureSet::kRich1, ram);
  EXPECT_FLOAT_EQ(f["reference_x"], 24.0F / 224);
  EXPECT_FLOAT_EQ(f["reference_y"], 120.0F / 256);
  EXPECT_EQ(f["direction"], 1.0F);
  EXPECT_FLOAT_EQ(f["step_dx"], 2.0F / 3);
  EXPECT_EQ(f["alive_32-55"], 1.0F);
  EXPECT_EQ(f["alive_16-31"], 0.0F);
  EXPECT_FLOAT_EQ(f["alien_count_log"], 1.0F);
  EXPECT_FLOAT_EQ(f["height_above_landing"], 80.0F / 160);
  EXPECT_FLOAT_EQ(f["gap_right"], static_cast<float>(0xF5 - (0x38 + 160 + 13)) / 224);
  EXPECT_EQ(f["step_progress"], 0.0F);
  EXPECT_EQ(f["ships_in_reserve"], 2.0F / 6);
  EXPECT_EQ(f["gun_ready"], 1.0F);
  EXPECT_EQ(f["controllable"], 1.0F);
  for (int i = 0; i < 55; ++i) EXPECT_EQ(f["alien[" + std::to_string(i) + "]"], 1.0F);

  at_of(ram, 0x2100 + 13) = 0;
  for (int c = 0; c < 11; ++c) at_of(ram, 0x2100 + c) = 0;
  at_of(ram, 0x2008) = 0xFE;
  at_of(ram, 0x2007) = 0xF8;
  at_of(ram, 0x2006) = 22;
  at_of(ram, 0x2000) = 0;
  f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["alien[13]"], 0.0F);
  EXPECT_EQ(f["alien[14]"], 1.0F);
  EXPECT_FLOAT_EQ(f["column_y[2]"], (120.0F + 32) / 208);
  EXPECT_FLOAT_EQ(f["column_y[3]"], (120.0F + 16) / 208);
  EXPECT_FLOAT_EQ(f["height_above_landing"], 96.0F / 160);
  EXPECT_EQ(f["direction"], -1.0F);
  EXPECT_EQ(f["drop_pending"], 1.0F);
  EXPECT_FLOAT_EQ(f["step_progress"], 11.0F / 43);  // 10 of row 1 and the one under the cursor
}

TEST(Features, AlienShotsAreSeenFromTheGun) {
  Ram ram = fresh_game();
  at_of(ram, 0x201B) = 100;
  at_of(ram, 0x2045) = 0x80;
  at_of(ram, 0x204D) = 0x27 + 40;
  at_of(ram, 0x204E) = 100 + 8 - 1 + 5;
  auto f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["plunger_live"], 1.0F);
  EXPECT_EQ(f["rolling_live"], 0.0F);
  EXPECT_FLOAT_EQ(f["plunger_from_gun"], 5.0F / 112);
  EXPECT_FLOAT_EQ(f["plunger_from_gun_near"], 5.0F / 16);
  EXPECT_EQ(f["plunger_on_player"], 1.0F);
  // 40 px above row $27 at 4 px per move: below it after 11 moves of 3 frames.
  EXPECT_FLOAT_EQ(f["plunger_soon"], 1.0F - 33.0F / 128);
  EXPECT_GT(f["danger[8]"], 0.0F);   // 2 px right
  EXPECT_GT(f["danger[10]"], 0.0F);  // 10 px right: the shot is 5 left of there
  EXPECT_EQ(f["danger[11]"], 0.0F);  // 14 px right: 9 left
  EXPECT_EQ(f["danger[6]"], 0.0F);   // 6 px left: 11 right
  at_of(ram, 0x204D) = 0x1D;         // too low to kill
  f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["plunger_live"], 1.0F);
  EXPECT_EQ(f["plunger_on_player"], 0.0F);
  at_of(ram, 0x2045) = 0x81;
  f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["plunger_live"], 0.0F);
  EXPECT_EQ(f["plunger_exploding"], 1.0F);
  at_of(ram, 0x201B) = 0x30;
  EXPECT_EQ(named(FeatureSet::kRich1, ram)["danger[0]"], -1.0F);
}

TEST(Features, ShieldsAreSeenAsTheyErode) {
  Ram ram = fresh_game();
  auto f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["shield[0]"], 1.0F);
  EXPECT_EQ(f["shield[43]"], 1.0F);
  at_of(ram, 0x2806 + 2 * 0x5A0 + 32 * 7) = 0x0F;  // shield 2, column 7, lower half
  f = named(FeatureSet::kRich1, ram);
  EXPECT_FLOAT_EQ(f["shield[" + std::to_string(2 * 11 + 3) + "]"], 28.0F / 32);
  EXPECT_EQ(f["shield[" + std::to_string(2 * 11 + 4) + "]"], 1.0F);
  // Shield 2 begins at X $9A; the gun under its column 7.
  at_of(ram, 0x201B) = 0x9A + 7 - 8;
  f = named(FeatureSet::kRich1, ram);
  EXPECT_FLOAT_EQ(f["over_gun_low[6]"], 0.5F);
  EXPECT_FLOAT_EQ(f["over_gun_high[6]"], 1.0F);
  EXPECT_FLOAT_EQ(f["gun_blocked"], 0.75F);
  at_of(ram, 0x201B) = 0x30;  // left of all shields
  f = named(FeatureSet::kRich1, ram);
  EXPECT_EQ(f["gun_blocked"], 0.0F);
  EXPECT_EQ(f["over_gun_low[0]"], 0.0F);
}

TEST(Features, MemoryCountsShotsOfTheRackAndSaysWhatTheSaucerIsWorth) {
  // Source: 8th shot 300, 4th and 13th 150, 1st, 2nd, 7th, 12th 50, others 100, of every 15.
  const std::array<int, 15> worth{50, 50, 100, 150, 100, 100, 50, 300, 100, 100, 100, 50, 150, 100, 100};
  Ram ram = fresh_game();
  FeatureMemory memory;
  memory.begin(ram);
  for (int shot = 0; shot < 40; ++shot) {
    EXPECT_FLOAT_EQ(named(FeatureSet::kRich1, ram, memory)["saucer_value"],
                    static_cast<float>(worth[static_cast<std::size_t>(shot % 15)]) / 300.0F)
        << shot;
    for (const int status : {1, 2, 2, 3, 3, 0, 0}) {
      at_of(ram, 0x2025) = static_cast<std::uint8_t>(status);
      memory.frame(ram);
    }
  }
  EXPECT_EQ(memory.shots_ended, 40U);
  at_of(ram, 0x21FE) = 1;
  memory.frame(ram);
  EXPECT_EQ(memory.shots_ended, 0U);
}

TEST(Features, PlayerVelocityIsTheWaySinceTheLastObservation) {
  Ram ram = fresh_game();
  FeatureMemory memory;
  memory.begin(ram);
  memory.observed(ram);
  at_of(ram, 0x201B) = 0x30 + 3;
  EXPECT_FLOAT_EQ(named(FeatureSet::kRich1, ram, memory)["player_velocity"], 3.0F / 8);
  memory.observed(ram);
  EXPECT_EQ(named(FeatureSet::kRich1, ram, memory)["player_velocity"], 0.0F);
}

TEST(Features, HiddenFieldsChangeOnlyTheirOwnValues) {
  const Ram ram = fresh_game();
  const std::vector<float> before = values(FeatureSet::kRich1Hidden, ram);
  for (const int address : {0x2069, 0x206A, 0x20CF, 0x2036, 0x2046, 0x2056, 0x2091, 0x2092, 0x208F}) {
    Ram changed = ram;
    at_of(changed, address) = 5;
    EXPECT_EQ(values(FeatureSet::kRich1, changed), values(FeatureSet::kRich1, ram)) << std::hex << address;
    EXPECT_NE(values(FeatureSet::kRich1Hidden, changed), before) << std::hex << address;
  }
}

// Oracle: the rack played frame by frame: the cursor draws one live alien a frame, the step begins anew when it has
// passed all, and turns (with a drop) when a pixel has reached an edge.
struct PlayedRack {
  std::array<bool, 55> alive{};
  std::array<int, 55> x{};
  std::array<int, 55> y{};
  int ref_x = 0;
  int ref_y = 0;
  int dx = 2;
  int cursor = 0;  // next to draw

  void frame() {
    int guard = 0;
    while (!alive[static_cast<std::size_t>(cursor)]) {
      next();
      if (++guard > 60) return;
    }
    const auto i = static_cast<std::size_t>(cursor);
    x[i] = ref_x + 16 * (cursor % 11);
    y[i] = ref_y + 16 * (cursor / 11);
    next();
  }
  void next() {
    if (++cursor < 55) return;
    cursor = 0;
    bool turn = false;
    for (std::size_t i = 0; i < 55; ++i) {
      if (!alive[i]) continue;
      turn = turn || (dx > 0 ? x[i] + 13 >= 0xF5 : x[i] + 2 <= 0x29);
    }
    if (turn) {
      dx = -dx;
      ref_y -= 8;
    }
    ref_x += dx;
  }
};

TEST(Aim, AliensAreForeseenWhereTheRackMovesThem) {
  Random random(11, 0);
  int compared = 0;
  for (int round = 0; round < 400; ++round) {
    PlayedRack played;
    played.ref_x = 0x38 + static_cast<int>(random.below(10)) * 2;
    played.ref_y = 0x78;
    const std::uint32_t density = 1 + random.below(6);
    for (std::size_t i = 0; i < 55; ++i) {
      played.alive[i] = random.below(6) < density;
      played.x[i] = played.ref_x + 16 * static_cast<int>(i % 11);
      played.y[i] = played.ref_y + 16 * static_cast<int>(i / 11);
    }
    played.alive[random.below(55)] = true;
    played.ref_x += 2;  // the step has begun, none is drawn yet
    for (std::uint32_t i = random.below(300); i > 0; --i) played.frame();

    Ram ram = fresh_game();
    for (int i = 0; i < 55; ++i) at_of(ram, 0x2100 + i) = played.alive[static_cast<std::size_t>(i)] ? 1 : 0;
    at_of(ram, 0x2009) = static_cast<std::uint8_t>(played.ref_y);
    at_of(ram, 0x200A) = static_cast<std::uint8_t>(played.ref_x);
    at_of(ram, 0x2008) = static_cast<std::uint8_t>(played.dx);
    at_of(ram, 0x2006) = static_cast<std::uint8_t>(played.cursor);
    at_of(ram, 0x2000) = 1;  // the one under the cursor is still to be drawn
    const Rack rack = read_rack(ram);
    // One turn at most is foreseen; with fewer than 5 aliens, two may fall into 44 frames.
    if (rack.count < 5) continue;
    const int frames = 1 + static_cast<int>(random.below(44));
    const int dx_now = played.dx;
    PlayedRack future = played;
    for (int f = 0; f < frames; ++f) future.frame();
    for (int i = 0; i < 55; ++i) {
      const auto at = static_cast<std::size_t>(i);
      if (!played.alive[at]) continue;
      const Place place = alien_place(rack, i / 11, i % 11, frames);
      // Exact while the rack goes on; around a turn within one step of it.
      const int bound = future.dx == dx_now ? 0 : 4;
      EXPECT_LE(std::abs(place.x - future.x[at]), bound) << "alien " << i << " of " << rack.count << " in " << frames;
      EXPECT_LE(std::abs(place.y - future.y[at]), future.dx == dx_now ? 8 : 8);
      ++compared;
    }
  }
  EXPECT_GT(compared, 5000);
}

TEST(Aim, AnExplosionHoldsTheRack) {
  Ram ram = fresh_game();
  at_of(ram, 0x2002) = 1;
  at_of(ram, 0x2003) = 16;
  const Rack rack = read_rack(ram);
  EXPECT_EQ(alien_place(rack, 0, 0, 16).x, alien_place(rack, 0, 0, 0).x);
  EXPECT_EQ(alien_place(rack, 0, 0, 17).x, alien_place(rack, 0, 0, 0).x + 2);
}

TEST(Aim, LiveInCountsElevenBits) {
  for (std::uint32_t bits = 0; bits < 2048; ++bits) EXPECT_EQ(live_in(bits), __builtin_popcount(bits));
}

}  // namespace
}  // namespace sinv
